"""What emergency does when it hears of something; each may be called twice with the same event."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import shapely

from cityloom.accounts import queries as accounts
from cityloom.alerts import actions as alerts
from cityloom.alerts import queries as alert_queries
from cityloom.alerts.events import AlertDelivered
from cityloom.detection import queries as detection
from cityloom.detection.events import DetectionRaised
from cityloom.emergency import actions
from cityloom.emergency.domain import states
from cityloom.emergency.domain import zone as zones
from cityloom.emergency.events import (
    AlertApproved,
    EvacuationApproved,
    IncidentCancelled,
    IncidentClosed,
    IncidentOpened,
)  # fmt: skip
from cityloom.emergency.queries import ProposalFacts, approved_revisions, current_proposal, find_incident
from cityloom.fieldwork import actions as fieldwork
from cityloom.fieldwork import queries as fieldwork_queries
from cityloom.fieldwork.actions import PeopleToAssist
from cityloom.fieldwork.events import TaskFinished
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.envelope import Envelope
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

_ENDING = ("all-clear", "cancellation")
_OVER = {*states.FINAL, "clearing"}
_SENDERS = {"Alert": alerts.send, "Update": alerts.update, "Cancel": alerts.cancel}


def open_incident(event: DetectionRaised, *, envelope: Envelope) -> None:
    """Turn a detection into an incident, where it is of a kind that endangers people; others are seen and judged."""
    if event.category not in zones.DEFAULTS:
        return
    actions.open_incident(
        detection_id=event.detection_id, category=event.category, lon=event.lon, lat=event.lat,
        first_signal_at=event.first_signal_at, exercise_id=envelope.exercise_id,
        scene_id=next(iter(detection.detection(event.detection_id).scene_ids), ""), by=SYSTEM, at=clock.now(),
    )  # fmt: skip


def propose(event: IncidentOpened, *, envelope: Envelope) -> None:
    """Compute the first revision, unless there is one."""
    if find_incident(event.incident_id).state == "open":
        actions.propose(incident_id=event.incident_id, by=SYSTEM, at=clock.now())


def send_notices(event: EvacuationApproved, *, envelope: Envelope) -> None:
    """Tell the departments what is asked of them."""
    actions.send_notices(proposal_id=event.proposal_id, digest=event.digest, by=SYSTEM, at=clock.now())


def assign_tasks(event: EvacuationApproved, *, envelope: Envelope) -> None:
    """Name who needs help in the approved buildings, give them to workers, and hand the tasks over."""
    facts = actions.approved(proposal_id=event.proposal_id, digest=event.digest, roles=(states.COMMANDER,))
    if _is_past(facts, states.COMMANDER):
        return
    at, commander = clock.now(), accounts.actor_of(event.approved_by)
    until = _end_of(facts)
    people = _people_to_assist(facts, commander, at, until)
    task_ids = fieldwork.assign(
        by=commander, at=at, incident_id=facts.incident_id, people=people, until=until, basis="",
        zone_digest=facts.digest, exercise_id=facts.exercise_id,
    )  # fmt: skip
    fieldwork.deliver(at=at, task_ids=task_ids)


def withdraw_replaced(event: EvacuationApproved, *, envelope: Envelope) -> None:
    """Take back what an earlier revision asked for and allowed beyond the buildings that are approved now."""
    facts = actions.approved(proposal_id=event.proposal_id, digest=event.digest, roles=(states.COMMANDER,))
    if _is_past(facts, states.COMMANDER) or _is_first(facts):
        return
    at, commander = clock.now(), accounts.actor_of(event.approved_by)
    fieldwork.keep_within(
        by=commander, at=at, incident_id=facts.incident_id, building_ids=facts.document["buildings"],
        until=_end_of(facts), basis="", zone_digest=facts.digest,
    )  # fmt: skip
    gate.revoke_all(
        by=commander, at=at, incident_id=facts.incident_id, exercise_id=facts.exercise_id,
        but_zone_digest=facts.digest,
    )  # fmt: skip
    _note_if_all_were_visited(facts.incident_id, at)


def send_alerts(event: AlertApproved, *, envelope: Envelope) -> None:
    """Let the approved alert leave on its channels."""
    facts = actions.approved(
        proposal_id=event.proposal_id, digest=event.digest, roles=(states.COMMANDER, states.SECOND)
    )
    if facts.purpose not in _ENDING and _is_past(facts, states.SECOND):
        return
    at, city = clock.now(), registers.city()
    _SENDERS[facts.document["message_type"]](
        by=accounts.actor_of(event.approved_by), at=at, incident_id=facts.incident_id, document=facts.document,
        approved_digest=facts.digest, channels=facts.document["channels"], exercise_id=facts.exercise_id,
        city_is_synthetic=city is None or city.is_synthetic, city_bounds=city.bounds if city else None,
    )  # fmt: skip
    alerts.deliver_due(at=at, exercise_id=facts.exercise_id)


def note_progress(event: TaskFinished | AlertDelivered, *, envelope: Envelope) -> None:
    """Say once that the public is warned, and once that everyone who needed help was visited."""
    if isinstance(event, AlertDelivered):
        actions.note_public_warned(incident_id=event.incident_id, channel=event.channel, at=event.delivered_at)
        return
    _note_if_all_were_visited(event.incident_id, event.finished_at)


def close_out(event: IncidentClosed | IncidentCancelled, *, envelope: Envelope) -> None:
    """End what was allowed and asked for an incident: departments stand down, tasks and grants end."""
    at, row = clock.now(), find_incident(event.incident_id)
    ended = current_proposal(row.id)
    if ended and ended.purpose in _ENDING:
        actions.send_notices(proposal_id=ended.id, digest=ended.digest, by=SYSTEM, at=at)
    fieldwork.cancel_all(by=SYSTEM, at=at, incident_id=row.id)
    gate.revoke_all(by=SYSTEM, at=at, incident_id=row.id, exercise_id=row.exercise_id)


def _note_if_all_were_visited(incident_id: str, at: datetime) -> None:
    counts = fieldwork_queries.counts_by_state(incident_id)
    visited = counts["done"] + counts["unable"]
    if visited and sum(counts.values()) == visited + counts["cancelled"]:
        actions.note_help_completed(incident_id=incident_id, done=counts["done"], unable=counts["unable"], at=at)


def _is_past(facts: ProposalFacts, role: str) -> bool:
    """Whether the evacuation is over, or a later revision of it was approved meanwhile in this role."""
    later = max(approved_revisions(facts.incident_id, role), default=0) > facts.revision
    return later or find_incident(facts.incident_id).state in _OVER


def _is_first(facts: ProposalFacts) -> bool:
    """Whether nothing was ordered before."""
    return min(approved_revisions(facts.incident_id, states.COMMANDER), default=facts.revision) >= facts.revision


def _people_to_assist(facts: ProposalFacts, commander: Actor, at: datetime, until: datetime) -> PeopleToAssist:
    """Everyone in the approved buildings who needs help to leave; the grant that names them opens no field."""
    buildings = _approved_buildings(facts)
    residents = registers.residents_of(buildings)
    subjects = np.empty(0, dtype=np.int64)
    if len(residents.subject):
        grant_id = gate.grant(
            by=commander, at=at, purpose=gate_queries.EMERGENCY, subjects=residents.subject, fields=(),
            holder=commander.account, until=until, zone_digest=facts.digest, incident_id=facts.incident_id,
            exercise_id=facts.exercise_id, grant_id=ids.named_id("zone-grant", facts.id),
        )  # fmt: skip
        subjects = gate_queries.subjects_needing_help(by=commander, at=at, grant_id=grant_id)
    rows = np.flatnonzero(np.isin(residents.subject, subjects))
    home = residents.building_index[rows]
    return PeopleToAssist(
        subject=residents.subject[rows], dwelling_id=residents.dwelling_id[rows], building_id=buildings.id[home],
        lon=buildings.lon[home], lat=buildings.lat[home],
    )  # fmt: skip


def _approved_buildings(facts: ProposalFacts) -> registers.Buildings:
    """The buildings that the document names, found through the polygons that it names.

    Raises: Refused `emergency.buildings_missing`.
    """
    area = shapely.union_all([alert_queries.polygon_from(text) for text in facts.document["polygons"]])
    found = registers.buildings_touching(area)
    named = np.array(facts.document["buildings"], dtype=np.int64)
    if not np.isin(named, found.id).all():
        raise Refused(
            "emergency.buildings_missing",
            "The approved polygon does not reach {value} of the approved buildings, so no tasks were given out; "
            "make a new proposal.",
            value=int((~np.isin(named, found.id)).sum()),
        )
    return found.taken(np.isin(found.id, named))


def _end_of(facts: ProposalFacts) -> datetime:
    end = alert_queries.time_from(facts.document["expires"])
    if end is None:
        raise Refused("emergency.no_expiry", "The approved document has no expiry, so no tasks were given out.")
    return end
