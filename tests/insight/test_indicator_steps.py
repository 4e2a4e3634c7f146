"""The steps of a composite indicator, by what was published of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cityloom.insight.domain.indicators import (
    aggregating,
    denominating,
    imputing,
    influence,
    normalising,
    pairwise,
    scoring,
    treating,
    weighting,
)  # fmt: skip
from cityloom.insight.domain.indicators.moments import kurtosis, skewness
from cityloom.insight.domain.indicators.ranking import ranked, tied_by_rounding
from cityloom.insight.domain.indicators.treating import Rule
from cityloom.kernel.refused import Refused

NAN = float("nan")


def test_skewness_and_kurtosis_are_those_of_a_spreadsheet() -> None:
    """Microsoft's own examples of SKEW and KURT."""
    values = np.array([3, 4, 5, 2, 3, 4, 5, 6, 4, 7], float)
    assert skewness(values) == pytest.approx(0.359543071)
    assert kurtosis(values) == pytest.approx(-0.151799637)
    assert np.isnan(skewness([1.0, 2.0])) and np.isnan(kurtosis([2.0, 2.0, 2.0, 2.0, NAN]))


def test_winsorising_draws_in_one_point_after_the_other() -> None:
    values = np.array([*range(1, 11), 30, 100], float)
    done = treating.treat(values)
    assert (done.method, done.changed.sum(), done.passes) == ("winsorise", 1, True)
    assert done.values[-1] == 30 and done.values[:-1].tolist() == values[:-1].tolist()
    assert done.skew[0] > 2 > done.skew[1]


def test_what_winsorising_cannot_mend_is_transformed_from_what_it_was() -> None:
    values = np.exp(np.linspace(0, 12, 40))
    done = treating.treat(values, Rule(most=2))
    low, high = values.min(), values.max()
    assert done.method == "log-ct"
    assert done.values == pytest.approx(np.log(values - low + 0.01 * (high - low)))
    gii = treating.transformed(values, "log-gii")
    assert gii == pytest.approx(np.log((high - 1) * (values - low) / (high - low) + 1))
    assert treating.transformed(-values, "log-ct-mirrored") == pytest.approx(
        -treating.transformed(values, "log-ct"))  # fmt: skip
    assert abs(skewness(treating.transformed(values, "box-cox"))) < 0.2


def test_normal_forms_are_those_of_the_handbook() -> None:
    values = np.array([2.0, 4.0, 4.0, 10.0, NAN])
    expected = {
        "min_max": [0, 25, 25, 100], "rank": [1, 2, 2, 4], "borda": [0, 1, 1, 3],
        "percentile_rank": [0, 1 / 3, 1 / 3, 1], "fraction_of_maximum": [0.2, 0.4, 0.4, 1],
    }  # fmt: skip
    for name, wanted in expected.items():
        found = getattr(normalising, name)(values)
        assert found[:4] == pytest.approx(wanted) and np.isnan(found[4]), name
    assert normalising.z_score(values, 100, 10)[:4] == pytest.approx(100 + 10 * (values[:4] - 5) / np.std(
        values[:4], ddof=1))  # fmt: skip
    assert normalising.distance_to_target(values, 6, cap=True)[:4] == pytest.approx([0, 0.5, 0.5, 1])
    assert normalising.distance_to_reference(values, 1)[:4] == pytest.approx([0, 1, 1, 4])
    assert normalising.by_thresholds(values, [4, 8], [1, 2, 3])[:4].tolist() == [1, 2, 2, 3]
    assert normalising.min_max(values, 0, 1, least=0, most=20)[:4] == pytest.approx([0.1, 0.2, 0.2, 0.5])


@settings(max_examples=15, deadline=None)
@given(arrays(float, (6, 3), elements=st.floats(-1e3, 1e3, width=32)), st.floats(0.1, 50), st.floats(-100, 100))
def test_the_unit_of_measurement_does_not_matter_to_min_max(values: np.ndarray, scale: float, shift: float) -> None:
    values = values + np.arange(6)[:, None] * 0.5 + np.array([[0], [0], [0], [0], [0], [2000.0]])
    assert normalising.min_max(values * scale + shift) == pytest.approx(normalising.min_max(values), abs=1e-6)


