"""One case: where it stands, what may be done and why not, what is due, what happened, where it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import shapely
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import display, queries
from cityloom.cases.approving.deciding import DECIDE
from cityloom.cases.display import said, word
from cityloom.cases.domain.casetypes import table
from cityloom.cases.domain.casetypes.casetype import CaseType, Field
from cityloom.cases.domain.casetypes.table import within
from cityloom.cases.domain.ticking import OVER
from cityloom.cases.queries import CaseFacts, EventFacts
from cityloom.cases.views import alike, consulting, decided, dispute, hearing, reporters
from cityloom.cases.views.asking import actor, type_of_row, what
from cityloom.cases.working import finding
from cityloom.cases.working.finding import Found
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.geometry import circle
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui.ground import ground_layers, with_margin
from cityloom.ui.svgmap import Layer, Words, draw
from cityloom.ui.words import sentence_of

_PAGES = {"detection": "detection", "report": "report-card", "datastream": "sensor", "incident": "incident",
          "case": "case"}  # fmt: skip
_MOST_STAFF = 100


@require_safe
def case(request: HttpRequest, case_id: str) -> HttpResponse:
    """The whole page; a unit that is only asked for an opinion is led to its task, which shows what it needs."""
    by = actor(request)
    if (task := queries.asked_task(by, case_id)) and queries.shown_to_asked(by, case_id) is not None:
        return redirect("case-task", task)
    return shown(request, case_id)


def shown(request: HttpRequest, case_id: str, status: int = 200, **more: Any) -> HttpResponse:
    """The page of a case, with a refusal on it and what was typed where there is one."""
    by, opened = actor(request), more.pop("opened", {})
    facts = queries.case_for(by, case_id)
    found, casetype = finding.found(case_id, by), type_of_row(facts)
    words = queries.words_of(case_id, by)
    context = _head(facts, casetype) | _where(facts) | {
        "one": facts, "words": words, "answers": _answers(facts, casetype, words.answers),
        "steps": [_step(each, casetype) for each in table.next_steps(casetype, found.standing, by)
                  if each.step.name not in (dispute.BY_SESSION if casetype.is_mediated else alike.STEPS)
                  and not (casetype.grounds and each.step.name == DECIDE)],
        "clocks": [_clock(each, casetype) for each in queries.clocks_of(case_id)],
        "history": [_event(each, casetype, words.by_event) for each in reversed(queries.history_of(case_id))],
        "files": [_file(each) for each in queries.files_of(case_id)], "scanned": bool(settings.CITYLOOM_SCANNER),
        "links": [_link(kind, other) for kind, other in queries.links_of(case_id)],
        "heard": hearing.shown(facts, casetype) if found.roles - {"reporter"} else {},
        "may_work": (may_work := bool(found.roles - {"reporter"})), "is_mine": facts.handler == by.account,
        "may_accept": bool(facts.offered_unit and found.roles) and within(facts.offered_unit, by.unit),
    } | _giving(facts, found, by) | alike.of_case(facts, by, may_work=may_work)  # fmt: skip
    context |= _decided(facts, found) | reporters.of_case(facts, casetype)
    if casetype.is_mediated:
        context |= dispute.sections(found, by, opened)
    context |= consulting.tasks_shown(case_id, by, words.by_event, queries.history_of(case_id))
    return render(request, "cases/case.html", context | more, status=status)


def _decided(facts: CaseFacts, found: Found) -> dict[str, Any]:
    """The decisions on an application, and whether one can be made: on a page of its own, with grounds."""
    if not found.casetype.grounds:
        return {}
    step = found.casetype.step(DECIDE)
    rows = decided.decisions(facts, found.casetype)
    stands = decided.standing(rows)
    return {
        "decisions": rows, "may_decide": bool(step and facts.state in step.sources),
        "has_certificate": not facts.is_open and bool(facts.result) and not (stands and stands["is_against"])
        and facts.result != "withdrawn",
    }  # fmt: skip


def _head(facts: CaseFacts, casetype: CaseType) -> dict[str, Any]:
    state = casetype.states[facts.state]
    names = accounts.unit_names_of({facts.unit, facts.offered_unit} - {""})
    return {
        "title": what(casetype, facts.category), "type_title": said(casetype.title), "state": said(state.title),
        "meaning": said(state.meaning), "look": "good" if state.ends else "wait", "unit": names.get(facts.unit),
        "offered": names.get(facts.offered_unit), "origin": word(display.ORIGINS, facts.origin),
        "level": word(display.LEVELS, facts.confidentiality), "is_late": _is_late(facts),
        "result": said(casetype.results[facts.result].title) if facts.result in casetype.results else "",
    }  # fmt: skip


def _is_late(facts: CaseFacts) -> bool:
    return facts.is_open and facts.due_at is not None and facts.due_at < clock.now()


def _step(each: table.NextStep, casetype: CaseType) -> dict[str, Any]:
    step = each.step
    return {
        "name": step.name, "label": said(step.title), "to": said(casetype.states[step.to].title),
        "why_not": sentence_of(each.refusal) if each.refusal else "", "reason": step.reason,
        "results": [(name, said(casetype.results[name].title)) for name in step.results if len(step.results) > 1],
        "asks": step.reason != "none" or len(step.results) > 1,
    }  # fmt: skip


def _clock(each: queries.ClockFacts, casetype: CaseType) -> dict[str, Any]:
    known = casetype.clock(each.clock)
    label, look = display.STANDINGS[each.standing]
    late = each.was_late and each.standing == "stopped"
    return {
        "one": each, "label": said(known.title) if known else each.clock, "is_over": each.standing in OVER,
        "word": _("too late") if late else _(label), "look": "bad" if late else look,
        "may_extend": bool(known and known.extend), "law": known.law if known else "",
    }  # fmt: skip


def _event(each: EventFacts, casetype: CaseType, words: dict[str, str]) -> dict[str, Any]:
    step = casetype.step(each.step)
    role = casetype.roles.get(each.role)
    result = casetype.results.get(str(each.data.get("result", "")))
    return {
        "one": each, "label": said(step.title) if step else word(display.HAPPENED, each.kind),
        "after": said(casetype.states[each.after].title) if each.after in casetype.states else "",
        "who": said(role.title) if role else each.role, "text": words.get(each.id, ""),
        "result": said(result.title) if result else "", "why": hearing.described(each, casetype),
    } | consulting.told(each) | reporters.of_event(each)  # fmt: skip


def about(facts: CaseFacts, casetype: CaseType, given: dict[str, Any]) -> dict[str, Any]:
    """The answers that may be shown, and where it is."""
    return {"answers": _answers(replace(facts, answers={}), casetype, given)} | _where(facts)


def _answers(facts: CaseFacts, casetype: CaseType, opened: dict[str, Any]) -> list[tuple[str, str]]:
    given = facts.answers | opened
    return [(said(each.title), _answer(each, given[each.name])) for each in casetype.form if each.name in given]


def _answer(each: Field, value: Any) -> str:
    titles = {choice.value: said(choice.title) for choice in each.choices}
    if isinstance(value, list):
        return ", ".join(titles.get(one, one) for one in value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{titles.get(value, value)} {each.unit}".strip()


def _file(each: queries.FileFacts) -> dict[str, Any]:
    return {"one": each, "word": word(display.FILE_KINDS, each.kind), "is_photo": each.kind == "picture"}


def file_of(each: queries.FileFacts) -> dict[str, Any]:
    """A file with the word for what it is."""
    return _file(each)


def _link(kind: str, other: str) -> dict[str, str]:
    try:
        address = reverse(_PAGES[kind], args=[other]) if kind in _PAGES else ""
    except NoReverseMatch:
        address = ""
    return {"word": word(display.LINKS, kind), "other": other, "address": address}


def _giving(facts: CaseFacts, found: Found, by: Actor) -> dict[str, Any]:
    """Whom it can be given or offered to, for those who work on it."""
    if not found.roles - {"reporter"} or found.casetype.is_mediated:
        return {}
    seen = found.casetype.access.seen_by
    staff = [one for one in accounts.accounts(demo=True)
             if one.is_active and within(one.unit, facts.unit) and seen & set(one.roles)]  # fmt: skip
    units = [(unit, name) for unit, name in accounts.units() if unit not in (facts.unit, facts.offered_unit)]
    return {"staff": staff[:_MOST_STAFF], "units": units}


def _where(facts: CaseFacts) -> dict[str, Any]:
    if facts.lon is None or facts.lat is None:
        return {}
    try:
        area = registers.area_words(facts.lon, facts.lat)
    except Refused:
        return {}
    where = area["zh-Hans" if get_language() == "zh-hans" else "en"]
    return {"where": where, "picture": _picture(facts.lon, facts.lat, where)}


def _picture(lon: float, lat: float, where: str) -> SafeString:
    box = with_margin(circle(lon, lat, 150.0).bounds)
    layers = [*ground_layers(registers.map_features(*box)), Layer("mark", [shapely.Point(lon, lat)], [where[:30]])]
    words = Words(_("Where it is"), _("The place of the case; its street and coordinates stand above."))
    return mark_safe(draw(layers, bbox=box, words=words, size=(960, 400), key="case"))  # noqa: S308 - drawn, and escaped, by ourselves
