"""The audit of an index: correlations, alpha, doubles, influence, thresholds, data quality, and exact differences."""

from __future__ import annotations

from math import fsum
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cityloom.insight.domain.index_audit import change, correlations, difference, influence, quality, thresholds
from cityloom.insight.domain.robustness.aggregating import nominal
from cityloom.insight.domain.robustness.tree import tree_of

TREE = tree_of([[0, 0, 1, 1, 1], [0, 0]], [[1, 2, 1, 1, 3], [1, 3]])


def test_a_correlation_and_its_significance_are_those_of_scipy():
    lots = np.random.default_rng(0)
    x, y = lots.normal(size=(2, 20))
    y = y + 0.5 * x
    x[3] = np.nan
    known = np.isfinite(x)
    found, expected = correlations.correlation(x, y), stats.pearsonr(x[known], y[known])
    assert (found.r, found.p, found.units) == (pytest.approx(expected[0]), pytest.approx(expected[1]), 19)
    matrix, units = correlations.correlations(np.column_stack([x, y]))
    assert matrix[0, 1] == pytest.approx(expected[0]) and units[0, 1] == 19
    assert np.isnan(correlations.correlation(np.ones(9), np.arange(9.0)).r)


def test_an_indicator_that_works_against_its_parent_is_found():
    lots = np.random.default_rng(1)
    good = lots.normal(50, 10, 40)
    values = np.column_stack([good, good + lots.normal(0, 3, 40), 100 - good, *lots.normal(50, 1, (2, 40))])
    tree = tree_of([[0, 0, 0, 1, 1], [0, 0]])
    rows = correlations.against_parents(nominal(values, tree, ["arithmetic"] * 3), tree)
    wrong = [row.item for row in rows if row.item < 5 and row.parent.r < 0 and row.parent.p < 0.05]
    assert wrong == [2]


def test_alpha_of_a_worked_example():
    """Variances 2.5, 2.5 and 2.5, of the sum 20.5: 3 / 2 (1 - 7.5 / 20.5) = 0.951."""
    items = np.array([[1, 2, 1], [2, 1, 2], [3, 3, 3], [4, 5, 4], [5, 4, 5]], float)
    assert correlations.alpha(items) == pytest.approx(1.5 * (1 - 7.5 / items.sum(1).var(ddof=1)))
    assert correlations.alpha(items) == pytest.approx(0.951, abs=0.001)
    assert np.isnan(correlations.alpha(items[:, :1]))


def test_what_is_counted_twice_is_found():
    lots = np.random.default_rng(2)
    one, two = lots.normal(size=(2, 30))
    found = correlations.doubles(np.column_stack([one, two, one + 0.01 * two, two]))
    assert [(pair.one, pair.other, pair.same) for pair in found] == [(1, 3, True), (0, 2, False)]


def test_influence_sees_what_a_straight_line_does_not():
    x = np.linspace(-1, 1, 60)
    y = x**2 + 0.01 * np.sin(40 * x)
    assert correlations.correlation(x, y).r ** 2 < 0.01
    assert influence.correlation_ratio(x, y) > 0.95
    noise = np.random.default_rng(3).normal(size=(2, 200))
    assert influence.correlation_ratio(*noise) < 0.1
    skewed = np.array([0.0, 1e-9, 2e-9, 1e-6, 0.5, 1e3, 1e6, 1e9, 1e9 + 1])
    assert 0 <= influence.correlation_ratio(skewed, np.arange(9.0)) <= 1
    steps = np.repeat([0.0, 1.0], 10)
    assert influence.correlation_ratio(steps, steps * 3 + 1) == pytest.approx(1.0)


def test_influence_shares_of_an_index_of_unequal_spread():
    """Two uncorrelated indicators with equal weights and standard deviations 3 and 1: influence 0.9 and 0.1."""
    x = np.array([[3.0, 1], [3, -1], [-3, 1], [-3, -1]] * 4)
    found = influence.influences(x, x.mean(1), np.array([1.0, 1.0]))
    assert found.nominal.tolist() == [0.5, 0.5]
    assert found.linear == pytest.approx([0.9, 0.1]) and found.linear_share == pytest.approx([0.9, 0.1])


def test_more_units_just_above_a_step_than_below():
    values = np.array([59, 60, 60.5, 61, 61.5, 62, 62.5, 63, 20, 99.0])
    found = thresholds.bunchings(values, [60.0, 80.0])[0]
    assert (found.below, found.above) == (1, 7)
    assert found.p == pytest.approx(9 / 256)  # 7 or 8 of 8 tosses
    assert thresholds.bunching(values, 60.0, 4.0, better=-1).above == 2
    assert np.isnan(thresholds.bunchings(values, [80.0])[0].p)
    assert np.isnan(thresholds.bunchings(np.repeat([1.0, 2, 3], 9), [2.0])[0].p)  # levels are steps themselves


