"""Robustness of an index: estimators against functions whose indices are known, pairs, ranks, groups, removals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.robustness import choices, ranking, removal, runs, sobol
from cityloom.insight.domain.robustness.aggregating import METHODS, nominal
from cityloom.insight.domain.robustness.tree import Tree, tree_of
from cityloom.kernel.refused import Refused

TREE = tree_of([[0, 0, 1, 1, 1], [0, 0]], [[1, 2, 1, 1, 1], [1, 3]])
MEANS, BOTH = ("arithmetic",) * 3, ("arithmetic", "geometric")


def ishigami(points: np.ndarray) -> np.ndarray:
    x = np.pi * (2 * points - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def _asked(function, groups, base=4096, design="sobol"):
    points = sobol.saltelli(base, groups, np.random.default_rng(3), design)
    return sobol.indices(function(points)[:, None], len(groups), np.random.default_rng(4))


def test_indices_of_ishigami():
    """T. Ishigami and T. Homma, 1990, a = 7, b = 0.1: first 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437."""
    found = _asked(ishigami, [1, 1, 1])
    assert found.first[:, 0] == pytest.approx([0.3139, 0.4424, 0.0], abs=0.02)
    assert found.total[:, 0] == pytest.approx([0.5576, 0.4424, 0.2437], abs=0.02)
    assert found.variance[0] == pytest.approx(13.8446, rel=0.01)
    assert (found.total_low <= found.total).all() and (found.total <= found.total_high).all()


def test_indices_of_sobols_g():
    a = np.array([0.0, 1.0, 4.5, 9.0])
    part = 1 / (3 * (1 + a) ** 2)
    whole = np.prod(1 + part) - 1
    expected = part / whole
    total = part * np.array([np.prod(np.delete(1 + part, one)) for one in range(4)]) / whole

    def g(x):
        return np.prod((np.abs(4 * x - 2) + a) / (1 + a), axis=1)

    found = _asked(g, [1] * 4, design="lhs")
    assert found.first[:, 0] == pytest.approx(expected, abs=0.03)
    assert found.total[:, 0] == pytest.approx(total, abs=0.03)


def test_columns_of_one_choice_are_exchanged_together():
    """Of x0 + x1 + 2 x2 the first two together bring in 2 of 6 parts of the variance, and do not interact."""
    found = _asked(lambda x: x[:, 0] + x[:, 1] + 2 * x[:, 2], [2, 1], 1024)
    assert found.first[:, 0] == pytest.approx([1 / 3, 2 / 3], abs=0.02)
    assert found.total[:, 0] == pytest.approx([1 / 3, 2 / 3], abs=0.02)


def test_what_does_not_vary_has_no_index():
    found = _asked(lambda x: np.ones(len(x)), [1, 1], 64)
    assert np.isnan(found.first).all() and np.isnan(found.total_high).all()


def test_the_interval_of_the_bootstrap_covers_what_is_known():
    hits = 0
    for seed in range(20):
        lots = np.random.default_rng(seed)
        points = sobol.saltelli(256, [1, 1, 1], lots, "random")
        found = sobol.indices(ishigami(points)[:, None], 3, lots)
        hits += found.total_low[0, 0] <= 0.5576 <= found.total_high[0, 0]
    assert 14 <= hits <= 20  # 18 expected of a 90 % interval


def test_ranks_are_never_those_of_rounded_scores():
    scores = np.array([[0.30000001, 0.30000002, 0.3, 0.3, np.nan]])
    assert ranking.ranks_of(scores).tolist() == [[2, 1, 3, 3, 5]]


def test_a_pair_has_the_share_of_runs_with_one_above_the_other():
    ranks = ranking.ranks_of(np.array([[3.0, 2, 1], [2, 3, 1], [2, 2, 1], [3, 2, 1]]))
    found = ranking.above(ranks)
    assert found[0, 1] == pytest.approx((2 + 0.5) / 4)
    assert found[0, 2] == 1 and np.allclose(found + found.T, 1)
    assert ranking.rank_quantiles(ranks)[:, 1].tolist() == [1, 1, 2]


def test_the_probability_of_two_normal_scores():
    """Two scores with means 0 and 1 and variance 1 each: the second is above with Phi(1 / sqrt 2) = 0.7602."""
    lots = np.random.default_rng(1)
    scores = lots.normal(size=(20_000, 2)) + np.array([0, 1])
    assert ranking.above(ranking.ranks_of(scores))[1, 0] == pytest.approx(0.7602, abs=0.01)


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 9), st.integers(0, 10_000))
def test_units_whose_order_is_not_certain_share_a_group(units, seed):
    lots = np.random.default_rng(seed)
    ranks = ranking.ranks_of(lots.normal(size=(40, units)) + 1.5 * np.arange(units))
    p = ranking.above(ranks)
    order = np.argsort(ranks.mean(0), kind="stable")
    groups, (first, last) = ranking.tie_groups(p, order), ranking.told_apart(p, order)
    assert (np.diff(groups[order]) >= 0).all() and groups[order[0]] == 1
    for one in range(units):
        for other in range(units):
            if one != other and max(p[one, other], p[other, one]) < 0.9:
                assert groups[one] == groups[other]
                assert first[one] <= list(order).index(other) + 1 <= last[one]
    assert (np.diff(ranking.tiers(p, order)[order]) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.sampled_from([one for one in METHODS if one != "copeland"]), st.integers(0, 10_000))
def test_many_runs_at_once_are_each_run_alone(method, seed):
    lots = np.random.default_rng(seed)
    values = lots.uniform(1, 100, (2, 6, 5))
    values[0, 0, 2:] = np.nan  # a whole group is not known
    values[1, 2, 1] = np.nan
    weights = [choices.Weights(1, 0.5), choices.Weights(2, concentration=10)]
    uncertain = choices.Uncertain((method,) * 3, {2: ("arithmetic", method)}, {"treat": ("off", "on")}, weights, True)
    points = lots.random((30, sum(one.columns for one in choices.choices_of(uncertain, TREE))))
    what = choices.drawn(points, uncertain, TREE)
    together = runs.scores(values, TREE, uncertain, what)
    for run in range(30):
        tree = replace(TREE, weights=what.weights[run])
        own = [("arithmetic", method)[what.methods[2][run]]] * 2 + [method]
        alone = nominal(values[what.variant[run]], tree, own)[:, -1]
        assert together[run] == pytest.approx(alone, rel=1e-12, nan_ok=True)


def test_weights_of_a_dirichlet_draw_have_their_shares_as_mean():
    uncertain = choices.Uncertain(MEANS, weights=[choices.Weights(1, concentration=50)])
    what = choices.drawn(sobol.sample(4096, 5, np.random.default_rng(0)), uncertain, TREE)
    drawn = what.weights[:, :2]
    assert (drawn / drawn.sum(1, keepdims=True)).mean(0) == pytest.approx([1 / 3, 2 / 3], abs=0.005)


def test_an_index_under_uncertain_choices():
    lots = np.random.default_rng(0)
    values = lots.uniform(1, 100, (1, 8, 5))
    uncertain = choices.Uncertain(MEANS, {2: BOTH, 3: BOTH}, weights=[choices.Weights(1, 0.25)])
    given_ranks = ranking.ranks_of(nominal(values[0], TREE, MEANS)[None, :, -1])[0]
    one, again = (runs.robust(values, TREE, uncertain, given_ranks, runs=500, base=64, seed=5) for _ in range(2))
    assert np.array_equal(one.ranks, again.ranks) and np.array_equal(one.sensitivity.total, again.sensitivity.total,
                                                                     equal_nan=True)  # fmt: skip
    assert [row.name for row in one.choices] == ["aggregate 2", "aggregate 3", "weights 1"]
    assert one.sensitivity.total.shape == (3, 9)


def test_leaving_out_an_element():
    values = np.array([[1.0, 9, 5, 5, 5], [9, 1, 5, 5, 4], [5, 5, 5, 5, 3]])
    tree = tree_of([[0, 0, 1, 1, 1], [0, 0]])
    found = removal.removed(values, tree, MEANS)
    assert found.ranks[0].tolist() == [1, 3, 2] and len(found.ranks) == 7
    assert found.mean_change[0] == pytest.approx(2 / 3) and found.most_change[0] == 1


@pytest.mark.parametrize(("uncertain", "code"), [
    (choices.Uncertain(MEANS), "insight.nothing_varies"),
    (choices.Uncertain(MEANS, {2: ("arithmetic", "median")}), "insight.no_robust_method"),
    (choices.Uncertain(MEANS, {2: BOTH}), "insight.robust_not_positive"),
])  # fmt: skip
def test_what_cannot_be_worked_is_refused(uncertain, code):
    values = np.zeros((1, 3, 5)) - 1
    with pytest.raises(Refused) as refused:
        runs.robust(values, TREE, uncertain, np.array([1, 2, 3]), runs=10, base=4, seed=1)
    assert refused.value.code == code


def test_too_many_runs_are_refused():
    with pytest.raises(Refused, match="fewer runs"):
        runs.check(np.ones((1, 3, 5)), TREE, choices.Uncertain(MEANS, leave_out=True), 10**9)


def test_a_tree_of_uneven_height_is_worked_alike():
    """Indicators 0 and 1 make item 3; it and indicator 2 make the index."""
    tree = Tree(3, np.array([3, 3, 4, 4, -1]), np.array([1, 1, 1, 2, 3]), np.ones(5))
    values = np.array([[[2.0, 8, 10], [6, 6, 1]]])
    what = choices.Drawn(np.zeros(4, np.int64), {}, np.ones((4, 5)), np.full(4, -1))
    found = runs.scores(values, tree, choices.Uncertain(("geometric", "arithmetic")), what)
    assert found == pytest.approx(np.tile([7.0, 3.5], (4, 1)))
    assert tree.effective[:3].tolist() == [0.25, 0.25, 0.5] and tree.under(3).tolist() == [0, 1]
