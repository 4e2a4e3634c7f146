"""What the city hears in a drill: reproducible, and as broken as the scenario wants it."""

import copy
from datetime import timedelta

import numpy as np

from cityloom.drills import queries
from cityloom.drills.domain.rehearsal import Rehearsal, Streams
from cityloom.drills.domain.scenario import scenario_from

PLACE = (113.93, 22.52)


def streams() -> Streams:
    rng = np.random.default_rng(5)
    kinds = np.array(["pressure", "settlement", "traffic_speed", "camera"] * 20, dtype=object)
    units = np.array(["kPa", "mm", "km/h", "1"] * 20, dtype=object)
    lon, lat = PLACE[0] + rng.uniform(-0.006, 0.006, 80), PLACE[1] + rng.uniform(-0.006, 0.006, 80)
    return Streams(np.arange(1, 81), kinds, units, lon, lat)


def rehearsal(**changes: object) -> Rehearsal:
    document = copy.deepcopy(queries.scenario_document("sinkhole")) | changes
    return Rehearsal(scenario_from(document, queries.schema()), streams(), PLACE, "E" * 26)


def test_the_same_scenario_gives_the_same_messages_to_the_last_digit() -> None:
    assert rehearsal().background() == rehearsal().background()
    assert repr(rehearsal().batches()) == repr(rehearsal().batches())


def test_the_background_is_quiet_and_over_before_the_event() -> None:
    played = rehearsal()
    readings = played.background()
    assert len(readings) == 60 * 72
    assert all(reading.at <= played.scenario.start - timedelta(seconds=60) for reading in readings)
    speeds = [reading.value for reading in readings if reading.unit == "km/h"]
    assert 15 < min(speeds) < max(speeds) < 60


def test_pressure_falls_near_the_hole_and_nowhere_else() -> None:
    played = rehearsal(faults=[])
    last = next(batch for batch in played.batches() if batch.at_s == 60)
    near = np.hypot(*played._xy.T) <= 250
    for reading in last.readings:
        row = reading.datastream - 1
        if reading.unit == "kPa":
            assert (reading.value < 0.8 * played._level[row]) == near[row]


def test_a_message_that_comes_twice_is_the_same_message() -> None:
    played = rehearsal(faults=[{"kind": "duplicate-messages", "share": 1.0}])
    first, second = played.batches()[:2]
    assert set(map(id, first.readings)) <= set(map(id, second.readings))


def test_silent_sensors_say_nothing_after_the_background() -> None:
    played = rehearsal(faults=[{"kind": "silent-sensors", "share": 1.0}])
    assert len(played.background()) > 0
    assert all(batch.readings == [] for batch in played.batches())


def test_nonsense_comes_in_every_kind() -> None:
    played = rehearsal(faults=[{"kind": "bad-readings", "count": 7}])
    (batch,) = [batch for batch in played.batches() if any(".x0" in reading.message_id for reading in batch.readings)]
    bad = [reading for reading in batch.readings if ".x" in reading.message_id]
    assert len(bad) == 7
    assert {reading.datastream for reading in bad} == {1, "no-such-sensor"}
