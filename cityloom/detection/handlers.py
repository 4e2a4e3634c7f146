"""What detection does when others publish."""

from __future__ import annotations

from cityloom.detection import actions
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import Envelope
from cityloom.signals.events import SignalsRecorded


def assess(event: SignalsRecorded, *, envelope: Envelope) -> None:
    """Look around what was just recorded."""
    actions.assess(
        recorded=event, by=SYSTEM, at=clock.now(), exercise_id=envelope.exercise_id, caused_by=envelope.id
    )  # fmt: skip
