"""Scan statistics: against a plain count of all windows, published figures, and maps without anything in them."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.hotspots import baselines, significance
from cityloom.insight.domain.hotspots import maxima as maxima_module
from cityloom.insight.domain.hotspots.likelihood import Bernoulli, ExpectationGauss, ExpectationPoisson, Poisson
from cityloom.insight.domain.hotspots.maxima import Layer, maxima
from cityloom.insight.domain.hotspots.scanning import (
    Choices,
    bernoulli_scan,
    expectation_scan,
    poisson_scan,
    space_time_permutation_scan,
    space_time_poisson_scan,
    time_spans,
)
from cityloom.insight.domain.hotspots.windows import circular_windows
from cityloom.kernel.refused import Refused

FAST = Choices(simulations=99, seed=4)


def square(side: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) * 100.0


def plainly(xy: np.ndarray, cases: np.ndarray, base: np.ndarray, share: float, llr, least: int = 0) -> float:  # type: ignore[no-untyped-def]
    """The largest ratio of all circles, one after the other, as the definition has it."""
    best = 0.0
    for centre in xy:
        far = np.hypot(*(xy - centre).T)
        for radius in np.unique(far.round(9)):
            inside = far <= radius + 1e-9
            if base[inside].sum() <= share * base.sum() * (1 + 1e-12) and cases[inside].sum() >= least:
                best = max(best, float(llr(cases[inside].sum(), base[inside].sum())))
    return best


@pytest.mark.parametrize(("places", "small"), [(3, 10**6), (17, 10**6), (17, 0), (28, 0)])
def test_maxima_of_maps_are_those_of_all_circles(places: int, small: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maxima_module, "_SMALL", small)
    chance = np.random.default_rng(places)
    xy, people = chance.uniform(0, 9, (places, 2)).round(1 if places == 17 else 6), chance.uniform(1, 9, places)
    counts = chance.multinomial(60, people / people.sum(), 11).T.astype(np.int16)
    base, model = 60 * people / people.sum(), Poisson(60)
    found = maxima(circular_windows(xy, people, 0.5), model, [Layer(0, 1, base)], lambda _: counts, 11, least=2)
    wanted = [plainly(xy, one, base, 0.5, model.llr, 2) for one in counts.T.astype(float)]
    alone = [max(float(model.llr(c, b)) if c >= 2 else 0 for c, b in zip(one, base, strict=True))
             for one in counts.T.astype(float)]  # a place by itself is a window however large it is  # fmt: skip
    assert found == pytest.approx(np.maximum(wanted, alone), abs=1e-12)


def test_ratios_are_as_published() -> None:
    assert float(Poisson(100).llr(30, 20)) == pytest.approx(30 * log(30 / 20) + 70 * log(70 / 80))
    assert float(Poisson(100).llr(15, 20)) == 0
    whole = 10 * log(10 / 100) + 90 * log(90 / 100)
    inside, outside = 6 * log(6 / 20) + 14 * log(14 / 20), 4 * log(4 / 80) + 76 * log(76 / 80)
    assert float(Bernoulli(10, 100).llr(6, 20)) == pytest.approx(inside + outside - whole)
    assert float(ExpectationPoisson().llr(12, 8)) == pytest.approx(12 * log(12 / 8) + 8 - 12)
    assert float(ExpectationGauss().llr(12, 8)) == pytest.approx(16 / 16)
    # New York leukaemia, SaTScan 9.6, first of 281 places' clusters: 100 of 552 cases, population 111,674 of 1,057,673
    published = Poisson(552)
    assert float(published.llr(100, 552 * 111_674 / 1_057_673)) == pytest.approx(14.083511, abs=1e-6)
    assert float(published.relative_risk(np.float64(100), np.float64(552 * 111_674 / 1_057_673))) == pytest.approx(
        1.87, abs=0.005
    )


@given(st.integers(0, 40), st.floats(0.1, 45), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_more_cases_or_less_expected_never_make_a_window_likelier(cases: int, base: float, more: float) -> None:
    for model in (Poisson(50), Bernoulli(50, 200), ExpectationPoisson()):
        here = float(model.llr(np.float64(cases), np.float64(base)))
        assert float(model.llr(np.float64(cases + 1), np.float64(base))) >= here - 1e-9
        assert float(model.llr(np.float64(cases), np.float64(base + more))) <= here + 1e-9


def test_a_hot_spot_is_found_with_its_figures() -> None:
    xy, people = square(7), np.full(49, 1_000.0)
    cases = np.full(49, 4.0)
    cases[[24, 23, 25, 17, 31]] = 16
    found = poisson_scan(xy, cases, people, choices=FAST)
    first = found.clusters[0]
    assert sorted(first.places.tolist()) == [17, 23, 24, 25, 31] and first.radius == 100
    assert (first.observed, first.p_value) == (80, 0.01)
    assert first.expected == pytest.approx(cases.sum() * 5 / 49)
    assert first.relative_risk == pytest.approx((80 / first.expected) / ((256 - 80) / (256 - first.expected)))
    assert all(not set(first.places) & set(one.places) for one in found.clusters[1:])


def test_circles_have_both_of_two_places_as_far_away_or_neither() -> None:
    windows = circular_windows(square(3), np.ones(9), most_share=1.0)
    assert windows.ends[4].tolist() == [True, False, False, False, True, False, False, False, True]
    assert circular_windows(square(3), np.ones(9), most_share=0.01).reach.tolist() == [1] * 9
    assert circular_windows(square(3), np.ones(9), most_share=1.0, most_radius=100).reach[4] == 5


def test_the_same_seed_gives_the_same_scan_and_stopping_gives_the_same_rank() -> None:
    chance = np.random.default_rng(5)
    xy, people, cases = chance.uniform(0, 9, (30, 2)), chance.uniform(1, 9, 30), chance.poisson(3, 30).astype(float)
    once, again = (poisson_scan(xy, cases, people, choices=FAST) for _ in range(2))
    assert once.maxima.tolist() == again.maxima.tolist()
    stopped = poisson_scan(xy, cases, people, choices=Choices(simulations=999, seed=4, stop_after=10))
    assert stopped.simulations < 999
    assert stopped.clusters[0].p_value == pytest.approx(once.clusters[0].p_value, abs=0.1)


def test_bernoulli_and_permutation_find_what_was_put_there() -> None:
    chance = np.random.default_rng(6)
    xy = square(6) + chance.uniform(0, 10, (36, 2))
    xy[[1, 15]] = xy[[0, 14]] + 1
    cases, controls = np.full(36, 3.0), np.full(36, 20.0)
    cases[[14, 15]] = 14
    assert sorted(bernoulli_scan(xy, cases, controls, FAST).clusters[0].places.tolist()) == [14, 15]
    reports = chance.uniform(1, 9, 36)[:, None] * np.ones((1, 10))
    counts = chance.poisson(reports).astype(float)
    counts[[0, 1], 8:] += 20
    found = space_time_permutation_scan(xy, counts, prospective=True, choices=FAST).clusters[0]
    assert sorted(found.places.tolist()) == [0, 1] and (found.since, found.until) == (8, 10)
    found = space_time_poisson_scan(xy, counts, reports.mean(axis=1), choices=FAST).clusters[0]
    assert sorted(found.places.tolist()) == [0, 1] and (found.since, found.until) == (8, 10)
    assert len(time_spans(10)) == 5 * 10 - 10 and time_spans(4, 2, prospective=True) == [(2, 4), (3, 4)]


def test_the_past_of_a_place_says_what_is_expected_there() -> None:
    """A place that reports ten times less is as remarkable when it triples; weekdays and holidays are known."""
    chance, days = np.random.default_rng(7), np.arange(147)
    weekday, free = days % 7, days % 30 == 29
    course = np.where(weekday < 5, 1.0, 0.4) * np.where(free, 0.5, 1) * np.exp(0.3 * days / 147)
    level = np.where(np.arange(30) < 15, 10.0, 1.0)
    mean = level[:, None] * course
    past = chance.poisson(mean[:, :140]).astype(float)
    base = baselines.baseline(past, weekday[:140], free[:140], weekday[140:], free[140:])
    assert base.mean.sum(axis=0) == pytest.approx(mean[:, 140:].sum(axis=0), rel=0.1)
    assert base.mean[20].sum() == pytest.approx(mean[20, 140:].sum(), rel=0.35)
    assert base.day_shock < 0.01 and base.place_shock < 0.1
    now = chance.poisson(mean[:, 140:]).astype(float)
    now[20:23] = chance.poisson(6 * mean[20:23, 140:])
    xy = np.stack([np.arange(30) * 100.0, np.zeros(30)], axis=1)
    for deviation in (None, base.deviation()):
        found = expectation_scan(xy, now, base.mean, deviation, null=base.null_maps, choices=FAST)
        assert set(range(20, 23)) <= set(found.clusters[0].places.tolist()) and found.clusters[0].p_value <= 0.02


def test_maps_with_nothing_in_them_raise_alarms_as_rarely_as_said() -> None:
    """A small one of the bench's 1,000 maps: of 60, two to six or so at 0.05; more than 9 comes once in thousands."""
    chance, days, hits = np.random.default_rng(8), np.arange(63), 0
    for number in range(60):
        level, xy = chance.gamma(1.5, 0.6, 16), chance.uniform(0, 9, (16, 2))
        counts = chance.poisson(level[:, None] * np.exp(0.2 * np.sin(days))).astype(float)
        base = baselines.baseline(counts[:, :60], days[:60] % 7, days[:60] < 0, days[60:] % 7, days[60:] < 0)
        found = expectation_scan(xy, counts[:, 60:], base.mean, null=base.null_maps,
                                 choices=Choices(simulations=39, seed=number))  # fmt: skip
        hits += bool(found.clusters) and found.clusters[0].p_value <= 0.05
    assert hits <= 9


