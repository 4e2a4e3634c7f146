"""The formulas of figures as drawn tables: each case is counted once, for the first reason that fits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.cases.domain.figures import funnel, intervals, tally
from cityloom.cases.domain.figures.columns import NEVER
from cityloom.cases.domain.figures.formulas import FORMULAS
from cityloom.cases.domain.figures.funnel import Point
from tests.cases.drawn_cases import _MARKS, NOW, drawn, one
from tests.examples import a_third_of

DONE = {"opened": 10, "done": 20}
TABLES = {
    "response": [
        ("a first reaction in time", one("first in_time"), "counted"),
        ("too late", one("first late"), "not-counted"),
        ("time is not over", one("first"), "within-time"),
        ("nobody set a limit", one(""), "no-limit"),
        ("a drill, whatever else it is", one("exercise made_up joined first late"), "exercise"),
        ("made up", one("made_up joined first late"), "made-up"),
        ("a duplicate", one("joined withdrawn first late"), "joined"),
        ("withdrawn", one("withdrawn first late"), "withdrawn"),
    ],
    "resolution": [
        ("said to be solved, and nobody said otherwise", one("main solved", **DONE), "counted"),
        ("confirmed", one("main solved", verdict=1, **DONE), "counted"),
        ("its reporter says it is solved in part", one("main solved", verdict=2, **DONE), "not-counted"),
        ("its reporter says no", one("main solved", verdict=3, **DONE), "not-counted"),
        ("declined", one("main", **DONE), "not-counted"),
        ("under way in its time", one("main"), "within-time"),
        ("under way, too late", one("main main_late"), "not-counted"),
        ("opened again: a new limit does not take it out", one("main reopened"), "not-counted"),
        ("no limit", one("solved"), "no-limit"),
    ],
    "satisfaction": [
        ("4 of 5", one("asked", satisfaction=4, **DONE), "counted"),
        ("two people, 5 and 2", one("asked", satisfaction=3.5, **DONE), "not-counted"),
        ("no answer", one("asked", **DONE), "silent"),
        ("a sensor opened it", one("", **DONE), "nobody-to-ask"),
        ("not done", one("asked", satisfaction=5), "not-done"),
    ],
    "repeats": [
        ("another lamp in the cell after 30 days", one(opened=0, done=5, cell=7), "counted"),
        ("which is the repeat; nothing came after it", one(opened=35, done=40, cell=7), "not-counted"),
        ("after 91 days it is another matter", one(opened=140, done=141, cell=7), "not-counted"),
        ("a hole there is no lamp", one(opened=100, done=101, cell=7, category=1), "not-counted"),
        ("a joined one is of the same matter", one("joined", opened=110, cell=7, category=1), "joined"),
        ("no place", one(cell=0, **DONE), "no-place"),
        ("90 days are not over", one(opened=380, done=390, cell=9), "too-soon"),
        ("opened while the first was under way", one(opened=0, done=50, cell=11), "not-counted"),
        ("so it is no repeat", one(opened=20, done=60, cell=11), "not-counted"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", list(TABLES))
def test_a_formula_counts_each_drawn_case_so(name: str) -> None:
    rows, formula = TABLES[name], FORMULAS[name]
    found = [formula.labels[code] for code in formula.codes(drawn([row for _, row, _ in rows]), NOW)]
    assert [(said, label) for (said, _, _), label in zip(rows, found, strict=True)] == [
        (said, wanted) for said, _, wanted in rows
    ]


CASES = st.lists(st.builds(
    lambda marks, opened, took, cell, verdict, satisfaction, category, unit: one(
        " ".join(marks), opened=opened, done=opened + took if took >= 0 else NEVER, cell=cell, verdict=verdict,
        satisfaction=satisfaction, category=category, unit=unit),
    st.sets(st.sampled_from(_MARKS)), st.integers(0, 390), st.integers(-1, 9), st.integers(0, 3), st.integers(0, 3),
    st.sampled_from([0, 1, 3.5, 4, 5]), st.integers(0, 1), st.integers(0, 1)), max_size=30)  # fmt: skip


@given(CASES)
@settings(max_examples=a_third_of(100), deadline=None)
def test_each_case_is_counted_once_and_groups_add_up(rows: list[dict[str, object]]) -> None:
    cases = drawn(rows)
    whole, by = tally.groups_of(cases, np.where(cases.done >= 0, 1.0, np.nan), NOW)
    for name, rate in whole.rates.items():
        assert rate.total == len(rows)
        assert 0 <= rate.counted <= rate.of
        if rate.interval and rate.share is not None:
            assert 0 <= rate.interval[0] <= rate.share <= rate.interval[1] <= 1
        if rate.if_silent and rate.share is not None:
            assert rate.if_silent[0] <= rate.share <= rate.if_silent[1]
        for groups in by.values():
            parts = [group.rates[name] for group in groups]
            assert (sum(one.counted for one in parts), sum(one.of for one in parts)) == (rate.counted, rate.of)
    solved, of = whole.solved, whole.rates["resolution"].of
    assert solved.claimed == solved.confirmed + solved.partly + solved.denied + solved.silent
    if bounds := solved.honest(of):
        assert 0 <= bounds[0] <= bounds[1]
    assert sum(group.standing.cases for group in by["unit"]) == whole.standing.cases
    assert whole.standing.overdue <= whole.standing.open
    assert cases.came_again.tolist() == [_comes_again(one, rows) for one in rows]


def _comes_again(case: dict[str, object], rows: list[dict[str, object]]) -> bool:
    """The plain way, one by one."""
    real = [one for one in rows if not {"exercise", "made_up", "joined", "withdrawn"} & set(one["marks"])]
    near = [one for one in real if (one["cell"], one["category"]) == (case["cell"], case["category"]) and one["cell"]]
    return case["done"] != NEVER and any(0 < one["opened"] - case["done"] <= 90 * 86_400 for one in near)


@given(st.integers(1, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))), st.floats(0.02, 0.98))
@settings(max_examples=a_third_of(200), deadline=None)
def test_a_unit_is_outside_the_funnel_where_all_are_outside_its_interval(unit: tuple[int, int], share: float) -> None:
    counted, of = unit
    low, high = intervals.wilson(counted, of)
    inside = low <= share <= high
    limits = intervals.limits(share, of, intervals.Z95)
    edge = min(abs(share - low), abs(share - high), *(abs(counted / of - limit) for limit in limits)) < 1e-9
    assert edge or inside == (limits[0] <= counted / of <= limits[1])


def test_known_intervals_and_a_drawn_funnel() -> None:
    assert intervals.wilson(15, 148) == pytest.approx((0.0624, 0.1605), abs=1e-4)  # Newcombe (1998), table II
    assert intervals.wilson(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert intervals.wilson(0, 0) is None
    assert intervals.silent_bounds(8, 10, 30) == (0.2, 0.95)
    points = [Point("far off", 10, 400), Point("as <all>", 50, 100), Point("too small", 0, 9)]
    found = funnel.judged(points, 0.5)
    assert [(one.point.name, one.outside) for one in found] == [("as <all>", ""), ("far off", "far")]
    picture = funnel.draw(found, 0.5, width=700, title="A & B", axis="cases")
    assert "&lt;all&gt;" in picture and "A &amp; B" in picture and picture.count("<circle") == 2
