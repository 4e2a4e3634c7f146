"""What directly follows upon what: how often, in how many cases, and after how long.

Source: W. van der Aalst, Process Mining, 2016, section 6.2 (the relation >); the limits of such maps, and why they are
cut by variants and not by edges: the same, A practitioner's guide to process mining, 2019, section 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import EventLog, Flags
from cityloom.insight.domain.grouped import Floats, Ints, Keyed

START, END = -1, -2
"""Where each case begins and ends, as activities of a map."""


@dataclass(frozen=True)
class Follows:
    """Pairs of activities of which the second comes directly after the first, the most frequent first.

    Times are microseconds from the completion of the first to the completion of the second; pairs with `START` and
    `END` have none (0).
    """

    source: Ints
    target: Ints
    count: Ints
    cases: Ints
    total: Floats
    median: Floats
    ninth: Floats

    def __len__(self) -> int:
        return len(self.count)


class Steps:
    """The steps from one event to the next of a log, put in order once for all the maps that are made of it."""

    def __init__(self, log: EventLog) -> None:
        self.log, self.wide = log, max(len(log.activities), 1)
        self.before = np.flatnonzero(log.follows)
        key = log.activity[self.before].astype(np.int64) * self.wide + log.activity[self.before + 1]
        self.keyed = Keyed(key, log.at[self.before + 1] - log.at[self.before], log.case[self.before])

    @cached_property
    def all(self) -> Follows:
        """The pairs of all cases."""
        return self.of(None)

    def of(self, cases: Flags | None) -> Follows:
        """The pairs of the cases that are flagged."""
        wanted = None if cases is None else cases[self.keyed.case]
        found, many = self.keyed.summed(wanted=wanted), self.keyed.cases(wanted)
        pairs = (found.keys // self.wide, found.keys % self.wide)
        parts = [(*pairs, found.count, many, found.total, *found.quantiles), *self._ends(cases)]
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.lexsort((columns[1], columns[0], -columns[2]))
        return Follows(*(column[order] for column in columns))

    def _ends(self, cases: Flags | None) -> list[tuple[NDArray[np.generic], ...]]:
        starts, log = self.log.starts, self.log
        kept = np.arange(log.cases) if cases is None else np.flatnonzero(cases)
        firsts, lasts = log.activity[starts[kept]], log.activity[starts[kept + 1] - 1]
        told = []
        for mark, activities in ((START, firsts), (END, lasts)):
            of, count = np.unique(activities.astype(np.int64), return_counts=True)
            ends, nothing = np.full(len(of), mark, np.int64), np.zeros(len(of))
            told.append((*((ends, of) if mark == START else (of, ends)), count, count, nothing, nothing, nothing))
        return told


def follows(log: EventLog) -> Follows:
    """All pairs of a log, with those of `START` and `END`."""
    return Steps(log).all
