"""Changes tried on cases that the model has not seen: what it knows is from the first half, what it says of the second.

Everything is simulated several times, each time with other service times and, for the figures, another draw of the
cases; a change and things as they are share both, so that what is between them is the change alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import HOUR, EventLog
from cityloom.insight.domain.proposals import proposals
from cityloom.insight.domain.whatif.changes import Change, Plan, changed, plan_of
from cityloom.insight.domain.whatif.running import ends
from cityloom.insight.domain.whatif.stations import Station, Visits, stations, visits
from cityloom.insight.domain.whatif.worktime import WorkTime, work_time

Floats = NDArray[np.float64]
RUNS = 30
_LEAST_RUNS, _MOST_VISITS = 10, 2_000_000
MOST_EVENTS = 10_000
LEAST_CASES = 60
MOST_CHANGES = 12
MOST_PARALLEL = 4
LEAST_PAIRS = 30
LEAST_SWAPPED = 0.2
_AS = {"merge": "merge", "drop": "drop", "queue": "limit"}
"""What is tried of a proposal."""
LEVEL = 0.9
FAR_OFF = 0.25
"""How far the model's median of unseen cases may be from theirs before it is said not to know the process."""
NOTHING_H = 1 / 60
"""A minute a case is nothing to change a process for."""
_SHARES = (0.5, 0.9)


@dataclass(frozen=True)
class Span:
    """A figure with its interval, hours or a share."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Times:
    """Hours from the first step to the last one: the mean, the median and what nine in ten stay below."""

    mean: float
    median: float
    ninth: float


@dataclass(frozen=True)
class Trial:
    """What a change would have saved in the second half, hours a case; positive is saved.

    `learnt` is the mean saved in the first half, from which the model is: where the two differ, times have changed.
    """

    change: Change
    touched: int
    learnt: float
    mean: Span
    median: Span
    ninth: Span

    @property
    def is_sure(self) -> bool:
        """Whether the interval of the mean leaves no doubt that something is saved, or lost."""
        return self.mean.low > NOTHING_H or self.mean.high < -NOTHING_H


@dataclass(frozen=True)
class Tried:
    """The model beside what happened in the second half, and the trials; `stations` as numbered in the log."""

    cases: int
    seen: Times
    simulated: Times
    stations: Sequence[Station]
    trials: Sequence[Trial]
    runs: int
    seed: int

    @property
    def off(self) -> float:
        """How far the model's median is from what happened, as a share of it."""
        return abs(self.simulated.median - self.seen.median) / max(self.seen.median, 1e-9)

    @property
    def knows_it(self) -> bool:
        """Whether the model came near enough to be asked."""
        return self.off <= FAR_OFF


@dataclass(frozen=True)
class _Model:
    log: EventLog
    seen: Visits
    time: WorkTime
    known: list[Station]
    came: Floats
    early: NDArray[np.int64]
    late: NDArray[np.int64]


