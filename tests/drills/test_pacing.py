"""The clock of a drill that people watch, what can go wrong in it, and how it is scored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.drills.domain import injections
from cityloom.drills.domain.injections import Injection, injection_from
from cityloom.drills.domain.pacing import PACES, Pace, check_pace
from cityloom.drills.domain.score import compared, timings_of
from cityloom.kernel.refused import Refused

AT = datetime(2026, 6, 3, 1, 0, tzinfo=UTC)
TIMES = st.sampled_from(PACES)
SECONDS = st.floats(0, 10_000)


@pytest.mark.parametrize(("times", "later_s"), [(1, 6), (10, 60), (60, 360)])
def test_a_pace_is_so_many_times_the_walls(times: int, later_s: int) -> None:
    pace = Pace(AT, AT, times)
    assert pace.at(AT + timedelta(seconds=6), None) == AT + timedelta(seconds=later_s)


@given(TIMES, SECONDS, SECONDS, st.booleans())
def test_a_drills_time_never_runs_backwards(times: int, one_s: float, more_s: float, is_paused: bool) -> None:
    pace, goal = Pace(AT, AT, times, is_paused), AT + timedelta(seconds=5)
    first = pace.at(AT + timedelta(seconds=one_s), goal)
    assert AT <= first <= pace.at(AT + timedelta(seconds=one_s + more_s), goal)


def test_as_fast_as_possible_is_there_at_once_and_a_pause_stands_still() -> None:
    goal = AT + timedelta(hours=1)
    assert Pace(AT, AT, 0).at(AT, goal) == goal
    assert Pace(AT, AT, 0).at(AT + timedelta(hours=2), None) == AT
    assert Pace(AT, AT, 60, is_paused=True).at(AT + timedelta(hours=2), goal) == AT
    with pytest.raises(Refused, match="does not go 7 times"):
        check_pace(7)


def test_a_failure_is_in_force_for_its_time() -> None:
    one = Injection("I", injections.KEEPER, 60.0, 120.0, 0)
    assert [one.is_on(now_s) for now_s in (59, 60, 179, 180)] == [False, True, True, False]
    assert injection_from(one.as_json()) == one


@pytest.mark.parametrize(("kind", "amount", "already", "code"), [
    ("earthquake", None, 0, "drill.injection"), (injections.CALLS, 0, 0, "drill.injection_amount"),
    (injections.CALLS, 100_000, 0, "drill.injection_amount"), (injections.KEEPER, None, 99, "drill.injections"),
])  # fmt: skip
def test_what_cannot_go_wrong_is_said(kind: str, amount: int | None, already: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        injections.check(kind, amount, already)
    assert refused.value.code == code


def test_a_run_is_compared_with_the_one_before_and_the_fastest() -> None:
    def run(warned_s: float) -> dict:
        return {"timeline": [{"step": "Detection raised", "t_s": 30.0}, {"step": "Residents warned", "t_s": warned_s},
                             {"step": "Residents warned", "t_s": warned_s + 900}]}  # fmt: skip

    found = {timing.key: timing for timing in compared(run(120.0), [run(150.0), run(90.0)])}
    assert (found["warned"].this_s, found["warned"].before_s, found["warned"].best_s) == (120.0, 150.0, 90.0)
    assert found["warned"].difference_s == -30.0
    assert found["cleared"].this_s is found["cleared"].difference_s is None
    assert timings_of({}) == {}
