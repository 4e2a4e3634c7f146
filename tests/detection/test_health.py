"""A sensor that fails is told apart from something that happens."""

from __future__ import annotations

import numpy as np
import pytest
from django.utils.translation import override

from cityloom.detection.domain.health import STATES, VERDICTS, drift_per_day, health, told_apart
from cityloom.detection.domain.moment import LEVEL
from cityloom.detection.domain.online import Baseline
from cityloom.detection.domain.reasons import reason_of
from cityloom.detection.queries import sentence_of
from tests.detection.test_online import FIVE_MIN, MONDAY_S, noise, series


def state_of(baseline, later_s=0.0, **more):
    found = health(baseline, float(baseline.column("at_s")[0]) + later_s, **more)
    return STATES[found.state[0]]


CALM = noise(300)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        (CALM, "in_service"),
        (CALM[:5], "unknown"),
        ([7.0] * 500, "in_service"),
        (np.append(CALM, [CALM[-1]] * 15), "stuck"),
        (np.append(CALM, [CALM[-1]] * 8), "in_service"),
        (np.append(CALM, noise(40, 2, 8.0)), "noisy"),
        (np.append(CALM, [25.0]), "out_of_range"),
        (np.append(CALM, noise(600, 3) + np.arange(600) * 0.02), "drifting"),
    ],
)
def test_each_state_has_its_rule(values, state):
    baseline = Baseline(1)
    baseline.low[:], baseline.high[:] = -100, 100
    if state == "out_of_range":
        baseline.high[:] = 20
    assert state_of(series(values, baseline=baseline)[0]) == state


def test_a_stream_that_often_rests_is_not_stuck_when_it_rests():
    rain = np.tile(np.append(np.zeros(40), noise(5) ** 2), 6)
    assert state_of(series(np.append(rain, np.zeros(60)))[0]) == "in_service"
    assert state_of(series(np.append(rain, np.zeros(200)))[0]) == "stuck"


def test_silence_is_counted_in_cadences_learnt_or_stated():
    baseline, _ = series(CALM)
    assert state_of(baseline, 4.9 * FIVE_MIN) == "in_service"
    assert state_of(baseline, 5.5 * FIVE_MIN) == "silent"
    assert state_of(baseline, 5.5 * FIVE_MIN, cadence_s=np.array([3_600.0])) == "in_service"


def test_a_drift_is_told_with_its_pace():
    baseline, _ = series(np.append(CALM, noise(600, 3) + np.arange(600) * 0.02))
    assert 0.3 < drift_per_day(baseline)[0] < 5.8  # 5.76 a day, in the long run


def test_a_state_comes_with_the_number_that_it_was_judged_by():
    baseline, _ = series(CALM)
    found = health(baseline, MONDAY_S + FIVE_MIN * (len(CALM) + 99))
    assert found.found[0] == pytest.approx(100, rel=0.05)
    assert found.limit[0] == 5.0


PAIRS = np.array([[0, 1], [0, 2], [0, 3], [1, 2], [4, 5]])


@pytest.mark.parametrize(
    ("odd", "working", "verdict"),
    [
        ([-1, 0, 0, 0, 0, 0], [1] * 6, "sensor"),
        ([-1, -1, 0, 0, 0, 0], [1] * 6, "event"),
        ([-1, 1, 0, 0, 0, 0], [1] * 6, "sensor"),
        ([-1, 0, 0, 0, 0, 0], [1, 0, 0, 1, 1, 1], "alone"),
        ([0, -1, -1, -1, 0, 0], [1] * 6, "calm"),
    ],
)
def test_what_neighbours_see_too_is_an_event(odd, working, verdict):
    found = told_apart(np.array(odd, np.int8), np.array(working, bool), PAIRS)
    assert VERDICTS[found[0]] == verdict


def test_a_score_is_told_in_words_of_both_languages():
    baseline, _ = series(3.5 + noise(500, sigma=0.05))
    _, found = series([2.8], baseline=baseline, start=500)
    reason = reason_of(found, 0, 2.8)
    assert "times its usual" in sentence_of(reason, name="P-103", unit="bar")
    assert "P-103" in sentence_of(reason, name="P-103", unit="bar")
    with override("zh-hans"):
        assert "P-103" in sentence_of(reason, name="P-103", unit="bar")
        assert "倍" in sentence_of(reason, name="P-103", unit="bar")


def test_nothing_is_said_of_what_is_ordinary():
    _, found = series(noise(50))
    assert reason_of(found, 49, 0.0) is None
    found.reason[49] = LEVEL
    assert reason_of(found, 49, 0.0) is not None
