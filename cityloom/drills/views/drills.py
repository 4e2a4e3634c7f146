"""Drills: what there is to rehearse, the drill that is on, and what came of those before."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cityloom.bus import queries as bus
from cityloom.drills import policies, queries
from cityloom.drills.display import CHECKS, FAILURES, SCENARIO_FAULTS, STATES, STEPS, TIMINGS
from cityloom.drills.domain.injections import KINDS
from cityloom.drills.domain.score import compared
from cityloom.drills.domain.timeline import lines_of
from cityloom.drills.forms import PaceForm, StartForm
from cityloom.drills.views.page import actor_of, bar_of, in_language, title_of, why_not
from cityloom.kernel import ids

_MOST_LINES = 200
_FILES = {"html": "text/html", "pdf": "application/pdf", "json": "application/json"}


@require_safe
def drills(request: HttpRequest) -> HttpResponse:
    """The scenarios and the runs, or `?fragment=runs` alone."""
    template = "drills/_runs.html" if request.GET.get("fragment") == "runs" else "drills/drills.html"
    return render(request, template, listed(request))


def listed(request: HttpRequest, **more: Any) -> dict[str, Any]:
    """What the list of drills shows."""
    actor, running = actor_of(request), queries.running()
    refusal = why_not(lambda: policies.check_can_start(actor, running.exercise_id if running else ""))
    scenarios = [
        {
            "facts": facts, "title": in_language(facts.title), "description": in_language(facts.description),
            "faults": [_(SCENARIO_FAULTS.get(fault, fault)) for fault in facts.faults],
            "form": StartForm(initial={"scenario": facts.name, "key": ids.new_ulid()}, auto_id=f"{facts.name}-%s"),
        }
        for facts in queries.scenario_facts()
    ]  # fmt: skip
    runs = [
        {"facts": facts, "title": title_of(facts.scenario), "state": _(STATES[facts.state])} for facts in queries.runs()
    ]
    return {"scenarios": scenarios, "runs": runs, "refusal_to_start": refusal,
            "bar": bar_of(running) if running else None} | more  # fmt: skip


@require_safe
def drill(request: HttpRequest, exercise_id: str) -> HttpResponse:
    """One drill: how it goes, or what came of it; `?fragment=` gives a part."""
    template = {"": "drills/drill.html", "state": "drills/_state.html", "story": "drills/_story.html"}
    name = request.GET.get("fragment", "")
    if name not in template:
        raise Http404
    return render(request, template[name], told(request, exercise_id))


def told(request: HttpRequest, exercise_id: str, **more: Any) -> dict[str, Any]:
    """What the page of a drill shows."""
    actor, facts = actor_of(request), queries.run_of(exercise_id)
    bar = bar_of(facts)
    context = {
        "bar": bar, "drill": facts, "why": why_not(lambda: policies.check_can_run(actor)),
        "pace_form": PaceForm(initial={"pace": facts.pace}), "failures": _failures(), "lines": _lines(facts),
    }  # fmt: skip
    if not facts.is_running and facts.state != "failed":
        context |= _score(exercise_id)
    return context | more


@require_safe
def bar(request: HttpRequest) -> HttpResponse:
    """The drill that is on, for every page; empty where none is."""
    running = queries.running()
    return render(request, "drills/_bar.html", {"bar": bar_of(running) if running else None})


@require_safe
def report(request: HttpRequest, exercise_id: str, kind: str) -> FileResponse:
    """The report as a file to take away."""
    policies.check_can_run(actor_of(request))
    path = queries.report_file(exercise_id, kind)
    if kind not in _FILES or path is None:
        raise Http404
    return FileResponse(path.open("rb"), content_type=_FILES[kind], as_attachment=True,
                        filename=f"drill-{exercise_id}.{kind}")  # fmt: skip


def _failures() -> list[dict[str, Any]]:
    """What can be made to go wrong."""
    return [
        {"kind": kind, "words": _(name), "does": _(does), "counts": _(counts) if counts else "", "limits": KINDS[kind],
         "key": ids.new_ulid()}
        for kind, (name, does, counts) in FAILURES.items()
    ]  # fmt: skip


def _lines(facts: queries.DrillFacts) -> list[Any]:
    """The story so far, newest first."""
    if facts.start is None:
        return []
    events = [(event, None) for event in bus.events_of(facts.exercise_id)]
    lines = lines_of(events, facts.start)[-_MOST_LINES:]
    return [(_(STEPS.get(line.step, line.step)), line) for line in reversed(lines)]


def _score(exercise_id: str) -> dict[str, Any]:
    """What the drill is measured by, beside earlier runs of the same scenario."""
    report = queries.find(exercise_id).report
    if report is None:
        return {}
    earlier = queries.earlier_reports(exercise_id)
    timings = [(_(TIMINGS[timing.key]), timing) for timing in compared(report, earlier)]
    checks = [(_(CHECKS.get(check["name"], check["name"])), check) for check in report["checks"]]
    broken = [name for name, check in checks if not check["passed"]]
    return {
        "report": report, "checks": checks, "broken": broken, "held": len(checks) - len(broken), "timings": timings,
        "earlier": len(earlier), "files": [kind for kind in _FILES if queries.report_file(exercise_id, kind)],
    }  # fmt: skip
