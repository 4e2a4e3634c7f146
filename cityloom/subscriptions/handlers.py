"""What subscriptions do when something happens; each may be called twice with the same event."""

from __future__ import annotations

from cityloom.alerts.events import AlertIssued
from cityloom.kernel import clock
from cityloom.kernel.envelope import Envelope
from cityloom.subscriptions import actions
from cityloom.subscriptions.events import SubscriptionAsked


def send_confirmation(event: SubscriptionAsked, *, envelope: Envelope) -> None:
    """Write to the address, so that its owner can confirm."""
    actions.send_confirmation(subscription_id=event.subscription_id, at=clock.now())


def begin_telling(event: AlertIssued, *, envelope: Envelope) -> None:
    """Note that those who asked are to be told; the worker tells them."""
    actions.begin_telling(
        alert_id=event.alert_id, is_actual=event.status == "Actual", exercise_id=envelope.exercise_id, at=clock.now()
    )
