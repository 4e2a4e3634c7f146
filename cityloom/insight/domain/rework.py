"""Rework: steps that are done again in a case, and cases that go to and fro between two steps or two offices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import NONE, EventLog
from cityloom.insight.domain.grouped import Floats, Ints, Keyed


@dataclass(frozen=True)
class Again:
    """By activity: how often it was done again, in how many cases, and how long that took since the time before.

    `at_once` counts those that followed directly upon themselves. Times are microseconds.
    """

    activity: Ints
    count: Ints
    cases: Ints
    at_once: Ints
    total: Floats
    median: Floats


@dataclass(frozen=True)
class ToAndFro:
    """By pair: how often a case went from `one` to `other` and back, in how many cases, and the time of it."""

    one: Ints
    other: Ints
    count: Ints
    cases: Ints
    total: Floats
    median: Floats


def again(log: EventLog) -> Again:
    """Repeats of a step in a case, the ones that took longest in all first."""
    key = log.case.astype(np.int64) * max(len(log.activities), 1) + log.activity
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order][1:] == key[order][:-1])
    earlier, later = order[same], order[same + 1]
    activity = log.activity[later].astype(np.int64)
    keyed = Keyed(activity, log.at[later] - log.at[earlier], log.case[later])
    found, cases = keyed.summed((0.5,)), keyed.cases()
    at_once = np.bincount(activity[later == earlier + 1], minlength=max(len(log.activities), 1))[found.keys]
    rank = np.lexsort((found.keys, -found.total))
    return Again(found.keys[rank], found.count[rank], cases[rank], at_once[rank], found.total[rank],
                 found.quantiles[0][rank])  # fmt: skip


def between_steps(log: EventLog) -> ToAndFro:
    """From one step to another and directly back to the first."""
    return _to_and_fro(log, log.activity, len(log.activities))


def between_offices(log: EventLog) -> ToAndFro:
    """From one office to another and directly back; steps whose office is not known do not count."""
    return _to_and_fro(log, log.office, len(log.offices))


def _to_and_fro(log: EventLog, code: NDArray[np.int32], wide: int) -> ToAndFro:
    wide = max(wide, 1)
    inside = log.follows[1:] & log.follows[:-1] if len(log) > 2 else np.zeros(0, bool)
    first = np.flatnonzero(inside)
    back = (code[first] == code[first + 2]) & (code[first] != code[first + 1])
    first = first[back & (code[first] != NONE) & (code[first + 1] != NONE)]
    key = code[first].astype(np.int64) * wide + code[first + 1]
    keyed = Keyed(key, log.at[first + 2] - log.at[first], log.case[first])
    found, cases = keyed.summed((0.5,)), keyed.cases()
    rank = np.lexsort((found.keys, -found.total))
    return ToAndFro(found.keys[rank] // wide, found.keys[rank] % wide, found.count[rank], cases[rank],
                    found.total[rank], found.quantiles[0][rank])  # fmt: skip
