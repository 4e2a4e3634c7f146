"""What the gate does by itself: it follows the keeper's log and alarms, and keeps its clocks."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.accounts import actions as accounts
from cityloom.bus import actions as bus
from cityloom.gate import actions, events
from cityloom.gate.models import AdverseStatus, Contest, GateAlarm, GlassReview, OpeningNotice, Position
from cityloom.gate.queries import keeper_for
from cityloom.keeper import protocol
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM

_ROUNDS = 20


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


def _position(name: str) -> int:
    return Position.objects.filter(name=name).values_list("at", flat=True).first() or 0


def _move(name: str, to: int) -> None:
    Position.objects.update_or_create(name=name, defaults={"at": to})
