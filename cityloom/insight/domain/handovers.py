"""Hand-overs between offices: who passes cases on to whom, how often, and how long they lie in between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.eventlog import NONE, EventLog
from cityloom.insight.domain.grouped import Floats, Ints, Keyed


@dataclass(frozen=True)
class Handovers:
    """Pairs of offices of steps that directly follow each other, also within one office; times are microseconds.

    `known` counts the pairs of steps of which both offices are known, `unknown` the others.
    """

    source: Ints
    target: Ints
    count: Ints
    cases: Ints
    total: Floats
    median: Floats
    known: int
    unknown: int

    @property
    def across(self) -> int:
        """How many lead to another office."""
        return int(self.count[self.source != self.target].sum())


def handovers(log: EventLog) -> Handovers:
    """All pairs, the most frequent first."""
    before = np.flatnonzero(log.follows)
    both = (log.office[before] != NONE) & (log.office[before + 1] != NONE)
    at, wide = before[both], max(len(log.offices), 1)
    key = log.office[at].astype(np.int64) * wide + log.office[at + 1]
    keyed = Keyed(key, log.at[at + 1] - log.at[at], log.case[at])
    found, cases = keyed.summed((0.5,)), keyed.cases()
    rank = np.lexsort((found.keys, -found.count))
    return Handovers(found.keys[rank] // wide, found.keys[rank] % wide, found.count[rank], cases[rank],
                     found.total[rank], found.quantiles[0][rank], len(at), len(before) - len(at))  # fmt: skip
