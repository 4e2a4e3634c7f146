"""From readings, calls and scenes to weights."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.detection.domain.baseline import Baselines, learn
from cityloom.detection.domain.evidence import of_calls, of_scenes, of_streams
from cityloom.detection.domain.scoring import RULES, call_weights, stream_weights, z_scores
from cityloom.detection.domain.windows import WIDTH, windows
from cityloom.kernel import clock
from tests.detection.layouts import AT

finite = st.floats(-1e6, 1e6)


@given(st.dictionaries(st.integers(1, 9), st.lists(finite, min_size=1, max_size=30), min_size=1))
def test_learning_all_streams_together_equals_learning_each_alone(readings):
    ids = np.array([key for key, values in readings.items() for _ in values])
    found = learn(ids, np.concatenate([np.array(values) for values in readings.values()]))
    for key, count, median, spread in zip(found.datastream_id, found.count, found.median, found.spread, strict=True):
        values = np.array(readings[int(key)])
        assert count == len(values)
        assert median == pytest.approx(np.median(values))
        assert spread == pytest.approx(1.4826 * np.median(np.abs(values - np.median(values))))


@given(st.lists(st.floats(349, 351), min_size=20, max_size=60), st.lists(finite, max_size=9))
def test_wild_readings_in_the_background_do_not_move_the_baseline(calm, wild):
    found = learn(np.ones(len(calm) + len(wild), np.int64), np.array(calm + wild))
    assert 349 <= found.median[0] <= 351
    assert found.spread[0] <= 1.4826 * 2


@pytest.mark.parametrize(
    ("kind", "result", "z"),
    [
        ("pressure", 250.0, 10.0),
        ("pressure", 450.0, -10.0),
        ("settlement", 250.0, 10.0),
        ("settlement", 450.0, 10.0),
        ("traffic_speed", 250.0, 10.0),
        ("flow", 450.0, 10.0),
    ],
)
def test_each_kind_has_the_direction_in_which_it_speaks_for_a_collapse(kind, result, z):
    found = z_scores(np.array([result]), np.array([350.0]), np.array([10.0]), np.array([kind], dtype=object))
    assert found.tolist() == [z]


def test_a_stream_that_hardly_ever_moves_is_not_judged_by_its_noise():
    z = z_scores(np.array([348.0]), np.array([350.0]), np.array([0.0]), np.array(["pressure"], dtype=object))
    assert stream_weights(z, np.array(["pressure"], dtype=object)).tolist() == [0.0]


@given(st.floats(allow_nan=False), st.sampled_from(sorted(set(RULES) - {"call", "scene"})))
def test_no_value_gives_a_stream_more_than_its_cap(z, kind):
    (weight,) = stream_weights(np.array([z]), np.array([kind], dtype=object))
    assert 0 <= weight <= RULES[kind].cap


@given(st.lists(st.tuples(st.sampled_from(["ground-collapse", "noise"]), st.just("prankster"), st.integers(1, 50))))
def test_one_caller_counts_once_however_often_and_wherever_from(calls):
    assert sum(call_weights(calls)) <= RULES["call"].cap


def test_neighbours_who_call_from_one_spot_count_less_and_less():
    calls = [("ground-collapse", str(caller), 7) for caller in range(5)]
    assert call_weights(calls) == [4.0, 2.0, 1.0, 0.5, 0.5]


def test_a_call_about_something_else_does_not_use_up_its_caller():
    assert call_weights([("noise", "a", 1), ("ground-collapse", "a", 1)]) == [0.0, 4.0]


@dataclass(frozen=True)
class Drawn:
    """Two streams as columns."""

    id = np.array([1, 2])
    kind = np.array(["pressure", "settlement"], dtype=object)
    unit = np.array(["kPa", "mm"], dtype=object)
    lon = np.array([113.9, 113.9])
    lat = np.array([22.5, 22.5])


BASE = Baselines(np.array([1, 2]), np.array([60, 60]), np.array([350.0, 2.0]), np.array([2.0, 0.2]))


def streams(rows, silent=(False, False), baselines=BASE):
    ids, results = np.array([r[0] for r in rows], np.int64), np.array([r[1] for r in rows], float)
    moments = [AT + timedelta(seconds=n) for n in range(len(rows))]
    return of_streams(Drawn(), np.array(silent), baselines, datastream_id=ids, at=moments, result=results)


def test_a_stream_is_judged_by_its_most_telling_reading_and_says_which():
    (pressure, settlement) = streams([(1, 351.0), (1, 200.0), (2, 2.1), (1, 349.0)])
    assert (pressure.source, pressure.value, pressure.baseline, pressure.z) == ("datastream:1", 200.0, 350.0, 30.0)
    assert pressure.at == AT + timedelta(seconds=1)
    assert settlement.weight == 0


def test_silence_is_evidence_neither_for_nor_against():
    assert streams([]) == []
    assert streams([(1, 350.0), (2, 2.0)], silent=(True, True)) == []


def test_what_a_stream_said_before_it_fell_silent_still_counts():
    assert [item.source for item in streams([(1, 200.0)], silent=(True, True))] == ["datastream:1"]


def test_a_stream_without_enough_history_says_nothing():
    young = Baselines(BASE.datastream_id, np.array([11, 12]), BASE.median, BASE.spread)
    assert [item.source for item in streams([(1, 0.0), (2, 99.0)], baselines=young)] == ["datastream:2"]
    none = Baselines(*(np.zeros(0, kind) for kind in (np.int64, np.int64, float, float)))
    assert streams([(1, 0.0)], baselines=none) == []


@dataclass(frozen=True)
class Seen:
    """A call or a scene."""

    id: str
    category: str = "ground-collapse"
    lon: float = 113.9
    lat: float = 22.5
    cell: int = 1
    at = AT
    caller_digest: str = "x"
    camera_id: int = 1


def test_a_camera_counts_once_with_its_strongest_scene():
    found = of_scenes([Seen("a", "road-damage"), Seen("b"), Seen("c"), Seen("d", "rain"), Seen("e", camera_id=2)])
    assert [item.source for item in found] == ["scene:b", "scene:e"]


def test_evidence_of_a_call_names_the_call_and_not_the_caller():
    (found,) = of_calls([Seen("r1", caller_digest="secret"), Seen("r2", caller_digest="secret")])
    assert "secret" not in repr(found)
    assert found.source == "report:r1"


@given(st.timedeltas(timedelta(0), timedelta(minutes=10)), st.timedeltas(timedelta(minutes=-5), timedelta(days=1)))
def test_a_live_batch_lies_whole_in_the_newest_window(length, delay):
    first, last = AT, AT + length
    since, until = windows(first, last, AT + delay)[0]
    assert until - since == WIDTH
    assert last < until
    if length < WIDTH:
        assert since <= first or since - first < timedelta(milliseconds=2)


@given(st.timedeltas(timedelta(0), timedelta(minutes=5)))
def test_a_signal_of_a_clock_that_is_ahead_is_seen_though_its_event_carries_milliseconds(ahead):
    stamped = AT + ahead
    carried = clock.from_text(clock.to_text(stamped))
    since, until = windows(carried, carried, AT)[0]
    assert since < stamped <= until


def test_a_late_signal_is_seen_together_with_what_came_after_it():
    since, until = windows(AT, AT, AT + timedelta(minutes=9))[0]
    assert since < AT < AT + timedelta(minutes=9) < until


def test_a_long_batch_is_walked_back_for_an_hour():
    found = windows(AT - timedelta(days=1), AT, AT)
    assert found[0][1] > AT
    assert AT - found[-1][0] >= timedelta(hours=1)
    assert all(later[0] < earlier[1] for later, earlier in pairwise(found))
