"""What is learnt online is the same however readings come, and no reading can spoil it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.moment import CHANGE, LATE, LEARNING, LEVEL, ORDINARY, OUT_OF_RANGE, STEP, UNREADABLE
from cityloom.detection.domain.online import Baseline
from cityloom.kernel.refused import Refused

MONDAY_S = 1_777_852_800.0  # 4 May 2026, 00:00 UTC
FIVE_MIN = 300.0

reading = st.tuples(
    st.integers(0, 2), st.integers(0, 60), st.one_of(st.floats(-50, 50), st.sampled_from([np.nan, np.inf]))
)


def columns(rows):
    stream, minute, value = (np.array(each) for each in zip(*rows, strict=True))
    return stream.astype(np.int64), MONDAY_S + minute * 60.0, value.astype(float)


def series(values, step_s=FIVE_MIN, baseline=None, start=0):
    baseline = baseline or Baseline(1)
    at_s = MONDAY_S + step_s * (start + np.arange(len(values)))
    return baseline, baseline.score(np.zeros(len(values), np.int64), at_s, np.asarray(values, float))


def noise(count, seed=1, sigma=1.0):
    return np.random.default_rng(seed).normal(0, sigma, count)


@given(st.lists(reading, min_size=1, max_size=90), st.integers(1, 89))
@settings(max_examples=25)
def test_scores_do_not_depend_on_how_readings_are_cut_into_batches(rows, cut):
    whole, parts = Baseline(3), Baseline(3)
    stream, at_s, value = columns(rows)
    together = whole.score(stream, at_s, value)
    apart = [parts.score(stream[cutting], at_s[cutting], value[cutting]) for cutting in (slice(cut), slice(cut, None))]
    for name in ("score", "reason", "z", "step_z", "expected"):
        np.testing.assert_array_equal(getattr(together, name), np.concatenate([getattr(each, name) for each in apart]))
    assert whole.to_bytes() == parts.to_bytes()


@given(st.floats(-1e4, 1e4), st.sampled_from([-3.0, -0.01, 0.5, 1000.0]))
@settings(max_examples=8)
def test_another_unit_or_origin_gives_the_same_scores(shift, scale):
    values = np.concatenate([noise(150), noise(40, 2) + 15])
    _, plain = series(values)
    _, other = series(values * scale + shift)
    np.testing.assert_allclose(other.score, plain.score, atol=1e-3)
    np.testing.assert_allclose(other.z, plain.z * np.sign(scale), atol=1e-2, rtol=1e-3)


def test_a_stream_is_judged_by_itself_alone():
    rows = noise(500).reshape(100, 5)
    together, alone = Baseline(5), Baseline(5)
    at_s = MONDAY_S + FIVE_MIN * np.repeat(np.arange(100), 5)
    all_at_once = together.score(np.tile(np.arange(5), 100), at_s, rows.ravel())
    one = alone.score(np.full(100, 3), at_s[::5], rows[:, 3])
    np.testing.assert_array_equal(all_at_once.z.reshape(100, 5)[:, 3], one.z)


def test_nothing_is_said_before_twelve_readings_and_wild_ones_among_them_do_no_harm():
    values = np.concatenate([noise(12), noise(30, 2)])
    values[[2, 7, 9]] = 1e6
    baseline, found = series(values)
    assert set(found.reason[:12]) == {LEARNING}
    assert set(found.reason[12:]) == {ORDINARY}
    assert abs(baseline.column("level")[0]) < 1


def test_one_wild_reading_in_ten_moves_level_and_spread_little():
    values = noise(1_000)
    values[50::10] = 1e5
    baseline, _ = series(values)
    assert abs(baseline.column("level")[0]) < 2.0
    assert 0.7 < baseline.spread()[0] < 3.0


def test_a_sudden_fall_is_told_at_once_with_its_size_and_time():
    baseline, _ = series(350 + noise(500))
    _, found = series([340.0], baseline=baseline, start=500)
    assert found.reason[0] == STEP or found.reason[0] == LEVEL
    assert found.score[0] == 1.0
    assert found.moved[0] == pytest.approx(-10, abs=4)
    assert found.over_s[0] == FIVE_MIN


def test_a_small_shift_that_stays_is_a_change_and_becomes_the_new_level():
    baseline, found = series(np.concatenate([noise(500), noise(100, 2) + 2.5]))
    changes = np.flatnonzero(found.reason == CHANGE)
    assert 500 <= changes[0] < 520
    assert found.moved[changes[0]] == pytest.approx(2.5, abs=1)
    assert len(changes) == 1
    assert baseline.column("level")[0] == pytest.approx(2.5, abs=0.5)


def test_ordinary_noise_hardly_ever_scores():
    many, turns = 400, 200
    at_s = MONDAY_S + FIVE_MIN * np.repeat(np.arange(turns), many)
    found = Baseline(many).score(np.tile(np.arange(many), turns), at_s, noise(many * turns))
    assert (found.score > 0).mean() < 0.002
    assert (found.reason == CHANGE).sum() <= 8


def test_the_shape_of_the_day_is_learnt_so_that_a_usual_peak_is_no_news_and_its_absence_is():
    hour = np.arange(48 * 12) % 48 / 2
    peak = (hour >= 8) & (hour < 10)
    baseline, found = series(np.where(peak, 20.0, 0.0) + noise(len(hour), sigma=0.5), step_s=1800)
    assert (found.score[-48:] > 0).mean() < 0.05
    _, quiet = series(noise(18, 3, 0.5), step_s=1800, baseline=baseline, start=len(hour))
    assert quiet.score[16] > 0


def test_a_holiday_is_lived_like_a_sunday():
    day, week = Calendar.ahead(8, holidays=[int(MONDAY_S // 86_400)]).slots(np.array([MONDAY_S, MONDAY_S + 86_400]))
    assert day.tolist() == [16, 16]
    assert week.tolist() == [6 * 24 + 8, 1 * 24 + 8]


def test_clocks_that_change_are_followed():
    summer = Calendar((3600.0, 7200.0), (0.0, MONDAY_S))
    assert summer.slots(np.array([MONDAY_S - 1, MONDAY_S]))[0].tolist() == [1, 4]


def test_readings_that_are_no_numbers_or_late_or_of_nobody_teach_nothing():
    baseline, _ = series(noise(100))
    before = baseline.to_bytes()
    at_s = MONDAY_S + FIVE_MIN * 200
    stream = np.array([0, 0, 0, 0, -1, 7])
    found = baseline.score(
        stream, np.array([at_s, at_s, np.nan, MONDAY_S, at_s, at_s]), np.array([np.nan, np.inf, 1, 9, 1, 1.0])
    )
    assert found.reason.tolist() == [UNREADABLE] * 3 + [LATE] + [UNREADABLE] * 2
    assert found.score.sum() == 0
    assert baseline.to_bytes() == before


def test_a_value_out_of_the_plausible_range_is_told_and_not_learnt():
    baseline = Baseline(1)
    baseline.low[:], baseline.high[:] = -10, 10
    series(noise(100), baseline=baseline)
    level = baseline.column("level")[0]
    _, found = series([500.0] * 3, baseline=baseline, start=100)
    assert set(found.reason) == {OUT_OF_RANGE}
    assert baseline.column("level")[0] == level


def test_what_never_moved_scores_when_it_moves_first():
    _, found = series([5.0] * 100 + [5.1])
    assert found.score[:100].sum() == 0
    assert found.score[100] == 1.0


def test_what_was_learnt_outlives_a_restart():
    values = noise(400)
    whole, _ = series(values[:200])
    restored = Baseline.from_bytes(whole.to_bytes())
    _, one = series(values[200:], baseline=whole, start=200)
    _, other = series(values[200:], baseline=restored, start=200)
    np.testing.assert_array_equal(one.z, other.z)


def test_what_was_damaged_is_refused_and_not_believed():
    kept = bytearray(series(noise(50))[0].to_bytes())
    kept[len(kept) // 2] ^= 1
    for broken in (bytes(kept), b"", b"{}\n0000"):
        with pytest.raises(Refused) as refusal:
            Baseline.from_bytes(broken)
        assert refusal.value.code == "detection.baseline_unreadable"


def test_new_streams_leave_the_known_ones_as_they_are():
    baseline, _ = series(noise(100))
    level = baseline.column("level")[0]
    baseline.grow(3)
    assert len(baseline) == 3
    assert baseline.column("level").tolist() == [level, 0.0, 0.0]
    assert baseline.score(np.array([2]), np.array([MONDAY_S]), np.array([1.0])).reason.tolist() == [LEARNING]
