"""The parts of the room, each as what its template needs; a live page asks for them one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cityloom.alerts import queries as alerts
from cityloom.emergency import display, policies, queries
from cityloom.emergency.domain import changes, known, states
from cityloom.emergency.domain.entries import LONGEST
from cityloom.emergency.forms import EntryForm, SendBackForm, UpdateForm
from cityloom.emergency.views import evidence
from cityloom.emergency.views.page import Part, Room, in_language, why_not
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.signals import queries as signals
from cityloom.ui.ground import with_margin
from cityloom.ui.words import sentence_of

_CARDS = 6
_LAST_MOMENT = timedelta(seconds=1)
_LANES = ("waiting", "assigned", "delivered", "accepted", "done", "unable", "cancelled")


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


def head(room: Room) -> Mapping[str, Any]:
    """What it is, where it stands, and what is asked of whom."""
    waiting = {"proposed": "approve", "ordered": "approve-alert", "clearing": "approve-alert"}.get(room.facts.state)
    return {
        "meaning": states.STATES[room.facts.state], "place": in_language(room.facts.place),
        "is_mine": bool(waiting and not room.at and not room.refusal(waiting)),
    }  # fmt: skip


def chart(room: Room) -> Mapping[str, Any]:
    """The map: drawn as a picture, inside of what a browser with WebGL replaces."""
    west, south, east, north = with_margin(queries.map_bounds(room.incident_id))
    over_at = room.facts.closed_at  # an incident that is over is shown as it last was
    return {
        "map_at": room.at or (over_at and over_at - _LAST_MOMENT),
        "map": _drawn(room, (west, south, east, north)), "bounds": f"{west:.6f},{south:.6f},{east:.6f},{north:.6f}",
        "has_still": bool(room.facts.scene_id and signals.still_of(room.facts.scene_id)),
    }  # fmt: skip


def decision(room: Room) -> Mapping[str, Any]:
    """What is proposed, what changed, the words and the hash that an approval binds, and the approvals."""
    shared = {
        "choices": [] if room.at else _choices(room), "update_form": UpdateForm(), "send_back_form": SendBackForm(),
        "can_update": not room.at and room.refusal("update") == "",
    }  # fmt: skip
    proposal = room.proposal
    if proposal is None:
        return shared
    counts = proposal.plan["counts"]
    figures = {key: (_(words), counts[key]) for key, words in display.FIGURES.items() if key in counts}
    return shared | {
        **_reason(room, proposal),
        "proposal": proposal, "approvals": _approvals(room, proposal), "changes": _changes(room, proposal),
        "figures": [one for key, one in figures.items() if key in display.FIRST_FIGURES],
        "more_figures": [one for key, one in figures.items() if key not in display.FIRST_FIGURES],
        "info": [(language, proposal.document["info"][language])
                 for language in _readers_first(proposal.document["languages"])],
        "rings": proposal.plan.get("rings"), "buildings": len(proposal.document["buildings"]),
        "is_replaced": 0 < room.since < proposal.revision,
    }  # fmt: skip


def _reason(room: Room, proposal: queries.ProposalFacts) -> dict[str, str]:
    """Why it was sent back, or why that cannot be read."""
    if not proposal.sent_back_at:
        return {}
    try:
        reason = queries.reason_of(proposal, by=room.actor)
    except Refused as refusal:
        return {"reason_fault": sentence_of(refusal)}
    return {"reason": reason or "", "reason_fault": "" if reason else _("the reason is for those who work on it.")}


def _readers_first(languages: Sequence[str]) -> list[str]:
    """The languages of an alert, the reader's own before the others."""
    own = (get_language() or "en").partition("-")[0]
    return sorted(languages, key=lambda one: not one.startswith(own))


def board(room: Room) -> Mapping[str, Any]:
    """The tasks, by how far they are."""
    lanes: dict[str, list[fieldwork.TaskFacts]] = defaultdict(list)
    for task in fieldwork.tasks_of(room.incident_id):
        state = _task_state(room, task)
        if state:
            lanes[state].append(task)
    total = sum(map(len, lanes.values()))
    shown = [(state, lanes[state][:_CARDS], len(lanes[state]), max(len(lanes[state]) - _CARDS, 0)) for state in _LANES
             if lanes[state] or state != "cancelled"]  # fmt: skip
    return {"lanes": shown, "tasks": total, "people": sum(task.people for lane in lanes.values() for task in lane)}


def departments(room: Room) -> Mapping[str, Any]:
    """What each department was asked, and whether it answered."""
    rows = []
    for notice in queries.notices_of(room.incident_id):
        if not room.is_known(notice.sent_at):
            continue
        state = "acknowledged" if room.is_known(notice.acknowledged_at) else \
            "escalated" if room.is_known(notice.escalated_at) else "sent"  # fmt: skip
        refusal = why_not(lambda notice=notice: policies.check_can_acknowledge(notice.department, room.actor))
        rows.append({"facts": notice, "state": state, "asks": in_language(notice.asks), "refusal": refusal})
    return {"notices": rows}


def warnings(room: Room) -> Mapping[str, Any]:
    """The alerts, and what became of each on each channel."""
    return {"alerts": [alert for alert in alerts.alerts_of(room.incident_id) if room.is_known(alert.issued_at)]}


