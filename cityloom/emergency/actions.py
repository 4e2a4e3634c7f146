"""Changes to incidents: open, propose, approve, send back, update, end; and the notices to departments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from cityloom.alerts import queries as alerts
from cityloom.bus import actions as bus
from cityloom.detection import actions as detection
from cityloom.detection import queries as detections
from cityloom.emergency import events, policies
from cityloom.emergency.domain import document as documents
from cityloom.emergency.domain import entries, states, words
from cityloom.emergency.domain import plan as plans
from cityloom.emergency.domain import zone as zones
from cityloom.emergency.domain.matter import Occasion, matter_of
from cityloom.emergency.domain.words import Matter
from cityloom.emergency.models import Approval, Incident, Notice, Proposal, ResponseParameters, RoomEntry
from cityloom.emergency.queries import (
    ProposalFacts,
    find_incident,
    parameters_of,
    phones_reached,
    proposal,
    scene_of,
    standing_of,
    surroundings_of,
)  # fmt: skip
from cityloom.gate import actions as gate
from cityloom.kernel import canonical, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

ALERT_LIFE = timedelta(hours=12)
SILENCE = policies.SILENCE
_FINAL = {"all-clear": "closed", "cancellation": "cancelled"}
DEMO_CHANNELS = ("demo_works",)


@dataclass(frozen=True)
class _Draft:
    """A revision that is computed and not yet written."""

    purpose: str
    document: dict[str, Any]
    plan: dict[str, Any]


def set_parameters(
    *, exercise_id: str, by: Actor, at: datetime, hazard_radius_m: float | None = None, buffer_m: float | None = None,
    ring_fractions: Sequence[float] | None = None, shelter_radius_m: float | None = None,
    channels: Sequence[str] | None = None,
) -> None:  # fmt: skip
    """Set what an exercise uses in place of the defaults; None keeps a default.

    Raises: Refused `emergency.parameters` or `emergency.not_an_exercise`.
    """
    if not exercise_id:
        raise Refused("emergency.not_an_exercise", "Only an exercise sets parameters in advance; name one.")
    zones.parameters_for("", hazard_radius_m, buffer_m, ring_fractions)
    ResponseParameters.objects.update_or_create(
        exercise_id=exercise_id,
        defaults={
            "hazard_radius_m": hazard_radius_m, "buffer_m": buffer_m, "shelter_radius_m": shelter_radius_m,
            "ring_fractions": list(ring_fractions) if ring_fractions is not None else None,
            "channels": list(channels) if channels is not None else None,
        },
    )  # fmt: skip


def open_incident(
    *, detection_id: str, category: str, lon: float, lat: float, first_signal_at: datetime, by: Actor, at: datetime,
    exercise_id: str = "", scene_id: str = "",
) -> str:  # fmt: skip
    """Turn a detection into an incident and return its id; the same detection always gives the same incident.

    A first signal of a clock that is ahead of ours came no later than now.
    """
    first_signal_at = min(first_signal_at, at)
    incident_id = ids.named_id("incident", detection_id)
    chosen = parameters_of(exercise_id, category)
    place = registers.area_words(lon, lat)
    with transaction.atomic():
        _, new = Incident.objects.get_or_create(
            id=incident_id,
            defaults={
                "exercise_id": exercise_id, "detection_id": detection_id, "category": category, "lon": lon, "lat": lat,
                "hazard_radius_m": chosen.hazard_radius_m, "buffer_m": chosen.buffer_m,
                "ring_fractions": list(chosen.ring_fractions), "scene_id": scene_id, "place": place,
                "first_signal_at": first_signal_at, "opened_at": at,
            },
        )  # fmt: skip
        if new:
            fact = events.IncidentOpened(incident_id, detection_id, category, lon, lat, first_signal_at, at)
            bus.publish(fact, at=at, exercise_id=exercise_id, event_id=ids.named_id("incident-opened", incident_id))
            if detections.is_known(detection_id):
                detection.note_outcome(detection_id=detection_id, kind="incident", matter_id=incident_id, by=by, at=at)
            else:
                seen = detection.Event(category, lon, lat, first_signal_at, "incident")
                detection.note_undetected(seen, kind="incident", matter_id=incident_id, by=by, at=at,
                                          exercise_id=exercise_id)  # fmt: skip
    return incident_id


def propose(*, incident_id: str, by: Actor, at: datetime) -> str:
    """Compute the next revision of an evacuation and return its id; nobody is opened, the keeper gives counts.

    Raises: Refused `emergency.no_incident`, `emergency.state`, `emergency.role`, and what registers and gate refuse.
    """
    row = find_incident(incident_id)
    policies.check_can("propose", standing_of(row), by)
    chosen = zones.parameters_for(row.category, row.hazard_radius_m, row.buffer_m, row.ring_fractions)
    return _write(row, _draft_evacuation(row, chosen, at), "proposed", by, at)


def update(
    *, incident_id: str, by: Actor, at: datetime, hazard_radius_m: float | None = None, buffer_m: float | None = None,
    ring_fractions: Sequence[float] | None = None,
) -> str:  # fmt: skip
    """Draft a revision with another zone and return its id; what was ordered stands until it is approved.

    Raises: Refused like `propose`, and `emergency.parameters`.
    """
    row = find_incident(incident_id)
    policies.check_can("update", standing_of(row), by)
    chosen = zones.parameters_for(
        row.category,
        row.hazard_radius_m if hazard_radius_m is None else hazard_radius_m,
        row.buffer_m if buffer_m is None else buffer_m,
        row.ring_fractions if ring_fractions is None else ring_fractions,
    )
    return _write(row, _draft_evacuation(row, chosen, at), "proposed", by, at, chosen)


def approve(*, proposal_id: str, digest: str, role: str, by: Actor, at: datetime) -> None:
    """Approve the document with this digest as commander, or after that as the second person for its alert.

    The same approval by the same account again changes nothing.
    Raises: Refused `emergency.digest`, `emergency.document_changed`, `emergency.stale`, `emergency.state`,
    `emergency.role`, `emergency.same_account`, `emergency.role_unknown`.
    """
    facts = proposal(proposal_id)
    policies.check_is_digest(digest, facts.digest)
    if any((one.role, one.account_id) == (role, by.account) for one in facts.approvals):
        return
    with transaction.atomic():
        row = find_incident(facts.incident_id)
        policies.check_is_current(facts.revision, row.revision)
        to = _after(policies.check_can_approve(standing_of(row), by, role), facts)
        _move(row, to, at)
        _record_approval(facts, role, by, at)
        _publish_approval(facts, role, to, by, at)


def send_back(*, proposal_id: str, reason: str, by: Actor, at: datetime) -> None:
    """Return a proposal with the reason, so that another revision is made.

    Raises: Refused `emergency.no_reason`, `emergency.reason_long`, like `approve`, and `gate.keeper_down` where nobody
    can seal the reason: then nothing was decided.
    """
    plain = entries.cleaned_reason(reason)
    facts = proposal(proposal_id)
    _check_can_send_back(facts, by)
    (sealed,) = gate.seal_texts(by=by, at=at, matter=facts.incident_id, texts=[plain])
    with transaction.atomic():
        row, to = _check_can_send_back(facts, by)
        Proposal.objects.filter(id=facts.id).update(sent_back_at=at, sent_back_by=by.account, sent_back_sealed=sealed)
        _move(row, to, at)
        _publish(events.ProposalSentBack(row.id, facts.id, by.account), row, at, facts.id)


def all_clear(*, incident_id: str, by: Actor, at: datetime) -> str:
    """End an incident that is over.

    Where an alert is out, its end is drafted, approved by `by` as commander, and waits for the second person: the id of
    that proposal is returned. Else the incident closes at once and "" is returned.
    Raises: Refused like `approve`.
    """
    return _end("all-clear", "all-clear", incident_id, by, at)


def cancel(*, incident_id: str, by: Actor, at: datetime) -> str:
    """Withdraw an incident that was a mistake; like `all_clear`."""
    return _end("cancel", "cancellation", incident_id, by, at)


def send_notices(*, proposal_id: str, digest: str, by: Actor, at: datetime) -> list[str]:
    """Tell each department what is asked of it and return the ids of the notices; sent once for a proposal.

    Raises: Refused `emergency.digest`, `emergency.document_changed`, `emergency.not_approved`.
    """
    facts = approved(proposal_id=proposal_id, digest=digest, roles=(states.COMMANDER,))
    row = find_incident(facts.incident_id)
    sent = [ids.named_id("notice", facts.id, department) for department in facts.plan["notices"]]
    scene_id = scene_of(row)
    with transaction.atomic():
        known = set(Notice.objects.filter(id__in=sent).values_list("id", flat=True))
        for notice_id, (department, asks) in zip(sent, facts.plan["notices"].items(), strict=True):
            if notice_id in known:
                continue
            Notice.objects.create(
                id=notice_id, exercise_id=row.exercise_id, incident=row, proposal_id=facts.id, department=department,
                asks=asks, scene_id=scene_id, sent_at=at,
            )  # fmt: skip
            _publish(events.NoticeSent(row.id, notice_id, department), row, at, notice_id)
    return sent


def acknowledge_notice(*, notice_id: str, by: Actor, at: datetime) -> None:
    """Say, for a department, that it acts; again it changes nothing.

    Raises: Refused `emergency.no_notice` or `emergency.not_your_notice`.
    """
    row = Notice.objects.filter(id=notice_id).select_related("incident").first()
    if row is None:
        raise Refused("emergency.no_notice", "There is no notice with that id; reload the list.")
    policies.check_can_acknowledge(row.department, by)
    with transaction.atomic():
        waiting = Notice.objects.filter(id=notice_id).exclude(state="acknowledged")
        if waiting.update(state="acknowledged", acknowledged_at=at, acknowledged_by=by.account):
            fact = events.NoticeAcknowledged(row.incident_id, row.id, row.department, by.account)
            _publish(fact, row.incident, at, row.id)


def escalate_due(*, at: datetime, exercise_id: str | None = None) -> list[str]:
    """Escalate every notice that was left without an answer for 60 seconds, once; return their ids."""
    due = Notice.objects.filter(state="sent", sent_at__lte=at - SILENCE).exclude(incident__state__in=states.FINAL)
    if exercise_id is not None:
        due = due.filter(exercise_id=exercise_id)
    return [row.id for row in due.select_related("incident").order_by("sent_at", "id") if _escalate(row, at)]


def write_entry(*, incident_id: str, role: str, text: str, by: Actor, at: datetime, key: str = "") -> str:
    """Write into the log of an incident and return the entry's id; the same `key` by the same account is one entry.

    Raises: Refused `emergency.entry_role`, `emergency.entry_empty`, `emergency.entry_long`, and `gate.keeper_down`
    where nobody can seal it: then nothing was kept.
    """
    row = find_incident(incident_id)
    policies.check_can_write(role, by)
    plain = entries.cleaned(text)
    entry_id = ids.named_id("entry", row.id, by.account, key) if key else ids.new_ulid()
    if RoomEntry.objects.filter(id=entry_id).exists():
        return entry_id
    (sealed,) = gate.seal_texts(by=by, at=at, matter=row.id, texts=[plain])
    with transaction.atomic():
        _, new = RoomEntry.objects.get_or_create(
            id=entry_id,
            defaults={"exercise_id": row.exercise_id, "incident": row, "account_id": by.account, "role": role,
                      "unit": by.unit, "sealed": sealed, "at": at},
        )  # fmt: skip
        if new:
            _publish(events.EntryWritten(row.id, entry_id, role), row, at, entry_id)
    return entry_id


def note_help_completed(*, incident_id: str, done: int, unable: int, at: datetime) -> None:
    """Publish, once, that every task of an incident has come to its end."""
    row = find_incident(incident_id)
    with transaction.atomic():
        _publish(events.HelpCompleted(row.id, done, unable), row, at, row.id)


def note_public_warned(*, incident_id: str, channel: str, at: datetime) -> None:
    """Publish, once, that a first channel has taken the alert."""
    row = find_incident(incident_id)
    with transaction.atomic():
        _publish(events.PublicWarned(row.id, channel), row, at, row.id)


def forget(*, exercise_id: str) -> int:
    """Erase everything of an exercise; return how many incidents there were."""
    if not exercise_id:
        raise Refused("emergency.not_an_exercise", "Only what belongs to an exercise can be erased; name one.")
    ResponseParameters.objects.filter(exercise_id=exercise_id).delete()
    return Incident.objects.filter(exercise_id=exercise_id).delete()[1].get("emergency.Incident", 0)


def approved(*, proposal_id: str, digest: str, roles: Sequence[str]) -> ProposalFacts:
    """The proposal, if its document as it stands now has this digest and each role has approved exactly that.

    Every hop asks here before it acts: a difference or an absence stops it.
    Raises: Refused `emergency.digest`, `emergency.document_changed`, `emergency.not_approved`.
    """
    facts = proposal(proposal_id)
    policies.check_is_digest(digest, facts.digest)
    given = {one.role: one for one in facts.approvals if one.digest == facts.digest}
    missing = [role for role in roles if role not in given]
    if missing or len({given[role].account_id for role in roles}) < len(roles):
        raise Refused(
            "emergency.not_approved",
            "This document has not been approved by {value}, so nothing was done with it; have it approved first.",
            value=" and ".join(missing) or "two different accounts",
        )
    return facts


def _check_can_send_back(facts: ProposalFacts, by: Actor) -> tuple[Incident, str]:
    row = find_incident(facts.incident_id)
    policies.check_is_current(facts.revision, row.revision)
    return row, policies.check_can("send-back", standing_of(row), by).to[0]


def _escalate(row: Notice, at: datetime) -> bool:
    with transaction.atomic():
        if not Notice.objects.filter(id=row.id, state="sent").update(state="escalated", escalated_at=at):
            return False
        _publish(events.NoticeEscalated(row.incident_id, row.id, row.department), row.incident, at, row.id)
    return True


def _draft_evacuation(row: Incident, chosen: zones.Parameters, at: datetime) -> _Draft:
    reach_m = ResponseParameters.objects.filter(exercise_id=row.exercise_id).values_list("shelter_radius_m", flat=True)
    around = surroundings_of(row, chosen, next(iter(reach_m), None), at)
    if not len(around.buildings.id):
        raise Refused(
            "emergency.nobody_there",
            "No building touches the zone of {value} m, so there is nothing to evacuate; check the place, or widen it.",
            value=f"{chosen.radius_m:g}",
        )
    plan = plans.as_json(plans.make(around))
    matter = _matter("evacuation", row, chosen.hazard_radius_m, plan)
    texts = alerts.polygons_over(around.zone.polygon, around.buildings.footprint)
    document = _document("evacuation", row, matter, texts, around.buildings.id.tolist(), at)
    counts = plan["counts"] | phones_reached(texts, around)
    return _Draft("evacuation", document, plan | {"counts": counts} | _spoken(matter))


def _draft_end(row: Incident, purpose: str, ordered: Proposal, at: datetime) -> _Draft:
    before = documents.read(ordered.document, ordered.digest)
    matter = _matter(purpose, row, row.hazard_radius_m, ordered.plan)
    document = _document(purpose, row, matter, before["polygons"], before["buildings"], at)
    return _Draft(purpose, document, {"counts": ordered.plan["counts"]} | _spoken(matter))


def _matter(purpose: str, row: Incident, hazard_radius_m: float, plan: dict[str, Any]) -> Matter:
    exercise, synthetic, city = bool(row.exercise_id), _is_synthetic(), registers.city()
    real = city is not None and city.kind != "synthetic"
    return matter_of(
        Occasion(purpose, row.category, row.place, row.lon, row.lat, hazard_radius_m, exercise, synthetic, real), plan
    )


def _document(
    purpose: str, row: Incident, matter: Matter, polygons: Sequence[str], buildings: Sequence[int], at: datetime
) -> dict[str, Any]:
    zone = registers.time_zone()
    sending = documents.Sending(
        incident_id=row.id, revision=row.revision + 1, references=alerts.references_for(row.id),
        sender=settings.CITYLOOM.get("ALERT_SENDER", "emergency@cityloom.invalid"), sent=alerts.time_text(at, zone),
        expires=alerts.time_text(at + ALERT_LIFE, zone), exercise=bool(row.exercise_id), synthetic_city=_is_synthetic(),
        channels=_channels(row.exercise_id),
    )  # fmt: skip
    return documents.compose(purpose, row.category, sending, polygons, buildings, words.alert_words(matter))


def _channels(exercise_id: str) -> Sequence[str]:
    chosen = ResponseParameters.objects.filter(exercise_id=exercise_id).values_list("channels", flat=True)
    if exercise_id or _is_synthetic():
        return next(iter(chosen), None) or DEMO_CHANNELS
    return [channel.name for channel in alerts.channels() if not channel.is_demo and not channel.missing]


def _spoken(matter: Matter) -> dict[str, Any]:
    return {"order": words.order_words(matter), "notices": words.notices(matter)}


def _is_synthetic() -> bool:
    city = registers.city()
    return city is None or city.is_synthetic


def _write(
    row: Incident, draft: _Draft, to: str, by: Actor, at: datetime, chosen: zones.Parameters | None = None
) -> str:
    """Store a revision unless somebody was faster; then return the id of theirs."""
    revision = row.revision + 1
    proposal_id = ids.named_id("proposal", row.id, revision)
    text = documents.text_of(draft.document)
    with transaction.atomic():
        if not Incident.objects.filter(id=row.id, revision=row.revision, state=row.state).update(
            revision=revision, state=to, closed_at=_closing(to, at), **(_as_fields(chosen) if chosen else {})
        ):
            return proposal_id
        made = Proposal.objects.create(
            id=proposal_id, exercise_id=row.exercise_id, incident=row, revision=revision, purpose=draft.purpose,
            document=text, digest=canonical.digest(draft.document), plan=draft.plan, proposed_by=by.account,
            created_at=at,
        )  # fmt: skip
        counts = draft.plan["counts"]
        fact = events.ProposalReady(
            row.id, proposal_id, revision, made.digest, counts["buildings"], counts["households"]
        )
        _publish(fact, row, at, proposal_id)
        if chosen:
            _publish(events.IncidentUpdated(row.id, proposal_id, revision), row, at, proposal_id)
    return proposal_id


def _closing(to: str, at: datetime) -> datetime | None:
    return at if to in states.FINAL else None


def _as_fields(chosen: zones.Parameters) -> dict[str, Any]:
    return {"hazard_radius_m": chosen.hazard_radius_m, "buffer_m": chosen.buffer_m,
            "ring_fractions": list(chosen.ring_fractions)}  # fmt: skip


def _after(row: states.Transition, facts: ProposalFacts) -> str:
    if row.state != "clearing":
        return row.to[0]
    return _FINAL[facts.purpose]


def _record_approval(facts: ProposalFacts, role: str, by: Actor, at: datetime) -> None:
    Approval.objects.create(
        id=ids.named_id("approval", facts.id, role), exercise_id=facts.exercise_id, proposal_id=facts.id,
        account_id=by.account, role=role, digest=facts.digest, at=at,
    )  # fmt: skip


def _publish_approval(facts: ProposalFacts, role: str, to: str, by: Actor, at: datetime) -> None:
    kind = events.EvacuationApproved if role == states.COMMANDER else events.AlertApproved
    row = find_incident(facts.incident_id)
    _publish(kind(row.id, facts.id, facts.digest, by.account, at), row, at, facts.id)
    if to in states.FINAL:
        _publish_end(row, to, by, at)


def _end(action: str, purpose: str, incident_id: str, by: Actor, at: datetime) -> str:
    row = find_incident(incident_id)
    policies.check_can(action, standing_of(row), by)
    to = _FINAL[purpose]
    ordered = _newest_ordered(row)
    if ordered is not None:
        return _write_end(row, _draft_end(row, purpose, ordered, at), to, by, at)
    with transaction.atomic():
        _move(row, to, at)
        _publish_end(row, to, by, at)
    return ""


def _write_end(row: Incident, draft: _Draft, to: str, by: Actor, at: datetime) -> str:
    """Store the end of an evacuation with the commander's approval; where an alert is out, wait for the second."""
    alert_is_out = bool(draft.document["references"])
    with transaction.atomic():
        proposal_id = _write(row, draft, "clearing" if alert_is_out else to, by, at)
        facts = proposal(proposal_id)
        if not facts.approvals:
            _record_approval(facts, states.COMMANDER, by, at)
        if not alert_is_out:
            _publish_end(row, to, by, at)
    return proposal_id if alert_is_out else ""


def _newest_ordered(row: Incident) -> Proposal | None:
    ordered = Proposal.objects.filter(incident=row, purpose="evacuation", approvals__role=states.COMMANDER)
    return ordered.order_by("-revision").first()


def _move(row: Incident, to: str, at: datetime) -> None:
    """Change the state unless somebody was faster.

    Raises: Refused `emergency.moved_on`.
    """
    current = Incident.objects.filter(id=row.id, state=row.state, revision=row.revision)
    if not current.update(state=to, closed_at=_closing(to, at)):
        raise Refused("emergency.moved_on", "Somebody else has just decided on this incident; reload the page.")


def _publish_end(row: Incident, to: str, by: Actor, at: datetime) -> None:
    kind = events.IncidentClosed if to == "closed" else events.IncidentCancelled
    _publish(kind(row.id, by.account), row, at, row.id)


def _publish(event: object, row: Incident, at: datetime, cause: str) -> None:
    bus.publish(
        event, at=at, exercise_id=row.exercise_id, event_id=ids.named_id(type(event).__name__, cause)
    )
