"""What people do with drills: begin, pace, disturb, stop, remove."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from cityloom.drills import actions, policies, queries
from cityloom.drills.forms import InjectForm, PaceForm, StartForm
from cityloom.drills.views.drills import listed, told
from cityloom.drills.views.page import actor_of, title_of
from cityloom.emergency import queries as incidents
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.ui.confirmation import Question, asked
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_INCOMPLETE = 422


@require_POST
@only_once
def start(request: HttpRequest) -> HttpResponse:
    """Begin a drill."""
    form = StartForm(request.POST)
    if not form.is_valid():
        return _list_again(request, _("Choose a scenario, a pace and who approves."), _INCOMPLETE)
    sent = form.cleaned_data
    try:
        exercise_id = actions.start(
            scenario=sent["scenario"], pace=sent["pace"], approves=sent["approves"] == "drill", key=sent["key"],
            by=actor_of(request), at=clock.now(),
        )  # fmt: skip
    except Refused as refusal:
        return _list_again(request, sentence_of(refusal), status_of(refusal))
    return redirect("drill", exercise_id)


@require_POST
@only_once
def pace(request: HttpRequest, exercise_id: str) -> HttpResponse:
    """Go faster or slower, stand still, or go on."""
    form = PaceForm(request.POST)
    if not form.is_valid():
        return _again(request, exercise_id, _("Choose one of the paces."), _INCOMPLETE)
    sent = form.cleaned_data
    return _do(request, exercise_id, _("The drill keeps to the new pace."), lambda: actions.set_pace(
        exercise_id=exercise_id, pace=sent["pace"], is_paused=sent["paused"], by=actor_of(request),
        at=clock.now()))  # fmt: skip


@require_POST
@only_once
def inject(request: HttpRequest, exercise_id: str) -> HttpResponse:
    """Make something go wrong."""
    form = InjectForm(request.POST)
    if not form.is_valid():
        return _again(request, exercise_id, _("Choose what goes wrong, and how much of it, as a number."), _INCOMPLETE)
    sent = form.cleaned_data
    return _do(request, exercise_id, _("It goes wrong from now on."), lambda: actions.inject(
        exercise_id=exercise_id, kind=sent["kind"], amount=sent["amount"], key=sent["key"], by=actor_of(request),
        at=clock.now()))  # fmt: skip


@require_POST
@only_once
def stop(request: HttpRequest, exercise_id: str) -> HttpResponse:
    """End a drill where it is, once it was read what follows."""
    facts = queries.run_of(exercise_id)
    question = Question(
        title=_("Stop the drill “{name}”?").format(name=title_of(facts.scenario)),
        consequences=[
            _("It ends where it is, and is scored as it stands."),
            _("What it left open is withdrawn: its incident is cancelled, its tasks end, its grants are revoked."),
            _("Its report is kept; nothing of the real city changes."),
        ],
        go=_("Stop the drill"), back_url=_address(exercise_id),
    )  # fmt: skip
    return asked(request, question) or _do(request, exercise_id, _("The drill stops; its score is here in a moment."),
        lambda: actions.ask_to_stop(exercise_id=exercise_id, by=actor_of(request), at=clock.now()))  # fmt: skip


@require_POST
@only_once
def remove(request: HttpRequest, exercise_id: str) -> HttpResponse:
    """Erase a drill, once it was read what goes with it."""
    facts, by = queries.run_of(exercise_id), actor_of(request)
    count = len(incidents.incidents_of(exercise_id))
    question = Question(
        title=_("Remove the drill “{name}”?").format(name=title_of(facts.scenario)),
        consequences=[
            ngettext(
                "Its {count} incident, with its alerts, tasks and log, is erased.",
                "Its {count} incidents, with their alerts, tasks and logs, are erased.", count,
            ).format(count=count),
            _("Its report is erased, and later drills are no longer compared with it."),
            _("The keeper's log keeps its leaves: what was opened was opened."),
        ],
        go=_("Remove it for good"), back_url=_address(exercise_id),
    )  # fmt: skip
    try:
        policies.check_can_remove(by, facts.state)
        if page := asked(request, question):
            return page
        actions.remove_at_screen(exercise_id=exercise_id, by=by)
    except Refused as refusal:
        return _again(request, exercise_id, sentence_of(refusal), status_of(refusal))
    messages.success(request, _("The drill was removed."))
    return redirect("drills")


def _do(request: HttpRequest, exercise_id: str, done: str, act: Callable[[], object]) -> HttpResponse:
    try:
        act()
    except Refused as refusal:
        return _again(request, exercise_id, sentence_of(refusal), status_of(refusal))
    messages.success(request, done)
    return redirect("drill", exercise_id)


def _again(request: HttpRequest, exercise_id: str, refusal: str, status: int) -> HttpResponse:
    return render(request, "drills/drill.html", told(request, exercise_id, refusal=refusal), status=status)


def _list_again(request: HttpRequest, refusal: str, status: int) -> HttpResponse:
    return render(request, "drills/drills.html", listed(request, refusal=refusal), status=status)


def _address(exercise_id: str) -> str:
    return f"/drills/{exercise_id}/"
