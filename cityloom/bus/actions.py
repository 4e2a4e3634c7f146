"""Publish facts and deliver them."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.module_loading import import_string

from cityloom.bus.domain.backoff import next_try
from cityloom.bus.domain.wiring import Route, routes_of
from cityloom.bus.models import ExerciseClock, HandlerRun, Hold, OutboxEvent
from cityloom.bus.queries import as_envelope
from cityloom.kernel import clock, disk, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.envelope import data_of, event_from, type_of
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
_LEASE = timedelta(seconds=60)
_BATCH = 40


def publish(
    event: object, *, at: datetime, exercise_id: str = "", caused_by: str = "", event_id: str | None = None
) -> str:
    """Write a fact to the outbox, in the caller's transaction; return its id.

    The same `event_id` twice is one event, so an action that may run again names its events after their cause.
    """
    name = type_of(type(event))
    row = OutboxEvent(
        id=event_id or ids.new_ulid(), type=name, source=f"/{name.split('.')[1]}", time=at, data=data_of(event),
        exercise_id=exercise_id, caused_by=caused_by,
    )  # fmt: skip
    OutboxEvent.objects.bulk_create([row], ignore_conflicts=True)
    return row.id


def drain(*, at: datetime, exercise_id: str | None = None) -> int:
    """Deliver what waits, in order, until nothing is due; return how many handlers ran.

    With an `exercise_id` only that exercise's events; without one everything but exercises that another process holds.
    Each handler is called at least once for each event and marks nothing itself: a crash in between calls it again.
    """
    ran, position = 0, 0
    while rows := _unsettled(exercise_id, position):
        ran += _deliver(rows, at)
        position = rows[-1].position
    return ran


def replay(*, event_id: str, handler: str, by: Actor, at: datetime) -> None:
    """Give a dead letter another set of attempts.

    Raises: Refused `bus.no_dead_letter`.
    """
    with transaction.atomic():
        run = HandlerRun.objects.filter(key=_key(event_id, handler), state="dead").first()
        if run is None:
            raise Refused("bus.no_dead_letter", "That event is not among the dead letters; reload the list.")
        HandlerRun.objects.filter(key=run.key).update(state="waiting", attempts=0, next_try_at=at, why="")
        OutboxEvent.objects.filter(position=run.event_id).update(settled=False)


def hold(*, exercise_id: str, seconds: float = 30.0) -> None:
    """Keep other processes from delivering an exercise's events for a while; renewed by calling again."""
    until = clock.SystemClock().now() + timedelta(seconds=seconds)
    Hold.objects.update_or_create(exercise_id=exercise_id, defaults={"until": until})


def release(*, exercise_id: str) -> None:
    """Let other processes deliver an exercise's events again."""
    Hold.objects.filter(exercise_id=exercise_id).delete()


def set_clock(*, exercise_id: str, drill_at: datetime, wall_at: datetime, pace: float) -> None:
    """Let an exercise's time go on from an instant, so many times as fast as the wall's; 0 makes it stand still."""
    ExerciseClock.objects.update_or_create(
        exercise_id=exercise_id, defaults={"drill_at": drill_at, "wall_at": wall_at, "pace": pace}
    )


def reclaim(*, exercise_id: str | None = None) -> None:
    """Free what a process that died had claimed; called at its start by the one process that delivers these events."""
    runs = HandlerRun.objects.filter(state="waiting").exclude(claimed_until=None)
    if exercise_id is None:
        held = Hold.objects.filter(until__gt=clock.SystemClock().now()).values("pk")
        runs = runs.exclude(event__exercise_id__in=held)
    else:
        runs = runs.filter(event__exercise_id=exercise_id)
    runs.update(claimed_until=None)


def forget(*, exercise_id: str) -> int:
    """Erase an exercise's events; return how many there were."""
    if not exercise_id:
        raise Refused("bus.not_an_exercise", "Only the events of an exercise can be erased; name one.")
    release(exercise_id=exercise_id)
    return OutboxEvent.objects.filter(exercise_id=exercise_id).delete()[1].get("bus.OutboxEvent", 0)


