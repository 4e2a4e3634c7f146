"""What detection does when others publish."""

from __future__ import annotations

from cityloom.detection import actions
from cityloom.detection.events import SensorFailed, SensorRecovered
from cityloom.fieldwork import actions as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import Envelope
from cityloom.signals.events import SignalsRecorded


def assess(event: SignalsRecorded, *, envelope: Envelope) -> None:
    """Look around what was just recorded."""
    actions.assess(
        recorded=event, by=SYSTEM, at=clock.now(), exercise_id=envelope.exercise_id, caused_by=envelope.id
    )  # fmt: skip


def ask_for_repair(event: SensorFailed, *, envelope: Envelope) -> None:
    """Have somebody look at a sensor: that it fails is no sign of anything else."""
    fieldwork.ask_for_repair(
        what=f"datastream:{event.datastream_id}", name=event.name, kind=event.kind, fault=event.state, lon=event.lon,
        lat=event.lat, by=SYSTEM, at=event.since,
    )  # fmt: skip


def end_repair(event: SensorRecovered, *, envelope: Envelope) -> None:
    """Take back what is asked about a sensor that works again."""
    fieldwork.end_repair(what=f"datastream:{event.datastream_id}", by=SYSTEM, at=event.since)
