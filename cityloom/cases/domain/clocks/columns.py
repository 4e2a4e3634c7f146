"""Deadlines and working time of many cases at once; the same numbers as one by one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.deadlines import beyond
from cityloom.cases.domain.clocks.limits import CALENDAR_DAYS, Limit
from cityloom.kernel.refused import Refused

Instants = NDArray[np.int64]
"""Microseconds since 1970, in UTC."""


class Columns:
    """The sums of a calendar as arrays."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        work = calendar.worktime
        self._begins, self._ends, self._done = _array(work.begins), _array(work.ends), _array(work.done)
        self._days, self._worked, self._working = _array(work.days), _array(work.worked), _array(work.working)
        self._closes = _array(work.closes)
        self.published_until = work.published_until

    def elapsed(self, start: Instants, end: Instants) -> Instants:
        """Microseconds of working time from each start to its end; 0 where the end is not later.

        Raises: Refused `cases.outside_calendar`.
        """
        self._check(start)
        self._check(end)
        return np.maximum(0, self._work_before(end) - self._work_before(start))

    def due_at(self, start: Instants, limit: Limit) -> Instants:
        """When one limit ends for each start.

        Raises: Refused `cases.outside_calendar`, `cases.beyond_calendar`.
        """
        self._check(start)
        if limit.is_in_days:
            return self._after_days(start, limit)
        if not limit.is_working:
            return start + limit.length_us
        wanted = self._work_before(start) + limit.length_us
        self._within(wanted, self._done[-1])
        span = np.searchsorted(self._done, wanted, side="left") - 1
        return self._begins[span] + wanted - self._done[span]

    def _after_days(self, start: Instants, limit: Limit) -> Instants:
        first = np.searchsorted(self._days, start, side="right")
        if limit.unit != CALENDAR_DAYS:
            last = self._worked[first] + limit.amount - 1
            self._within(last, len(self._closes) - 1)
            return self._closes[last]
        day = first + limit.amount - 1
        self._within(day, len(self._days) - 2)
        if limit.rolls:
            self._within(self._worked[day], len(self._working) - 1)
            day = self._working[self._worked[day]]
        return self._days[day + 1]

    def _work_before(self, at: Instants) -> Instants:
        span = np.searchsorted(self._begins, at, side="right") - 1
        inside = np.maximum(span, 0)
        return np.where(span < 0, 0, self._done[inside] + np.minimum(at, self._ends[inside]) - self._begins[inside])

    def _check(self, at: Instants) -> None:
        if at.size and (at.min() < self._days[0] or at.max() >= self._days[-1]):
            years = f"{self._calendar.first}..{self._calendar.beyond}"
            raise Refused("cases.outside_calendar", "The calendar {value} is reckoned for the years {limit}; an "
                          "instant is outside of them.", value=self._calendar.name, limit=years)  # fmt: skip

    def _within(self, found: Instants, most: int) -> None:
        if found.size and found.max() > most:
            raise beyond(self._calendar)


def _array(numbers: list[int]) -> Instants:
    return np.array(numbers, dtype=np.int64)
