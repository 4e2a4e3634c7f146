"""Pages of an incident."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cityloom.accounts import queries as accounts
from cityloom.alerts import queries as alerts
from cityloom.emergency import actions, display, policies, queries
from cityloom.emergency.domain import states
from cityloom.emergency.forms import ApprovalForm, SendBackForm, UpdateForm
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals import queries as signals
from cityloom.ui.middleware import status_of
from cityloom.ui.words import sentence_of


@dataclass(frozen=True)
class Approval:
    """One of the two approvals: given already, possible now, or not, and why not."""

    role: str
    label: str
    given: queries.ApprovalFacts | None
    refusal: str


@dataclass(frozen=True)
class Choice:
    """Another thing that can be done in this state."""

    action: str
    label: str
    refusal: str


@require_GET
def incident(request: HttpRequest, incident_id: str) -> HttpResponse:
    """The incident with its map, its decision and everything that happened."""
    return _page(request, incident_id)


@require_POST
def approve(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Approve the document that was shown."""
    form = ApprovalForm(request.POST)
    if not form.is_valid():
        return _page(request, incident_id, _("The form was incomplete; read the document below and try again."), 422)
    sent = form.cleaned_data
    done = _("Approved: {digest}").format(digest=sent["digest"][:12])
    return _do(request, incident_id, done, lambda by: actions.approve(
        proposal_id=sent["proposal"], digest=sent["digest"], role=sent["role"], by=by, at=clock.now()))  # fmt: skip


