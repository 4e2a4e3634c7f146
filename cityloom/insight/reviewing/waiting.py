"""What was asked for waits, is taken up by a process of its own, and ends: the same for reviews and for studies."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from cityloom.insight.domain import stages
from cityloom.insight.models import Asked
from cityloom.kernel.refused import Refused

One = TypeVar("One", bound=Asked)


def waiting(model: type[Asked]) -> int:
    """How many wait or are at work."""
    return model._default_manager.filter(state__in=stages.OPEN).count()


def is_any_open(model: type[Asked]) -> bool:
    """Whether any waits or is at work."""
    return model._default_manager.filter(state__in=stages.OPEN).exists()


def is_to_stop(model: type[Asked], at: datetime) -> bool:
    """Whether the one at work was cancelled, or has taken too long."""
    rows = model._default_manager.filter(state=stages.RUNNING)
    return rows.exclude(cancelled_at=None).exists() or rows.filter(begun_at__lte=at - stages.LONGEST).exists()


def cancel(row: Asked, at: datetime) -> bool:
    """End one that nobody needs, and say whether it has ended with that; one that has ended stays as it is."""
    rows = type(row)._default_manager.filter(pk=row.pk)
    rows.filter(state__in=stages.OPEN, cancelled_at=None).update(cancelled_at=at)
    return bool(rows.filter(state=stages.WAITING).update(state=stages.CANCELLED, ended_at=at))


def next_one(model: type[One], at: datetime, settle: Callable[[One, datetime], None]) -> One | None:
    """Take the next one up, after those that a process left without an outcome have been settled."""
    for left in model._default_manager.filter(state=stages.RUNNING):
        settle(left, at)
    row = model._default_manager.filter(state__in=stages.OPEN).order_by("asked_at", "id").first()
    if row is not None:
        row.state, row.begun, row.begun_at, row.done = stages.RUNNING, row.begun + 1, at, 0
        row.save(update_fields=["state", "begun", "begun_at", "done"])
    return row


def is_late(row: Asked, at: datetime) -> bool:
    """Whether it has been at work for longer than it may."""
    return bool(row.begun_at and at - row.begun_at >= stages.LONGEST)


def said(refusal: Refused | None) -> dict[str, object]:
    """A refusal as it is kept."""
    if refusal is None:
        return {}
    return {"code": refusal.code, "sentence": refusal.template, "value": _plain(refusal.value),
            "limit": _plain(refusal.limit)}  # fmt: skip


def refusal_of(row: Asked) -> Refused | None:
    """The refusal that was kept."""
    one = row.refusal
    return Refused(one["code"], one["sentence"], value=one["value"], limit=one["limit"]) if one else None


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)
