"""Figures of cases: shares with what is left out, how sure they are, and offices beside each other without a rank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue, display
from cityloom.cases.display import said, word
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.figures import funnel
from cityloom.cases.domain.figures.funnel import LEAST_CASES, Point
from cityloom.cases.domain.figures.tally import Group, Rate
from cityloom.cases.figures import counting, telling
from cityloom.cases.figures.counting import CaseFigures, Scope, Span
from cityloom.cases.figures.words import DIMENSIONS, FORMULAS, LABELS, OUTSIDE
from cityloom.cases.listing import some
from cityloom.cases.views.asking import actor, as_csv
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.charts import NARROW, WIDE
from cityloom.ui.middleware import status_of
from cityloom.ui.words import sentence_of

_COMPARED = ("response", "resolution", "satisfaction", "repeats")


@dataclass(frozen=True)
class _Asked:
    """What somebody asks for, read and allowed."""

    casetype: CaseType
    scope: Scope
    span: Span
    by: str
    compared: str


@require_safe
def figures(request: HttpRequest) -> HttpResponse:
    """The page, or the same as a file."""
    by, at = actor(request), clock.now()
    try:
        asked = _asked(request, by)
        found = counting.figures_of(asked.scope, asked.span, at)
    except Refused as refusal:
        return render(request, "cases/figures.html", {"refusal": sentence_of(refusal), "types": _types(by)},
                      status=status_of(refusal))  # fmt: skip
    names = _names(asked, found)
    if request.GET.get("as") == "csv":
        return as_csv("case-figures.csv", telling.as_rows(found, asked.by))
    if request.GET.get("as") == "json":
        return JsonResponse(telling.as_json(found, asked.by), json_dumps_params={"ensure_ascii": False})
    return render(request, "cases/figures.html", _page(request, by, asked, found, names))


@require_safe
def counted(request: HttpRequest) -> HttpResponse:
    """The cases behind a number, for those who may see them."""
    by, at = actor(request), clock.now()
    asked = _asked(request, by)
    formula, label = request.GET.get("formula", "")[:20], request.GET.get("label", "")[:20]
    numbers = counting.numbers_in(asked.scope, asked.span, formula, label, at, by=asked.by,
                                  name=request.GET.get("name", "")[:80])  # fmt: skip
    rows = [(row, said(asked.casetype.states[row.state].title), _kind(asked.casetype, row.category))
            for row in some.rows_of(numbers) if row.state in asked.casetype.states]  # fmt: skip
    return render(request, "cases/counted.html", {
        "rows": rows, "formula": _(FORMULAS[formula][0]), "label": _(LABELS[label]), "most": len(numbers) >= 200,
    })  # fmt: skip


def _asked(request: HttpRequest, by: Actor) -> _Asked:
    types = _types(by)
    name = request.GET.get("type", "") or ("request" if any(key == "request" for key, _ in types) else "")
    name = name or (types[0][0] if types else "request")
    scope = counting.scope_for(by, name[:40], request.GET.get("unit", "")[:80])
    span = counting.span_of(request.GET.get("since", ""), request.GET.get("until", ""), clock.now())
    chosen, compared = request.GET.get("by", "unit"), request.GET.get("compared", "resolution")
    if chosen not in DIMENSIONS or compared not in FORMULAS:
        raise Refused("cases.no_figure", "There is no such figure as {value}; there is: {limit}.",
                      value=f"{chosen} {compared}"[:40], limit=", ".join([*DIMENSIONS, *FORMULAS]))  # fmt: skip
    return _Asked(catalogue.newest(name), scope, span, chosen, compared)


def _types(by: Actor) -> list[tuple[str, str]]:
    """Types whose cases somebody may see in a list; disputes have figures of their own."""
    found = map(catalogue.newest, catalogue.names())
    return [(one.name, said(one.title)) for one in found if one.access.seen_by & by.roles and not one.is_mediated]


def _page(request: HttpRequest, by: Actor, asked: _Asked, found: CaseFigures, names: dict[str, str]) -> dict[str, Any]:
    query = request.GET.copy()
    query.pop("as", None)
    whole, of = found.whole, found.whole.rates["resolution"].of
    rows = [_row(one, names) for one in found.by[asked.by]]
    return {
        "found": found, "whole": whole, "types": _types(by), "type": asked.casetype.name, "asked": asked,
        "units": [(key, name) for key, name in accounts.units() if key == by.unit or key.startswith(f"{by.unit}/")],
        "dimensions": _labels(DIMENSIONS), "formulas": [(key, _(FORMULAS[key][0])) for key in _COMPARED],
        "rates": [_rate(key, whole.rates[key]) for key in FORMULAS], "honest": _ends(whole.solved.honest(of)),
        "left_out": _left_out(whole), "rows": sorted(rows, key=lambda row: row["name"]),
        "by_label": _(DIMENSIONS[asked.by]), "query": query.urlencode(), "funnel": _funnel(asked, found, names),
        "last_day": counting.last_day(asked.span),
    }  # fmt: skip


def _names(asked: _Asked, found: CaseFigures) -> dict[str, str]:
    keys = [one.name for one in found.by[asked.by]]
    if asked.by == "unit":
        known = accounts.unit_names_of(set(keys))
        return {key: known.get(key, key) for key in keys}
    if asked.by == "origin":
        return {key: word(display.ORIGINS, key) for key in keys}
    return {key: _kind(asked.casetype, key) if asked.by == "category" else key for key in keys}


def _kind(casetype: CaseType, category: str) -> str:
    return said(casetype.categories[category].title) if category in casetype.categories else category or "–"


def _rate(key: str, rate: Rate) -> dict[str, Any]:
    label, definition = FORMULAS[key]
    words = _("{counted} of {of}").format(counted=f"{rate.counted:,}", of=f"{rate.of:,}")
    if interval := _percent(rate.interval):
        words = _("{words}; 95 %: {interval}").format(words=words, interval=interval)
    if silent := _percent(rate.if_silent):
        words = _("{words}; with those who did not answer: {interval}").format(words=words, interval=silent)
    note = words if rate.of else _("No case counts for it.")
    return {"label": _(label), "value": _share(rate.share), "note": note, "definition": _(definition)}


def _row(group: Group, names: dict[str, str]) -> dict[str, Any]:
    rates = [(key, _share(group.rates[key].share), _percent(group.rates[key].interval), group.rates[key])
             for key in FORMULAS]  # fmt: skip
    return {"key": group.name, "name": names.get(group.name, group.name), "one": group, "rates": rates}


def _left_out(whole: Group) -> list[dict[str, Any]]:
    """Each formula with what every case is in it; the numbers add up to all cases."""
    return [
        {"key": key, "label": _(FORMULAS[key][0]), "total": rate.total, "parts": [
            ("counted", _(LABELS["counted"]), rate.counted), ("not-counted", _(LABELS["not-counted"]),
                                                              rate.of - rate.counted),
            *((name, _(LABELS[name]), count) for name, count in rate.left_out.items() if count)]}
        for key, rate in whole.rates.items()
    ]  # fmt: skip


def _funnel(asked: _Asked, found: CaseFigures, names: dict[str, str]) -> dict[str, Any] | None:
    """Offices or kinds of matters beside each other: what lies outside what chance makes, and no rank."""
    share = found.whole.rates[asked.compared].share
    if share is None or asked.by not in ("unit", "category"):
        return None
    points = [Point(names.get(one.name, one.name), one.rates[asked.compared].counted, one.rates[asked.compared].of)
              for one in found.by[asked.by] if one.rates[asked.compared].of]  # fmt: skip
    judged = funnel.judged(points, share)
    if not judged:
        return None
    title, axis = _("{what}: each beside all").format(what=_(FORMULAS[asked.compared][0])), _("cases that count")
    drawn = [(name, _drawn(judged, share, width, title, axis)) for name, width in (("slim", NARROW), ("broad", WIDE))]
    rows = [(number, one, _share(one.point.share), _percent(one.point.interval), _(OUTSIDE[one.outside]))
            for number, one in enumerate(judged, 1)]  # fmt: skip
    return {"title": title, "drawn": drawn, "rows": rows, "least": LEAST_CASES, "share": _share(share)}


def _drawn(judged: list[funnel.Judged], share: float, width: int, title: str, axis: str) -> SafeString:
    return mark_safe(funnel.draw(judged, share, width=width, title=title, axis=axis))  # noqa: S308 - escaped there


def _labels(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(key, _(label)) for key, label in words.items()]


def _share(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _ends(bounds: tuple[float, float] | None) -> tuple[str, str] | None:
    return None if bounds is None else (_share(bounds[0]), _share(bounds[1]))


def _percent(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.1%} – {bounds[1]:.1%}"
