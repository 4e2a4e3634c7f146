"""Which half hour of the day and hour of the week an instant lies in, where the city is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DAY_SLOTS, WEEK_SLOTS = 48, 168
DAY_SLOT_S, WEEK_SLOT_S = 1800.0, 3600.0
_DAY_S = 86_400
_SUNDAY = 6
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday


@dataclass(frozen=True)
class Calendar:
    """The city's hours and holidays.

    `offset_s` is what the clocks are ahead of UTC from each of `since_s` on (seconds since 1970; before the first, the
    first holds). `holidays` are days since 1970; people live on them as on a Sunday.
    """

    offset_s: tuple[float, ...] = (0.0,)
    since_s: tuple[float, ...] = (0.0,)
    holidays: tuple[int, ...] = ()

    @classmethod
    def ahead(cls, hours: float, holidays: Sequence[int] = ()) -> Calendar:
        """A city whose clocks never change."""
        return cls((hours * 3600,), (0.0,), tuple(sorted(holidays)))

    def slots(self, at_s: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The half hour of the day (0 to 47) and the hour of the week (0 to 167, from Monday) of each instant."""
        local = (at_s + self.ahead_s(at_s)).astype(np.int64)
        day, second = np.divmod(local, _DAY_S)
        weekday = (day + _EPOCH_WEEKDAY) % 7
        if self.holidays:
            days = np.array(self.holidays, dtype=np.int64)
            place = np.minimum(np.searchsorted(days, day), len(days) - 1)
            weekday = np.where(days[place] == day, _SUNDAY, weekday)
        return second // int(DAY_SLOT_S), weekday * 24 + second // int(WEEK_SLOT_S)

    def ahead_s(self, at_s: NDArray[np.float64]) -> NDArray[np.float64] | float:
        """How many seconds the clocks are ahead of UTC at each instant."""
        if len(self.offset_s) == 1:
            return self.offset_s[0]
        since = np.searchsorted(np.array(self.since_s), at_s, side="right") - 1
        return np.array(self.offset_s)[np.maximum(since, 0)]
