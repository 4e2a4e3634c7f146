"""A calendar as sums: spans of work on the line of time, with the work done before each, and the same of days.

All instants in here are whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import accumulate
from typing import NamedTuple

from cityloom.kernel import timezones

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_MINUTE_US, _DAY_US = 60_000_000, 86_400_000_000
Spans = tuple[tuple[int, int], ...]
"""Half-open spans of a day in minutes since midnight, in order."""
_SAMPLES_A_DAY = 4  # no zone changes its offset twice within six hours


class Worktime(NamedTuple):
    """Sorted lists. `done[i]` is the work before span i; `days[k]` the start of local day k, one more than there are;
    `worked[k]` how many working days come before day k, and `working` which ones are; `opens` and `closes` of those."""

    begins: list[int]
    ends: list[int]
    done: list[int]
    days: list[int]
    worked: list[int]
    working: list[int]
    opens: list[int]
    closes: list[int]
    published_until: int

    def work_before(self, at: int) -> int:
        """The work from the calendar's beginning to an instant."""
        span = bisect_right(self.begins, at) - 1
        if span < 0:
            return 0
        return self.done[span] + min(at, self.ends[span]) - self.begins[span]

    def when_done(self, work: int) -> int:
        """The earliest instant at which so much work (more than 0) has been done since the beginning."""
        span = bisect_left(self.done, work) - 1
        return self.begins[span] + work - self.done[span]

    def day_of(self, at: int) -> int:
        """The number of the local day of an instant."""
        return bisect_right(self.days, at) - 1


def compiled(zone: str, first: int, last: int, spans_of: Callable[[date], Spans], published: int) -> Worktime:
    """The sums of the years from `first` to `last`; holidays are known to the year `published`.

    Its last week may still be changed by what is published for the next year.
    """
    local = _Local(timezones.zone_of(zone), first, last)
    spans: list[tuple[int, int]] = []
    starts, working, opens, closes = [], [], [], []
    for number, day in enumerate(local.days()):
        midnight = _midnight_us(day)
        starts.append(local.first_at(midnight))
        of_day = [span for start, end in spans_of(day)
                  for span in local.instants(midnight + start * _MINUTE_US, midnight + end * _MINUTE_US)]  # fmt: skip
        if of_day:
            working.append(number)
            opens.append(min(of_day)[0])
            closes.append(max(of_day)[1])
        spans += of_day
    starts.append(local.first_at(midnight + _DAY_US))
    spans.sort()  # an hour that comes twice can put the spans of a day apart
    done = list(accumulate((end - begin for begin, end in spans), initial=0))
    return Worktime([begin for begin, _ in spans], [end for _, end in spans], done, starts,
                    _before_each(working, len(starts)), working, opens, closes,
                    local.first_at(_midnight_us(date(published, 12, 25))))  # fmt: skip


def _before_each(working: list[int], days: int) -> list[int]:
    counted = [0] * (days + 1)
    for number in working:
        counted[number + 1] = 1
    return list(accumulate(counted[:days]))


def _midnight_us(day: date) -> int:
    return (day.toordinal() - _EPOCH.toordinal()) * _DAY_US


class _Local:
    """A zone's clock over some years, as stretches with one offset each."""

    def __init__(self, zone: tzinfo, first: int, last: int) -> None:
        self._first, self._last = date(first, 1, 1), date(last, 12, 31)
        begin, end = _EPOCH.replace(year=first) - timedelta(2), _EPOCH.replace(year=last + 1) + timedelta(2)
        step = timedelta(hours=24 // _SAMPLES_A_DAY)
        self._stretches: list[tuple[int, int, int]] = []  # from, to, offset
        since, offset, at = begin, _offset(zone, begin), begin
        while at < end:
            at += step
            if _offset(zone, at) != offset:
                change = _change(zone, at - step, at)
                self._stretches.append((instant_us(since), instant_us(change), offset))
                since, offset = change, _offset(zone, change)
        self._stretches.append((instant_us(since), instant_us(end), offset))
        self._since = [since for since, _, _ in self._stretches]

    def days(self) -> list[date]:
        """All days of the years."""
        return [self._first + timedelta(number) for number in range((self._last - self._first).days + 1)]

    def instants(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Where the clock on the wall stands from `begin` to before `end`: a span, or two where an hour comes twice."""
        at = bisect_right(self._since, begin)
        near = self._stretches[max(0, at - 2) : at + 2]
        clipped = ((max(since, begin - offset), min(until, end - offset)) for since, until, offset in near)
        return _joined([span for span in clipped if span[0] < span[1]])

    def first_at(self, midnight: int) -> int:
        """The first instant at which the clock on the wall shows that midnight or later; some zones skip whole days."""
        return self.instants(midnight, midnight + 2 * _DAY_US)[0][0]


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined = spans[:1]
    for begin, end in spans[1:]:
        if begin == joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _offset(zone: tzinfo, at: datetime) -> int:
    found = at.astimezone(zone).utcoffset()
    return found // _US if found is not None else 0


def _change(zone: tzinfo, before: datetime, after: datetime) -> datetime:
    """The first second of the offset that holds after."""
    offset = _offset(zone, after)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        before, after = (before, middle) if _offset(zone, middle) == offset else (middle, after)
    return after


def instant_us(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - _EPOCH) // _US


def instant_of(microseconds: int) -> datetime:
    """The instant, in UTC."""
    return _EPOCH + timedelta(microseconds=microseconds)