def story(room: Room) -> Mapping[str, Any]:
    """Everything that happened, in order; a run of the same kind is one line with its count."""
    lines: list[dict[str, Any]] = []
    for moment in queries.timeline(room.incident_id):
        if not room.is_known(moment.at):
            continue
        if lines and lines[-1]["what"] == moment.what:
            lines[-1] |= {"count": lines[-1]["count"] + 1, "last": moment.at}
            continue
        words = _(display.MOMENTS.get(moment.what, moment.what))
        lines.append({"what": moment.what, "words": words, "at": moment.at, "last": moment.at,
                      "seconds": moment.seconds, "count": 1})  # fmt: skip
    return {"timeline": lines}


def log(room: Room) -> Mapping[str, Any]:
    """What people wrote, newest first, and the form for the next entry."""
    own = policies.writing_roles(room.actor)
    fault = ""
    try:
        entries = queries.entries_of(room.incident_id, by=room.actor, at=room.at, role=room.role)
    except Refused as refusal:
        fault, entries = sentence_of(refusal), queries.entry_heads(room.incident_id, room.at)
    heads = queries.entry_heads(room.incident_id, room.at)
    refusal = why_not(lambda: policies.check_can_write(own[0] if own else "", room.actor))
    return {
        "entries": entries, "log_fault": fault, "log_roles": sorted({entry.role for entry in heads}),
        "log_role": room.role, "entry_refusal": refusal, "entry_form": EntryForm(roles=own, initial={
            "key": ids.new_ulid()}), "longest": LONGEST, "may_read": bool(own),
    }  # fmt: skip


PARTS: Mapping[str, tuple[str, Part]] = {
    "head": ("emergency/_head.html", head),
    "map": ("emergency/_map.html", chart),
    "decision": ("emergency/_decision.html", decision),
    "evidence": ("emergency/_evidence.html", evidence.part),
    "board": ("emergency/_board.html", board),
    "departments": ("emergency/_notices.html", departments),
    "alerts": ("emergency/_alerts.html", warnings),
    "timeline": ("emergency/_timeline.html", story),
    "log": ("emergency/_log.html", log),
}
"""Each part of the room: its template, and what the template needs."""


def _approvals(room: Room, proposal: queries.ProposalFacts) -> list[Approval]:
    given = {approval.role: approval for approval in proposal.approvals}
    labels = {states.COMMANDER: _("Approve the evacuation"), states.SECOND: _("Approve the alert")}
    if proposal.purpose != "evacuation":
        labels[states.COMMANDER] = _("Approve the end")
    past = _("This is how it was; go back to now to decide.") if room.at else ""
    every = [
        Approval(role, label, given.get(role), past or room.refusal(policies.approval_action(role)))
        for role, label in labels.items()
    ]
    return sorted(every, key=lambda one: (bool(one.given or one.refusal), not one.given))  # what one may do is in sight


def _choices(room: Room) -> list[Choice]:
    """What the state allows besides approving, each with the reason why this person may not."""
    labels = {
        "propose": _("Draft a new revision"), "send-back": _("Send back"), "all-clear": _("All clear"),
        "cancel": _("Cancel the incident"),
    }  # fmt: skip
    return [
        Choice(action, label, room.refusal(action))
        for action, label in labels.items()
        if states.transition(room.standing.state, action)
    ]


def _changes(room: Room, proposal: queries.ProposalFacts) -> changes.Changes | None:
    """What is new since the revision that this page showed last, else since the one before."""
    earlier = [facts for facts in room.proposals if facts.revision < proposal.revision]
    if not earlier:
        return None
    shown = next((facts for facts in earlier if facts.revision == room.since), earlier[-1])
    return changes.between(_side(shown), _side(proposal))


def _side(facts: queries.ProposalFacts) -> changes.Side:
    return changes.Side(facts.revision, facts.purpose, facts.document, facts.plan)


def _task_state(room: Room, task: fieldwork.TaskFacts) -> str:
    """How far a task was; "" where there was none yet."""
    if room.at is None:
        return task.state
    if room.evacuation is None or not room.evacuation.approvals:
        return ""
    stages = [("ended", room.is_known(task.finished_at)), ("delivered", room.is_known(task.delivered_at)),
              ("assigned", room.is_known(task.assigned_at))]  # fmt: skip
    return known.task_state(task.state, stages)


def _drawn(room: Room, bbox: display.BBox) -> SafeString:
    city, proposal = registers.city(), room.proposal
    area = [alerts.polygon_from(text) for text in proposal.document["polygons"]] if proposal else []
    words = display.MapFacts(
        title=in_language(room.facts.place), is_exercise=bool(room.facts.exercise_id),
        is_synthetic=bool(city and city.is_synthetic), attribution=city.attribution if city else "",
        counts=proposal.plan["counts"] if proposal else {},
    )  # fmt: skip
    svg = display.draw_map(registers.map_features(*bbox), queries.map_layers(room.incident_id), area, bbox, words)
    return mark_safe(svg)  # noqa: S308 - every text in it is escaped where it is drawn
