"""Tasks of processes: one's own list, and one task with what is needed to do it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.cases import actions, catalogue, queries
from cityloom.cases.display import said
from cityloom.cases.domain.processes.process import Question
from cityloom.cases.policies import LONGEST_TEXT
from cityloom.cases.queries import TaskFacts
from cityloom.cases.views import case as page
from cityloom.cases.views import drawing
from cityloom.cases.views.asking import actor, what
from cityloom.cases.views.consulting import outcome_of, shown_outcome
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once, word_of
from cityloom.ui.words import sentence_of

_SOON, _DEEPEST_ASKED = timedelta(days=1), 2


@require_safe
def tasks(request: HttpRequest) -> HttpResponse:
    """All open tasks that one may do, what is due first at the top."""
    found, is_more = queries.tasks_for(actor(request))
    names = accounts.unit_names_of({one.case_unit for one in found} | {one.unit for one in found} - {""})
    rows = [_row(one, names) for one in found]
    return render(request, "cases/tasks.html", {"rows": rows, "is_more": is_more})


def _row(one: TaskFacts, names: dict[str, str]) -> dict[str, Any]:
    casetype = catalogue.casetype_of(one.casetype, one.version) if one.case_id else None
    return {
        "one": one, "title": said(one.node.title), "what": what(casetype, one.category) if casetype else "",
        "unit": names.get(one.unit or one.case_unit, ""), "is_asked": bool(one.unit), "look": _look(one),
    }  # fmt: skip


def _look(one: TaskFacts) -> str:
    if one.due_at is None or one.done_at is not None:
        return ""
    now = clock.now()
    return "bad" if one.due_at <= now else "wait" if one.due_at <= now + _SOON else ""


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def task(request: HttpRequest, task_id: str) -> HttpResponse:
    """One task: what it is about, what was said before, and the form to finish it."""
    by = actor(request)
    facts, is_mine = queries.task_for(by, task_id)
    if request.method != "POST":
        return _shown(request, facts, is_mine)
    try:
        done = _turned(request, facts, by)
    except Refused as refusal:
        facts, is_mine = queries.task_for(by, task_id)
        return _shown(request, facts, is_mine, drawing.status(refusal), refusal=sentence_of(refusal))
    messages.success(request, done)
    back = request.POST.get("back") == "case" and facts.case_id and _sees(by, facts.case_id)
    return redirect("case", facts.case_id) if back else redirect("case-tasks")


def _turned(request: HttpRequest, facts: TaskFacts, by: Actor) -> str:
    """Do what the button says; return what is told then."""
    how, sent = request.POST.get("how", ""), request.POST
    at, command = bus.now_in(facts.exercise_id), word_of(request)
    if how == "give":
        actions.give_task(task_id=facts.id, account=sent.get("account", ""), by=by, at=at, command=command)
        return _("Given.")
    if how == "withdraw":
        actions.withdraw_task(task_id=facts.id, by=by, at=at, reason=sent.get("reason", ""))
        return _("This unit is asked no more.")
    if how == "ask":
        actions.ask_also(task_id=facts.id, unit=sent.get("unit", ""), by=by, at=at, command=command)
        return _("The unit is asked.")
    given = {one.name: _sent(request, one) for one in facts.node.form.fields}
    actions.finish_task(task_id=facts.id, by=by, at=at, facts=given, outcome=sent.get("outcome", "")[:40],
                        note=sent.get("note", ""))  # fmt: skip
    return _("The task is done.")


def _sent(request: HttpRequest, one: Question) -> Any:
    key = f"field-{one.name}"
    return request.POST.getlist(key) if one.kind == "units" else request.POST.get(key, "")


def _sees(by: Actor, case_id: str) -> bool:
    try:
        queries.case_for(by, case_id)
    except Refused:
        return False
    return True


def _shown(request: HttpRequest, facts: TaskFacts, is_mine: bool, status: int = 200, **more: Any) -> HttpResponse:
    by = actor(request)
    context = _about(facts, by)
    form = facts.node.form
    return render(request, "cases/task.html", context | {
        "one": facts, "title": said(facts.node.title), "is_mine": is_mine, "longest": LONGEST_TEXT,
        "is_mine_alone": facts.given_to == by.account, "look": _look(facts), "me": by.account,
        "outcomes": [(each.value, said(each.title), each.needs_note) for each in form.outcomes],
        "fields": [_field(each, request, facts) for each in form.fields],
        "outcome": said(outcome_of(facts)), "outcome_look": shown_outcome(facts)[1],
        "note": request.POST.get("note", "")[:LONGEST_TEXT], "chosen": request.POST.get("outcome", ""),
        "staff": _staff(facts, by) if is_mine else [],
    } | more, status=status)  # fmt: skip


def _field(one: Question, request: HttpRequest, facts: TaskFacts) -> dict[str, Any]:
    key = f"field-{one.name}"
    units = _units(facts) if one.kind == "units" else []
    return {"one": one, "title": said(one.title), "id": key, "value": request.POST.get(key, ""),
            "values": request.POST.getlist(key), "units": units,
            "choices": [(each.value, said(each.title)) for each in one.choices]}  # fmt: skip


def _units(facts: TaskFacts) -> list[tuple[str, str]]:
    """Departments and districts: whom a city asks; smaller ones are reached through theirs."""
    return [(unit, name) for unit, name in accounts.units()
            if unit.count("/") < _DEEPEST_ASKED and "/" in unit and unit != facts.case_unit]  # fmt: skip


def _about(facts: TaskFacts, by: Actor) -> dict[str, Any]:
    """The case as far as the task needs it: somebody who is only asked sees what its type shows to them."""
    if not facts.case_id:
        return {}
    try:
        case = queries.case_for(by, facts.case_id)
    except Refused:
        return {"is_closed": True}
    casetype, shown = catalogue.casetype_of(case.casetype, case.version), queries.shown_to_asked(by, case.id)
    words = queries.words_of(case.id, by)
    given = {name: value for name, value in case.answers.items() if shown is None or name in shown}
    names = accounts.unit_names_of({case.unit, facts.unit} - {""})
    before = [one for one in queries.history_of(case.id)
              if one.data.get("run") == facts.run_id and one.id in words.by_event]  # fmt: skip
    return {
        "case": case, "what": what(casetype, case.category), "type_title": said(casetype.title), "words": words,
        "state": said(casetype.states[case.state].title), "unit": names.get(case.unit, case.unit),
        "asked_unit": names.get(facts.unit, ""), "sees_all": shown is None,
        "files": [page.file_of(each) for each in queries.files_of(case.id)
                  if shown is not None and each.field and each.field in shown and not each.is_erased],
        "before": [(said(one.data.get("title")), words.by_event[one.id], one.at) for one in before],
    } | page.about(case, casetype, given | words.answers)  # fmt: skip


def _staff(facts: TaskFacts, by: Actor) -> list[tuple[str, str]]:
    """To whom it can be given: those of the unit that is asked, or of the case's branch with the task's role."""
    own = facts.unit or facts.case_unit
    found = [one for one in accounts.accounts(demo=True) if one.is_active and one.id != by.account
             and (one.unit == own or one.unit.startswith(f"{own}/"))
             and (facts.unit or not facts.lane or facts.lane in one.roles)]  # fmt: skip
    return [(one.id, one.username) for one in found[:100]]
