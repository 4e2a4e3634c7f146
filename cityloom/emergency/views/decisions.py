"""What people do in the incident room."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cityloom.accounts import queries as accounts
from cityloom.bus import queries as bus
from cityloom.emergency import actions, queries
from cityloom.emergency.forms import ApprovalForm, EntryForm, SendBackForm, UpdateForm
from cityloom.emergency.views.page import room_of
from cityloom.emergency.views.parts import head
from cityloom.emergency.views.room import shared, shown
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.middleware import status_of
from cityloom.ui.once import only_once
from cityloom.ui.words import sentence_of

_ENDINGS = {"all-clear": actions.all_clear, "cancel": actions.cancel}
_INCOMPLETE = 422


@require_POST
@only_once
def approve(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Approve the document that was shown."""
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _again(request, incident_id, _("The form was incomplete; read the document below and try again."))
    sent = form.cleaned_data
    done = _("Approved: {digest}").format(digest=sent["digest"][:12])
    return _do(request, incident_id, done, lambda by, at: actions.approve(
        proposal_id=sent["proposal"], digest=sent["digest"], role=sent["role"], by=by, at=at))  # fmt: skip


@require_POST
@only_once
def send_back(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Return the document with a reason."""
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _again(request, incident_id, _("The form was incomplete; read the document below and try again."))
    sent = form.cleaned_data
    return _do(request, incident_id, _("Sent back."), lambda by, at: actions.send_back(
        proposal_id=sent["proposal"], reason=sent["reason"], by=by, at=at))  # fmt: skip


@require_POST
@only_once
def propose(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Draft the next revision."""
    return _do(request, incident_id, _("A new revision is ready."),
               lambda by, at: actions.propose(incident_id=incident_id, by=by, at=at))  # fmt: skip


@require_POST
@only_once
def update(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Draft a revision with another zone."""
    form = UpdateForm(request.POST)
    if not form.is_valid():
        return _again(request, incident_id, _("Radius and buffer are numbers of metres; correct them."))
    zone = form.cleaned_data
    return _do(request, incident_id, _("A new revision is ready."),
               lambda by, at: actions.update(incident_id=incident_id, by=by, at=at, **zone))  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@only_once
def end(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Say what an all clear or a cancellation would end, and end it where that was read and confirmed."""
    sent = request.POST if request.method == "POST" else request.GET
    action = sent.get("action", "")
    if action not in _ENDINGS:
        raise Http404
    if request.method == "POST" and sent.get("confirmed"):
        return _do(request, incident_id, _("Done."),
                   lambda by, at: _ENDINGS[action](incident_id=incident_id, by=by, at=at))  # fmt: skip
    room = room_of(request, incident_id)
    ending = queries.ending_of(incident_id, bus.now_in(room.facts.exercise_id))
    context = {"action": action, "ending": ending, "why": room.refusal(action)}
    return render(request, "emergency/end.html", {**shared(room), **head(room), **context})


@require_POST
@only_once
def acknowledge(request: HttpRequest, notice_id: str) -> HttpResponse:
    """Say that a department acts."""
    incident_id = request.POST.get("incident", "")
    return _do(request, incident_id, _("Acknowledged."),
               lambda by, at: actions.acknowledge_notice(notice_id=notice_id, by=by, at=at))  # fmt: skip


@require_POST
@only_once
def write(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Write into the log."""
    form = EntryForm(request.POST)
    if not form.is_valid():
        return _again(request, incident_id, _("The entry was incomplete; write it again."))
    sent = form.cleaned_data
    return _do(request, incident_id, _("Written down."), lambda by, at: actions.write_entry(
        incident_id=incident_id, role=sent["role"], text=sent["text"], key=sent["key"], by=by, at=at),
        anchor="log")  # fmt: skip


def _do(
    request: HttpRequest, incident_id: str, done: str, act: Callable[[Actor, object], object], anchor: str = ""
) -> HttpResponse:
    """Do something in the name of whoever is signed in, then show the incident: again, or with the refusal on it.

    The moment is the exercise's own where the incident belongs to one.
    """
    by = accounts.as_actor(request.user)  # type: ignore[arg-type]
    try:
        act(by, bus.now_in(queries.incident(incident_id).exercise_id))
    except Refused as refusal:
        return _again(request, incident_id, sentence_of(refusal), status_of(refusal))
    messages.success(request, done)
    answer = redirect("incident", incident_id)
    if anchor:
        answer["Location"] += f"#{anchor}"
    return answer


def _again(request: HttpRequest, incident_id: str, refusal: str, status: int = _INCOMPLETE) -> HttpResponse:
    """The room as it is now, with what was refused; compared with the revision that the form had shown."""
    return shown(request, room_of(request, incident_id, since=_revision_shown(request)), refusal, status)


def _revision_shown(request: HttpRequest) -> int:
    proposal_id = request.POST.get("proposal", "")[:26]
    return queries.revision_of(proposal_id) if proposal_id else 0
