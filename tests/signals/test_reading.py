"""Which readings are believed enough to be kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.signals.domain.kinds import KINDS, silent
from cityloom.signals.domain.reading import (
    SENTENCES,
    CallReport,
    Reading,
    Stream,
    check,
    fault_of_report,
    instant_of,
    microseconds,
)

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PRESSURE = Stream(7, "kPa", 0.0, 2_000.0)
STREAMS = {7: PRESSURE, "mains/north": PRESSURE, 8: Stream(8, "mm", -5_000.0, 5_000.0)}


def reading(**changes: object) -> Reading:
    return Reading(**({"datastream": 7, "value": 350.0, "unit": "kPa", "at": AT, "message_id": "m1"} | changes))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"datastream": 99}, "unknown_sensor"),
        ({"datastream": "mains/south"}, "unknown_sensor"),
        ({"datastream": None}, "unknown_sensor"),
        ({"datastream": [7]}, "unknown_sensor"),
        ({"value": float("nan")}, "not_a_number"),
        ({"value": float("inf")}, "not_a_number"),
        ({"value": -float("inf")}, "not_a_number"),
        ({"value": "350"}, "not_a_number"),
        ({"value": None}, "not_a_number"),
        ({"value": True}, "not_a_number"),
        ({"value": 10**400}, "not_a_number"),
        ({"value": 1e308, "unit": "bar"}, "not_a_number"),
        ({"unit": "Cel"}, "wrong_unit"),
        ({"unit": "furlong"}, "wrong_unit"),
        ({"unit": ""}, "wrong_unit"),
        ({"unit": None}, "wrong_unit"),
        ({"at": AT - timedelta(days=7, seconds=1)}, "too_old"),
        ({"at": datetime(1, 1, 1, tzinfo=UTC)}, "too_old"),
        ({"at": AT + timedelta(minutes=5, seconds=1)}, "in_future"),
        ({"at": datetime(9999, 12, 31, tzinfo=UTC)}, "in_future"),
        ({"at": AT.replace(tzinfo=None)}, "no_time_zone"),
        ({"at": "2026-05-01T12:00:00Z"}, "no_time_zone"),
        ({"value": -1.0}, "out_of_range"),
        ({"value": 2_000.1}, "out_of_range"),
        ({"message_id": ""}, "no_message_id"),
        ({"message_id": "x" * 65}, "no_message_id"),
        ({"message_id": "a\x00b"}, "no_message_id"),
        ({"message_id": None}, "no_message_id"),
    ],
)
def test_a_bad_reading_is_set_aside_with_its_reason_and_the_good_one_is_kept(changes, reason):
    found = check([reading(**changes), reading(message_id="good")], STREAMS, AT)
    assert dict(found.rejected) == {reason: 1}
    assert found.message_id == ["good"]
    assert reason in SENTENCES


@pytest.mark.parametrize(
    ("value", "unit", "kept"),
    [(3.5, "bar", 350.0), (350_000, "Pa", 350.0), (40.0, "m[H2O]", 392.266), (350, "kPa", 350)],
)
def test_another_unit_of_the_same_dimension_is_converted(value, unit, kept):
    assert check([reading(value=value, unit=unit)], STREAMS, AT).result.tolist() == [pytest.approx(kept)]


def test_the_range_is_judged_after_conversion():
    assert dict(check([reading(value=350.0, unit="bar")], STREAMS, AT).rejected) == {"out_of_range": 1}


def test_limits_of_time_are_still_inside():
    moments = [AT - timedelta(days=7), AT + timedelta(minutes=5)]
    found = check([reading(at=at, message_id=str(n)) for n, at in enumerate(moments)], STREAMS, AT)
    assert not found.rejected
    assert [instant_of(at_us) for at_us in found.at_us] == moments


def test_the_same_message_twice_in_a_batch_is_kept_once_under_id_and_name_alike():
    found = check([reading(), reading(datastream="mains/north"), reading(datastream=8, unit="mm")], STREAMS, AT)
    assert found.datastream_id.tolist() == [7, 8]
    assert found.duplicates == 1


def test_late_readings_are_kept_in_the_order_of_arrival():
    late = [reading(at=AT - timedelta(seconds=s), message_id=str(s)) for s in (0, 300, 60)]
    assert check(late, STREAMS, AT).message_id == ["0", "300", "60"]


def test_an_empty_batch_is_no_trouble():
    assert check([], STREAMS, AT).message_id == []


anything = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([1]))


@given(st.lists(st.builds(Reading, st.sampled_from([7, 8, 9, "mains/north", None, "\x00"]), anything,
                          st.sampled_from(["kPa", "bar", "mm", "?", None, 3]),
                          st.one_of(st.datetimes(timezones=st.just(UTC)), st.datetimes(), st.none(), st.just(AT)),
                          st.one_of(st.text(max_size=3), st.none()))))  # fmt: skip
def test_every_reading_is_kept_set_aside_or_known_and_what_is_kept_is_sound(batch):
    found = check(batch, STREAMS, AT)
    assert len(found.message_id) + found.duplicates + sum(found.rejected.values()) == len(batch)
    assert np.isfinite(found.result).all()
    keys = list(zip(found.datastream_id.tolist(), found.message_id, strict=True))
    assert len(keys) == len(set(keys))


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_survives_its_microseconds(at):
    assert instant_of(microseconds(at)) == at


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, ""),
        ({"lon": 22.5, "lat": 113.9}, "bad_place"),
        ({"lon": float("nan")}, "bad_place"),
        ({"lat": None}, "bad_place"),
        ({"category": "Ground Collapse"}, "bad_category"),
        ({"category": "x" * 41}, "bad_category"),
        ({"at": AT - timedelta(days=8)}, "too_old"),
        ({"message_id": ""}, "no_message_id"),
    ],
)
def test_calls_are_judged_too(changes, reason):
    call = {"message_id": "c1", "category": "ground-collapse", "lon": 113.9, "lat": 22.5, "at": AT}
    assert fault_of_report(CallReport(**(call | changes)), AT) == reason


def test_a_stream_is_silent_after_more_than_five_of_its_cadences():
    last_us, cadence_s = np.array([0, 100, 101]) * 1_000_000, np.array([60, 60, 60])
    assert silent(last_us, cadence_s, 401_000_000).tolist() == [True, True, False]


def test_every_kind_can_say_what_it_measures():
    assert all(kind.low < kind.high and kind.cadence_s > 0 for kind in KINDS.values())
