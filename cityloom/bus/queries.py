"""Questions about events on the road."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from cityloom.bus.domain.gaps import Gaps, Horizon, unbroken
from cityloom.bus.models import Carrying, ExerciseClock, HandlerRun, OutboxEvent
from cityloom.kernel import clock
from cityloom.kernel.envelope import Envelope

_IN_FLIGHT = 64  # positions back from the newest among which a transaction that has not ended may still fill one


@dataclass(frozen=True)
class DeadLetter:
    """A handler that gave up on an event; `why` names the refusal or the kind of defect, never anyone's data."""

    event_id: str
    event_type: str
    event_time: datetime
    exercise_id: str
    handler: str
    attempts: int
    why: str


@dataclass(frozen=True)
class Heading:
    """What a line of a timeline needs to know of an event; the incident is "" where it is about none."""

    time: datetime
    type: str
    exercise_id: str
    incident_id: str


def events_of(exercise_id: str) -> list[Envelope]:
    """Every event of an exercise ("" for the real city), in order."""
    return [as_envelope(row) for row in OutboxEvent.objects.filter(exercise_id=exercise_id).order_by("position")]


def events_after(
    position: int, *, exercise_id: str | None = None, limit: int = 500
) -> list[tuple[int, Envelope]]:
    """Events behind a position, with theirs, of one exercise or of all; for streams that resume."""
    rows = OutboxEvent.objects.filter(position__gt=position).order_by("position")
    if exercise_id is not None:
        rows = rows.filter(exercise_id=exercise_id)
    return [(row.position, as_envelope(row)) for row in rows[:limit]]


def events_of_types(
    types: Collection[str], *, after: int, until: int, limit: int
) -> list[tuple[int, Envelope]]:  # fmt: skip
    """Events of some types behind a position and up to another, with theirs, in order; exercises are left out."""
    rows = OutboxEvent.objects.filter(type__in=types, position__gt=after, position__lte=until, exercise_id="")
    return [(row.position, as_envelope(row)) for row in rows.order_by("position")[:limit]]


def last_position() -> int:
    """The position of the newest event, 0 where there is none."""
    return OutboxEvent.objects.order_by("-position").values_list("position", flat=True).first() or 0


def first_position() -> int:
    """The position of the oldest event that is kept, 0 where there is none."""
    return OutboxEvent.objects.order_by("position").values_list("position", flat=True).first() or 0


def seen_position() -> int:
    """The position up to which whoever reads the records now has seen everything; ask before reading them."""
    if connection.vendor == "sqlite":
        return last_position()  # one writer at a time: positions are given out and become visible in one order
    newest = OutboxEvent.objects.order_by("-position").values_list("position", flat=True)
    return unbroken(list(newest[:_IN_FLIGHT]))


class Feed:
    """Events as they happen, in the order of their positions, none left out because its transaction ended late."""

    def __init__(self, *, seconds: Callable[[], float] = clock.stopwatch) -> None:
        self.position = max(last_position() - (0 if connection.vendor == "sqlite" else _IN_FLIGHT), 0)
        self._gaps = Gaps()
        self._seconds = seconds

    def read(self, limit: int = 500) -> list[tuple[int, Envelope]]:
        """What has happened since the last call, with the positions."""
        rows = events_after(self.position, limit=limit)
        if rows and connection.vendor != "sqlite":
            places = [place for place, _ in rows]
            rows = rows[: self._gaps.told(self.position, places, _horizon(), self._seconds())]
        if rows:
            self.position = rows[-1][0]
        return rows


def newest_of(types: Iterable[str], *, until: datetime | None = None, most: int = 100) -> list[Heading]:
    """The newest events of some types, up to and including an instant, the newest first."""
    columns = ("time", "position", "type", "exercise_id", "data__incident_id")
    rows = OutboxEvent.objects.filter(position__in=_newest_positions(sorted(types), until, most)).values_list(*columns)
    return [
        Heading(at, kind, exercise, incident or "")
        for at, _position, kind, exercise, incident in rows.order_by("-time", "-position")
    ]