def tried(log: EventLog, seed: int, asked: Sequence[Change] | None = None, runs: int = 0) -> Tried | None:
    """Try changes, by default those that the log suggests; None where there are too few cases for two halves.

    The same seed gives the same figures. Of large logs with queues there are fewer than `RUNS` runs, 10 at least.
    """
    model = _model(recent(log, MOST_EVENTS))
    if model is None:
        return None
    asked = suggested(model.log, model.known) if asked is None else asked
    chance, visits_a_run = np.random.default_rng(seed), len(model.log) * (len(asked) + 1)
    runs = runs or int(np.clip(_MOST_VISITS // visits_a_run, _LEAST_RUNS, RUNS))
    base, saved, learnt = [], np.zeros((len(asked), runs, 3)), np.zeros((len(asked), runs))
    for run in range(runs):
        plan, weight = _drawn(model, chance)
        if plan.has_queues or not run:  # without queues nothing but the draw of the cases differs from run to run
            as_is = _whole(model, plan)
            all_ = [_whole(model, changed(plan, change, model.log, model.known)) for change in asked]
        base.append(_times(as_is[model.late], weight))
        for number, with_it in enumerate(all_):
            saved[number, run] = base[-1] - _times(with_it[model.late], weight)
            learnt[number, run] = (as_is - with_it)[model.early].mean()
    real = _times((model.log.last_at - model.log.first_at)[model.late] / HOUR, np.ones(len(model.late)))
    trials = [_trial(model, *each) for each in zip(asked, saved, learnt.mean(1).tolist(), strict=True)]
    return Tried(len(model.late), Times(*real), Times(*np.mean(base, 0)), model.known, trials, runs, seed)


def suggested(log: EventLog, known: Sequence[Station]) -> list[Change]:
    """Changes that a log suggests: its proposals, a counter where there are queues, and pairs done in either order."""
    names = {name: number for number, name in enumerate(log.activities)}
    found = [
        Change(_AS[one.kind], tuple(names[step] for step in one.steps[: 2 if one.kind == "merge" else 1]))
        for one in proposals(log) if one.kind in _AS
    ]  # fmt: skip
    queues = {step for step, one in enumerate(known) if one.has_queue}
    found = [one for one in found if one.kind != "limit" or one.steps[0] not in queues]
    found += [Change("counter", (step,)) for step in sorted(queues)]
    return list(dict.fromkeys([*found, *_either_order(log)]))[:MOST_CHANGES]


def _either_order(log: EventLog) -> list[Change]:
    """Pairs of steps that come one after the other in both orders, often enough that neither needs the other."""
    wide = max(len(log.activities), 1)
    pairs = log.activity[:-1][log.follows].astype(np.int64) * wide + log.activity[1:][log.follows]
    counts = np.bincount(pairs, minlength=wide * wide).reshape(wide, wide)
    often = np.minimum(counts, counts.T) >= np.maximum(LEAST_SWAPPED * np.maximum(counts, counts.T), LEAST_PAIRS)
    first, second = np.nonzero(np.triu(often, 1))
    order = np.argsort(-(counts + counts.T)[first, second], kind="stable")
    pairs_found = zip(first[order].tolist(), second[order].tolist(), strict=True)
    ways = [(a, b) if counts[a, b] >= counts[b, a] else (b, a) for a, b in pairs_found]
    return [Change("parallel", way) for way in ways[:MOST_PARALLEL]]


def recent(log: EventLog, most: int) -> EventLog:
    """The cases that began last, with so many events together at most."""
    if len(log) <= most:
        return log
    sizes = np.diff(log.starts)
    order = np.argsort(-log.first_at, kind="stable")
    wanted = np.zeros(log.cases, bool)
    wanted[order[np.cumsum(sizes[order]) <= most]] = True
    return log.of_cases(wanted)


def _model(log: EventLog) -> _Model | None:
    if log.cases < 2 * LEAST_CASES:
        return None
    half = np.int64(np.median(log.first_at))
    time = work_time(log.at[log.at <= half])
    seen = visits(log, time)
    known = stations(log, seen, float(time.measured(np.array([half]))[0]))
    late = np.flatnonzero(log.first_at > half)
    if len(late) < LEAST_CASES:
        return None
    early = np.flatnonzero(log.first_at <= half)
    return _Model(log, seen, time, known, time.measured(log.at[log.starts[:-1]]), early, late)


def _drawn(model: _Model, chance: np.random.Generator) -> tuple[Plan, Floats]:
    """One draw: service times as sure as they are known, work that varies, and cases as they might have come."""
    sure = np.array([chance.gamma(one.seen, 1 / one.seen) if one.has_queue else 1.0 for one in model.known])
    work = chance.standard_exponential(len(model.log)) * sure[model.log.activity]
    return plan_of(model.log, model.seen, model.known, work), chance.poisson(1.0, len(model.late)).astype(np.float64)


def _whole(model: _Model, plan: Plan) -> Floats:
    """How long each case takes, in hours of the clock on the wall."""
    through = ends(plan, model.log.starts, model.came)
    return np.maximum(model.time.instants(through) - model.log.first_at, 0) / HOUR


def _times(hours: Floats, weight: Floats) -> Floats:
    order = np.argsort(hours, kind="stable")
    passed = np.cumsum(weight[order])
    places = np.searchsorted(passed, np.array(_SHARES) * passed[-1])
    return np.append(np.average(hours, weights=weight), hours[order][np.minimum(places, len(hours) - 1)])


def _trial(model: _Model, change: Change, saved: Floats, learnt: float) -> Trial:
    tails = np.quantile(saved, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    spans = [Span(*map(float, each)) for each in zip(saved.mean(0), tails[0], tails[1], strict=True)]
    return Trial(change, _touched(model, change), learnt, *spans)


def _touched(model: _Model, change: Change) -> int:
    """How many cases of the second half the change is about."""
    log = model.log
    does = [np.isin(np.arange(log.cases), log.case[log.activity == step]) for step in change.steps]
    return int(np.logical_and.reduce(does)[model.late].sum())
