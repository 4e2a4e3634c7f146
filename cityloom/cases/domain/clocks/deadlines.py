"""When something is due, and how much working time has gone by.

Days are counted as the law counts them: the day on which a clock starts, or goes on, does not count (Civil Code of the
PRC, art. 201); a limit in working days ends when the last of them closes, one in calendar days at its midnight
(art. 203). A day that a pause touches does not count. Working time is counted to the microsecond.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.limits import CALENDAR_DAYS, MINUTES, WORKING_MINUTES, Limit
from cityloom.cases.domain.clocks.worktime import Worktime, instant_of, instant_us
from cityloom.kernel.refused import Refused

_MINUTE_US = 60_000_000
Pause = tuple[datetime, datetime]


@dataclass(frozen=True)
class Due:
    """An instant, provisional where the holidays before it have not all been published."""

    at: datetime
    is_provisional: bool = False


def due_at(calendar: Calendar, start: datetime, limit: Limit, pauses: Sequence[Pause] = ()) -> Due:
    """When a limit that begins at `start` ends; pauses are in order and do not overlap.

    Raises: Refused `cases.before_calendar`, `cases.beyond_calendar`.
    """
    work = calendar.worktime
    begin, stops = _checked(calendar, work, start), _stops(calendar, work, start, pauses)
    if limit.is_in_days:
        at = _after_days(calendar, work, begin, limit, stops)
    elif limit.is_working:
        at = _after_work(calendar, work, begin, limit.length_us, stops)
    else:
        at = _after_time(begin, limit.length_us, stops)
    if at > work.days[-1]:
        raise beyond(calendar)
    return Due(instant_of(at), at > work.published_until and (limit.is_working or limit.rolls))


def elapsed(calendar: Calendar, start: datetime, end: datetime, pauses: Sequence[Pause] = ()) -> timedelta:
    """The working time from `start` to `end`, without pauses; nothing if the end is not later.

    Raises: Refused `cases.before_calendar`, `cases.beyond_calendar`.
    """
    work = calendar.worktime
    begin, finish = _checked(calendar, work, start), _checked(calendar, work, end)
    edges = [begin, *(edge for stop in _stops(calendar, work, start, pauses) for edge in stop), finish]
    done = [work.work_before(min(edge, finish)) for edge in edges]
    stretches = zip(done[::2], done[1::2], strict=True)
    return timedelta(microseconds=sum(max(0, after - before) for before, after in stretches))


def elapsed_days(
    calendar: Calendar, start: datetime, end: datetime, *, working: bool = True, pauses: Sequence[Pause] = ()
) -> int:
    """How many days of a limit in days have gone by: those that counted and have closed.

    Raises: Refused `cases.before_calendar`, `cases.beyond_calendar`.
    """
    work = calendar.worktime
    begin, finish = _checked(calendar, work, start), _checked(calendar, work, end)
    stops = _stops(calendar, work, start, pauses)
    counted = 0
    for first, after in _whole_days(work, begin, stops):
        if working:
            last = bisect_left(work.closes, finish + 1)  # closed at or before the end
            counted += max(0, min(work.worked[after], last) - work.worked[first])
        else:
            counted += max(0, min(after, work.day_of(finish)) - first)
    return counted


def opening_of_share(
    calendar: Calendar, start: datetime, limit: Limit, share: float, pauses: Sequence[Pause] = ()
) -> datetime:
    """When a share of a limit has gone by; of days, the morning on which the day begins that completes it.

    Raises: Refused `cases.before_calendar`, `cases.beyond_calendar`.
    """
    if not limit.is_in_days:
        minutes = max(1, round(limit.length_us * share / _MINUTE_US))
        return due_at(calendar, start, Limit(minutes, WORKING_MINUTES if limit.is_working else MINUTES), pauses).at
    days = Limit(max(1, ceil(limit.amount * share)), limit.unit)
    work = calendar.worktime
    ends = instant_us(due_at(calendar, start, days, pauses).at)
    if limit.unit == CALENDAR_DAYS:
        return instant_of(work.days[work.day_of(ends) - 1])
    return instant_of(work.opens[bisect_left(work.closes, ends)])


def _after_work(calendar: Calendar, work: Worktime, begin: int, length: int, stops: list[tuple[int, int]]) -> int:
    since, left = begin, length
    for stop, goes_on in stops:
        done = work.work_before(stop) - work.work_before(since)
        if done >= left:
            break
        since, left = goes_on, left - done
    wanted = work.work_before(since) + left
    if wanted > work.done[-1]:
        raise beyond(calendar)
    return work.when_done(wanted)


def _after_time(begin: int, length: int, stops: list[tuple[int, int]]) -> int:
    since, left = begin, length
    for stop, goes_on in stops:
        if stop - since >= left:
            break
        since, left = goes_on, left - (stop - since)
    return since + left


def _after_days(calendar: Calendar, work: Worktime, begin: int, limit: Limit, stops: list[tuple[int, int]]) -> int:
    """The end of the day with which the limit is reached, in the first run of whole days that has it."""
    left = limit.amount
    for first, end in _whole_days(work, begin, stops):
        here = end - first if limit.unit == CALENDAR_DAYS else work.worked[end] - work.worked[first]
        if left <= here:
            return _end_of(calendar, work, first, left, limit)
        left -= here
    raise beyond(calendar)


def _end_of(calendar: Calendar, work: Worktime, first: int, count: int, limit: Limit) -> int:
    if limit.unit != CALENDAR_DAYS:
        return work.closes[work.worked[first] + count - 1]
    day = first + count - 1
    if limit.rolls:
        if work.worked[day] == len(work.working):
            raise beyond(calendar)
        day = work.working[work.worked[day]]
    return work.days[day + 1]


def _whole_days(work: Worktime, begin: int, stops: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Runs of days that no pause touches, from the day after the beginning: the first, and the one after the last."""
    first = work.day_of(begin) + 1
    for stop, goes_on in stops:
        yield first, max(first, work.day_of(stop))
        first = max(first, work.day_of(goes_on) + 1)
    yield first, max(first, len(work.days) - 1)


def _stops(calendar: Calendar, work: Worktime, start: datetime, pauses: Sequence[Pause]) -> list[tuple[int, int]]:
    begin = instant_us(start)
    found = [(_checked(calendar, work, stop), _checked(calendar, work, goes_on)) for stop, goes_on in pauses]
    return [(max(begin, stop), goes_on) for stop, goes_on in found if goes_on > begin]


def _checked(calendar: Calendar, work: Worktime, at: datetime) -> int:
    instant = instant_us(at)
    if instant < work.days[0]:
        raise Refused("cases.before_calendar", "The calendar {value} begins with the year {limit}; this instant is "
                      "before it.", value=calendar.name, limit=calendar.first)  # fmt: skip
    if instant >= work.days[-1]:
        raise beyond(calendar)
    return instant


def beyond(calendar: Calendar) -> Refused:
    """What is said of an instant after all that the calendar is reckoned for."""
    return Refused("cases.beyond_calendar", "The calendar {value} is not reckoned beyond the year {limit}; give it the "
                   "holidays of more years.", value=calendar.name, limit=calendar.beyond)  # fmt: skip
