"""Keep a drill to the pace that people set, and hear what they want of it."""

from __future__ import annotations

import threading
from datetime import datetime

from cityloom.bus import actions as bus
from cityloom.drills.domain.injections import injection_from
from cityloom.drills.domain.pacing import Pace
from cityloom.drills.jobs.play import Turn
from cityloom.drills.models import DrillRun
from cityloom.kernel import clock

_TICK_S = 0.2


class PacedClock(clock.DrillClock):
    """A drill's clock that goes on by itself once it has a pace, so that nothing is noted before what it follows."""

    pace: Pace | None = None

    def now(self) -> datetime:
        """The drill's time; as fast as possible it moves with what happens only."""
        moved = super().now()
        if self.pace is None or not self.pace.times:
            return moved
        return max(moved, self.pace.at(_wall(), None))

    def steady(self) -> float:
        """The same in seconds."""
        return self.now().timestamp()


class ByRecord:
    """Reads the run's own record at each tick, which the pages write."""

    def __init__(self, exercise_id: str) -> None:
        self._exercise_id = exercise_id
        self._clock: PacedClock | None = None

    def clock_from(self, start: datetime) -> PacedClock:
        """The clock of the drill, which stands still until the first wait."""
        self._clock = PacedClock(start)
        return self._clock

    def wait(self, due: datetime | None) -> Turn | None:
        """Wait a tick, or less where something is due sooner; None where the drill is to stop or is gone."""
        row = DrillRun.objects.filter(exercise_id=self._exercise_id).first()
        if row is None or row.stop_asked_at is not None:
            return None
        pace = self._follow(row.pace, row.is_paused)
        injections = tuple(map(injection_from, row.injections))
        now = pace.at(_wall(), due)
        if due is None or now < due:
            threading.Event().wait(self._tick(pace, now, due))
            now = pace.at(_wall(), due)
        return Turn(now, injections)

    def _follow(self, times: int, is_paused: bool) -> Pace:
        """The pace in force; a new one starts from the drill's present time, and pages are told."""
        own = self._clock or self.clock_from(clock.now())
        if own.pace is None or (own.pace.times, own.pace.is_paused) != (times, is_paused):
            own.pace = Pace(own.now(), _wall(), times, is_paused)
            bus.set_clock(
                exercise_id=self._exercise_id, drill_at=own.pace.drill_at, wall_at=own.pace.wall_at,
                pace=0 if is_paused else times,
            )  # fmt: skip
        return own.pace

    def _tick(self, pace: Pace, now: datetime, due: datetime | None) -> float:
        if due is None or pace.is_paused or not pace.times:
            return _TICK_S
        return min(_TICK_S, max((due - now).total_seconds() / pace.times, 0.0))


def _wall() -> datetime:
    return clock.SystemClock().now()
