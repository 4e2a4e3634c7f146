"""What is worked out from a log, on drawn logs, and against a slow reckoning case by case."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain import handovers, limits, rework
from cityloom.insight.domain.cleaning import cases_with_repeats
from cityloom.insight.domain.eventlog import HOUR, NONE, UNKNOWN, EventLog, sorted_log
from cityloom.insight.domain.follows import END, START, Steps, follows
from cityloom.insight.domain.review import review
from cityloom.insight.domain.variants import variants
from cityloom.insight.domain.waiting import waiting
from tests.examples import a_third_of
from tests.insight.drawn import drawn

PERMITS = """
    a: receive 0, check 2, decide 10
    b: receive 0, check 4, receive 5, check 9, decide 10
    c: receive 1, check 2, decide 30
    d: receive 1
"""


def named(log: EventLog, code: int) -> str:
    return {START: "begin", END: "end"}.get(code) or log.activities[code]


def test_variants_stand_by_frequency() -> None:
    log = drawn(PERMITS)
    found = variants(log)
    assert found.count.tolist() == [2, 1, 1]
    assert found.of_case.tolist() == [0, 1, 0, 2]
    assert [log.activities[one] for one in found.steps(log, 1)] == ["receive", "check", "receive", "check", "decide"]
    assert [found.commonest(share) for share in (0.5, 0.51, 0.75, 1.0)] == [1, 2, 2, 3]


def test_the_map_has_counts_cases_and_times() -> None:
    log = drawn(PERMITS)
    found = follows(log)
    rows = {(named(log, a), named(log, b)): (int(n), int(c), m / HOUR) for a, b, n, c, m in zip(
        found.source, found.target, found.count, found.cases, found.median, strict=True)}  # fmt: skip
    assert rows[("receive", "check")] == (4, 3, 3)  # 2, 4, 4 and 1 hours
    assert rows[("check", "decide")] == (3, 3, 8)
    assert rows[("begin", "receive")][:2] == (4, 4)
    assert rows[("decide", "end")][:2] == (3, 3)
    assert rows[("receive", "end")][:2] == (1, 1)
    common = Steps(log).of(variants(log).within(1))
    assert int(common.count.sum()) == 8  # two cases of two steps, each with its begin and end


def test_waiting_is_split_by_what_the_log_knows() -> None:
    log = drawn("a: receive 0, check 2-5, ask 5.25, answer 20-21, decide 30")
    ask = log.activities.index("ask")
    split = waiting(log, {ask})
    hours = {part: (getattr(split, part) / HOUR).tolist() for part in ("queue", "work", "outside")}
    assert hours["queue"] == [0, 2, 0, 0, 9]  # before the check, and before the decision, whose start nobody knows
    assert hours["work"] == [0, 3, 0.25, 1, 0]  # a quarter of an hour counts as work
    assert hours["outside"] == [0, 0, 0, 14.75, 0]  # the applicant answers from 20 on
    assert split.elapsed.sum() == log.last_at[0] - log.first_at[0]


def test_a_step_that_was_begun_before_the_last_one_ended_is_work_all_the_time() -> None:
    split = waiting(drawn("a: receive 0, advise 1-6, check 2-8"))
    assert (split.queue / HOUR).tolist() == [0, 1, 0]
    assert (split.work / HOUR).tolist() == [0, 5, 2]


def test_repeats_and_to_and_fro() -> None:
    log = drawn("a: check 0, adjust 1, check 3, adjust 4, check 9\nb: check 0, check 2, decide 3")
    found = rework.again(log)
    rows = {log.activities[step]: (int(n), int(c), int(o), t / HOUR) for step, n, c, o, t in zip(
        found.activity, found.count, found.cases, found.at_once, found.total, strict=True)}  # fmt: skip
    assert rows == {"check": (3, 2, 1, 11), "adjust": (1, 1, 0, 3)}
    pairs = rework.between_steps(log)
    assert [(log.activities[a], log.activities[b], int(n), int(c)) for a, b, n, c in zip(
        pairs.one, pairs.other, pairs.count, pairs.cases, strict=True)] == [
        ("check", "adjust", 2, 1), ("adjust", "check", 1, 1)]  # fmt: skip
    assert cases_with_repeats(log).tolist() == [True, True]


def test_hand_overs_between_offices() -> None:
    log = drawn("a: receive 0 @desk, check 1 @works, ask 2 @desk, note 3, decide 9 @works")
    found = handovers.handovers(log)
    rows = {
        (log.offices[a], log.offices[b]): int(n)
        for a, b, n in zip(found.source, found.target, found.count, strict=True)
    }
    assert rows == {("desk", "works"): 1, ("works", "desk"): 1}
    assert (found.known, found.unknown, found.across) == (2, 2, 2)
    back = rework.between_offices(log)
    assert [(log.offices[back.one[0]], log.offices[back.other[0]])] == [("desk", "works")]


def test_breaches_say_what_late_cases_waited_for() -> None:
    log = drawn(
        "a: receive 0, check 2, decide 10\nb: receive 0, decide 4\nc: receive 0, check 2\nd: receive 0, check 9"
    )
    due = limits.due_after(log, 8 * HOUR)
    found = limits.breaches(log, due, log.last_at)
    assert (found.cases, found.late.tolist()) == (4, [True, False, False, True])
    assert (found.over / HOUR).tolist() == [2, 1]
    waited = {log.activities[step]: many for step, many in limits.by_step(found)}
    assert waited == {"decide": 1, "check": 1}
    ended = log.last_at + 100 * HOUR
    ended[1] = UNKNOWN
    later = limits.breaches(log, due, ended)
    assert (later.cases, later.late.sum()) == (3, 3)
    assert (limits.NOTHING, 1) in limits.by_step(later)  # c: its last step was long before its limit


steps = st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(-1, 2))
logs = st.lists(st.lists(steps, min_size=1, max_size=7), min_size=1, max_size=8)


def made(cases: list[list[tuple[int, int, int]]]) -> EventLog:
    rows = [(case, *step) for case, steps in enumerate(cases) for step in steps]
    case, activity, at, office = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    return sorted_log(
        case.astype(np.int32),
        activity.astype(np.int32),
        office.astype(np.int32),
        at * HOUR,
        case_ids=[str(one) for one in range(len(cases))],
        activities=list("abcd"),
        offices=list("xyz"),
    )


@settings(max_examples=a_third_of(60), deadline=None)
@given(logs)
def test_columns_agree_with_a_slow_reckoning(cases: list[list[tuple[int, int, int]]]) -> None:
    log = made(cases)
    ways = [sorted(steps, key=lambda step: step[1]) for steps in cases]
    found = variants(log)
    counted = Counter(tuple(step[0] for step in way) for way in ways)
    assert {tuple(found.steps(log, at).tolist()): int(n) for at, n in enumerate(found.count)} == counted
    assert sorted(found.count.tolist(), reverse=True) == found.count.tolist()
    _agree_on_pairs(log, ways)
    _agree_on_rework(log, ways)


def _agree_on_pairs(log: EventLog, ways: list[list[tuple[int, int, int]]]) -> None:
    slow: dict[tuple[int, int], list[int]] = defaultdict(list)
    where = defaultdict(set)
    offices: Counter[tuple[int, int]] = Counter()
    for case, way in enumerate(ways):
        for one, other in pairwise(way):
            slow[one[0], other[0]].append(other[1] - one[1])
            where[one[0], other[0]].add(case)
            if NONE not in (one[2], other[2]):
                offices[one[2], other[2]] += 1
    found = follows(log)
    for at in range(len(found)):
        pair = int(found.source[at]), int(found.target[at])
        if min(pair) >= 0:
            values = slow.pop(pair)
            assert (found.count[at], found.cases[at]) == (len(values), len(where[pair]))
            assert np.isclose(found.ninth[at] / HOUR, np.quantile(values, 0.9))
            assert np.isclose(found.total[at] / HOUR, sum(values))
    assert slow == {}
    passed = handovers.handovers(log)
    assert {
        (int(a), int(b)): int(n) for a, b, n in zip(passed.source, passed.target, passed.count, strict=True)
    } == offices


def _agree_on_rework(log: EventLog, ways: list[list[tuple[int, int, int]]]) -> None:
    slow: Counter[int] = Counter()
    for way in ways:
        slow.update({step: n - 1 for step, n in Counter(step[0] for step in way).items() if n > 1})
    found = rework.again(log)
    assert {int(step): int(n) for step, n in zip(found.activity, found.count, strict=True)} == slow
    fro = Counter(
        (a[0], b[0]) for way in ways for a, b, c in zip(way, way[1:], way[2:], strict=False) if a[0] == c[0] != b[0]
    )
    pairs = rework.between_steps(log)
    assert {(int(a), int(b)): int(n) for a, b, n in zip(pairs.one, pairs.other, pairs.count, strict=True)} == fro
    split = waiting(log)
    assert split.elapsed.sum() == (log.last_at - log.first_at).sum()
    assert (split.queue >= 0).all()


def test_cases_of_one_step_are_a_review_without_proposals() -> None:
    made = review(drawn("a: receive 0\nb: receive 5"), [])
    assert (made["proposals"], made["figures"]["median_s"]) == ([], None)