def test_means_are_those_of_the_textbook() -> None:
    values, weights = np.array([[1.0, 4.0, 4.0], [2.0, 2.0, NAN]]), np.array([1.0, 1.0, 2.0])
    assert aggregating.arithmetic(values, weights) == pytest.approx([13 / 4, 2])
    assert aggregating.geometric(values, weights) == pytest.approx([64**0.25, 2])
    assert aggregating.harmonic(values, weights) == pytest.approx([4 / (1 + 0.25 + 0.5), 2])
    assert np.isnan(aggregating.aggregated(values, weights, least=0.6)[1])


def test_mazziotta_and_pareto_punish_what_is_unequal() -> None:
    """M - S cv with S over n, as in De Muro, Mazziotta and Pareto (2011): 100 each is 100."""
    values = np.array([[100.0, 100.0], [110.0, 90.0]])
    assert aggregating.mazziotta_pareto(values, np.ones(2)) == pytest.approx([100, 100 - 10 * 10 / 100])
    assert aggregating.mazziotta_pareto(values, np.ones(2), penalty=1) == pytest.approx([100, 101])


def test_copeland_counts_who_outranks_whom() -> None:
    values = np.array([[3.0, 3.0, 1.0], [2.0, 2.0, 2.0], [1.0, 1.0, 3.0]])
    weights = np.array([1.0, 1.0, 1.0])
    assert aggregating.outranking(values, weights)[0].tolist() == pytest.approx([0, 2 / 3, 2 / 3])
    assert aggregating.copeland(values, weights).tolist() == [2, 0, -2]


def test_many_weightings_are_worked_at_once() -> None:
    rng = np.random.default_rng(1)
    values, weights = rng.uniform(1, 9, (7, 4)), rng.uniform(0.1, 1, (5, 4))
    for way in aggregating.WAYS:
        whole = aggregating.aggregated(values, weights, way)
        assert whole == pytest.approx(np.stack([aggregating.aggregated(values, one, way) for one in weights])), way


def test_means_that_need_positive_values_say_what_to_do() -> None:
    with pytest.raises(Refused, match="1 to 100") as refusal:
        aggregating.geometric(np.array([[0.0, 1.0]]), np.ones(2), "health")
    assert (refusal.value.code, refusal.value.value) == ("insight.index_positive", "health")
    assert aggregating.geometric(np.array([[0.0, 4.0]]), np.array([0.0, 1.0])) == pytest.approx([4])


def test_values_are_filled_in_by_group_and_by_others() -> None:
    values = np.array([[1.0, 10], [3, 20], [NAN, 30], [8, NAN], [10, 50]])
    groups = ["a", "a", "a", "b", "b"]
    assert imputing.by_group(values, groups)[[2, 3], [0, 1]].tolist() == [2, 50]
    assert imputing.by_group(values, None, "median")[2, 0] == 5.5
    line = np.column_stack([np.arange(8.0), 3 + 2 * np.arange(8.0)])
    line[5, 1] = NAN
    assert imputing.by_regression(line)[5, 1] == pytest.approx(13)
    panel = np.array([[1.0], [NAN], [NAN], [7.0]])
    carried = imputing.carried_forward(panel, ["u"] * 4, [2020, 2021, 2023, 2019], 1)
    assert carried[:, 0].tolist() == pytest.approx([1, 1, NAN, 7], nan_ok=True)


def test_units_are_screened_by_what_is_known_of_them() -> None:
    values = np.array([[1.0, 0, 0], [NAN, 1, 2], [NAN, NAN, 3]])
    assert denominating.screened(values, 0.66)[0].tolist() == [True, True, False]
    assert denominating.screened(values, 0, 0.5)[0].tolist() == [False, True, True]
    with pytest.raises(Refused, match="people of B is zero"):
        denominating.denominated(np.ones(2), np.array([1.0, 0.0]), 1000, "people", ["A", "B"])
    assert denominating.denominated(np.array([5.0]), np.array([2000.0]), 1000) == pytest.approx([2.5])


