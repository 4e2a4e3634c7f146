"""The oracle of clocks: it looks at the clock on the wall once a minute, and knows nothing of sums."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cityloom.cases.domain.clocks.calendars import Calendar

MINUTE = timedelta(minutes=1)
Pause = tuple[datetime, datetime]


def is_worked(calendar: Calendar, wall: datetime) -> bool:
    """Whether the minute that the clock on the wall shows is working time."""
    minute = wall.hour * 60 + wall.minute
    day = wall.date()
    spans = calendar.hours_on.get(day, () if day in calendar.holidays else calendar.hours[day.weekday()])
    return any(begins <= minute < ends for begins, ends in spans)


def _paused(at: datetime, pauses: Sequence[Pause]) -> bool:
    return any(stop <= at < goes_on for stop, goes_on in pauses)


def _minutes(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    zone: tzinfo = ZoneInfo(calendar.zone)
    while True:
        yield start, start.astimezone(zone)
        start += MINUTE


def worked(calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> int:
    """Working minutes between two instants."""
    count = 0
    for at, wall in _minutes(calendar, start):
        if at >= end:
            return count
        count += is_worked(calendar, wall) and not _paused(at, pauses)
    raise AssertionError


def end_of_work(calendar: Calendar, start: datetime, minutes: int, pauses: Sequence[Pause] = ()) -> datetime:
    """The end of the minute with which so many have been worked."""
    for at, wall in _minutes(calendar, start):
        minutes -= is_worked(calendar, wall) and not _paused(at, pauses)
        if not minutes:
            return (at + MINUTE).astimezone(UTC)
    raise AssertionError


def end_of_days(
    calendar: Calendar, start: datetime, days: int, pauses: Sequence[Pause] = (), *, working: bool = True
) -> datetime:
    """The close of the last of so many days after the first that no pause touches; of calendar days, their midnight."""
    zone = ZoneInfo(calendar.zone)
    begun, paused_on = start.astimezone(zone).date(), _days_of(pauses, zone)
    today, closes = begun, None
    for at, wall in _minutes(calendar, start):
        if wall.date() != today:
            if today > begun and today not in paused_on and (closes or not working):
                days -= 1
            if not days:
                return ((closes if working else None) or at).astimezone(UTC)
            today, closes = wall.date(), None
        if is_worked(calendar, wall):
            closes = at + MINUTE
    raise AssertionError


def _days_of(pauses: Sequence[Pause], zone: tzinfo) -> set[object]:
    found = set()
    for stop, goes_on in pauses:
        day = stop.astimezone(zone).date()
        while day <= goes_on.astimezone(zone).date():
            found.add(day)
            day += timedelta(1)
    return found
