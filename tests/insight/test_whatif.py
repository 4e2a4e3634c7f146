"""What a change would have saved: queues that theory knows, cases drawn by hand, and halves that were not seen."""

from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.eventlog import DAY, HOUR, EventLog, sorted_log
from cityloom.insight.domain.trials import trials
from cityloom.insight.domain.whatif.changes import Change, Plan, changed, plan_of
from cityloom.insight.domain.whatif.running import ends
from cityloom.insight.domain.whatif.stations import Station, levels, queued, ranks, stations, visits
from cityloom.insight.domain.whatif.trying import recent, tried
from cityloom.insight.domain.whatif.worktime import work_time
from tests.examples import a_third_of
from tests.insight.drawn import drawn


def erlang_wait(load: float, counters: int, service: float) -> float:
    """The mean wait in a queue of c counters. Source: A. K. Erlang, 1917; here by the C formula."""
    last = load**counters / factorial(counters) / (1 - load / counters)
    waits = last / (sum(load**k / factorial(k) for k in range(counters)) + last)
    return waits * service / (counters - load)


def queue_log(counters: int, service: float = 1.0, load: float = 0.7, cases: int = 6_000) -> EventLog:
    """Cases that come and are checked at a desk with so many counters, first come first served."""
    chance = np.random.default_rng(counters)
    came = np.cumsum(chance.exponential(service / counters / load, cases))
    free = [0.0] * counters
    through = []
    for when, needs in zip(came, chance.exponential(service, cases), strict=True):
        at = int(np.argmin(free))
        free[at] = max(when, free[at]) + needs
        through.append(free[at])
    at = (np.stack([came, np.array(through)], 1).reshape(-1) * HOUR).astype(np.int64)
    steps = np.tile(np.array([0, 1], np.int32), cases)
    case = np.repeat(np.arange(cases, dtype=np.int32), 2)
    return sorted_log(case, steps, np.full(len(case), -1, np.int32), at, case_ids=[str(n) for n in range(cases)],
                      activities=["come", "check"], offices=[])  # fmt: skip


@pytest.mark.parametrize("counters", [1, 2, 5])
def test_a_desk_is_known_by_its_counters_and_another_one_saves_what_theory_says(counters: int) -> None:
    log = queue_log(counters)
    flat = work_time(np.arange(168, dtype=np.int64) * HOUR)
    seen = visits(log, flat)
    desk = stations(log, seen, np.inf)[1]
    assert desk.counters == counters
    assert desk.service_h == pytest.approx(1.0, rel=0.1)
    found = tried(log, 1, [Change("counter", (1,))], runs=5)
    assert found is not None and found.trials[0].is_sure
    learnt = found.stations[1].service_h
    load = 0.7 * counters * learnt
    saved = erlang_wait(load, counters, learnt) - erlang_wait(load, counters + 1, learnt)
    assert found.trials[0].mean.value == pytest.approx(saved, rel=0.6)


def test_the_simulation_waits_as_theory_says() -> None:
    counters, count = 3, 40_000
    chance = np.random.default_rng(3)
    came = np.cumsum(chance.exponential(1 / 2.4, count))
    plan = Plan(np.zeros(count, np.int64), chance.exponential(1.0, count), np.zeros(count, bool), np.zeros(count, bool),
                [counters])  # fmt: skip
    through = ends(plan, np.arange(count + 1), came)
    assert (through - came).mean() == pytest.approx(1 + erlang_wait(2.4, counters, 1.0), rel=0.1)


LOG = """
one: ask 0, check 2, sign 10, send 12
two: ask 1, check 3, sign 5
"""
NO_QUEUE = [Station(0, 0, 0.5, 3.0, 9)] * 4


def lasting(kind: str, *steps: str) -> list[float]:
    """Hours of both cases with a change."""
    log = drawn(LOG)
    seen = visits(log, work_time(np.arange(168, dtype=np.int64) * HOUR))
    numbers = tuple(log.activities.index(step) for step in steps)
    plan = changed(plan_of(log, seen, NO_QUEUE, np.ones(len(log))), Change(kind, numbers), log, NO_QUEUE)
    came = seen.through[log.starts[:-1]]
    return np.round(ends(plan, log.starts, came) - came, 6).tolist()