def test_saaty_s_comparisons_have_his_weights_and_ratio() -> None:
    """Saaty's drinks in the United States (1980): coffee, wine, tea, beer, sodas, milk, water.

    Printed are 1/3 of wine over tea and 2 of tea over wine: 1/2 stands here for the former.
    """
    upper = [[9, 5, 2, 1, 1, 1 / 2], [1 / 2, 1 / 9, 1 / 9, 1 / 9, 1 / 9], [1 / 3, 1 / 4, 1 / 3, 1 / 9],
             [1 / 2, 1, 1 / 3], [2, 1 / 2], [1 / 3]]  # fmt: skip
    rows = np.eye(7)
    for row, values in enumerate(upper):
        rows[row, row + 1 :] = values
        rows[row + 1 :, row] = 1 / np.array(values)
    found = pairwise.compared(rows)
    assert found.weights == pytest.approx([0.177, 0.019, 0.042, 0.116, 0.190, 0.129, 0.327], abs=0.004)
    assert found.ratio == pytest.approx(0.022, abs=0.006) and found.is_consistent
    with pytest.raises(Refused, match="one over"):
        pairwise.compared([[1, 2], [2, 1]])


def test_weights_of_components_and_of_points() -> None:
    rng = np.random.default_rng(2)
    common = rng.normal(size=200)
    values = np.column_stack([common + rng.normal(size=200) * s for s in (0.3, 0.3, 5.0)])
    first = weighting.first_component(values)
    assert first.sum() == pytest.approx(1) and first[2] < 0.1 < first[0]
    explained = weighting.variance_explained(values)
    assert explained.sum() == pytest.approx(1) and (explained > 0).all()
    assert weighting.budget([[50, 50], [1, 3]]).tolist() == [0.375, 0.625]
    with pytest.raises(Refused, match="expert 2"):
        weighting.budget([[1, 1], [0, 0]])


def test_weights_can_be_made_to_weigh_what_was_wanted() -> None:
    """Unequal spreads: equal weights do not give equal influence, the optimised ones do (Paruolo et al., 2013)."""
    rng = np.random.default_rng(4)
    values = rng.normal(size=(300, 3)) * [1, 2, 4]

    def influence_of(weights: np.ndarray) -> np.ndarray:
        return influence.squared_correlations(values, values @ weights)

    assert influence_of(np.ones(3) / 3)[2] > 0.7
    found = influence.optimised(influence_of, np.ones(3))
    assert found.apart < 0.01 and found.weights[0] > found.weights[2]


def test_a_bent_influence_is_seen_by_the_correlation_ratio_alone() -> None:
    x = np.linspace(-1, 1, 60)
    assert influence.squared_correlations(x[:, None], x**2)[0] < 0.01
    assert influence.correlation_ratios(x[:, None], x**2)[0] > 0.95


def test_pieces_of_formulas() -> None:
    values = np.array([0.0, 0.5, 1.0, 3.0, NAN])
    assert scoring.ratio(values, 2).tolist() == pytest.approx([0, 25, 50, 100, NAN], nan_ok=True)
    assert scoring.ratio(values, 1, lower_is_better=True).tolist() == pytest.approx([100, 100, 100, 100 / 3, NAN],
                                                                                     nan_ok=True)  # fmt: skip
    lines = scoring.piecewise(values, [(0, 0), (1, 60), (2, 100)])
    assert lines.tolist() == pytest.approx([0, 30, 60, 100, NAN], nan_ok=True)
    assert scoring.steps(values, [(0.5, 40), (1, 80)]).tolist() == pytest.approx([0, 40, 80, 80, NAN], nan_ok=True)
    assert scoring.checklist(np.array([[1, 0, 1], [1, 1, 1]]), [20, 30, 60]).tolist() == [80, 100]
    assert scoring.gated(np.array([90.0, 90.0]), np.array([True, False]), 60).tolist() == [90, 60]


def test_ranks_are_of_scores_that_nobody_rounded() -> None:
    scores = [71.004, 71.001, 80.0, 71.001, NAN]
    assert ranked(scores).tolist() == pytest.approx([2, 3, 1, 3, NAN], nan_ok=True)
    assert tied_by_rounding(scores, 2).tolist() == [False, True, False, True, False]
