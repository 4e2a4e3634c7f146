"""Run drawn days event by event, and say what came of many of them, with an interval over the days.

A counter that is free takes, among those it can serve, the lowest priority number, then who came first; whoever comes
and finds several free goes to those with the fewest skills, so that the versatile stay free. A counter that closes
finishes whom it serves. With one class, one group and endless patience all days run at once (Kiefer and Wolfowitz).

Source: J. Kiefer and J. Wolfowitz, Trans. AMS 78, 1955; A. M. Law, Simulation Modeling and Analysis, 5th edition, 2015
(intervals over replications).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from scipy.stats import t as student

from cityloom.insight.domain.queues.day import Day, Drawn, Floats, drawn

_NOBODY = -1.0


@dataclass(frozen=True)
class Ran:
    """What came of one day. `wait` is that of each who came, minutes; nan for those who left (`left`: before they
    joined 1, while waiting 2, turned away at closing 3; served 0). `busy` is minutes of work, `open` minutes of open
    counters, `ended` when the last one was served.
    """

    came: Drawn
    wait: Floats
    left: Floats
    busy: float
    open: float
    ended: float
    longest: int


def run(day: Day, came: Drawn) -> Ran:
    """Run one drawn day."""
    return _Loop(day, came).run()


class _Loop:
    """The state of a day: queues by class, counters at work by group, what ends when."""

    def __init__(self, day: Day, came: Drawn) -> None:
        self.day, self.came = day, came
        self.at, self.kind = came.at.tolist(), came.kind.tolist()
        self.service, self.until = came.service.tolist(), (came.at + came.patience).tolist()
        count = len(self.at)
        self.start, self.left = [_NOBODY] * count, [0.0] * count
        self.queues: list[deque[int]] = [deque() for _ in day.classes]
        self.ends: list[tuple[float, int]] = []
        self.working = [0] * len(day.groups)
        self.room = [0] * len(day.groups)
        serves = [[not group.skills or one.name in group.skills for one in day.classes] for group in day.groups]
        order = sorted(range(len(day.classes)), key=lambda one: day.classes[one].priority)
        self.takes = [[one for one in order if serves[group][one]] for group in range(len(day.groups))]
        by_skill = sorted(range(len(day.groups)), key=lambda group: len(self.takes[group]))
        self.goes = [[group for group in by_skill if serves[group][one]] for one in range(len(day.classes))]
        self.priority = [one.priority for one in day.classes]
        self.busy, self.longest, self.ended = 0.0, 0, 0.0

    def run(self) -> Ran:
        day, at, place = self.day, self.at, 0
        starts = [period * day.length for period in range(day.periods)]
        period = 0
        while True:
            comes = at[place] if place < len(at) else inf
            ends = self.ends[0][0] if self.ends else inf
            turns = starts[period] if period < day.periods else inf
            if comes == ends == turns == inf:
                break
            if turns <= comes and turns <= ends:
                self._turn(turns, period)
                period += 1
            elif ends <= comes:
                now, group = heapq.heappop(self.ends)
                self.working[group] -= 1
                self._fill(group, now)
            else:
                self._arrive(place, comes)
                place += 1
        return self._ran()

    def _turn(self, now: float, period: int) -> None:
        """Another period begins: counters open, or close when they are done."""
        for group, own in enumerate(self.day.groups):
            self.room[group] = int(own.counters[period])
            while self._fill(group, now):
                pass

    def _arrive(self, who: int, now: float) -> None:
        if self.day.turns_away and now >= self.day.closes:
            self.left[who] = 3
            return
        for group in self.goes[self.kind[who]]:
            if self.working[group] < self.room[group]:
                self._serve(who, group, now)
                return
        waiting = sum(len(queue) for queue in self.queues)
        if waiting >= self.day.balk_at and self._really(now) >= self.day.balk_at:
            self.left[who] = 1
            return
        self.queues[self.kind[who]].append(who)
        self.longest = max(self.longest, waiting + 1)

    def _really(self, now: float) -> int:
        """How many wait, without those whose patience has ended."""
        for one, queue in enumerate(self.queues):
            gone = [who for who in queue if self.until[who] <= now]
            for who in gone:
                self.left[who] = 2
            if gone:
                self.queues[one] = deque(who for who in queue if self.until[who] > now)
        return sum(len(queue) for queue in self.queues)

    def _fill(self, group: int, now: float) -> bool:
        """Let a free counter of a group take the next; whether there was one."""
        if self.working[group] >= self.room[group]:
            return False
        best, queue_of = None, None
        for one in self.takes[group]:
            queue = self.queues[one]
            while queue and self.until[queue[0]] <= now:
                self.left[queue.popleft()] = 2
            if queue:
                key = (self.priority[one], queue[0])
                if best is None or key < best:
                    best, queue_of = key, queue
        if queue_of is None:
            return False
        who = queue_of.popleft()
        if self.day.turns_away and now >= self.day.closes:
            self.left[who] = 3
            return True
        self._serve(who, group, now)
        return True

    def _serve(self, who: int, group: int, now: float) -> None:
        self.start[who] = now
        end = now + self.service[who]
        heapq.heappush(self.ends, (end, group))
        self.working[group] += 1
        self.busy += self.service[who]
        self.ended = max(self.ended, end)

    def _ran(self) -> Ran:
        for queue in self.queues:  # no counter that could serve them is open any more
            for who in queue:
                self.left[who] = 2 if self.until[who] < inf else 3
        start, left = np.array(self.start), np.array(self.left)
        wait = np.where(left == 0, np.maximum(start - self.came.due, 0.0), np.nan)
        open_minutes = sum(sum(group.counters) for group in self.day.groups) * self.day.length
        return Ran(self.came, wait, left, self.busy, open_minutes, self.ended, self.longest)


@dataclass(frozen=True)
class Measured:
    """A figure over days: its mean, and an interval of that mean (Student's t over the days)."""

    mean: float
    low: float
    high: float


def simulated(day: Day, days: int, seed: int, told: Callable[[float], None] = lambda _share: None) -> list[Ran]:
    """Run so many drawn days; the same seed draws the same days whatever the counters are (common random numbers)."""
    day.check()
    found = []
    for number, one in enumerate(np.random.SeedSequence(seed).spawn(days)):
        found.append(run(day, drawn(day, np.random.default_rng(one))))
        told((number + 1) / days)
    return found


def measured(values: Sequence[float], level: float = 0.95) -> Measured:
    """The mean of days and its interval; days without the figure (nan) do not count, and nan where none has it."""
    known = np.asarray([one for one in values if np.isfinite(one)], np.float64)
    if not len(known):
        return Measured(float("nan"), float("nan"), float("nan"))
    mean = float(known.mean())
    if len(known) < 2:
        return Measured(mean, mean, mean)
    half = float(student.ppf((1 + level) / 2, len(known) - 1) * known.std(ddof=1) / np.sqrt(len(known)))
    return Measured(mean, mean - half, mean + half)


def waits_at_once(at: Floats, service: Floats, servers: int) -> Floats:
    """Waits of many days at once, one class and one group, who comes first goes first: [days, those who come] to the
    same.

    `at` are times of coming in order, `service` times of service, in one unit.
    """
    work = np.zeros((at.shape[0], servers))
    wait, before = np.zeros(at.shape), np.zeros(at.shape[0])
    for who in range(at.shape[1]):
        work = np.maximum(work - (at[:, who] - before)[:, None], 0.0)
        before = at[:, who]
        first = work.argmin(1)[:, None]
        wait[:, who] = np.take_along_axis(work, first, 1)[:, 0]
        np.put_along_axis(work, first, wait[:, who, None] + service[:, who, None], 1)
    return wait
