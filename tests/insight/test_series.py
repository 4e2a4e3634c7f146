"""Forecasts of many series: worked examples of the textbooks, and what whoever relies on them counts on."""

from __future__ import annotations

import doctest
from pathlib import Path

import numpy as np
import pytest

from cityloom.insight.domain.series import ets, measures, methods, naive, theta
from cityloom.insight.domain.series.admissible import is_admissible
from cityloom.insight.domain.series.forecasting import forecast
from cityloom.insight.domain.series.forms import Form
from cityloom.insight.domain.series.recursion import Smoothing, State, ahead, drawn, run
from cityloom.kernel.refused import Refused

OIL = np.array([445.36, 453.20, 454.41, 422.38, 456.04, 440.39, 425.19, 486.21, 500.43, 521.28, 508.95, 488.89, 509.87,
                456.72, 473.82, 525.95, 549.83, 542.34])  # fmt: skip
"""Oil production of Saudi Arabia, 1996 to 2013 (Hyndman and Athanasopoulos, 2nd edition, table 7.1)."""


SOME = [Form("A", "N", "N"), Form("A", "A", "N"), Form("A", "N", "A")]


def by(alpha: float, beta: float = 0.0, gamma: float = 0.0, phi: float = 1.0) -> Smoothing:
    return Smoothing(*(np.array([one]) for one in (alpha, beta, gamma, phi)))


def seasonal(series: int, periods: int, season: int, seed: int = 5) -> np.ndarray:
    chance = np.random.default_rng(seed)
    wave = 10 * np.sin(2 * np.pi * np.arange(periods) / season)
    return 100 + 0.3 * np.arange(periods) + wave + chance.normal(0, 2, (series, periods))


def test_simple_smoothing_is_the_textbooks() -> None:
    """Alpha 0.83, first level 446.6, and 542.68 for each year to come."""
    fitted = ets.fit(OIL[:, None] / 500, Form("A", "N", "N"), 1, rounds=20)
    assert fitted.by.alpha[0] == pytest.approx(0.83, abs=0.01)
    assert fitted.first.level[0] * 500 == pytest.approx(446.6, abs=0.2)
    assert ahead(fitted.form, fitted.by.phi, fitted.last, 3)[:, 0] * 500 == pytest.approx([542.68] * 3, abs=0.02)


def test_a_recursion_worked_by_hand() -> None:
    """Level 10, growth 1, season +2 and -2; alpha 0.5, beta 0.2, gamma 0.1: errors 1 and then -0.9."""
    state = State(np.array([10.0]), np.array([1.0]), np.array([[2.0], [-2.0]]))
    told, last = run(np.array([[14.0], [10.3]]), Form("A", "A", "A"), by(0.5, 0.2, 0.1), state)
    assert told[:, 0] == pytest.approx([13.0, 10.7])  # 10+1+2; level 11.5, growth 1.2: 12.7-2
    assert (last.level[0], last.growth[0]) == pytest.approx((12.7 - 0.2, 1.2 - 0.08))
    assert last.season[:, 0] == pytest.approx([2.1, -2.04])
    damped = ahead(Form("A", "Ad", "N"), np.array([0.9]), State(np.array([10.0]), np.array([1.0]), np.empty((0, 1))), 2)
    assert damped[:, 0] == pytest.approx([10.9, 10.9 + 0.81])


@pytest.mark.parametrize("form", [Form("A", "Ad", "A"), Form("M", "A", "M"), Form("M", "N", "A")])
def test_a_path_without_shocks_is_the_point_forecast(form: Form) -> None:
    state = State(np.array([10.0]), np.array([0.5]), np.array([[1.2], [0.8]]), 1)
    smoothing = by(0.4, 0.1, 0.2, 0.9 if form.is_damped else 1.0)
    path = drawn(form, smoothing, state, np.zeros((5, 3, 1)))
    assert path[:, 0, 0] == pytest.approx(ahead(form, smoothing.phi, state, 5)[:, 0])


def test_theta_is_the_mean_of_a_line_and_a_smoothed_line() -> None:
    """Assimakopoulos and Nikolopoulos: the line at theta 0, and 2y less the line forecast by simple smoothing."""
    values = seasonal(2, 30, 1).T
    fitted = theta.fit(values, 1)
    t = np.arange(1, 31)
    slope = ((t - t.mean())[:, None] * values).sum(0) / ((t - t.mean()) ** 2).sum()
    line = values.mean(0) + (t - t.mean())[:, None] * slope
    double = 2 * values - line
    for n in range(2):
        level = 2 * (fitted.told[0, n] - 0.5 * (fitted.intercept[n] + fitted.slope[n]))  # of the doubled line
        for one in double[:, n]:
            level += fitted.alpha[n] * (one - level)
        wanted = 0.5 * (line[-1, n] + slope[n] * np.arange(1, 4)) + 0.5 * level
        assert theta.ahead(fitted, 30, 3)[:, n] == pytest.approx(wanted, rel=1e-9)


def test_the_form_is_found_that_made_a_series() -> None:
    values = seasonal(3, 36, 4).T / 100
    found = {fitted.form.season for _, fitted in ets.chosen(values, 4, SOME)}
    assert "N" not in found
    flat = np.random.default_rng(3).normal(1, 0.05, (36, 3))
    assert {fitted.form.season for _, fitted in ets.chosen(flat, 4, SOME)} == {"N"}


def test_what_would_not_forget_its_past_is_not_admissible() -> None:
    plain, season = Form("A", "A", "N"), Form("A", "A", "A")
    assert is_admissible(plain, by(0.5, 0.1), 1).all() and not is_admissible(plain, by(0.5, 3.5), 1).any()
    assert is_admissible(season, by(0.3, 0.01, 0.1), 4).all() and not is_admissible(season, by(0.9, 0.8, 0.9), 4).any()


