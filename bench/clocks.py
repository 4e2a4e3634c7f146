"""Measure working time against an oracle that looks at the clock on the wall once a minute.

Run: python -m bench.clocks [--cases N] [--seed N]
The oracle asks of each minute of four years whether it is worked, in the words of the calendar, and counts. Each case
is a start, a limit in one of six forms and an end; half are beside changes of the clock in zones that have them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.clocks.calendars import Calendar, calendar_of, named
from cityloom.cases.domain.clocks.columns import Columns
from cityloom.cases.domain.clocks.deadlines import due_at, elapsed
from cityloom.cases.domain.clocks.limits import Limit
from cityloom.cases.domain.clocks.worktime import instant_of, instant_us

FIRST, LAST = 2023, 2026
MINUTE_US = 60_000_000
WRITTEN = """
calendar: night-and-day
title: {en: A town with odd hours}
zone: %s
hours:
  monday: ["00:00-03:00", "22:00-24:00"]
  tuesday: ["08:30-12:00", "12:30-17:00"]
  thursday: ["09:00-09:01"]
  saturday: ["00:00-24:00"]
  sunday: ["00:30-02:45"]
years: {2023: {}, 2024: {holidays: {2024-05-01/2024-05-05: Days}}, 2025: {make_up: [2025-03-28]}, 2026: {}}
"""
UNITS = ["working minutes", "working hours", "working days", "calendar days", "rolled days", "minutes"]


@dataclass
class Oracle:
    """Each minute of the years: worked or not, and on which local day; and what follows by counting."""

    calendar: Calendar

    def __post_init__(self) -> None:
        zone = ZoneInfo(self.calendar.zone)
        self.start = datetime(FIRST, 1, 3, tzinfo=UTC)
        count = int((datetime(LAST, 12, 29, tzinfo=UTC) - self.start) / timedelta(minutes=1))
        self.worked = np.zeros(count, bool)
        self.day = np.zeros(count, np.int64)
        spans: dict[date, tuple[tuple[int, int], ...]] = {}
        for minute in range(count):
            wall = (self.start + timedelta(minutes=minute)).astimezone(zone)
            day = wall.date()
            if day not in spans:
                spans[day] = self._spans(day)
            clock = wall.hour * 60 + wall.minute
            self.worked[minute] = any(begins <= clock < ends for begins, ends in spans[day])
            self.day[minute] = day.toordinal()
        self.count = np.concatenate([[0], np.cumsum(self.worked)])
        self._days()

    def _spans(self, day: date) -> tuple[tuple[int, int], ...]:
        own = self.calendar.hours_on.get(day)
        if own is not None:
            return own
        return () if day in self.calendar.holidays else self.calendar.hours[day.weekday()]

    def _days(self) -> None:
        """Where each local day ends, and where its last worked minute does."""
        self.first_day = int(self.day[0])
        days = int(self.day[-1]) - self.first_day + 1
        self.ends = np.full(days, -1)
        self.closes = np.full(days, -1)
        number = self.day - self.first_day
        for minute, (day, worked) in enumerate(zip(number.tolist(), self.worked.tolist(), strict=True)):
            self.ends[day] = minute + 1
            if worked:
                self.closes[day] = minute + 1

    def due(self, start: int, amount: int, unit: str) -> int:
        """The minute after the last of a limit, by counting on."""
        if unit == "minutes":
            return start + amount
        if unit.startswith("working") and unit != "working days":
            wanted = self.count[start] + amount * (60 if unit == "working hours" else 1)
            return int(np.searchsorted(self.count, wanted))
        day = int(self.day[start]) - self.first_day
        while amount:
            day += 1
            amount -= unit != "working days" or self.closes[day] >= 0
        while unit == "rolled days" and self.closes[day] < 0:
            day += 1
        return int(self.closes[day] if unit == "working days" else self.ends[day])


def cases(oracle: Oracle, count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Starts and ends in minutes; half of the starts within two days of a change of the clock, where there are any."""
    zone = ZoneInfo(oracle.calendar.zone)
    minutes = len(oracle.worked) - 90 * 1440
    hourly = [(oracle.start + timedelta(hours=hour)).astimezone(zone).utcoffset() for hour in range(minutes // 60)]
    changes = [hour * 60 for hour in range(1, len(hourly)) if hourly[hour] != hourly[hour - 1]]
    start = rng.integers(0, minutes, count)
    if changes:
        near = rng.choice(changes, count // 2) + rng.integers(-2880, 2880, count // 2)
        start[: count // 2] = np.clip(near, 0, minutes)
    return start, np.minimum(start + rng.integers(-100, 60 * 1440, count), len(oracle.worked) - 1)


def compare(calendar: Calendar, count: int, rng: np.random.Generator) -> tuple[int, int, float, float]:
    """Cases, mismatches, and microseconds a call one by one and in columns."""
    oracle, columns = Oracle(calendar), Columns(calendar)
    start, end = cases(oracle, count, rng)
    base = instant_us(oracle.start)
    wrong = int((columns.elapsed(base + start * MINUTE_US, base + end * MINUTE_US)
                 != np.maximum(0, oracle.count[end] - oracle.count[start]) * MINUTE_US).sum())  # fmt: skip
    amount, unit = rng.integers(1, 31, count), rng.integers(0, len(UNITS), count)
    single = 0.0
    for at in range(count):
        limit, begins = _limit(int(amount[at]), UNITS[unit[at]]), instant_of(base + int(start[at]) * MINUTE_US)
        ends = instant_of(base + int(end[at]) * MINUTE_US)
        before = time.process_time()
        due, went_by = due_at(calendar, begins, limit).at, elapsed(calendar, begins, ends)
        single += time.process_time() - before
        expected = oracle.due(int(start[at]), int(amount[at]), UNITS[unit[at]])
        counted = max(0, int(oracle.count[end[at]] - oracle.count[start[at]]))
        wrong += instant_us(due) != base + expected * MINUTE_US or went_by != timedelta(minutes=counted)
    before = time.process_time()
    for name in UNITS:
        columns.due_at(base + start * MINUTE_US, _limit(15, name))
    return count, wrong, single / count / 2 * 1e6, (time.process_time() - before) / count / len(UNITS) * 1e6


def _limit(amount: int, unit: str) -> Limit:
    return Limit(amount, "calendar days", rolls=True) if unit == "rolled days" else Limit(amount, unit)


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args(argv)
    rng = np.random.default_rng(asked.seed)
    towns = [calendar_of(WRITTEN % zone) for zone in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe")]
    shares = [asked.cases - 3 * (asked.cases // 5), *[asked.cases // 5] * 3]
    total = mismatches = 0
    for calendar, count in zip([named("china"), *towns], shares, strict=True):
        done, wrong, single, many = compare(calendar, count, rng)
        total, mismatches = total + done, mismatches + wrong
        print(f"{calendar.zone}: {done:,} cases, {wrong} mismatches; "
              f"{single:.1f} us a call, {many:.3f} us in columns (processor time)", flush=True)  # fmt: skip
    print(f"{total:,} cases, {mismatches} mismatches (goal: none)")
    return 1 if mismatches else 0


if __name__ == "__main__":
    raise SystemExit(main())
