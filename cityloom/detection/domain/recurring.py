"""What comes back with the hour: between what a stream has lain around this time on its last days of this kind.

A road that jams on most workdays around eight is not blocked when it does so again, though its mean says otherwise and
though it never jams at the same minute.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.calendar import Calendar

Floats = NDArray[np.float64]
Lows = NDArray[np.float32]
SLOTS, DAYS = 96, 4
"""Quarters of an hour, and how many days of each kind (workdays; Saturdays and Sundays) are remembered."""
_AROUND = 4
_SLOT_S = 900.0
_DAY_S = 86_400.0
_SATURDAY = 5


@dataclass
class Recurring:
    """The lowest and highest value of each stream in each quarter of an hour of its last days, two kinds of them."""

    streams: int
    calendar: Calendar = field(default_factory=Calendar)
    low: Lows = field(init=False)
    high: Lows = field(init=False)
    number: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        shape = (2, DAYS, SLOTS, self.streams)
        self.low, self.high = np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32)
        self.number = np.full((2, DAYS), -1, np.int64)

    def learn(self, at_s: float, value: Floats) -> None:
        """Take the readings of an instant; NaN is none. Instants rise."""
        kind, slot, day = self._place(at_s)
        turn = self._turn(kind, day)
        now = value.astype(np.float32)
        self.low[kind, turn, slot] = np.fmin(self.low[kind, turn, slot], now)
        self.high[kind, turn, slot] = np.fmax(self.high[kind, turn, slot], now)

    def take(self, rows: NDArray[np.int64], at_s: Floats, value: Floats) -> None:
        """Take readings of any streams and instants, as they come; forgotten days learn nothing."""
        quarters, of = np.unique(np.floor(at_s / _SLOT_S), return_inverse=True)
        for number, quarter in enumerate(quarters.tolist()):
            kind, slot, day = self._place(quarter * _SLOT_S)
            if day < self.number[kind].min():
                continue
            turn, chosen = self._turn(kind, day), of == number
            now = value[chosen].astype(np.float32)
            np.fmin.at(self.low[kind, turn, slot], rows[chosen], now)
            np.fmax.at(self.high[kind, turn, slot], rows[chosen], now)

    def grow(self, streams: int) -> None:
        """Make room for more streams, behind those that are there."""
        more = np.full((2, DAYS, SLOTS, max(streams - self.streams, 0)), np.nan, np.float32)
        self.low, self.high = np.append(self.low, more, axis=3), np.append(self.high, more, axis=3)
        self.streams = max(streams, self.streams)

    def usual(self, at_s: float) -> tuple[Floats, Floats]:
        """Between what each stream has lain within an hour of this time on earlier such days; NaN where none is known.

        With three days or more the wildest of them does not count: something may have happened on it.
        """
        kind, slot, day = self._place(at_s)
        before = (self.number[kind] >= 0) & (self.number[kind] != day)
        if not before.any():
            unknown = np.full(self.streams, np.nan)
            return unknown, unknown
        around = np.arange(slot - _AROUND, slot + _AROUND + 1) % SLOTS
        low = np.fmin.reduce(self.low[kind][before][:, around], axis=1)
        high = np.fmax.reduce(self.high[kind][before][:, around], axis=1)
        wild = 1 if before.sum() >= 3 else 0
        return np.sort(low, axis=0)[wild].astype(np.float64), _highest(high, wild)

    def _turn(self, kind: int, day: int) -> int:
        """The row of a day: its own, or the oldest one's, which is forgotten."""
        known = np.flatnonzero(self.number[kind] == day)
        if len(known):
            return int(known[0])
        turn = int(self.number[kind].argmin())
        self.number[kind, turn] = day
        self.low[kind, turn], self.high[kind, turn] = np.nan, np.nan
        return turn

    def _place(self, at_s: float) -> tuple[int, int, int]:
        """The kind of the day, the quarter of an hour and the day's number, where the city is."""
        hour = int(self.calendar.slots(np.array([at_s]))[1][0])
        local = at_s + float(np.max(self.calendar.ahead_s(np.array([at_s]))))
        return int(hour // 24 >= _SATURDAY), int(local % _DAY_S // _SLOT_S), int(local // _DAY_S)


def _highest(high: Lows, wild: int) -> Floats:
    """The highest of the days but so many of the wildest; silent days count for nothing."""
    return -np.sort(-high, axis=0)[wild].astype(np.float64)