def _newest_positions(types: Sequence[str], until: datetime | None, most: int) -> list[int]:
    """One look into the index for each type, all in one question: other types, however many, cost nothing."""
    if not types:
        return []
    table, adapt = OutboxEvent._meta.db_table, connection.ops.adapt_datetimefield_value
    before = "" if until is None else " AND time <= %s"
    one = (f"SELECT * FROM (SELECT position, time FROM {table} WHERE type = %s{before}"  # noqa: S608 - our own words
           " ORDER BY time DESC, position DESC LIMIT %s) AS newest")  # fmt: skip
    values = [value for kind in types for value in (kind, *([] if until is None else [adapt(until)]), most)]
    union = " UNION ALL ".join([one] * len(types))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT position FROM ({union}) AS found ORDER BY time DESC, position DESC LIMIT %s",  # noqa: S608
                       [*values, most])  # fmt: skip
        return [position for (position,) in cursor.fetchall()]


def waiting_since(before: datetime) -> tuple[int, datetime | None]:
    """How many events that happened before an instant still wait for a handler, and since when; exercises left out."""
    waiting = OutboxEvent.objects.filter(settled=False, exercise_id="", time__lt=before).order_by("position")
    oldest = waiting.values_list("time", flat=True).first()
    return (waiting.count(), oldest) if oldest else (0, None)


def carried_until(name: str) -> tuple[int, datetime | None]:
    """Up to which position events are with the broker, and until when somebody sees to it; None: nobody ever did."""
    row = Carrying.objects.filter(pk=name).first()
    return (row.position, row.until) if row else (0, None)


def first_unsettled() -> int:
    """The position of the oldest event that waits for a handler, or behind the newest."""
    rows = OutboxEvent.objects.filter(settled=False).order_by("position")
    return rows.values_list("position", flat=True).first() or last_position() + 1


def unsettled_among(positions: Collection[int]) -> set[int]:
    """Which of these events wait for a handler."""
    return set(OutboxEvent.objects.filter(position__in=positions, settled=False).values_list("position", flat=True))


def dead_letter_count() -> int:
    """How many handlers gave up."""
    return HandlerRun.objects.filter(state="dead").count()


def last_time(exercise_id: str) -> datetime | None:
    """When the last thing happened in an exercise; None where nothing has."""
    times = OutboxEvent.objects.filter(exercise_id=exercise_id).order_by("-time")
    return times.values_list("time", flat=True).first()


def now_in(exercise_id: str) -> datetime:
    """What time it is in an exercise that has its own clock, else the time on the clock in use.

    It is never earlier than the last thing that happened there.
    """
    row = ExerciseClock.objects.filter(exercise_id=exercise_id).first() if exercise_id else None
    if row is None:
        return clock.now()
    run_s = (clock.SystemClock().now() - row.wall_at).total_seconds() * row.pace
    return max(row.drill_at + timedelta(seconds=max(run_s, 0.0)), last_time(exercise_id) or row.drill_at)


def dead_letters(most: int = 1_000) -> list[DeadLetter]:
    """What needs an operator, oldest first."""
    runs = HandlerRun.objects.filter(state="dead").select_related("event").order_by("event__position")[:most]
    return [
        DeadLetter(run.event.id, run.event.type, run.event.time, run.event.exercise_id, run.handler,
                   run.attempts, run.why)
        for run in runs
    ]  # fmt: skip


def next_due(exercise_id: str) -> datetime | None:
    """When the next failed handler of an exercise is tried again; None if nothing waits."""
    waiting = HandlerRun.objects.filter(state="waiting", event__exercise_id=exercise_id, next_try_at__isnull=False)
    return waiting.order_by("next_try_at").values_list("next_try_at", flat=True).first()


def pending(exercise_id: str) -> int:
    """How many events of an exercise still wait for a handler."""
    return OutboxEvent.objects.filter(exercise_id=exercise_id, settled=False).count()


def as_envelope(row: OutboxEvent) -> Envelope:
    """The envelope that a row of the outbox holds."""
    return Envelope(
        id=row.id, type=row.type, source=row.source, time=row.time, data=row.data,
        exercise_id=row.exercise_id, caused_by=row.caused_by,
    )  # fmt: skip


def _horizon() -> Horizon:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint,"
            " pg_snapshot_xmax(pg_current_snapshot())::text::bigint"
        )
        return Horizon(*cursor.fetchone())