def test_quality_rises_from_the_cells():
    known = np.array([[True, True, True, True, False]])
    imputed, treated = np.zeros((2, 1, 5), bool)
    imputed[0, 1], treated[0, 2] = True, True
    cells = quality.cell_scores(known, imputed, treated, 1.0, np.array([[0, 0, 0, 5.0, 0]]))
    assert cells[0] == pytest.approx([1, 0.4, 0.8, 0.5, 0])
    items = quality.risen(cells, TREE)[0]
    assert items[5:7] == pytest.approx([(1 + 2 * 0.4) / 3, (0.8 + 0.5) / 5])
    assert items[7] == pytest.approx(items[5:7] @ [1, 3] / 4)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 100_000), st.lists(st.sampled_from(difference.EXACT), min_size=3, max_size=3), st.booleans())
def test_contributions_add_up_exactly(seed, methods, holes):
    lots = np.random.default_rng(seed)
    one, other = lots.uniform(20, 100, (2, 5))
    other[lots.random(5) < 0.3] = one[0]
    if holes:
        one[lots.integers(5)], other[[2, 3, 4]] = np.nan, np.nan
    whole = nominal(np.stack([one, other]), TREE, methods)[:, -1]
    shares = difference.contributions(one, other, TREE, methods)
    assert fsum(shares.tolist()) == pytest.approx(whole[0] - whole[1], rel=1e-14, abs=1e-14)
    back = difference.contributions(other, one, TREE, methods)
    assert shares == pytest.approx(-back, abs=1e-9)


def test_contributions_to_a_geometric_mean():
    """LMDI: of sqrt(4 x 9) = 6 over sqrt(1 x 9) = 3 all is the first's; equal values contribute nothing."""
    tree = tree_of([[0, 0]])
    one, other, third = np.array([4.0, 9]), np.array([1.0, 9]), np.array([1.0, 3])
    assert difference.contributions(one, other, tree, ["geometric"]) == pytest.approx([3, 0])
    both = difference.contributions(one, third, tree, ["geometric"])
    apart = 6 - np.sqrt(3)
    log = apart / np.log(6 / np.sqrt(3))
    assert both == pytest.approx([log * np.log(4) / 2, log * np.log(3) / 2])


def test_offsetting_parts_of_a_group_are_not_lost():
    """Within a group whose value is the same in both, one indicator gains what the other loses."""
    one, other = np.array([2.0, 4, 5, 5, 5]), np.array([4.0, 3, 5, 5, 4])
    shares = difference.contributions(one, other, TREE, ["arithmetic"] * 3)
    assert shares[:2] == pytest.approx([-2 / 12, 2 / 12])
    assert difference.deciding(shares) == [4, 1]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_shapley_of_any_rule_adds_up(seed):
    lots = np.random.default_rng(seed)
    table = lots.normal(size=2**4)

    def value(sets):
        return table[sets @ (2 ** np.arange(4))]

    shares = difference.shapley(value, 4, lots, 10)
    assert fsum(shares.tolist()) == pytest.approx(table[15] - table[0], abs=1e-12)


def test_a_difference_by_counted_wins_adds_up_too():
    lots = np.random.default_rng(2)
    values, ways = lots.uniform(1, 100, (7, 5)), ("arithmetic", "copeland", "copeland")
    index = nominal(values, TREE, ways)[:, -1]
    shares = difference.by_orders(values, (0, 4), TREE, ways, lots, 20)
    assert fsum(shares.tolist()) == index[0] - index[4]


def test_a_change_is_split_exactly_whatever_the_order():
    """v = data x method + units: 2 x 3 + 1 becomes 5 x 4 + 2."""
    old, new = {"data": 2.0, "method": 3.0, "units": 1.0}, {"data": 5.0, "method": 4.0, "units": 2.0}

    def value(changed):
        now = {part: (new if part in changed else old)[part] for part in old}
        return np.array([now["data"] * now["method"] + now["units"]])

    shares = change.split(value, ["data", "method", "units"])
    assert shares["data"][0] == pytest.approx(10.5) and shares["method"][0] == pytest.approx(3.5)
    assert shares["units"][0] == pytest.approx(1) and sum(one[0] for one in shares.values()) == pytest.approx(15)
    steps = change.in_order(value, ["units", "data", "method"])
    assert [steps[part][0] for part in ("units", "data", "method")] == pytest.approx([1, 9, 5])


def test_the_worked_example_of_the_page_is_what_comes_out(capsys):
    page = (Path(__file__).resolve().parents[2] / "docs" / "algorithms" / "index-robustness.md").read_text("utf-8")
    code, _, printed = page.partition("```python\n")[2].partition("```\n\nprints\n\n```\n")
    exec(compile(code, "index-robustness.md", "exec"), {})  # noqa: S102 - our own page
    assert capsys.readouterr().out == printed.partition("```")[0]