def test_the_same_seed_gives_the_same_and_the_interval_holds_the_forecast() -> None:
    values = seasonal(4, 36, 4)
    asked = {"season": 4, "horizon": 4, "methods": ["theta", "snaive"], "draws": 100}
    one, two = (forecast(values, level=0.8, seed=7, **asked) for _ in range(2))
    assert np.array_equal(one.low, two.low) and np.array_equal(one.paths, two.paths)
    assert (one.low <= one.mean).all() and (one.mean <= one.high).all()
    truth = 100 + 0.3 * np.arange(36, 40) + 10 * np.sin(2 * np.pi * np.arange(36, 40) / 4)
    assert np.abs(one.mean - truth).max() < 5
    assert not np.array_equal(one.low, forecast(values, level=0.8, seed=8, **asked).low)


@pytest.mark.parametrize("combined", ["mean", "median", "weighted"])
def test_a_combination_lies_between_its_methods(combined: str) -> None:
    values = seasonal(3, 40, 4)
    each = [forecast(values, 4, 4, methods=[name], draws=0).mean for name in ("theta", "snaive", "drift")]
    whole = forecast(values, 4, 4, methods=["theta", "snaive", "drift"], combined=combined, draws=0).mean
    assert (whole >= np.min(each, 0) - 1e-9).all() and (whole <= np.max(each, 0) + 1e-9).all()


def test_each_method_forecasts_each_kind_of_series() -> None:
    """Short, constant, mostly zeros, with gaps, late, and nearly nothing: each is told, and no number is missing."""
    chance = np.random.default_rng(2)
    values = chance.poisson(20, (7, 26)).astype(float) + 1
    values[0, :20] = np.nan
    values[1] = 5.0
    values[2, chance.random(26) < 0.7] = 0.0
    values[3, 10:14] = np.nan
    values[4, :24] = np.nan
    values[5] = np.nan
    found = forecast(values, 6, 5, 0.9, methods=list(methods.METHODS), draws=20)
    assert found.notes[:6] == ("short", "constant", "zeros", "gaps", "empty", "empty") and found.notes[6] == ""
    for part in (found.mean, found.low, found.high, found.paths):
        assert np.isfinite(part).all() and (part >= 0).all()
    assert found.mean[1] == pytest.approx([5.0] * 5) and found.mean[5] == pytest.approx([0.0] * 5)


def test_a_series_is_forecast_alike_alone_and_among_others() -> None:
    values = seasonal(3, 20, 1)
    whole = forecast(values, 1, 3, draws=0).mean
    assert whole[2] == pytest.approx(forecast(values[2:] * 1e6, 1, 3, draws=0).mean[0] / 1e6)


@pytest.mark.parametrize(("change", "code"), [
    ({"values": -np.ones((1, 20))}, "insight.series_negative"), ({"values": np.full((1, 20), np.inf)},
     "insight.series_infinite"), ({"values": np.full((2, 20), np.nan)}, "insight.series_empty"),
    ({"values": np.ones(20)}, "insight.series_shape"), ({"horizon": 0}, "insight.series_horizon"),
    ({"season": 999}, "insight.series_season"), ({"methods": ["prophet"]}, "insight.no_method"),
    ({"combined": "best"}, "insight.no_method"),
])  # fmt: skip
def test_bad_input_is_refused(change: dict[str, object], code: str) -> None:
    asked: dict[str, object] = {"values": np.ones((1, 20)), "season": 4, "horizon": 2} | change
    with pytest.raises(Refused) as told:
        forecast(**asked)  # type: ignore[arg-type]
    assert told.value.code == code


def test_negative_values_may_be_allowed() -> None:
    found = forecast(np.random.default_rng(1).normal(-5, 1, (2, 30)), 1, 3, negative=True, draws=50)
    assert (found.mean < 0).all() and (found.low < found.high).all()


def test_measures_of_a_small_example() -> None:
    history = np.array([[1.0, 2.0, 3.0, 5.0]])  # seasonal differences at 2: 2 and 3
    actual, told = np.array([[6.0, 4.0]]), np.array([[5.0, 7.0]])
    assert measures.mase(actual, told, history, 2) == pytest.approx([2 / 2.5])
    assert measures.rmsse(actual, told, history, 2) == pytest.approx([np.sqrt(5 / 6.5)])
    assert measures.bias(actual, told) == pytest.approx([1.0])
    assert measures.smape(actual, told) == pytest.approx([(2 / 11 + 6 / 11) / 2])
    assert measures.pinball(actual, told, 0.9) == pytest.approx([(0.9 + 0.3) / 2])
    assert measures.coverage(actual, told - 1, told + 1) == 0.5
    assert measures.crps(np.array([[2.0]]), np.array([1.0, 3.0]).reshape(2, 1, 1)) == pytest.approx([1 - 0.5])
    assert np.isnan(measures.mase(actual, told, np.ones((1, 4)), 2)).all()  # a constant series has no scale


def test_the_seasonal_naive_fills_gaps_from_the_season_before() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan, 5.0, 6.0])[:, None]
    mean, told = naive.seasonal_ahead(values, 2, 3)
    assert mean[:, 0].tolist() == [5.0, 6.0, 5.0]
    assert told[2:, 0].tolist() == [1.0, 2.0, 3.0, 2.0]


def test_the_worked_example_comes_out_as_its_page_says() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "algorithms" / "forecasting.md"
    assert doctest.testfile(str(page), module_relative=False) == doctest.TestResults(0, 18)
