"""The steps of a process as stations: how many counters each behaves like, and how long one of them takes.

A log without starts shows no counters, but it shows for each moment how many cases wait for a step or are at it, and
when one is through. A station with c counters lets through `min(n, c) / service` cases an hour while n are there. For
each c the service time that makes what was seen most likely is known in closed form. Whoever leaves such a station was
among the first c there: of those c for which that holds (19 of 20 times) the one with the largest likelihood is taken.
Where it is nearly as large as the most cases that were ever there, or the station's queue would give quite other stays
than were seen, cases do not wait for each other but for something else (the applicant, the law, somebody's attention):
no queue is seen, and each case keeps its own time there, whatever is changed elsewhere.

Source: F. Baskett et al., Open, Closed, and Mixed Networks of Queues, JACM 22(2), 1975 (load-dependent stations);
the estimate is the maximum of a Poisson likelihood with exposure.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right, insort
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import EventLog
from cityloom.insight.domain.whatif.worktime import WorkTime

Floats = NDArray[np.float64]
AT_ONCE_H = 1 / 60
"""What is through within a minute of measured time was no work of its own."""
LEAST_VISITS = 30
_NEARLY_ALL = 0.8
_MOST_COUNTERS = 200
_SHARES = (0.1, 0.75)
_IN_TURN = 0.95
_LIKE = 2.0
_COMPARED = (0.25, 0.5, 0.9)
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True)
class Station:
    """One step, in hours of measured time. `counters` is 0 where no queue is seen, and `service_h` then the mean stay.

    `touch_h` is what one in ten stayed at most, `usual_h` what three in four did; `seen` counts the visits.
    """

    counters: int
    service_h: float
    touch_h: float
    usual_h: float
    seen: int

    @property
    def has_queue(self) -> bool:
        """Whether cases wait for each other here."""
        return self.counters > 0


@dataclass(frozen=True)
class Visits:
    """When each event's case came to its step and when it was through, in hours; the first of a case are flagged."""

    came: Floats
    through: Floats
    is_first: NDArray[np.bool_]

    @property
    def stay(self) -> Floats:
        """Hours at the step."""
        return self.through - self.came

    @property
    def at_once(self) -> NDArray[np.bool_]:
        """Which need no station."""
        return self.is_first | (self.stay < AT_ONCE_H)


def visits(log: EventLog, time: WorkTime) -> Visits:
    """The visits of a log's cases to its steps."""
    through = time.measured(log.at)
    came = np.append(through[:1], through[:-1])
    first = np.zeros(len(log), bool)
    first[log.starts[:-1]] = True
    came[first] = through[first]
    return Visits(came, through, first)


def stations(log: EventLog, seen: Visits, until: float) -> list[Station]:
    """Each step as a station, from what was through before `until`."""
    used = ~seen.at_once & (seen.through <= until)
    return [_station(seen.came[at], seen.through[at], int(at.sum()))
            for at in (used & (log.activity == step) for step in range(len(log.activities)))]  # fmt: skip


def _station(came: Floats, through: Floats, count: int) -> Station:
    if not count:
        return Station(0, 0.0, 0.0, 0.0, 0)
    stay = through - came
    touch, usual = map(float, np.quantile(stay, _SHARES))
    spent, left = levels(came, through)
    most = len(spent) - 1
    if count >= LEAST_VISITS and most > 1:  # with one case at a time there is nothing to be told apart
        in_turn = int(np.quantile(ranks(came, through), _IN_TURN))
        counters, service = most_likely(spent, left, in_turn)
        if counters <= max(1, _NEARLY_ALL * most) and is_like(came, through, counters, service):
            return Station(counters, service, min(touch, service), usual, count)
    return Station(0, float(stay.mean()), touch, usual, count)


def levels(came: Floats, through: Floats) -> tuple[Floats, Floats]:
    """For each number of cases: the hours in which so many were there, and how many of them were through then."""
    times = np.concatenate([came, through])
    steps = np.concatenate([np.ones(len(came)), -np.ones(len(through))])
    order = np.lexsort((-steps, times))  # at one instant those who come are there before others leave
    there = np.cumsum(steps[order]).astype(np.int64)
    most = int(there.max())
    spent = np.bincount(there[:-1], np.diff(times[order]), most + 1)
    leaving = steps[order] < 0
    left = np.bincount(there[leaving] + 1, minlength=most + 1).astype(np.float64)
    return spent, left


def ranks(came: Floats, through: Floats) -> NDArray[np.int64]:
    """For each case how far ahead it stood when it left: 1 where nobody was there who had come before it."""
    found = np.zeros(len(came), np.int64)
    left: list[float] = []
    for at in np.lexsort((through, came)).tolist():
        when = float(through[at])
        found[at] = 1 + len(left) - bisect_right(left, when)
        insort(left, when)
    return found


def is_like(came: Floats, through: Floats, counters: int, service: float) -> bool:
    """Whether a queue with these counters would have given stays with about the same quantiles: within twice."""
    ours = np.quantile(queued(np.sort(came), counters, service), _COMPARED)
    theirs = np.quantile(through - came, _COMPARED)
    return bool((np.maximum(ours / theirs, theirs / np.maximum(ours, 1e-9)) <= _LIKE).all())


def queued(came: Floats, counters: int, service: float) -> Floats:
    """The stays in a queue for those who come then: exponential service, spread evenly and not by chance."""
    work = -np.log1p(-(((np.arange(len(came)) + 0.5) * _GOLDEN) % 1.0)) * service
    free = [-np.inf] * counters
    stays = np.empty(len(came))
    for at, (when, needs) in enumerate(zip(came.tolist(), work.tolist(), strict=True)):
        end = max(when, free[0]) + needs
        heapq.heapreplace(free, end)
        stays[at] = end - when
    return stays


def most_likely(spent: Floats, left: Floats, least: int = 1) -> tuple[int, float]:
    """The number of counters, `least` or more, and the hours that one takes."""
    there = np.arange(len(spent))
    counters = np.arange(least, max(min(len(spent), _MOST_COUNTERS + 1), least + 1))
    busy = np.minimum(there, counters[:, None])[:, 1:]
    worked = busy @ spent[1:]
    with np.errstate(divide="ignore"):
        likely = (np.log(busy) * left[1:]).sum(1) - left[1:].sum() * np.log(np.maximum(worked, 1e-12))
    best = int(np.argmax(likely))
    return int(counters[best]), float(worked[best] / max(left[1:].sum(), 1.0))
