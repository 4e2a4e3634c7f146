"""What cases do when others publish: what fails and what was detected become matters."""

from __future__ import annotations

from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.events import CaseMoved, CaseOpened
from cityloom.detection import actions as detection
from cityloom.detection.events import DetectionRaised, SensorFailed, SensorRecovered
from cityloom.fieldwork import actions as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import Envelope
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals

BURNING = frozenset({"ground-collapse", "gas-leak", "fire"})
"""Detections that become incidents; all others become cases."""
_FAULTS = frozenset({"silent", "stuck", "drifting", "noisy", "out_of_range"})
_DETECTED = {"leak": "leak", "pipe-burst": "leak", "flooding": "flooding", "traffic-incident": "traffic-incident",
             "sensor-fault": "sensor-fault"}  # fmt: skip


def open_maintenance(event: SensorFailed, *, envelope: Envelope) -> None:
    """Open a maintenance case for a sensor that fails, with the repair that is asked of the field."""
    what = f"datastream:{event.datastream_id}"
    repair = fieldwork.ask_for_repair(
        what=what, name=event.name, kind=event.kind, fault=event.state, lon=event.lon, lat=event.lat, by=SYSTEM,
        at=event.since,
    )  # fmt: skip
    fault = event.state if event.state in _FAULTS else "otherwise"
    actions.open_case(
        Asked("maintenance", "sensor-fault", {"thing": "sensor", "fault_kind": fault}, event.lon, event.lat,
              unit=_owner(event.datastream_id), origin="sensor", key=f"{what} {clock.to_text(event.since)}",
              links=[("datastream", str(event.datastream_id)), ("repair", repair)],
              about=[("datastream", str(event.datastream_id), "failed")], exercise_id=envelope.exercise_id),
        by=SYSTEM, at=clock.now(),
    )  # fmt: skip


def note_recovery(event: SensorRecovered, *, envelope: Envelope) -> None:
    """End the maintenance cases of a sensor that works again; one that is past that stays as it is."""
    for case_id in queries.cases_linked_with("datastream", str(event.datastream_id)):
        try:
            actions.take_step(case_id=case_id, step="recover", by=SYSTEM, at=clock.now(), command=envelope.id)
        except Refused as refusal:
            if refusal.code not in ("cases.state", "cases.no_step"):
                raise


def open_case(event: DetectionRaised, *, envelope: Envelope) -> None:
    """Open a case for a detection that does not burn, and say so at the detection."""
    if event.category in BURNING:
        return
    category = _DETECTED.get(event.category, "detection")
    case_id = actions.open_case(
        Asked("maintenance", category, {"thing": "place"}, event.lon, event.lat, origin="detection",
              key=event.detection_id, links=[("detection", event.detection_id)],
              about=[("detection", event.detection_id, "raised")], exercise_id=envelope.exercise_id),
        by=SYSTEM, at=clock.now(),
    )  # fmt: skip
    detection.note_outcome(
        detection_id=event.detection_id, kind="case", matter_id=case_id, by=SYSTEM, at=event.raised_at
    )


def note_in_joined(event: CaseMoved, *, envelope: Envelope) -> None:
    """Say in the cases that are joined with one what became of it."""
    actions.follow_lead(event, event_id=envelope.id, at=event.moved_at)


def follow_review(event: CaseMoved, *, envelope: Envelope) -> None:
    """Take up again the application whose decision a review has found to be wrong."""
    if event.casetype == "review" and event.is_over:
        actions.follow_review(review_id=event.case_id, result=event.result, command=envelope.id, at=event.moved_at)


def take_in(event: CaseOpened, *, envelope: Envelope) -> None:
    """Classify, route and join a new case, together with others that wait for it."""
    actions.take_in(case_id=event.case_id, at=clock.now())


def _owner(datastream_id: int) -> str:
    """The unit that looks after a sensor; "" where nobody is named, or the sensor has gone."""
    try:
        return signals.sensor(datastream_id).owner_unit
    except Refused:
        return ""
