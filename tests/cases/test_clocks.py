"""Working time is exact: against a look at the clock once a minute, on calendars of several zones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.cases.domain.clocks.calendars import calendar_of, named
from cityloom.cases.domain.clocks.columns import Columns
from cityloom.cases.domain.clocks.deadlines import due_at, elapsed, elapsed_days
from cityloom.cases.domain.clocks.limits import Limit, limit_of
from cityloom.cases.domain.clocks.worktime import instant_of, instant_us
from cityloom.kernel.refused import Refused
from tests.cases import minutes as oracle
from tests.examples import a_third_of

CHINA = named("china")
SHANGHAI = ZoneInfo("Asia/Shanghai")
WEEK = """
calendar: town
title: {en: A town}
zone: %s
hours:
  monday: ["22:00-23:30"]
  wednesday: ["09:00-12:00", "12:00-13:15"]
  saturday: ["00:00-24:00"]
  sunday: ["00:00-00:30", "01:15-02:45"]
years:
  2025: {holidays: {2025-03-26: A day, 2025-10-22/2025-10-25: Days}, make_up: [2025-03-28]}
  2026: {hours_on: {2026-03-27: ["08:00-08:01"]}}
"""
ZONES = ("Europe/Berlin", "America/New_York", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca")
TOWNS = [calendar_of(WEEK % zone) for zone in ZONES]
NEAR_CHANGES = [datetime(2025, month, day, tzinfo=UTC) for month, day in (
    (3, 1), (3, 7), (3, 29), (4, 4), (10, 3), (10, 24), (11, 1),
)]  # fmt: skip


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


instants = st.builds(
    lambda base, minutes: base + timedelta(minutes=minutes),
    st.sampled_from(NEAR_CHANGES), st.integers(0, 3 * 24 * 60),
)  # fmt: skip
calendars = st.sampled_from([CHINA, *TOWNS])
gaps = st.lists(st.integers(0, 2 * 24 * 60), max_size=4)


def _pauses(start: datetime, gaps: list[int]) -> list[oracle.Pause]:
    edges = [start]
    for gap in gaps:
        edges.append(edges[-1] + timedelta(minutes=gap))
    return list(zip(edges[1::2], edges[2::2], strict=False))


@given(calendars, instants, st.integers(1, 500), gaps)
@settings(max_examples=a_third_of(40), deadline=None)
def test_a_limit_in_working_minutes_ends_with_the_last_of_them(calendar, start, minutes, gaps):
    pauses = _pauses(start, gaps)
    expected = oracle.end_of_work(calendar, start, minutes, pauses)
    assert due_at(calendar, start, Limit(minutes, "working minutes"), pauses).at == expected


@given(calendars, instants, st.integers(0, 6 * 24 * 60), gaps)
@settings(max_examples=a_third_of(40), deadline=None)
def test_working_time_that_went_by_is_what_the_wall_clock_counts(calendar, start, length, gaps):
    end, pauses = start + timedelta(minutes=length), _pauses(start, gaps)
    found = elapsed(calendar, start, end, pauses)
    assert found == timedelta(minutes=oracle.worked(calendar, start, end, pauses))


@given(calendars, instants, st.integers(1, 4), gaps, st.booleans())
@settings(max_examples=25, deadline=None)
def test_days_are_counted_from_the_day_after_and_not_where_a_pause_touches_them(calendar, start, days, gaps, working):
    pauses = _pauses(start, gaps)
    limit = Limit(days, "working days" if working else "calendar days")
    due = due_at(calendar, start, limit, pauses).at
    assert due == oracle.end_of_days(calendar, start, days, pauses, working=working)
    assert elapsed_days(calendar, start, due, working=working, pauses=pauses) == days
    assert elapsed_days(calendar, start, due - timedelta(microseconds=1), working=working, pauses=pauses) == days - 1


@given(calendars, instants, st.integers(1, 10**12))
def test_a_limit_that_has_ended_has_gone_by_to_the_microsecond(calendar, start, later_us):
    start += timedelta(microseconds=later_us % 60_000_000)
    limit = Limit(1 + later_us % 400, "working minutes")
    due = due_at(calendar, start, limit).at
    assert elapsed(calendar, start, due) == timedelta(minutes=limit.amount)
    assert elapsed(calendar, start, due - timedelta(microseconds=1)) < timedelta(minutes=limit.amount)


@pytest.mark.parametrize("text", ["7 working minutes", "3 working days", "5 calendar days", "90 minutes",
                                  "5 calendar days, then to the next working day"])  # fmt: skip
def test_many_at_once_are_the_same_as_one_by_one(text):
    limit = limit_of(text)
    rng = np.random.default_rng(5)
    base = instant_us(datetime(2025, 1, 1, tzinfo=UTC))
    starts = base + rng.integers(0, 300 * 86_400, 200) * 1_000_000
    ends = starts + rng.integers(-5, 9 * 86_400, 200) * 1_000_000
    for calendar in (CHINA, TOWNS[0]):
        columns = Columns(calendar)
        assert [instant_of(at) for at in columns.due_at(starts, limit).tolist()] == [
            due_at(calendar, instant_of(at), limit).at for at in starts.tolist()
        ]
        assert columns.elapsed(starts, ends).tolist() == [
            elapsed(calendar, instant_of(a), instant_of(b)) // timedelta(microseconds=1)
            for a, b in zip(starts.tolist(), ends.tolist(), strict=True)
        ]


@pytest.mark.parametrize(("limit", "start", "due"), [
    # 2026-02-14 is a Saturday made up for the Spring Festival, which lasts to 2026-02-23.
    ("1 working hour", "2026-02-13T17:30", "2026-02-14T09:00"),
    ("1 working day", "2026-02-13T17:30", "2026-02-14T18:00"),
    ("2 working days", "2026-02-13T17:30", "2026-02-24T18:00"),
    ("20 working days", "2026-09-18T08:00", "2026-10-22T18:00"),
    ("2 hours", "2026-02-13T23:30", "2026-02-14T01:30"),
    ("5 calendar days", "2026-02-13T10:00", "2026-02-19T00:00"),
    ("5 calendar days, then to the next working day", "2026-02-13T10:00", "2026-02-25T00:00"),
])  # fmt: skip
def test_limits_in_chinese_offices(limit, start, due):
    found = due_at(CHINA, local(start), limit_of(limit))
    assert (found.at, found.is_provisional) == (local(due), False)


def test_the_notices_of_the_state_council_are_all_there():
    assert (CHINA.first, CHINA.last) == (2007, 2026)
    assert all(CHINA.notices[year] for year in range(2007, 2027))
    assert [day for day in CHINA.holidays if day.year == 2020 and day.month == 2] == [
        date(2020, 2, 1),
        date(2020, 2, 2),
    ]
    assert CHINA.spans(date(2026, 10, 10)) == CHINA.hours[0]
    assert CHINA.spans(date(2026, 10, 11)) == ()


def test_beyond_the_published_years_a_date_is_provisional_and_then_refused():
    assert due_at(CHINA, local("2026-12-20T10:00"), limit_of("20 working days")).is_provisional
    assert not due_at(CHINA, local("2026-12-20T10:00"), limit_of("30 calendar days")).is_provisional
    with pytest.raises(Refused) as refused:
        due_at(CHINA, local("2036-12-20T10:00"), limit_of("20 working days"))
    assert refused.value.code == "cases.beyond_calendar"
    with pytest.raises(Refused) as refused:
        elapsed(CHINA, local("2006-12-20T10:00"), local("2007-12-20T10:00"))
    assert refused.value.code == "cases.before_calendar"


@pytest.mark.parametrize(("change", "line", "says"), [
    (('"22:00-23:30"', '"22:00-21:30"'), 6, "does not end after it begins"),
    (('"12:00-13:15"', '"11:00-13:15"'), 7, "begins before the one before"),
    (("Europe/Berlin", "Europe/Berlln"), 4, "time zone"),
    (("  2026:", "  2027:"), 10, "left out"),
    (("2025-03-26:", "2025-02-30:"), 11, "is no day"),
    (("2025-10-22/2025-10-25", "2025-10-22/2025-10-20"), 11, "it has no day"),
    (("[2025-03-28]", "[2026-03-28]"), 11, "is not in 2025"),
    (("saturday:", "Saturday:"), 8, "there is no Saturday"),
    (("title: {en: A town}", "title: &a {en: A town}"), 3, "anchors"),
])  # fmt: skip
def test_a_calendar_that_is_wrong_is_refused_with_its_line(change, line, says):
    with pytest.raises(Refused) as refused:
        calendar_of((WEEK % "Europe/Berlin").replace(*change))
    assert says in refused.value.sentence
    assert f"ine {line} of the file" in refused.value.sentence


@pytest.mark.parametrize("text", ["", "5", "0 working days", "5 days", "-1 hours", "1.5 hours", "hours", "5  hours",
                                  "5 working days, then to the next working day", "9999999 hours"])  # fmt: skip
def test_what_is_no_limit_is_refused_with_an_example(text):
    with pytest.raises(Refused):
        limit_of(text)
