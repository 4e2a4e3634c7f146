"""Variants: the different ways, step by step, in which cases go through.

Source: W. van der Aalst, Process Mining, 2nd edition, 2016, section 5.2 (simple event logs).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import EventLog, Flags

_ODD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)  # any odd numbers; what they mix up is compared step by step below


@dataclass(frozen=True)
class Variants:
    """The variants of a log, the commonest first: `of_case` has each case's, `first_case` one case that goes so."""

    of_case: NDArray[np.int64]
    count: NDArray[np.int64]
    first_case: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.count)

    def commonest(self, share: float) -> int:
        """How many of the commonest variants it takes for that share of all cases."""
        reached = np.cumsum(self.count) >= share * self.count.sum() - 1e-9
        return int(np.argmax(reached)) + 1 if len(reached) else 0

    def within(self, most: int) -> Flags:
        """The cases that go in one of so many of the commonest ways."""
        return self.of_case < most

    def steps(self, log: EventLog, variant: int) -> NDArray[np.int32]:
        """The activities of a variant, in order."""
        case = self.first_case[variant]
        return log.activity[log.starts[case] : log.starts[case + 1]]


def variants(log: EventLog) -> Variants:
    """Group cases by their steps; equal frequencies stand in the order in which the ways first occur."""
    key = np.stack([_mixed(log, odd) for odd in _ODD])
    _, first, of_case = np.unique(key, axis=1, return_index=True, return_inverse=True)
    of_case = of_case.reshape(-1)
    if not _agree(log, of_case, first):
        return _compared(log)
    return _ranked(of_case, first)


def _mixed(log: EventLog, odd: int) -> NDArray[np.uint64]:
    """A number for each case that follows from its steps and their order."""
    with np.errstate(over="ignore"):
        place = (np.arange(len(log)) - log.starts[log.case]).astype(np.uint64)
        turned = (log.activity.astype(np.uint64) + np.uint64(1)) * np.uint64(odd) + place * np.uint64(odd >> 7 | 1)
        turned ^= turned >> np.uint64(29)
        turned *= np.uint64(0xBF58476D1CE4E5B9)
        turned ^= turned >> np.uint64(32)
        return np.add.reduceat(turned, log.starts[:-1]) if len(log) else np.zeros(0, np.uint64)


def _agree(log: EventLog, of_case: NDArray[np.int64], first: NDArray[np.int64]) -> bool:
    """Whether each case really has the steps of the first one of its kind."""
    size = np.diff(log.starts)
    model = first[of_case]
    if (size != size[model]).any():
        return False
    place = np.arange(len(log)) - log.starts[log.case]
    return bool((log.activity == log.activity[log.starts[model[log.case]] + place]).all())


def _compared(log: EventLog) -> Variants:
    known: dict[bytes, int] = {}
    of_case, first = np.zeros(log.cases, np.int64), []
    for case in range(log.cases):
        key = log.activity[log.starts[case] : log.starts[case + 1]].tobytes()
        of_case[case] = known.setdefault(key, len(known))
        if len(known) > len(first):
            first.append(case)
    return _ranked(of_case, np.array(first, np.int64))


def _ranked(of_case: NDArray[np.int64], first: NDArray[np.int64]) -> Variants:
    count = np.bincount(of_case, minlength=len(first))
    order = np.lexsort((first, -count))
    rank = np.empty(len(first), np.int64)
    rank[order] = np.arange(len(first))
    return Variants(rank[of_case], count[order], first[order])
