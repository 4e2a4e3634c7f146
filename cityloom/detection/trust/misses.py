"""What happened and was not detected: noted by people, or by whoever opens a matter without a detection."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from cityloom.bus import actions as bus
from cityloom.detection import policies
from cityloom.detection.domain.missing import NEAR, is_same
from cityloom.detection.events import MissNoted, MissWithdrawn
from cityloom.detection.models import Detection, Miss
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_DETECTED = ("It was detected: {value} is of the same kind, near in place and time. Judge that one; a miss is what "
             "nothing was raised about.")  # fmt: skip
_NOTED = "It is noted already, as {value}; one event is one miss."
_NO_MISS = "There is no such note; it may have been withdrawn already."


@dataclass(frozen=True)
class Event:
    """What happened, where, when, and how it became known."""

    category: str
    lon: float
    lat: float
    happened_at: datetime
    source: str


def counted(of_drills: bool = False) -> QuerySet[Miss]:
    """What holds, latest first."""
    rows = Miss.objects.filter(withdrawn_at=None)
    rows = rows.exclude(exercise_id="") if of_drills else rows.filter(exercise_id="")
    return rows.order_by("-happened_at", "id")


@transaction.atomic
def note(event: Event, exercise_id: str, by: Actor, at: datetime) -> str:
    """Write down what nothing was raised about; return its id.

    Raises: Refused like `policies.check_miss`, `detection.was_detected`, `detection.miss_noted`.
    """
    policies.check_miss(event.source, event.happened_at, at)
    if detected := _detection_of(event, exercise_id):
        raise Refused("detection.was_detected", _DETECTED, value=detected)
    if known := _known(event, exercise_id):
        raise Refused("detection.miss_noted", _NOTED, value=known)
    role = next(iter(sorted(by.roles & policies.JUDGES)), "")
    return _write(ids.new_ulid(), event, exercise_id, at, by=by.account, unit=by.unit[:80], role=role)


@transaction.atomic
def note_matter(event: Event, kind: str, matter_id: str, exercise_id: str, by: Actor, at: datetime) -> str:
    """Write down that a matter was opened without a detection; the same again, or what was noted, changes nothing."""
    key = ids.named_id("miss", kind, matter_id)
    if Miss.objects.filter(pk=key).exists():
        return key
    if found := _detection_of(event, exercise_id) or _known(event, exercise_id):
        return found
    return _write(key, event, exercise_id, at, by=by.account, unit=by.unit[:80], kind=kind, matter_id=matter_id)


@transaction.atomic
def withdraw(miss_id: str, by: Actor, at: datetime) -> None:
    """Take back a note that was wrong; it stays, and counts no more.

    Raises: Refused `detection.no_miss`.
    """
    row = Miss.objects.filter(pk=miss_id, withdrawn_at=None).first()
    if row is None:
        raise Refused("detection.no_miss", _NO_MISS)
    row.withdrawn_at, row.withdrawn_by = at, by.account
    row.save(update_fields=["withdrawn_at", "withdrawn_by"])
    bus.publish(MissWithdrawn(row.id, row.category, at), at=at, exercise_id=row.exercise_id)


def _write(key: str, event: Event, exercise_id: str, at: datetime, **more: str) -> str:
    columns = {name: getattr(event, name) for name in ("category", "lon", "lat", "happened_at", "source")}
    Miss.objects.create(id=key, exercise_id=exercise_id, at=at, **columns, **more)
    fact = MissNoted(key, event.category, event.source, event.lon, event.lat, event.happened_at, at)
    bus.publish(fact, at=at, exercise_id=exercise_id)
    return key


def _detection_of(event: Event, exercise_id: str) -> str:
    """A detection that was of the same event; "" where there is none."""
    rows = Detection.objects.filter(
        exercise_id=exercise_id, category=event.category, first_at__lte=event.happened_at + NEAR,
        last_at__gte=event.happened_at - NEAR,
    )  # fmt: skip
    same = (row.id for row in rows.order_by("raised_at", "id")
            if is_same(*_where(event), row.lon, row.lat, row.first_at, row.last_at, row.radius_m))  # fmt: skip
    return next(same, "")


def _known(event: Event, exercise_id: str) -> str:
    """A note of the same event; "" where there is none."""
    rows = Miss.objects.filter(
        exercise_id=exercise_id, category=event.category, withdrawn_at=None,
        happened_at__range=(event.happened_at - NEAR, event.happened_at + NEAR),
    )  # fmt: skip
    same = (row.id for row in rows.order_by("at", "id")
            if is_same(*_where(event), row.lon, row.lat, row.happened_at, row.happened_at))  # fmt: skip
    return next(same, "")


def _where(event: Event) -> tuple[float, float, datetime]:
    return event.lon, event.lat, event.happened_at
