"""Readings at a high rate are judged as they come, over kills and restarts, and what is odd is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityloom.bus import actions as bus_actions
from cityloom.bus import queries as bus
from cityloom.detection import actions, queries
from cityloom.detection.models import Detection
from cityloom.detection.watching import learnt as learning
from cityloom.detection.watching.lookout import Lookout
from cityloom.fieldwork import queries as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.signals.domain import bulk
from tests.signals.drawn import sites

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STREET = (
    ("pressure", 40, 0), ("pressure", -60, 10), ("settlement", 5, 5), ("settlement", -15, 0),
    ("traffic_speed", 90, 0), ("traffic_speed", -110, 0), ("pressure", 3_000, 0), ("rain", 0, 9),
)  # fmt: skip
NORMAL = {"pressure": 350.0, "settlement": 2.0, "traffic_speed": 42.0, "rain": 1.0}
NOISE = {"pressure": 2.0, "settlement": 0.3, "traffic_speed": 3.0}
FALLEN = {"pressure": 90.0, "settlement": 38.0, "traffic_speed": 4.0}
pytestmark = pytest.mark.django_db


class Live:
    """A road with its lookout, as the ingest process has them; `kill` leaves both as a kill would."""

    def __init__(self, time: clock.DrillClock) -> None:
        self.time = time
        self.road = signals.open_road(noted=self._note, now=time.now)
        self.lookout: Lookout = actions.watch_readings(by=SYSTEM, now=time.now)

    def _note(self, kept: Any) -> None:
        self.lookout.note(kept)

    def hear(self, at: datetime, values: dict[int, float]) -> None:
        self.time.advance_to(at)
        lines = [json.dumps({"datastream": str(number), "result": value, "phenomenonTime": at.isoformat()})
                 for number, value in values.items()]  # fmt: skip
        self.road.take(bulk.blocks("x.ndjson", "\n".join(lines).encode()), at)

    def kill(self) -> None:
        self.road._store._appender._settle()
        self.road._store._appender._lock.close()


@pytest.fixture
def live(db: None, settings: Any, tmp_path: Path) -> Callable[[], Live]:
    """A street whose sensors were ordinary for three hours."""
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path / "lake", "STILLS_DIR": tmp_path}
    signals.install(sites(*STREET), by=SYSTEM, at=AT)
    time = clock.DrillClock(AT)
    found = Live(time)
    for minute in range(-180, 1):
        found.hear(AT + minute * MINUTE, ordinary(minute))
    found.lookout.watch.note_usual(AT.timestamp())
    return lambda: found


def ordinary(minute: int) -> dict[int, float]:
    chance = np.random.default_rng(minute + 1_000)
    return {number: round(NORMAL[kind] + chance.normal(0, NOISE.get(kind, 0.1)), 3)
            for number, (kind, *_) in enumerate(STREET, 1)}  # fmt: skip


def learnt(lookout: Lookout) -> bytes:
    return lookout.watch.learnt.baseline.to_bytes()


def events(name: str) -> list[dict[str, Any]]:
    return [one.data for one in bus.events_of("") if one.type.split(".")[-2] == name]


def test_what_happens_on_the_road_alone_is_detected_once(live: Callable[[], Live]) -> None:
    now = live()
    assert events("SignalsRecorded") == []
    for minute in range(1, 4):
        fallen = {number: FALLEN.get(STREET[number - 1][0], value) if number < 7 else value
                  for number, value in ordinary(minute).items()}  # fmt: skip
        now.hear(AT + minute * MINUTE, fallen)
        now.lookout._teller.tell(now.time.now(), now=True)
        with clock.use(now.time):
            bus_actions.drain(at=now.time.now())
    (found,) = Detection.objects.all()
    assert found.category == "ground-collapse"
    sources = {item["source"]: item for item in found.evidence}
    assert set(sources) == {f"datastream:{number}" for number in range(1, 7)}
    assert abs(sources["datastream:1"]["baseline"] - 350) < 3
    assert sources["datastream:1"]["value"] == 90


def test_an_ordinary_road_says_nothing_and_old_readings_wake_nobody(live: Callable[[], Live]) -> None:
    now = live()
    now.hear(AT + MINUTE, ordinary(1))
    now.time.advance(7_200)
    now.hear(AT + 2 * MINUTE, {1: 9.0})
    now.lookout._teller.tell(now.time.now(), now=True)
    assert events("SignalsRecorded") == []


@pytest.mark.parametrize("keeps", [True, False])
def test_after_a_kill_what_was_kept_is_judged_and_nothing_twice(live: Callable[[], Live], keeps: bool) -> None:
    now = live()
    if keeps:
        learning.keep(now.lookout.watch.folder, now.lookout.watch.learnt)
    for minute in range(1, 20):
        now.hear(AT + minute * MINUTE, ordinary(minute))
    before = learnt(now.lookout)
    now.kill()
    again = Live(now.time)
    assert learnt(again.lookout) == before
    assert again.lookout.catch_up() == 0


def test_a_kill_between_keeping_and_judging_loses_nothing(live: Callable[[], Live]) -> None:
    now = live()
    now.road._noted = lambda kept: None
    now.hear(AT + MINUTE, ordinary(1))
    count = now.lookout.watch.learnt.baseline.column("count").copy()
    assert now.lookout.catch_up() == len(STREET)
    assert (now.lookout.watch.learnt.baseline.column("count") == count + 1).all()


def test_a_sensor_that_fails_is_told_once_and_is_to_be_repaired(live: Callable[[], Live]) -> None:
    now = live()

    def go_on(first: int, last: int, silent: int | None) -> None:
        for minute in range(first, last):
            now.hear(AT + minute * MINUTE, {key: value for key, value in ordinary(minute).items() if key != silent})
            now.lookout._faults.look(now.time.now())
        bus_actions.drain(at=now.time.now())

    go_on(1, 10, silent=2)
    assert [(one["datastream_id"], one["state"]) for one in events("SensorFailed")] == [(2, "silent")]
    assert [(one.what, one.fault) for one in fieldwork.repairs()] == [("datastream:2", "silent")]
    assert [one.state for one in queries.failed_sensors()] == ["silent"]
    assert Detection.objects.count() == 0
    now.kill()
    now = Live(now.time)
    go_on(10, 14, silent=None)
    assert len(events("SensorFailed")) == 1
    assert [one["datastream_id"] for one in events("SensorRecovered")] == [2]
    assert fieldwork.repairs() == []
    assert len(fieldwork.repairs(open_only=False)) == 1


def test_where_nothing_comes_at_all_no_sensor_is_blamed(live: Callable[[], Live]) -> None:
    now = live()
    now.time.advance(86_400)
    for _ in range(3):
        now.lookout._faults.look(now.time.now())
    assert events("SensorFailed") == []


def test_a_sensor_that_says_what_it_cannot_has_failed(live: Callable[[], Live]) -> None:
    now = live()
    now.hear(AT + MINUTE, {1: 1e9})
    for _ in range(2):
        now.lookout._faults.look(now.time.now())
    assert [(one["datastream_id"], one["state"]) for one in events("SensorFailed")] == [(1, "out_of_range")]


def test_others_see_what_is_known_of_each_stream(live: Callable[[], Live]) -> None:
    now = live()
    now.hear(AT + MINUTE, ordinary(1) | {1: 77.0})
    now.lookout.watch.note_usual(now.time.now().timestamp())
    first = queries.sensors_now()[0]
    assert (first.id, first.value, first.at) == (1, 77.0, AT + MINUTE)
    assert abs(first.expected - 350) < 3
    assert 1 < first.spread < 4
    assert queries.baselines_of([1, 2]).median.tolist() == [one.expected for one in queries.sensors_now()[:2]]


BURST = """
cityloom: 1
pack: mains
title: {en: Mains}
rules:
  - rule: burst
    title: {en: Pressure fell at two sensors}
    quiet: 1 h
    when: {together: {kind: pressure, falls: 50, unit: kPa, within: 10 min}, at_least: 2, within: 10 min, within_m: 500}
  - rule: gone
    title: {en: A gauge is silent}
    when: {kind: rain, silent: 4 min}
