"""Forecasts of a hierarchy add up, the best way by the textbook's formula; intervals hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, optimize

from cityloom.insight.domain.series import conformal, covariance, measures
from cityloom.insight.domain.series.backtest import backtest, origins_of
from cityloom.insight.domain.series.forecasting import forecast
from cityloom.insight.domain.series.hierarchy import crossings, hierarchy
from cityloom.insight.domain.series.reconcile import WAYS, by_covariance, reconciling
from cityloom.kernel.refused import Refused
from tests import realdata

KEYS = {"state": ["N", "N", "S", "S", "S"], "purpose": ["work", "visit", "work", "visit", "stay"]}
SUMS = hierarchy(KEYS, crossings(list(KEYS))).sums


def errors(seed: int, periods: int = 30) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return SUMS @ chance.normal(0, 1, (5, periods)) + chance.normal(0, 0.3, (len(SUMS), periods))


def test_a_hierarchy_has_each_sum_once() -> None:
    made = hierarchy(KEYS, crossings(["state", "purpose"]))
    assert made.levels == ("total", "state", "state", "purpose", "purpose", *["state x purpose"] * 5)
    assert made.labels[1:5] == (("N",), ("S",), ("work",), ("visit",))  # stay is in one place only: the bottom says it
    assert made.aggregated(np.arange(5.0)).tolist() == [10, 1, 9, 2, 4, 0, 1, 2, 3, 4]
    assert np.isnan(made.aggregated(np.array([np.nan, 1, 1, 1, 1]))[[0, 1]]).all()
    with pytest.raises(Refused) as told:
        hierarchy(KEYS, [["county"]])
    assert told.value.code == "insight.no_level"


@given(st.sampled_from(WAYS), st.integers(0, 1000), st.booleans())
@settings(max_examples=25, deadline=None)
def test_what_is_reconciled_adds_up_and_what_adds_up_stays(way: str, seed: int, negative: bool) -> None:
    made = reconciling(SUMS, way, errors(seed))
    base = np.random.default_rng(seed).normal(1, 3, (len(SUMS), 4))
    told = made.of(base, negative=negative)
    assert np.abs(SUMS @ told[-5:] - told).max() < 1e-9
    assert negative or (told >= 0).all()
    coherent = SUMS @ np.abs(base[-5:])
    assert made.of(coherent, negative=negative) == pytest.approx(coherent, abs=1e-9)
    paths = made.of_paths(np.stack([base, coherent]), negative=negative)
    assert np.abs(np.einsum("nb,dbh->dnh", SUMS, paths[:, -5:]) - paths).max() < 1e-9


def test_mint_is_the_generalised_least_squares_of_its_formula() -> None:
    weight = covariance.shrunken(errors(4))
    inverse = linalg.inv(weight)
    direct = linalg.solve(SUMS.T @ inverse @ SUMS, SUMS.T @ inverse)
    assert reconciling(SUMS, "mint_shrink", errors(4)).matrix == pytest.approx(direct, abs=1e-9)
    ols = linalg.solve(SUMS.T @ SUMS, SUMS.T)
    assert reconciling(SUMS, "ols").matrix == pytest.approx(ols, abs=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_the_non_negative_forecast_is_the_nearest_of_which_none_is_below_zero(seed: int) -> None:
    weight = covariance.factored(errors(seed))
    base = np.random.default_rng(seed).normal(0, 2, len(SUMS))
    root = linalg.inv(linalg.cholesky(weight, lower=True))
    wanted = SUMS @ optimize.nnls(root @ SUMS, root @ base)[0]
    assert by_covariance(SUMS, weight).of(base[:, None], negative=False)[:, 0] == pytest.approx(wanted, abs=1e-7)


def test_correlations_of_noise_are_shrunken_away_and_a_common_factor_is_kept() -> None:
    chance = np.random.default_rng(6)
    noise = chance.normal(size=(60, 40))
    assert covariance.intensity(noise) > 0.9
    common = chance.normal(size=40) + 0.7 * noise
    off = ~np.eye(60, dtype=bool)
    true = 1 / (1 + 0.49)
    kept = covariance.factored(common) / np.outer(*[np.sqrt((common**2).mean(1))] * 2)
    assert np.abs(kept[off] - true).mean() < 0.12
    assert (np.linalg.eigvalsh(covariance.factored(common)) > 0).all()


def test_too_few_errors_and_unknown_ways_are_refused() -> None:
    unknown = np.full((len(SUMS), 9), np.nan)
    for way, given_errors, code in (("mint_shrink", None, "insight.few_errors"), ("variance", unknown,
                                    "insight.few_errors"), ("best", None, "insight.no_reconciling")):  # fmt: skip
        with pytest.raises(Refused) as told:
            reconciling(SUMS, way, given_errors)
        assert told.value.code == code


def test_conformal_intervals_hold_their_share() -> None:
    """Errors of any shape: 2,000 times, 19 past errors and the next one."""
    chance = np.random.default_rng(9)
    past, after = chance.standard_t(2, (19, 2000, 1)), chance.standard_t(2, (2000, 1))
    reach = conformal.margins(past, np.ones_like(past), 0.8, pooled=False)
    assert 0.78 < (np.abs(after) <= reach).mean() < 0.83
    assert conformal.fewest(0.8) == 4 and conformal.fewest(0.95) == 19
    few = conformal.quantile(past[:3], 0.8)
    assert np.isinf(few).all()  # three errors cannot say where four in five lie
    pooled = conformal.margins(past[:3], np.ones((3, 2000, 1)), 0.8)
    assert pooled[0, 0] == pytest.approx(np.quantile(np.abs(past[:3]), 0.8), rel=0.05)


def test_a_backtest_does_not_see_what_comes_after() -> None:
    values = np.random.default_rng(4).normal(50, 5, (3, 30))

    def told(history: np.ndarray, place: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        found = forecast(history, 4, 3, 0.8, place, methods=["theta"], draws=20)
        return found.mean, found.low, found.high

    origins = origins_of(30, 3, 3, 2)
    assert origins == (23, 25, 27)
    one = backtest(values, 4, 3, origins, told)
    other = np.array(values)
    other[:, 25:] *= 9
    two = backtest(other, 4, 3, origins, told)
    assert np.array_equal(one.mean[:2], two.mean[:2]) and not np.array_equal(one.actual, two.actual)
    assert one.naive[0] == pytest.approx(values[:, 19:22])
    assert one.mase()[0] == pytest.approx(measures.mase(values[:, 23:26], one.mean[0], values[:, :23], 4))


@pytest.mark.realdata
def test_reconciling_helps_the_tourism_of_australia() -> None:
    """304 series and 121 sums of them, eight quarters ahead, with Theta alone; the whole is `bench.forecast`."""
    from bench.forecast import tourism

    made, values = tourism(realdata.path("demand/tourism_tsibble.csv"))
    assert values.shape == (425, 80)
    past, later = values[:, :72], values[:, 72:]
    base = forecast(past, 4, 8, methods=["theta"], draws=0)
    told = reconciling(made.sums, "mint_factor", past - base.fitted).of(base.mean, negative=False)
    plain, after = (measures.mase(later, one, past, 4).mean() for one in (base.mean, told))
    assert plain < 1.01 and after < 0.96