@lru_cache(maxsize=1)
def routes() -> dict[str, Route]:
    """The wiring table of the running city."""
    return routes_of(import_string(settings.CITYLOOM_WIRING))


def _unsettled(exercise_id: str | None, after: int) -> list[OutboxEvent]:
    rows = OutboxEvent.objects.filter(settled=False, position__gt=after)
    if exercise_id is not None:
        rows = rows.filter(exercise_id=exercise_id)
    else:
        rows = rows.exclude(exercise_id__in=Hold.objects.filter(until__gt=clock.SystemClock().now()).values("pk"))
    return list(rows.order_by("position")[:_BATCH])


def _deliver(rows: list[OutboxEvent], at: datetime) -> int:
    """Run the handlers of some events, in order; few statements for many events."""
    events = {row.position: row for row in rows}
    waiting = [run for run in _runs_of(rows) if run.state == "waiting" and _due(run, at)]
    mine = _claimed([run.key for run in waiting])
    chosen = [run for run in waiting if run.key in mine]
    done = [run.key for run in chosen if _attempt(events[run.event_id], run, at)]
    HandlerRun.objects.filter(key__in=done).update(state="done", claimed_until=None, why="")
    _settle(list(events))
    return len(chosen)


def _runs_of(rows: list[OutboxEvent]) -> list[HandlerRun]:
    """One run for each event and each of its handlers, made where it is missing, in the order of delivery."""
    known = {run.key: run for run in HandlerRun.objects.filter(event__in=[row.position for row in rows])}
    wanted = [
        HandlerRun(key=_key(row.id, name), event_id=row.position, handler=name)
        for row in rows
        for name in (routes()[row.type].handlers if row.type in routes() else ())
    ]
    missing = [run for run in wanted if run.key not in known]
    if missing:
        HandlerRun.objects.bulk_create(missing, ignore_conflicts=True)
    return [known.get(run.key, run) for run in wanted]


def _due(run: HandlerRun, at: datetime) -> bool:
    return run.next_try_at is None or run.next_try_at <= at


def _claimed(keys: list[str]) -> set[str]:
    """The runs that no other process works on, from now on this one's; the exact end of the lease marks them."""
    if not keys:
        return set()
    now = clock.SystemClock().now()
    free = HandlerRun.objects.filter(Q(claimed_until=None) | Q(claimed_until__lt=now), key__in=keys, state="waiting")
    if free.update(claimed_until=now + _LEASE) == len(keys):
        return set(keys)
    return set(HandlerRun.objects.filter(key__in=keys, claimed_until=now + _LEASE).values_list("key", flat=True))


def _attempt(row: OutboxEvent, run: HandlerRun, at: datetime) -> bool:
    route = routes()[row.type]
    try:
        route.handlers[run.handler](event_from(route.event_class, row.data), envelope=as_envelope(row))
    except Exception as error:  # a handler's failure is the bus's ordinary business: it is kept and tried again
        if disk.is_full(error):
            raise  # nobody's failure, and there is no room to write it down: the lease runs out, then it is tried again
        _failed(run, error, at)
        return False
    return True


def _failed(run: HandlerRun, error: Exception, at: datetime) -> None:
    attempts = run.attempts + 1
    due = next_try(attempts, at)
    HandlerRun.objects.filter(key=run.key).update(
        attempts=attempts, next_try_at=due, claimed_until=None, state="waiting" if due else "dead", why=_why(error)
    )


def _settle(positions: list[int]) -> None:
    """Mark the events that no handler waits for any more."""
    open_ones = HandlerRun.objects.filter(event__in=positions, state="waiting").values("event")
    OutboxEvent.objects.filter(position__in=positions).exclude(position__in=open_ones).update(settled=True)


def _why(error: Exception) -> str:
    if isinstance(error, Refused):
        return f"{error.code}: {error.sentence}"[:300]
    reference = ids.new_ulid()
    log.exception("A handler failed; reference %s", reference)
    return f"defect {type(error).__name__}, reference {reference}"


def _key(event_id: str, handler: str) -> str:
    return ids.named_id("handler-run", event_id, handler)
