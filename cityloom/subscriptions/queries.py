"""Questions about subscriptions: counts alone, for whoever they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from cityloom.kernel.actor import Actor
from cityloom.subscriptions.models import Subscription, Telling
from cityloom.ui.domain.declared import Fault

_LATE = timedelta(minutes=2)


@dataclass(frozen=True)
class TellingFacts:
    """How far an alert is on its way to those who asked; `waits_for` is the code of what holds it up."""

    alert_id: str
    state: str
    waits_for: str
    candidates: int
    told: int
    outside: int
    gone: int
    failed: int


def telling_of(alert_id: str) -> TellingFacts | None:
    """What became of an alert; None where nobody had asked."""
    row = Telling.objects.filter(alert_id=alert_id).first()
    if row is None:
        return None
    return TellingFacts(row.alert_id, row.state, row.waits_for, row.candidates, row.told, row.outside, row.gone,
                        row.failed)  # fmt: skip


def subscriptions_active() -> int:
    """How many subscriptions are confirmed."""
    return Subscription.objects.filter(state=Subscription.State.ACTIVE).count()


def faults_of(actor: Actor, at: datetime) -> list[Fault]:
    """Warnings that those who asked have not got, and those that some will not get."""
    running = Telling.objects.filter(state__in=(Telling.State.MATCHING, Telling.State.TELLING))
    late = running.exclude(waits_for="") | running.filter(begun_at__lte=at - _LATE)
    found = [
        Fault(_("A warning waits to be told to those who asked"), "bad", row.begun_at,
              note=_("The keeper does not answer.") if row.waits_for == "gate.keeper_down" else row.waits_for)
        for row in late.order_by("begun_at")[:10]
    ]  # fmt: skip
    failed = Telling.objects.filter(failed__gt=0, ended_at__gt=at - timedelta(days=1)).order_by("-ended_at")[:10]
    return found + [
        Fault(_("{count} letters of a warning did not arrive").format(count=row.failed), "wait", row.ended_at)
        for row in failed
    ]