@pytest.mark.parametrize(("change", "hours"), [
    (("drop", "check"), [10, 2]),
    (("drop", "send"), [10, 4]),
    (("limit", "sign"), [7, 4]),  # nobody stays longer than 3 hours
    (("merge", "check", "sign"), [4.5, 2.5]),  # what is done in signing at least, half an hour, with the check
    (("merge", "ask", "check"), [10.5, 2.5]),
    (("parallel", "check", "sign"), [10, 2]),  # the longer of both
    (("counter", "sign"), [12, 4]),  # where nobody waits for a counter
])  # fmt: skip
def test_each_change_does_to_cases_what_its_name_says(change: tuple[str, ...], hours: list[float]) -> None:
    assert lasting(*change) == hours


@settings(max_examples=a_third_of(40))
@given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.01, 20)), min_size=1, max_size=60), st.integers(1, 4))
def test_more_counters_never_make_a_queue_slower(pairs: list[tuple[float, float]], counters: int) -> None:
    came = np.sort(np.array([when for when, _ in pairs]))
    work = np.array([needs for _, needs in pairs])
    flags = np.zeros(len(came), bool)

    def through(more: int) -> np.ndarray:
        plan = Plan(np.zeros(len(came), np.int64), work, flags, flags, [counters + more])
        return ends(plan, np.arange(len(came) + 1), came)

    assert (through(1) <= through(0) + 1e-9).all()
    assert (through(0) >= came + work - 1e-9).all()


@settings(max_examples=a_third_of(40))
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 30)), min_size=1, max_size=40))
def test_who_is_there_and_who_leaves_in_turn_are_counted_as_by_hand(pairs: list[tuple[int, int]]) -> None:
    came = np.array([when for when, _ in pairs], float)
    through = came + np.array([stay for _, stay in pairs])
    spent, left = levels(came, through)
    minutes = np.arange(0, 61)
    there = ((came[:, None] <= minutes) & (minutes < through[:, None])).sum(0)
    counted = np.bincount(there, minlength=len(spent))
    assert spent[1:].tolist() == counted[1 : len(spent)].tolist() and left.sum() == len(pairs)
    ahead = [1 + sum(c < mine and t > leaves for c, t in zip(came, through, strict=True))
             for mine, leaves in zip(came, through, strict=True)]  # fmt: skip
    same = [sum(c == mine for c in came) for mine in came]
    assert all(found <= by_hand + more for found, by_hand, more in zip(ranks(came, through), ahead, same, strict=True))


@settings(max_examples=a_third_of(40))
@given(st.lists(st.integers(0, 400 * DAY), min_size=1, max_size=50), st.lists(st.integers(0, 400 * DAY), max_size=20))
def test_measured_time_is_in_order_and_leads_back(done: list[int], asked: list[int]) -> None:
    time = work_time(np.array(done, np.int64))
    at = np.sort(np.array([*done, *asked], np.int64))
    hours = time.measured(at)
    assert (np.diff(hours) >= 0).all()
    assert np.abs(time.instants(hours) - at).max() <= HOUR
    week = time.measured(np.array([0, 7 * DAY], np.int64))
    assert week[1] - week[0] == pytest.approx(168)


def test_cases_that_wait_for_something_else_are_no_queue_and_keep_their_time() -> None:
    chance = np.random.default_rng(5)
    came = np.cumsum(chance.exponential(2.0, 600))
    stays = np.where(chance.random(600) < 0.8, 0.1, 200.0)  # most at once, some lie about for a week
    at = (np.stack([came, came + stays], 1).reshape(-1) * HOUR).astype(np.int64)
    log = sorted_log(np.repeat(np.arange(600, dtype=np.int32), 2), np.tile(np.array([0, 1], np.int32), 600),
                     np.full(1200, -1, np.int32), at, case_ids=[str(n) for n in range(600)],
                     activities=["come", "decide"], offices=[])  # fmt: skip
    found = tried(log, 1, [Change("counter", (1,)), Change("drop", (1,))])
    assert found is not None and not any(one.has_queue for one in found.stations)
    assert found.off < 0.001
    counter, drop = found.trials
    assert (counter.mean.value, counter.is_sure) == (0, False)
    assert drop.mean.low < float((log.last_at - log.first_at)[300:].mean() / HOUR) < drop.mean.high


def test_the_same_seed_gives_the_same_and_few_cases_give_nothing() -> None:
    log = queue_log(1, cases=400)
    assert trials(log) == trials(log)
    assert trials(drawn(LOG)) is None
    assert recent(log, 100).cases == 50
    assert queued(np.array([0.0, 0.0]), 1, 1.0)[1] > queued(np.array([0.0, 0.0]), 2, 1.0)[1]
