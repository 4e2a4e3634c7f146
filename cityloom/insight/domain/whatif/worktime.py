"""Time as the offices of a process spend it: an hour in which twice as much is done as usual counts as two.

The profile has an hour of the week for each of its 168 entries. In time that is measured by it queues grow and shrink
evenly, day and night, and a simulation needs no opening hours. Holidays and summers are not in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.eventlog import DAY, HOUR

Hours = NDArray[np.float64]
WEEK = 7 * DAY
_BINS = 168
_LEAST = 1e-4
"""Of the usual weight: so that no hour is without any, and the way back is known."""
_MONDAY = 4 * DAY
"""1970 began on a Thursday."""


@dataclass(frozen=True)
class WorkTime:
    """`passed[k]` is the measured time, in hours, from Monday 0:00 to hour k of the week; 168 in a week."""

    passed: Hours

    def measured(self, at: NDArray[np.int64]) -> Hours:
        """Instants (microseconds) as hours of measured time."""
        weeks, rest = np.divmod(at - _MONDAY, WEEK)
        return weeks * float(_BINS) + np.interp(rest / HOUR, np.arange(_BINS + 1), self.passed)

    def instants(self, hours: Hours) -> NDArray[np.int64]:
        """What `measured` was made of."""
        weeks, rest = np.divmod(hours, float(_BINS))
        within = np.interp(rest, self.passed, np.arange(_BINS + 1))
        return (weeks * WEEK + within * HOUR).astype(np.int64) + _MONDAY


def work_time(at: NDArray[np.int64]) -> WorkTime:
    """The profile of a week in which these were completed."""
    hours = ((at - _MONDAY) % WEEK) // HOUR
    weight = np.bincount(hours, minlength=_BINS).astype(np.float64)
    weight = np.maximum(weight / max(weight.mean(), 1e-12), _LEAST) if weight.any() else np.ones(_BINS)
    weight *= _BINS / weight.sum()
    passed = np.append(0.0, np.cumsum(weight))
    passed[-1] = _BINS
    return WorkTime(passed)