@require_POST
def send_back(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Return the document with a reason."""
    form = SendBackForm(request.POST)
    if not form.is_valid():
        return _page(request, incident_id, _("The form was incomplete; read the document below and try again."), 422)
    sent = form.cleaned_data
    return _do(request, incident_id, _("Sent back."), lambda by: actions.send_back(
        proposal_id=sent["proposal"], reason=sent["reason"], by=by, at=clock.now()))  # fmt: skip


@require_POST
def propose(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Draft the next revision."""
    return _do(request, incident_id, _("A new revision is ready."),
               lambda by: actions.propose(incident_id=incident_id, by=by, at=clock.now()))  # fmt: skip


@require_POST
def update(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Draft a revision with another zone."""
    form = UpdateForm(request.POST)
    if not form.is_valid():
        return _page(request, incident_id, _("Radius and buffer are numbers of metres; correct them."), 422)
    zone = form.cleaned_data
    return _do(request, incident_id, _("A new revision is ready."),
               lambda by: actions.update(incident_id=incident_id, by=by, at=clock.now(), **zone))  # fmt: skip


@require_POST
def end(request: HttpRequest, incident_id: str) -> HttpResponse:
    """Give the all clear, or withdraw the incident."""
    ending = {"all-clear": actions.all_clear, "cancel": actions.cancel}.get(request.POST.get("action", ""))
    if ending is None:
        raise Http404
    return _do(request, incident_id, _("Done."), lambda by: ending(incident_id=incident_id, by=by, at=clock.now()))


@require_POST
def acknowledge(request: HttpRequest, notice_id: str) -> HttpResponse:
    """Say that a department acts."""
    incident_id = request.POST.get("incident", "")
    return _do(request, incident_id, _("Acknowledged."),
               lambda by: actions.acknowledge_notice(notice_id=notice_id, by=by, at=clock.now()))  # fmt: skip


@require_GET
def still(request: HttpRequest, incident_id: str) -> FileResponse:
    """The masked picture of the scene."""
    scene_id = queries.incident(incident_id).scene_id
    picture = signals.still_of(scene_id) if scene_id else None
    if picture is None:
        raise Http404
    return FileResponse(picture.path.open("rb"), content_type=picture.media_type)


@require_GET
def alert_xml(request: HttpRequest, incident_id: str, alert_id: str) -> HttpResponse:
    """The alert as it leaves."""
    if alert_id not in {alert.id for alert in alerts.alerts_of(incident_id)}:
        raise Http404
    return HttpResponse(alerts.xml_of(alert_id), content_type="application/xml; charset=utf-8")


def _do(request: HttpRequest, incident_id: str, done: str, act: Callable[[Actor], object]) -> HttpResponse:
    """Do something in the name of whoever is signed in, then show the incident: again, or with the refusal on it."""
    try:
        act(accounts.as_actor(request.user))  # type: ignore[arg-type]
    except Refused as refusal:
        return _page(request, incident_id, sentence_of(refusal), status_of(refusal))
    messages.success(request, done)
    return redirect("incident", incident_id)


def _page(request: HttpRequest, incident_id: str, refusal: str = "", status: int = 200) -> HttpResponse:
    facts = queries.incident(incident_id)
    actor = accounts.as_actor(request.user)  # type: ignore[arg-type]
    proposal = queries.current_proposal(incident_id)
    standing = queries.standing_of(queries.find_incident(incident_id))
    context = {
        "incident": facts, "refusal": refusal, "place": _in_language(facts.place),
        "meaning": states.STATES[facts.state], "map": _map(facts), "timeline": _timeline(incident_id),
        "alerts": alerts.alerts_of(incident_id), "tasks": fieldwork.tasks_of(incident_id),
        "task_counts": {state: count for state, count in fieldwork.counts_by_state(incident_id).items() if count},
        "notices": _notices(incident_id, actor), "has_still": bool(facts.scene_id and signals.still_of(facts.scene_id)),
        "choices": _choices(standing, actor), "update_form": UpdateForm(), "send_back_form": SendBackForm(),
        "can_update": _refusal("update", standing, actor) == "",
    }  # fmt: skip
    if proposal:
        context |= _proposal(proposal, standing, actor)
    return render(request, "emergency/incident.html", context, status=status)


def _proposal(proposal: queries.ProposalFacts, standing: policies.Standing, actor: Actor) -> dict[str, Any]:
    given = {approval.role: approval for approval in proposal.approvals}
    labels = {states.COMMANDER: _("Approve the evacuation"), states.SECOND: _("Approve the alert")}
    if proposal.purpose != "evacuation":
        labels[states.COMMANDER] = _("Approve the end")
    approvals = [
        Approval(role, label, given.get(role), _refusal(policies.approval_action(role), standing, actor))
        for role, label in labels.items()
    ]
    counts = proposal.plan["counts"]
    figures = [(_(words), counts[key]) for key, words in display.FIGURES.items() if key in counts]
    info = [(language, proposal.document["info"][language]) for language in proposal.document["languages"]]
    return {
        "proposal": proposal, "approvals": approvals, "figures": figures, "info": info,
        "rings": proposal.plan.get("rings"),
    }  # fmt: skip


def _choices(standing: policies.Standing, actor: Actor) -> list[Choice]:
    """What the state allows besides approving, each with the reason why this person may not."""
    labels = {
        "propose": _("Draft a new revision"), "send-back": _("Send back"), "all-clear": _("All clear"),
        "cancel": _("Cancel the incident"),
    }  # fmt: skip
    return [
        Choice(action, label, _refusal(action, standing, actor))
        for action, label in labels.items()
        if states.transition(standing.state, action)
    ]


def _refusal(action: str, standing: policies.Standing, actor: Actor) -> str:
    try:
        policies.check_can(action, standing, actor)
    except Refused as refusal:
        return sentence_of(refusal)
    return ""


def _notices(incident_id: str, actor: Actor) -> list[dict[str, Any]]:
    rows = []
    for notice in queries.notices_of(incident_id):
        try:
            policies.check_can_acknowledge(notice.department, actor)
            refusal = ""
        except Refused as refused:
            refusal = sentence_of(refused)
        rows.append({"facts": notice, "asks": _in_language(notice.asks), "refusal": refusal})
    return rows


def _timeline(incident_id: str) -> list[dict[str, Any]]:
    """Moments in order; a run of the same kind is one line with its count."""
    lines: list[dict[str, Any]] = []
    for moment in queries.timeline(incident_id):
        if lines and lines[-1]["what"] == moment.what:
            lines[-1]["count"] += 1
            continue
        words = _(display.MOMENTS.get(moment.what, moment.what))
        lines.append({"what": moment.what, "words": words, "at": moment.at, "seconds": moment.seconds, "count": 1})
    return lines


def _map(facts: queries.IncidentFacts) -> SafeString:
    bbox = display.with_margin(queries.map_bounds(facts.id))
    proposal = queries.current_proposal(facts.id)
    area = [alerts.polygon_from(text) for text in proposal.document["polygons"]] if proposal else []
    city = registers.city()
    words = display.MapFacts(
        title=_in_language(facts.place), is_exercise=bool(facts.exercise_id),
        is_synthetic=bool(city and city.is_synthetic), attribution=city.attribution if city else "",
        counts=proposal.plan["counts"] if proposal else {},
    )  # fmt: skip
    svg = display.draw_map(registers.map_features(*bbox), queries.map_layers(facts.id), area, bbox, words)
    return mark_safe(svg)  # noqa: S308 - every text in it is escaped where it is drawn


def _in_language(words: dict[str, Any]) -> Any:
    """The entry for the reader's language, else the English one, else any."""
    key = "zh-Hans" if get_language() == "zh-hans" else "en"
    return words.get(key) or words.get("en") or next(iter(words.values()), "")
