"""Offices are compared after what their cases were: who has the hard ones is not the slow one."""

from __future__ import annotations

import numpy as np

from cityloom.insight.domain.comparing import compared, main_office
from cityloom.insight.domain.eventlog import HOUR, CaseAttribute, EventLog, sorted_log
from tests.insight.drawn import drawn

OFFICES = ["north", "south", "east"]


def log_of(slower: float, cases: int = 900) -> EventLog:
    """North has mostly building permits, which take three times as long; it is `slower` times as slow itself."""
    chance = np.random.default_rng(11)
    office = np.arange(cases) % 3
    hard = chance.random(cases) < np.where(office == 0, 0.9, 0.1)
    hours = 10 * np.where(hard, 3, 1) * np.where(office == 0, slower, 1) * chance.lognormal(0, 0.3, cases)
    first = np.arange(cases) * HOUR
    at = np.stack([first, first + (hours * HOUR).astype(np.int64)], 1).reshape(-1)
    return sorted_log(
        np.repeat(np.arange(cases, dtype=np.int32), 2), np.tile(np.array([0, 1], np.int32), cases),
        np.repeat(office, 2).astype(np.int32), at, case_ids=[str(n) for n in range(cases)],
        activities=["come", "decide"], offices=OFFICES,
        attributes={"kind": CaseAttribute(hard.astype(np.int32), ("stall", "building")),
                    "branch": CaseAttribute(office.astype(np.int32), tuple(OFFICES))},
    )  # fmt: skip


def test_hard_cases_are_no_slow_office_and_a_slow_office_is_found() -> None:
    found = compared(log_of(1.0))
    rows = {found.names[row.office]: row for row in found.rows}
    assert rows["north"].raw > 1.5 and not any(row.differs for row in found.rows)
    assert list(found.adjusted) == ["kind"]  # what is another name of the office says nothing of its cases
    slow = compared(log_of(1.4)).rows[0]
    assert found.names[slow.office] == "north" and slow.differs and slow.low > 1.1


def test_an_office_with_few_cases_is_not_compared() -> None:
    assert compared(log_of(1.0, cases=60)).rows == []


def test_a_case_is_of_the_office_with_most_of_its_steps() -> None:
    log = drawn("one: a 0 @north, b 1 @south, c 2 @south\ntwo: a 0, b 1")
    assert [log.offices[one] if one >= 0 else "" for one in main_office(log)] == ["south", ""]
