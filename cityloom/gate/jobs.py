"""What the gate does by itself: it follows the keeper's log and alarms, and keeps its clocks."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from cityloom.accounts import actions as accounts
from cityloom.bus import actions as bus
from cityloom.gate import actions, events
from cityloom.gate.models import (
    AdverseStatus,
    Contest,
    GateAlarm,
    GlassReview,
    GrantRecord,
    OpeningNotice,
    Position,
)
from cityloom.gate.queries import keeper_for
from cityloom.keeper import protocol
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM

_ROUNDS = 20
_MATTERS_EVERY_S = 3600
_LOOKED_AT = timedelta(hours=26)
_OWN_ALARMS = 1 << 62
_WITHOUT_MATTER = ("break-glass",)
"""Purposes that have a review of their own."""


def follow(at: datetime) -> None:
    """Bring alarms to the data protection officer and notices to residents, each once."""
    ring(at)
    tell(at)


def ring(at: datetime) -> int:
    """Take over the keeper's new alarms; return how many there were."""
    keeper, last = keeper_for(), _position("alarms")
    rows = keeper.ask(protocol.Watch(keeper.sign(SYSTEM), last), protocol.Alarms).rows
    with transaction.atomic():
        for row in rows:
            _, fresh = GateAlarm.objects.get_or_create(
                number=row.number,
                defaults={
                    "at": clock.from_text(row.at), "kind": row.kind, "purpose": row.purpose, "actor": row.actor,
                    "unit": row.unit, "service": row.service, "about": row.about, "people": row.people,
                    "exercise_id": row.exercise_id,
                },
            )  # fmt: skip
            if fresh:
                fact = events.GateAlarmRaised(row.number, row.kind, row.purpose, row.unit, row.people, at)
                bus.publish(fact, at=at, exercise_id=row.exercise_id, event_id=ids.named_id("alarm", row.number))
        if rows:
            _move("alarms", rows[-1].number)
    return len(rows)


def tell(at: datetime) -> int:
    """Write a notice for each new entry about a resident who has a link; return how many there were."""
    keeper, since, told = keeper_for(), _position("leaves"), 0
    for _ in range(_ROUNDS):
        news = keeper.ask(protocol.News(keeper.sign(SYSTEM), since), protocol.NewsIs)
        if news.next == since:
            return told
        gone = {item.handle for item in news.items if item.kind == "erased"}
        actions.forget(by=SYSTEM, at=at, handles=sorted(gone))
        with transaction.atomic():
            OpeningNotice.objects.bulk_create(
                [
                    OpeningNotice(
                        id=ids.named_id("notice", item.handle, item.index), handle=item.handle, leaf_index=item.index,
                        kind=item.kind, opened_at=clock.from_text(item.at), noticed_at=at,
                    )
                    for item in news.items
                    if item.handle not in gone and item.kind != "contested"  # one's own act is no news
                ],
                ignore_conflicts=True,
            )  # fmt: skip
            _move("leaves", news.next)
        since, told = news.next, told + len(news.items)
    return told


def keep_clocks(at: datetime) -> None:
    """Suspend whoever broke the glass and was not reviewed in time, escalate objections, and end statuses."""
    for row in GlassReview.objects.filter(reviewed_at=None, suspended_at=None, due_at__lt=at, exercise_id=""):
        with transaction.atomic():
            if GlassReview.objects.filter(id=row.id, suspended_at=None).update(suspended_at=at):
                accounts.suspend(account=row.account_id, reason_code="glass-not-reviewed", by=SYSTEM, at=at)
    Contest.objects.filter(answered_at=None, escalated_at=None, due_at__lt=at).update(escalated_at=at)
    over = AdverseStatus.objects.filter(ended_at=None, until__lte=at).values_list("batch", flat=True).distinct()
    for batch in list(over):
        actions.end_status(by=SYSTEM, at=at, batch=batch)


def match_matters(at: datetime) -> int:
    """Alarm about each grant of the last day whose matter the city does not know, or has given to somebody else.

    It looks once an hour. What the city knows is asked of `settings.CITYLOOM_MATTERS`; an alarm that the city rings
    itself has a number beyond the keeper's, made from the grant's id, so that it rings once.
    """
    if at.timestamp() < _position("matters") + _MATTERS_EVERY_S:
        return 0
    rows = GrantRecord.objects.filter(exercise_id="", granted_at__gte=at - _LOOKED_AT)
    rows = rows.exclude(purpose__in=_WITHOUT_MATTER).defer("subjects")
    known = import_string(settings.CITYLOOM_MATTERS)({row.incident_id for row in rows})
    doubts = [(row, kind) for row in rows if (kind := _doubt(row, known))]
    with transaction.atomic():
        rung = sum(_alarm_about(row, kind, at) for row, kind in doubts)
        _move("matters", int(at.timestamp()))
    return rung


def _doubt(row: GrantRecord, known: dict[str, frozenset[str] | None]) -> str:
    """What is wrong with a grant's matter; `known` names those to whom each is given, None where to anybody."""
    if row.incident_id not in known:
        return "no-matter"
    assigned = known[row.incident_id]
    return "" if assigned is None or row.holder in assigned else "not-assigned"


def _alarm_about(row: GrantRecord, kind: str, at: datetime) -> bool:
    number = _OWN_ALARMS + int.from_bytes(hashlib.sha256(row.id.encode()).digest()[:7], "big")
    _, fresh = GateAlarm.objects.get_or_create(
        number=number,
        defaults={
            "at": at, "kind": kind, "purpose": row.purpose, "actor": "", "unit": "", "service": "", "about": row.id,
            "people": row.subject_count,
        },
    )  # fmt: skip
    if fresh:
        fact = events.GateAlarmRaised(number, kind, row.purpose, "", row.subject_count, at)
        bus.publish(fact, at=at, event_id=ids.named_id("alarm", number))
    return fresh


def _position(name: str) -> int:
    return Position.objects.filter(name=name).values_list("at", flat=True).first() or 0


def _move(name: str, to: int) -> None:
    Position.objects.update_or_create(name=name, defaults={"at": to})
