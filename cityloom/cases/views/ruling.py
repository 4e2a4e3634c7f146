"""Routing rules and what is found in them, in the reader's words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.accounts import queries as accounts
from cityloom.cases import queries
from cityloom.cases.display import ORIGINS, said, word
from cityloom.cases.domain.routing import categories
from cityloom.cases.domain.routing.conflicts import Findings, Gap, Overlap
from cityloom.cases.domain.routing.rules import CHANNELS, WEEK, Rule, Rules
from cityloom.cases.domain.routing.standing import standing_of
from cityloom.cases.routing.trying import Outcome

DAYS = {
    "mon": gettext_noop("Mon"), "tue": gettext_noop("Tue"), "wed": gettext_noop("Wed"), "thu": gettext_noop("Thu"),
    "fri": gettext_noop("Fri"), "sat": gettext_noop("Sat"), "sun": gettext_noop("Sun"),
}  # fmt: skip
_DECIDES = {
    "same": gettext_noop("both lead to the same unit"), "priority": gettext_noop("the priority decides"),
    "order": gettext_noop("only the order decides"),
}  # fmt: skip
_DAY = 24 * 60


def shown(found: Rules, findings: Findings) -> dict[str, Any]:
    """Rules as a table with their conflicts, and the cases that no rule fits."""
    units = accounts.unit_names_of(found.units | {one.example.area for one in findings.overlaps} - {""})
    behind = {one.rule: ", ".join(one.behind) for one in findings.idle}
    rows = [_row(rule, units, findings.overlaps, behind.get(rule.name, "")) for rule in found.rules]
    return {
        "name": found.name, "title": said(found.title | {"zh-hans": found.title.get("zh-hans", found.title["en"])}),
        "rows": rows, "gaps": [_gap(gap, found, units) for gap in findings.gaps], "looked_at": findings.combinations,
        "otherwise": units.get(found.otherwise, found.otherwise),
    }  # fmt: skip


def outcome_words(out: Outcome) -> dict[str, Any]:
    """Who would get a tried case, and why."""
    units = accounts.unit_names_of({out.unit, out.area} - {""})
    return {
        "one": out, "unit": units.get(out.unit, out.unit), "area": units.get(out.area, ""),
        "category": kind_title(out.decision.category), "kind": kind_title(out.decision.kind),
        "heard": [(kind_title(kind), _percent(sure)) for kind, sure in out.heard],
        "asked": out.decision.standing == "asked", "sure": _percent(out.decision.sure) if out.decision.sure else "",
    }  # fmt: skip


def kind_title(kind: str, casetype: str = "request") -> str:
    """What a kind of case is called: one of a type's categories, or one of the city's of any level."""
    known = queries.newest_casetype(casetype).categories.get(kind)
    if known:
        return said(known.title)
    return said(categories.titles().get(kind)) or kind


def categories_of(casetype: str) -> list[tuple[str, str]]:
    """The categories of a type with their titles."""
    return [(one.name, said(one.title)) for one in queries.newest_casetype(casetype).categories.values()]


def channels() -> list[tuple[str, str]]:
    """The ways that cases come, in words."""
    return [(one, word(ORIGINS, one)) for one in CHANNELS]


def _row(rule: Rule, units: Mapping[str, str], overlaps: Iterable[Overlap], behind: str) -> dict[str, Any]:
    mine = [one for one in overlaps if rule.name in (one.first, one.second)]
    return {
        "name": rule.name, "unit": units.get(rule.unit, rule.unit), "priority": rule.priority, "behind": behind,
        "when": list(_conditions(rule, units)),
        "overlaps": [{"other": one.second if one.first == rule.name else one.first, "how": _(_DECIDES[one.by]),
                      "is_open": one.by == "order", "example": _example(one, units)} for one in mine],
    }  # fmt: skip


def _conditions(rule: Rule, units: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    when = rule.said
    if keys := when.get("category"):
        yield _("Category"), _listed([kind_title(key) for key in keys])
    if areas := when.get("area"):
        yield _("Area"), _listed([units.get(one, one) for one in areas])
    if time := when.get("time"):
        days = " ".join(_(DAYS[day]) for day in time.get("days", ()))
        hours = f"{time.get('from', '00:00')}–{time.get('to', '24:00')}" if "from" in time or "to" in time else ""
        yield _("Time"), " ".join(filter(None, (days, hours)))
    if ways := when.get("channel"):
        yield _("Came by"), _listed([word(ORIGINS, one) for one in ways])
    if words := when.get("words"):
        yield _("Words"), _listed(words)


def _example(one: Overlap, units: Mapping[str, str]) -> str:
    case = one.example
    parts = [kind_title(case.category), units.get(case.area, case.area) or _("elsewhere"), _minute(case.minute),
             word(ORIGINS, case.channel), *(f"“{each}”" for each in case.words)]  # fmt: skip
    return ", ".join(parts)


def _gap(gap: Gap, found: Rules, units: Mapping[str, str]) -> dict[str, Any]:
    is_everywhere = len(gap.areas) > 1 or not any(rule.areas for rule in found.rules)
    whole = gap.spans == ((0, WEEK),)
    return {
        "kinds": _listed(sorted(kind_title(kind) for kind in gap.categories)), "count": len(gap.categories),
        "areas": "" if is_everywhere and "" in gap.areas else _listed([units.get(one, one) or _("elsewhere")
                                                                      for one in gap.areas]),
        "times": "" if whole else _listed([f"{_minute(begin)} – {_minute(end % WEEK)}" for begin, end in gap.spans]),
        "channels": "" if len(gap.channels) == len(CHANNELS) else _listed([word(ORIGINS, o) for o in gap.channels]),
    }  # fmt: skip


def _minute(minute: int) -> str:
    day = list(DAYS.values())[minute // _DAY % 7]
    return f"{_(day)} {minute // 60 % 24:02d}:{minute % 60:02d}"


def _listed(names: Sequence[str]) -> str:
    return _(", ").join(names)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def stands_for(casetype: str) -> dict[str, str]:
    """Which finer kinds each category of a type stands for, in words."""
    found = standing_of(casetype, queries.newest_casetype(casetype).categories)
    return {category: _listed([kind_title(kind) for kind in kinds]) for category, kinds in found.items() if kinds}
