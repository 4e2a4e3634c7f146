"""What could be changed, found by rules, each with its evidence, the cases that it touches and what it saves at most.

Savings are elapsed time of cases, upper bounds, and not to be added up: two proposals may save the same hours. A
proposal is made where at least `LEAST_CASES` cases show it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from cityloom.insight.domain import rework
from cityloom.insight.domain.eventlog import HOUR, EventLog
from cityloom.insight.domain.follows import END, START, Steps
from cityloom.insight.domain.waiting import Waiting, waiting

LEAST_CASES = 30
MOST = 12
_MERGED, _DECIDES_NOTHING, _LEAST_SKIPPED = 0.9, 0.95, 8
_LARGE_QUEUE, _SLOW = 0.08, 0.75
_LEAST_HOURS = 1.0


@dataclass(frozen=True)
class Proposal:
    """`kind` is merge, drop, loop, return or queue; `hours` is what it saves at most, in `cases` of `of` cases.

    `evidence` are the numbers on which it stands, by name; a name that ends in `_share` is between 0 and 1.
    """

    kind: str
    steps: tuple[str, ...]
    cases: int
    of: int
    hours: float
    offices: tuple[str, ...] = ()
    evidence: dict[str, float] = field(default_factory=dict)


def proposals(log: EventLog, split: Waiting | None = None, steps: Steps | None = None) -> list[Proposal]:
    """What the log shows, the largest saving first."""
    split, steps = split or waiting(log), steps or Steps(log)
    found = [
        *_merges(log, split, steps),
        *_drops(log, split, steps),
        *_loops(log),
        *_returns(log),
        *_queues(log, split),
    ]
    worth = [one for one in found if one.cases >= LEAST_CASES and one.hours >= _LEAST_HOURS]
    return sorted(worth, key=lambda one: -one.hours)[:MOST]


def _merges(log: EventLog, split: Waiting, steps: Steps) -> Iterable[Proposal]:
    """Two steps that are hardly ever without each other: what lies in between is saved."""
    all_, done = steps.all, np.bincount(log.activity, minlength=len(log.activities))
    for source, target, count, cases in zip(all_.source, all_.target, all_.count, all_.cases, strict=True):
        if min(source, target) < 0 or source == target or count < LEAST_CASES:
            continue
        of_first, of_second = count / done[source], count / done[target]
        if min(of_first, of_second) >= _MERGED:
            second = _ends_of_pair(log, steps, source, target)
            yield Proposal(
                "merge", (log.activities[source], log.activities[target]), int(cases), log.cases,
                float(split.queue[second].sum()) / HOUR,
                evidence={"first_share": float(of_first), "second_share": float(of_second), "times": int(count)},
            )  # fmt: skip


def _ends_of_pair(log: EventLog, steps: Steps, source: int, target: int) -> np.ndarray:
    """The events of `target` that come directly after `source`."""
    return steps.before[steps.keyed.key == source * steps.wide + target] + 1


def _drops(log: EventLog, split: Waiting, steps: Steps) -> Iterable[Proposal]:
    """A step after which the same always follows, and which other cases go without."""
    all_, done = steps.all, np.bincount(log.activity, minlength=len(log.activities))
    pairs = {(int(a), int(b)): int(n) for a, b, n in zip(all_.source, all_.target, all_.count, strict=True)}
    for (step, after), count in pairs.items():
        if step < 0 or after < 0 or step == after or count < max(_DECIDES_NOTHING * done[step], LEAST_CASES):
            continue
        before = {a for (a, b) in pairs if b == step and a not in (step, START)}
        skipped = sum(pairs.get((a, after), 0) for a in before if a != after)
        if skipped < _LEAST_SKIPPED:
            continue
        events = log.activity == step
        touched = len(np.unique(log.case[events]))
        yield Proposal(
            "drop", (log.activities[step], log.activities[after]), touched, log.cases,
            float((split.queue + split.work)[events].sum()) / HOUR,
            evidence={"next_share": count / int(done[step]), "times": int(done[step]), "without": skipped},
        )  # fmt: skip


def _loops(log: EventLog) -> Iterable[Proposal]:
    """A step that is done again: with it right the first time, what lies between the two is saved."""
    found = rework.again(log)
    for at, step in enumerate(found.activity):
        yield Proposal(
            "loop", (log.activities[step],), int(found.cases[at]), log.cases, float(found.total[at]) / HOUR,
            evidence={"times": int(found.count[at]), "median_s": float(found.median[at]) / 1e6},
        )  # fmt: skip


def _returns(log: EventLog) -> Iterable[Proposal]:
    """A case that goes to another office and comes back."""
    found = rework.between_offices(log)
    for at, (one, other) in enumerate(zip(found.one, found.other, strict=True)):
        yield Proposal(
            "return", (), int(found.cases[at]), log.cases, float(found.total[at]) / HOUR,
            (log.offices[one], log.offices[other]),
            {"times": int(found.count[at]), "median_s": float(found.median[at]) / 1e6},
        )  # fmt: skip


def _queues(log: EventLog, split: Waiting) -> Iterable[Proposal]:
    """A step before which much of all time is waited: nobody waits longer than three quarters do now."""
    whole = float(split.elapsed.sum())
    for step, name in enumerate(log.activities):
        events = log.activity == step
        waits = split.queue[events]
        if not waits.sum() or waits.sum() < _LARGE_QUEUE * whole:
            continue
        pieces = waits + split.work[events]
        usual = float(np.quantile(pieces, _SLOW))
        over = np.minimum(np.maximum(pieces - usual, 0), waits)
        yield Proposal(
            "queue", (name,), int((over > 0).sum()), log.cases, float(over.sum()) / HOUR,
            evidence={"queue_share": float(waits.sum()) / whole, "usual_s": usual / 1e6, "times": len(waits)},
        )  # fmt: skip


__all__ = ["END", "LEAST_CASES", "Proposal", "proposals"]
