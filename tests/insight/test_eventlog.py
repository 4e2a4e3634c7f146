"""Event logs in columns: order, times of cases, and a part of a log."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cityloom.insight.domain.eventlog import HOUR, NONE, UNKNOWN, CaseAttribute, EventLog, sorted_log
from tests.insight.drawn import drawn

LOG = """
    a: receive 0, check 2-5 @north, decide 9 @south
    b: decide 4, receive 1
    c: receive 3-7
"""


def hours(instants: np.ndarray) -> list[float]:
    return [one / HOUR for one in instants]


def test_events_are_sorted_by_case_and_time() -> None:
    log = drawn(LOG)
    done = [log.activities[one] for one in log.activity]
    assert done == ["receive", "check", "decide", "receive", "decide", "receive"]
    assert log.case.tolist() == [0, 0, 0, 1, 1, 2]
    assert [log.offices[one] if one != NONE else "" for one in log.office] == ["", "north", "south", "", "", ""]
    assert log.starts.tolist() == [0, 3, 5, 6]
    assert log.follows.tolist() == [True, True, False, True, False]
    assert (hours(log.first_at), hours(log.last_at)) == ([0, 1, 3], [9, 4, 7])
    assert log.started_at[0] == UNKNOWN


def test_events_at_one_instant_stay_as_they_stood() -> None:
    log = drawn("a: second 5, third 5, first 1")
    assert [log.activities[one] for one in log.activity] == ["first", "second", "third"]


def test_a_part_of_a_log_is_a_log() -> None:
    whole = drawn(LOG)
    channel = CaseAttribute(np.array([0, 1, 0], np.int32), ("desk", "post"))
    log = replace(whole, attributes={"channel": channel})
    part = log.of_cases(np.array([True, False, True]))
    assert (list(part.case_ids), part.case.tolist(), part.starts.tolist()) == (["a", "c"], [0, 0, 0, 1], [0, 3, 4])
    assert (part.attributes["channel"].values.tolist(), part.attributes["channel"].kind) == ([0, 0], "label")
    assert hours(part.last_at) == [9, 7]


def test_cases_without_events_are_left_out_and_uneven_columns_are_a_defect() -> None:
    one = np.zeros(1, np.int32)
    at = np.zeros(1, np.int64)
    log = sorted_log(one + 1, one, one, at, case_ids=["never", "once"], activities=["x"], offices=["y"])
    assert (list(log.case_ids), log.case.tolist()) == (["once"], [0])
    with pytest.raises(ValueError, match="one length"):
        EventLog(one, one, one, np.zeros(2, np.int64), np.zeros(1, np.int64), ["a"], ["x"], ["y"])
