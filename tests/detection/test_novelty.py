"""Novelty is judged by the past alone, and the benchmark's scorer counts as it is defined."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench._nab_scoring import PROFILES, Scored, best, normalised, probation, raw, sigmoid
from cityloom.detection.domain.novelty import Novelty
from tests.examples import a_third_of

STANDARD, LOW_FALSE, LOW_MISS = PROFILES


def scores(values, learning=60):
    one = Novelty(learning)
    return np.array([one.score(value) for value in values])


def noise(count, seed=1):
    return np.random.default_rng(seed).normal(0, 1, count)


def test_what_comes_later_changes_no_score():
    values = np.append(noise(300), noise(100, 2) * 9)
    np.testing.assert_array_equal(scores(values)[:300], scores(values[:300]))


@pytest.mark.parametrize(("shift", "scale"), [(0, -2.0), (1e3, 1.0), (-5, 0.25)])
def test_units_do_not_matter(shift, scale):
    values = np.append(noise(300), [12.0, 0.1, 0.3])
    np.testing.assert_allclose(scores(values * scale + shift), scores(values), atol=1e-6)


def test_a_value_never_seen_is_told_and_then_it_is_quiet():
    found = scores(np.append(noise(400), [15.0, *noise(4, 2)]))
    assert found[400] > 2 * found[60:400].max()
    assert (found[401:] == 0).all()


def test_a_pattern_never_seen_of_usual_values_is_told():
    swing = np.tile([-1.0, 1.0], 200) + noise(400) * 0.05
    found = scores(np.append(swing, [1.0] * 8))
    assert found[400:].max() > found[60:400].max()


def test_what_is_no_number_says_nothing_and_teaches_nothing():
    values = noise(200)
    holes = np.insert(values, [50, 120], [np.nan, np.inf])
    np.testing.assert_array_equal(np.delete(scores(holes), [50, 121]), scores(values))


def test_the_memory_is_bounded(monkeypatch):
    monkeypatch.setattr("cityloom.detection.domain.novelty.MEMORY", 100)
    one = Novelty(10)
    for value in noise(250):
        one.score(value)
    assert len(one.values.ordered) == 100
    assert len(one.patterns.ring) == 100


def series(*found, rows=200, windows=((60, 79), (140, 159))):
    values = np.zeros(rows)
    values[list(found)] = 1.0
    return Scored(values, windows)


def test_nothing_and_everything_right_are_the_ends_of_the_scale():
    for profile in PROFILES:
        assert best([series()], profile)[1] == 0.0
        assert best([series(60, 140)], profile)[1] == pytest.approx(100.0)


def test_the_published_worth_of_places():
    assert float(sigmoid(np.array(-1.0))) == pytest.approx(0.98661, abs=1e-5)
    assert float(sigmoid(np.array(0.0))) == 0.0
    assert float(sigmoid(np.array(3.01))) == -1.0


def test_a_hit_counts_once_by_its_earliest_and_a_late_one_less():
    early, late = raw(series(60, 70, 140), 1.0, STANDARD), raw(series(78, 140), 1.0, STANDARD)
    assert early == pytest.approx(2.0)
    assert 1.0 < late < 1.5
    assert raw(series(60), 1.0, STANDARD) == pytest.approx(0.0)
    assert raw(series(60), 1.0, LOW_MISS) == pytest.approx(-1.0)


def test_false_alarms_cost_by_profile_and_just_after_a_window_less():
    assert raw(series(40, 60, 140), 1.0, STANDARD) == pytest.approx(2.0 - 0.11)
    assert raw(series(40, 60, 140), 1.0, LOW_FALSE) == pytest.approx(2.0 - 0.22)
    assert raw(series(60, 81, 140), 1.0, STANDARD) > raw(series(60, 110, 140), 1.0, STANDARD)
    assert raw(series(60, 140, 199), 1.0, STANDARD) > raw(series(60, 120, 140), 1.0, STANDARD)


def test_what_is_said_while_learning_does_not_count():
    assert probation(200) == 30
    assert probation(22_000) == 750
    assert raw(series(5, 60, 140), 1.0, STANDARD) == pytest.approx(2.0)


@given(st.lists(st.integers(0, 5), min_size=60, max_size=60), st.sampled_from(PROFILES))
@settings(max_examples=a_third_of(40))
def test_the_best_threshold_is_the_best_of_all_thresholds(levels, profile):
    both = [Scored(np.array(levels, float), [(20, 29), (45, 50)]), Scored(np.array(levels[::-1], float), [(30, 40)])]
    totals = [sum(raw(one, at, profile) for one in both) for at in itertools.chain(range(6), [np.inf])]
    at, score = best(both, profile)
    assert score == pytest.approx(normalised(max(totals), -3 * profile.miss, 3 * profile.hit))
    assert sum(raw(one, at, profile) for one in both) == pytest.approx(max(totals))
