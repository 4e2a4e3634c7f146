"""Processes: all of them, one drawn with its versions, runs with where each stands, and new versions."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloom.accounts import queries as accounts
from cityloom.cases import actions, queries
from cityloom.cases.display import said, word
from cityloom.cases.domain.processes.reading import LARGEST_BYTES
from cityloom.cases.policies import PUBLISHERS
from cityloom.cases.queries import ProcessFacts, RunFacts
from cityloom.cases.views import drawing
from cityloom.cases.views.asking import actor
from cityloom.cases.views.consulting import TASK_OUTCOMES
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_ONLY = ("running", "ended", "stuck")


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def processes(request: HttpRequest) -> HttpResponse:
    """All processes; a file that is uploaded is read, and refused with what is wrong in it, or kept."""
    if request.method != "POST":
        return _listed(request)
    file = request.FILES.get("file")
    data = file.read(LARGEST_BYTES + 1) if file else b""  # type: ignore[union-attr]
    try:
        name, number = actions.upload_process(data=data, by=actor(request), at=clock.now())
    except Refused as refusal:
        sketch = queries.process_sketch(data)
        picture = drawing.picture(sketch) if sketch else None
        return _listed(request, drawing.status(refusal), refusal=sentence_of(refusal), picture=picture)
    messages.success(request, _("Version {number} of {name} is kept; runs stay on theirs.").format(
        number=number, name=name))  # fmt: skip
    return redirect("case-process", name)


def _listed(request: HttpRequest, status: int = 200, **more: Any) -> HttpResponse:
    rows = [{"one": one, "title": said(one.process.titles)} for one in queries.processes_of_city()]
    shown = {"rows": rows, "may_publish": _may_publish(actor(request))}
    return render(request, "cases/processes.html", shown | more, status=status)


@require_safe
def process(request: HttpRequest, name: str) -> HttpResponse:
    """A process in its newest version, or in `?version=`, with its runs; `?only=stuck` shows those that are held."""
    number, only = request.GET.get("version", ""), request.GET.get("only", "")
    facts = queries.process_named(name, int(number) if number.isdecimal() and len(number) < 7 else 0)
    by = actor(request)
    runs = _seen(queries.runs_of(facts.name, only=only if only in _ONLY else ""), by) if facts.number else []
    return render(request, "cases/process.html", {
        "one": facts, "title": said(facts.process.titles), "picture": drawing.picture(facts.process),
        "tasks": drawing.tasks(facts.process), "versions": queries.versions_of_process(name),
        "runs": [_run(run) for run in runs], "only": only, "may_publish": _may_publish(by), "types": _types(facts),
    })  # fmt: skip


@require_safe
def run(request: HttpRequest, run_id: str) -> HttpResponse:
    """A run: where it stands in the picture, what it waits for, what it did."""
    return _one_run(request, run_id)


@require_POST
@only_once
def turn(request: HttpRequest, run_id: str) -> HttpResponse:
    """Let a run try again what was refused, or let a message come to it."""
    by, at, message = actor(request), clock.now(), request.POST.get("message", "")[:100]
    try:
        if message:
            actions.tell_process(run_id=run_id, message=message, by=by, at=at)
        else:
            actions.try_run_again(run_id=run_id, by=by, at=at)
    except Refused as refusal:
        return _one_run(request, run_id, drawing.status(refusal), refusal=sentence_of(refusal))
    messages.success(request, _("Done."))
    return redirect("case-run", run_id)


def _one_run(request: HttpRequest, run_id: str, status: int = 200, **more: Any) -> HttpResponse:
    by, found = actor(request), queries.run_of(run_id)
    if found.case_id:
        queries.case_for(by, found.case_id)
    facts = queries.process_named(found.name, found.number)
    names = accounts.unit_names_of({one.unit for one in found.work} - {""})
    work = [{"one": one, "title": said(one.node.title) if one.node else one.node_id, "unit": names.get(one.unit, ""),
             "why": sentence_of(one.why) if one.why else "", "outcome": word(TASK_OUTCOMES, one.outcome)}
            for one in found.work]  # fmt: skip
    return render(request, "cases/run.html", _run(found) | {
        "title": said(facts.process.titles), "picture": drawing.picture(facts.process, _looks(found)), "work": work,
        "may_publish": _may_publish(by),
    } | more, status=status)  # fmt: skip


def _looks(found: RunFacts) -> dict[str, str]:
    been = {one.node_id: "been" for one in found.work if one.outcome == "done"}
    here = {one.node_id: "here" for one in found.waits}
    return been | here | {one.node_id: "held" for one in found.waits if one.why}


def _run(found: RunFacts) -> dict[str, Any]:
    waits = list(dict.fromkeys(said(one.node.title) if one.node else one.node_id for one in found.waits))
    return {"one": found, "waits": waits, "held": [sentence_of(one) for one in found.held]}


def _seen(runs: list[RunFacts], by: Actor) -> list[RunFacts]:
    """Runs in cases that somebody may see; one without a case is seen by those who publish."""
    return [one for one in runs if (_sees(by, one.case_id) if one.case_id else _may_publish(by))]


def _sees(by: Actor, case_id: str) -> bool:
    try:
        queries.case_for(by, case_id)
    except Refused:
        return False
    return True


def _types(facts: ProcessFacts) -> list[tuple[str, str, str]]:
    """The types of cases that run it, with the state in which they do."""
    found = map(queries.newest_casetype, queries.casetype_names())
    return [(one.name, said(one.title), said(state.title)) for one in found for state in one.states.values()
            if state.process.partition("@")[0] == facts.name]  # fmt: skip


def _may_publish(by: Actor) -> bool:
    return bool(PUBLISHERS & by.roles)
