"""Limits of time: which cases were over theirs, by how much, and what they waited for when it passed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import UNKNOWN, EventLog, Flags, Instants

NEVER = np.iinfo(np.int64).max
"""The due instant of a case that is known to have kept its limit."""


@dataclass(frozen=True)
class Breaches:
    """Of the cases that have a limit and an end (`has_limit`), those that were over it; times are microseconds.

    `late` flags them by case, `over` is by how much each of them was late. `waited_for` is the activity that each late
    case waited for when its limit passed, `NOTHING` where its last step in the log was done before.
    """

    has_limit: Flags
    late: Flags
    over: Instants
    waited_for: NDArray[np.int64]

    @property
    def cases(self) -> int:
        """How many cases have a limit and an end."""
        return int(self.has_limit.sum())

    def quantile(self, share: float) -> float:
        """A quantile of the lateness of late cases; 0 where there is none."""
        return float(np.quantile(self.over, share)) if len(self.over) else 0.0


NOTHING = -1


def due_after(log: EventLog, microseconds: int) -> Instants:
    """A limit that runs from the first touch of each case."""
    return log.first_at + microseconds


def due_of(log: EventLog, attribute: str) -> Instants:
    """The limits that the log itself has, as an attribute of each case."""
    return log.attributes[attribute].values


def ends_of(log: EventLog, attribute: str = "") -> Instants:
    """When each case ended: with its last step, or where the log says so; `UNKNOWN` where it says nothing."""
    return log.attributes[attribute].values if attribute else log.last_at


def breaches(log: EventLog, due: Instants, ended: Instants) -> Breaches:
    """Compare the end of each case with its limit; cases without either are left out."""
    known = (due != UNKNOWN) & (ended != UNKNOWN)
    late = known & (ended > due)
    which = np.flatnonzero(late)
    waits = _waited_for(log, which, due[which])
    return Breaches(known, late, ended[which] - due[which], waits)


def _waited_for(log: EventLog, which: NDArray[np.int64], due: Instants) -> NDArray[np.int64]:
    """The first step of each case that was completed after the instant."""
    flag = np.full(log.cases, NEVER)
    flag[which] = due
    after = np.flatnonzero(log.at > flag[log.case])
    found = np.full(len(which), NOTHING, np.int64)
    case, first = np.unique(log.case[after], return_index=True)
    found[np.searchsorted(which, case)] = log.activity[after[first]]
    return found


def by_step(found: Breaches) -> list[tuple[int, int]]:
    """How many late cases waited for which step (`NOTHING` for none), the most first."""
    steps, count = np.unique(found.waited_for, return_counts=True)
    return sorted(((int(step), int(many)) for step, many in zip(steps, count, strict=True)), key=lambda one: -one[1])