"""


def rules_fired() -> list[tuple[str, str, set[str]]]:
    return [(row.category, row.rule, {item["source"] for item in row.evidence})
            for row in Detection.objects.exclude(rule="").order_by("first_at")]  # fmt: skip


@pytest.mark.parametrize("killed", [False, True])
def test_a_rule_in_force_raises_a_detection_once_and_no_incident(live: Callable[[], Live], killed: bool) -> None:
    now = live()
    name, number = actions.keep_pack(text=BURST, by=SYSTEM, at=AT)
    actions.put_in_force(pack=name, number=number, reason="tried on the past", by=SYSTEM, at=AT)
    now.lookout._rules._looked_at = -100.0
    now.lookout.tick(now.time.now())
    now.hear(AT + MINUTE, ordinary(1))
    now.hear(AT + 2 * MINUTE, ordinary(2) | {1: 250.0})
    if killed:
        learning.keep(now.lookout.watch.folder, now.lookout.watch.learnt)
        now.lookout.close()
        now.kill()
        now = Live(now.time)
    now.hear(AT + 3 * MINUTE, ordinary(3) | {1: 251.0, 2: 240.0})
    now.time.advance(1)
    now.lookout.tick(now.time.now())
    assert rules_fired() == [("mains", "burst", {"datastream:1", "datastream:2"})]
    (found,) = queries.evidence_of(Detection.objects.get(rule="burst").id)[1:]
    assert (found.value, found.unit, round(found.baseline or 0, -1)) in ((240.0, "kPa", 350.0), (251.0, "kPa", 350.0))
    for minute in range(4, 9):
        now.hear(AT + minute * MINUTE, {key: value for key, value in ordinary(minute).items() if key != 8})
    now.time.advance(1)
    now.lookout.tick(now.time.now())
    assert [row[:2] for row in rules_fired()] == [("mains", "burst"), ("mains", "gone")]
    with clock.use(now.time):
        bus_actions.drain(at=now.time.now())
    assert events("DetectionRaised")
    assert events("IncidentOpened") == []


def test_no_rule_alone_can_open_an_incident(db: None) -> None:
    with pytest.raises(Refused) as refused:
        actions.keep_pack(text=BURST.replace("pack: mains", "pack: gas-leak"), by=SYSTEM, at=AT)
    assert refused.value.code == "detection.pack_name"
