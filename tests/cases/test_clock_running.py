"""A clock is paused, goes on, is extended for a reason, reminds, and ends as the law says."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from cityloom.cases.domain.clocks.calendars import named
from cityloom.cases.domain.clocks.limits import limit_of
from cityloom.cases.domain.clocks.running import ClockEvent, ClockRules, Standing, check_next, clock_at
from cityloom.kernel.refused import Refused

CHINA = named("china")
RULES = ClockRules(limit_of("10 working days"), (0.5, 0.8), limit_of("10 working days"))
SILENCE = ClockRules(limit_of("10 working days"), deemed_approved=True)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def events(*said: str) -> list[ClockEvent]:
    """From lines such as `paused 2026-03-03T10:00 papers are missing`."""
    return [ClockEvent(*_event(line.split(" ", 2))) for line in said]


def _event(parts: list[str]) -> tuple:
    from cityloom.cases.domain.clocks.running import What

    return What(parts[0]), at(parts[1]), *parts[2:]


START = "started 2026-03-02T10:00"  # a Monday


def test_a_clock_says_when_it_is_due_and_when_to_remind():
    state = clock_at(CHINA, RULES, events(START), at("2026-03-03T00:00"))
    assert state.standing is Standing.RUNNING
    assert state.due.at == at("2026-03-16T18:00")
    assert state.reminders == (at("2026-03-09T08:30"), at("2026-03-12T08:30"))


def test_days_on_which_it_was_paused_do_not_count():
    paused = events(START, "paused 2026-03-04T10:00 papers are missing")
    assert clock_at(CHINA, RULES, paused, at("2026-06-01T00:00")).standing is Standing.PAUSED
    assert clock_at(CHINA, RULES, paused, at("2026-06-01T00:00")).due is None
    goes_on = [*paused, *events("resumed 2026-03-06T10:00")]
    state = clock_at(CHINA, RULES, goes_on, at("2026-03-07T00:00"))
    assert state.due.at == at("2026-03-19T18:00")  # 4, 5 and 6 March do not count


def test_an_extension_is_added_once_and_for_a_reason():
    longer = events(START, "extended 2026-03-10T10:00 an expert is abroad")
    assert clock_at(CHINA, RULES, longer, at("2026-03-11T00:00")).due.at == at("2026-03-30T18:00")
    for refused in ("extended 2026-03-11T10:00 again",):
        with pytest.raises(Refused, match="used up"):
            check_next(CHINA, RULES, longer, events(refused)[0])
    with pytest.raises(Refused, match="for a reason"):
        check_next(CHINA, RULES, events(START), events("extended 2026-03-10T10:00")[0])


def test_silence_grants_where_the_law_says_so_and_nothing_undoes_it():
    assert clock_at(CHINA, SILENCE, events(START), at("2026-03-16T18:00")).standing is Standing.RUNNING
    late = clock_at(CHINA, SILENCE, events(START), at("2026-03-16T18:01"))
    assert late.standing is Standing.DEEMED_APPROVED
    for what in ("stopped 2026-03-17T10:00", "paused 2026-03-17T10:00 papers"):
        with pytest.raises(Refused, match="come to its end"):
            check_next(CHINA, SILENCE, events(START), events(what)[0])


def test_a_clock_that_was_stopped_says_whether_it_was_late():
    for day, late in (("2026-03-16T17:59", False), ("2026-03-16T18:01", True)):
        state = clock_at(CHINA, RULES, events(START, f"stopped {day}"), at("2026-04-01T00:00"))
        assert (state.standing, state.was_late, state.reminders) == (Standing.STOPPED, late, ())


def test_a_clock_that_ran_out_cannot_be_paused_to_look_as_if_it_had_not():
    assert clock_at(CHINA, RULES, events(START), at("2026-03-17T09:00")).standing is Standing.BREACHED
    with pytest.raises(Refused, match="neither paused nor extended"):
        check_next(CHINA, RULES, events(START), events("paused 2026-03-17T09:00 papers")[0])


@pytest.mark.parametrize(("before", "then", "code"), [
    ([], "paused 2026-03-03T10:00 why", "cases.clock_not_started"),
    ([START], START, "cases.clock_started"),
    ([START], "paused 2026-03-01T10:00 why", "cases.clock_out_of_order"),
    ([START], "resumed 2026-03-03T10:00", "cases.clock_runs"),
    ([START], "paused 2026-03-03T10:00", "cases.clock_reason"),
    ([START, "paused 2026-03-03T10:00 why"], "paused 2026-03-03T11:00 why", "cases.clock_paused"),
    ([START, "paused 2026-03-03T10:00 why"], "resumed 2026-03-03T09:00", "cases.clock_out_of_order"),
    ([START, "stopped 2026-03-03T10:00"], "paused 2026-03-03T11:00 why", "cases.clock_over"),
])  # fmt: skip
def test_what_cannot_follow_is_refused(before, then, code):
    with pytest.raises(Refused) as refused:
        check_next(CHINA, RULES, events(*before), events(then)[0])
    assert refused.value.code == code


def test_rules_that_make_no_sense_are_refused():
    with pytest.raises(Refused):
        ClockRules(limit_of("10 working days"), extension=limit_of("5 hours"))
    with pytest.raises(Refused):
        ClockRules(limit_of("10 working days"), reminders=(1.5,))