def test_how_rare_a_cluster_is() -> None:
    simulated = np.arange(1.0, 100.0)
    assert significance.monte_carlo_p(95.5, simulated) == pytest.approx(5 / 100)
    assert significance.monte_carlo_p(10, simulated[::-1], stop_after=5) == 1
    assert significance.gumbel_p(3, np.full(50, 2.0)) is None
    drawn = np.random.default_rng(9).gumbel(6, 1.3, 200_000)
    assert significance.gumbel_p(12.0, drawn) == pytest.approx(1 - np.exp(-np.exp(-(12 - 6) / 1.3)), rel=0.03)
    assert significance.recurrence_interval(1 / 365.25) == pytest.approx(1)
    assert significance.p_for(1, 365, watches=4) == pytest.approx(1 / 1460)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"xy": np.zeros((1, 2)), "cases": np.ones(1), "population": np.ones(1)}, "insight.scan_few"),
        ({"xy": np.zeros((10_001, 2)), "cases": np.ones(10_001), "population": np.ones(10_001)}, "insight.scan_places"),
        ({"xy": np.array([[0, 1], [np.nan, 2], [3, 3.0]])}, "insight.scan_nowhere"),
        ({"cases": np.array([1, -1, 2.0])}, "insight.scan_unknown"), ({"cases": np.ones(4)}, "insight.scan_shape"),
        ({"population": np.array([0, 5, 5.0])}, "insight.scan_nobody"),
        ({"choices": Choices(most_share=0)}, "insight.scan_share"),
        ({"choices": Choices(simulations=10**12)}, "insight.scan_long"),
    ],
)  # fmt: skip
def test_what_cannot_be_scanned_is_refused(change: dict[str, object], code: str) -> None:
    given = {"xy": square(2)[:3], "cases": np.array([1, 2, 3.0]), "population": np.ones(3)} | change
    with pytest.raises(Refused) as refused:
        poisson_scan(**given)  # type: ignore[arg-type]
    assert refused.value.code == code


def test_nothing_is_no_hot_spot() -> None:
    assert not poisson_scan(square(3), np.zeros(9), np.ones(9), choices=FAST).clusters
    assert not bernoulli_scan(square(3), np.zeros(9), np.ones(9), FAST).clusters
    with pytest.raises(Refused, match="baseline needs"):
        baselines.baseline(np.ones((3, 5)), np.arange(5), np.zeros(5, bool), np.arange(1), np.zeros(1, bool))
