"""Publish facts and deliver them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.module_loading import import_string

from cityloom.bus.domain.backoff import next_try
from cityloom.bus.domain.wiring import Route, routes_of
from cityloom.bus.models import Carrying, ExerciseClock, HandlerRun, Hold, OutboxEvent
from cityloom.bus.queries import as_envelope
from cityloom.kernel import clock, disk, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.envelope import data_of, event_from, type_of
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
_LEASE = timedelta(seconds=60)
_BATCH = 40
_LOST_AFTER = timedelta(minutes=5)
RELAY = "relay"
Serves = Callable[[str], bool]


@dataclass(frozen=True)
class Fact:
    """What is told, with the id that makes it one event however often it is told."""

    event: object
    at: datetime
    event_id: str
    exercise_id: str = ""
    caused_by: str = ""


def publish(
    event: object, *, at: datetime, exercise_id: str = "", caused_by: str = "", event_id: str | None = None
) -> str:
    """Write a fact to the outbox, in the caller's transaction; return its id.

    The same `event_id` twice is one event, so an action that may run again names its events after their cause.
    """
    fact = Fact(event, at, event_id or ids.new_ulid(), exercise_id, caused_by)
    publish_all([fact])
    return fact.event_id


def publish_all(facts: Sequence[Fact]) -> None:
    """Write many facts to the outbox, in their order and in the caller's transaction, once for each id."""
    OutboxEvent.objects.bulk_create([_outbox(fact) for fact in facts], ignore_conflicts=True)


def _outbox(fact: Fact) -> OutboxEvent:
    name = type_of(type(fact.event))
    return OutboxEvent(
        id=fact.event_id, type=name, source=f"/{name.split('.')[1]}", time=fact.at, data=data_of(fact.event),
        exercise_id=fact.exercise_id, caused_by=fact.caused_by,
    )  # fmt: skip


def drain(*, at: datetime, exercise_id: str | None = None, serves: Serves | None = None) -> int:
    """Deliver what waits, in order, until nothing is due; return how many handlers ran.

    With an `exercise_id` only that exercise's events; without one everything but exercises that another process holds.
    Each handler is called at least once for each event and marks nothing itself: a crash in between calls it again.
    `serves` says of which capabilities' handlers this process calls; None: of all.
    """
    return _drain(_unsettled(exercise_id), at, serves)


def drain_beside(*, at: datetime, serves: Serves | None = None) -> int:
    """Deliver what a broker between machines does not; return how many handlers ran.

    That is what exercises do, what failed and is due again, and what waits for so long that the broker has lost it.
    """
    again = Q(runs__state="waiting", runs__next_try_at__lte=at)
    lost = Q(time__lt=at - _LOST_AFTER)
    return _drain(_unsettled(None).filter(~Q(exercise_id="") | again | lost).distinct(), at, serves)


def deliver(*, event_ids: Collection[str], capability: str, at: datetime) -> set[str]:
    """Deliver events that were carried here to the handlers of a capability, in order.

    Return those of which nothing is known to have become: another process works on them, or did when it died. What
    failed is not among them: it is due again as its record says.
    """
    def serves(name: str) -> bool:
        return name == capability

    rows = list(OutboxEvent.objects.filter(id__in=event_ids).order_by("position"))
    _deliver(rows, at, serves)
    left = HandlerRun.objects.filter(event__in=[row.position for row in rows], state="waiting", next_try_at=None)
    names = left.values_list("event__id", "handler")
    return {event_id for event_id, handler in names if serves(capability_of(handler))}


def lease(*, name: str, holder: str, seconds: float) -> bool:
    """Whether a name is this holder's for so long from now on; one at a time has it."""
    now = clock.SystemClock().now()
    Carrying.objects.bulk_create([Carrying(name=name, until=now)], ignore_conflicts=True)
    free = Carrying.objects.filter(Q(holder=holder) | Q(until__lte=now), pk=name)
    return bool(free.update(holder=holder, until=now + timedelta(seconds=seconds)))


def end_leases(*, holder: str) -> None:
    """Let others have at once what this holder has."""
    Carrying.objects.filter(holder=holder).update(until=clock.SystemClock().now())


def note_carried(*, position: int) -> None:
    """Write down up to which position events are with the broker."""
    Carrying.objects.filter(pk=RELAY).update(position=position)


def settle_unheard(*, positions: Collection[int]) -> None:
    """Mark events that no handler wants."""
    OutboxEvent.objects.filter(position__in=positions).update(settled=True)


def capability_of(handler: str) -> str:
    """`emergency` for `emergency.handlers.propose`."""
    return handler.partition(".")[0]


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


def _unsettled(exercise_id: str | None) -> QuerySet[OutboxEvent]:
    rows = OutboxEvent.objects.filter(settled=False)
    if exercise_id is not None:
        return rows.filter(exercise_id=exercise_id)
    return rows.exclude(exercise_id__in=Hold.objects.filter(until__gt=clock.SystemClock().now()).values("pk"))


def _drain(waiting: QuerySet[OutboxEvent], at: datetime, serves: Serves | None) -> int:
    ran, position = 0, 0
    while rows := list(waiting.filter(position__gt=position).order_by("position")[:_BATCH]):
        ran += _deliver(rows, at, serves)
        position = rows[-1].position
    return ran


def _deliver(rows: list[OutboxEvent], at: datetime, serves: Serves | None = None) -> int:
    """Run the handlers of some events, in order; few statements for many events."""
    events = {row.position: row for row in rows}
    waiting = [run for run in _runs_of(rows) if run.state == "waiting" and _due(run, at)
               and (serves is None or serves(capability_of(run.handler)))]  # fmt: skip
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
