"""Causes are looked for as readings and calls come: the same detections as from the recording, each once."""

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
from cityloom.detection.browsing import listing
from cityloom.detection.browsing.listing import Asked
from cityloom.detection.domain.firing import Recorded
from cityloom.detection.domain.replaying import would_tell
from cityloom.detection.domain.said import heard
from cityloom.detection.models import Detection
from cityloom.detection.watching import learnt as learning
from cityloom.detection.watching.lookout import Lookout
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.signals.domain import bulk
from cityloom.signals.domain.reading import CallReport
from tests.detection.drawn_networks import PLANE, grid
from tests.signals.drawn import sites

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
"""The first stands in the burst, two more are near to it, four are far away."""
XY = ((800, 800), (1000, 800), (800, 1000), (1600, 1600), (100, 100), (1600, 100), (100, 1600))
BURST = queries.shipped_cause_files()["pipe-burst"].read_text("utf-8")
GAS = queries.shipped_cause_files()["gas-leak"].read_text("utf-8")


class Live:
    """A road with its lookout, as the ingest process has them; `kill` leaves both as a kill would."""

    def __init__(self, time: clock.DrillClock) -> None:
        self.time = time
        self.road = signals.open_road(noted=self._note, now=time.now)
        self.lookout: Lookout = actions.watch_readings(by=SYSTEM, now=time.now, aside=False)

    def _note(self, kept: Any) -> None:
        self.lookout.note(kept)

    def hear(self, at: datetime, values: list[float], first: int = 1) -> None:
        """Keep a reading of each stream, and look."""
        self.time.advance_to(at)
        lines = [json.dumps({"datastream": str(number), "result": value, "phenomenonTime": at.isoformat()})
                 for number, value in enumerate(values, first)]  # fmt: skip
        self.road.take(bulk.blocks("x.ndjson", "\n".join(lines).encode()), at)
        self.look()

    def look(self) -> None:
        """Do what is due, as a second later."""
        self.lookout._causes._due = 0.0
        self.lookout.tick(self.time.now())

    def kill(self) -> None:
        """Leave the disk as it is."""
        self.road._store._appender._settle()
        self.road._store._appender._lock.close()


def two_hours() -> np.ndarray:
    """Two hours of ordinary pressure, then ten minutes of a burst near to the first: kPa by minute and stream."""
    value = 350 + np.random.default_rng(3).normal(0, 2, (131, len(XY)))
    value[121:] -= np.array([60, 45, 45, 8, 4, 8, 8])
    return np.round(value, 3)


@pytest.fixture
def live(db: None, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Live]:
    """Seven gauges on a network, the burst pack in force."""
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path / "lake", "STILLS_DIR": tmp_path}
    network = grid()
    monkeypatch.setattr("cityloom.detection.trust.networks.Networks.get", lambda _, name: network)
    signals.install(sites(*(("pressure", *xy) for xy in XY)), by=SYSTEM, at=AT)
    in_force(BURST)
    return lambda: Live(clock.DrillClock(AT))


def in_force(text: str) -> None:
    name, number = actions.keep_pack(text=text, by=SYSTEM, at=AT)
    actions.put_in_force(pack=name, number=number, reason="tried on the past", by=SYSTEM, at=AT)


def raised(now: Live) -> list[str]:
    with clock.use(now.time):
        bus_actions.drain(at=now.time.now())
    return [one.data["category"] for one in bus.events_of("") if "DetectionRaised" in one.type]


@pytest.mark.parametrize("killed", [False, True])
def test_live_tells_what_the_recording_tells_and_once_over_a_kill(live: Callable[[], Live], killed: bool) -> None:
    now, value = live(), two_hours()
    for minute, row in enumerate(value):
        if killed and minute == 122:
            learning.keep(now.lookout.watch.folder, now.lookout.watch.learnt)
            now.kill()
            now = Live(now.time)
        now.hear(AT + minute * MINUTE, row.tolist())
    (found,) = Detection.objects.all()
    assert (found.category, raised(now)) == ("pipe-burst", ["pipe-burst"])
    assert [one for one in bus.events_of("") if "IncidentOpened" in one.type] == []

    lon, lat = PLANE.lonlat(np.array(XY, float)).T
    count, names = len(XY), np.array([f"datastream:{key}" for key in range(1, len(XY) + 1)], object)
    recorded = Recorded(
        np.repeat(np.arange(count), len(value)), np.tile(AT.timestamp() + 60.0 * np.arange(len(value)), count),
        value.T.ravel(), names, np.full(count, "pressure", object), np.full(count, "kPa", object), lon, lat,
    )  # fmt: skip
    network = grid()
    (told,) = would_tell(queries.cause_of(BURST), recorded, heard([]), lambda _: network)
    assert told.first_at == found.first_at
    assert told.at.timestamp() == found.raised_at.timestamp()
    speaks = {item["source"] for item in found.evidence if item["weight"] > 0}
    assert speaks >= {item.source for item in told.evidence if item.weight > 0}
    assert found.score >= told.score - 0.5
    metres = np.hypot(*(PLANE.xy(np.array([found.lon]), np.array([found.lat]))[0] - XY[0]))
    assert metres <= found.radius_m < 500
    assert found.places and found.places[0][1] > 0


RULES = """\
cityloom: 1
pack: water-company
title: {en: Mains}
rules:
  - rule: fell
    title: {en: Pressure fell}
    when: {kind: pressure, falls: 30, unit: kPa, within: 10 min}
  - rule: gone
    title: {en: A gauge is silent}
    when: {kind: pressure, silent: 4 min}
"""


def test_what_a_rule_says_of_the_same_streams_is_not_told_beside_the_cause(live: Callable[[], Live]) -> None:
    now, value = live(), two_hours()
    in_force(RULES)
    now.lookout._rules._looked_at = -100.0
    for minute, row in enumerate(value[100:126]):
        now.hear(AT + minute * MINUTE, row.tolist())
    for minute in range(26, 32):
        now.hear(AT + minute * MINUTE, value[125][:6].tolist())  # the seventh is silent from now on
    shown = [(row.category, row.rule) for row in listing.detections(Asked(), now.time.now())]
    assert sorted(shown) == [("pipe-burst", ""), ("water-company", "gone")]
    assert [one.category for one in listing.waiting(9)] == ["pipe-burst", "water-company"]
    cause = Detection.objects.get(category="pipe-burst")
    assert {row.part_of for row in Detection.objects.filter(rule="fell")} <= {cause.id}


def test_gas_opens_an_incident_and_callers_alone_do_not(
    live: Callable[[], Live], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("cityloom.emergency.actions.open_incident", lambda **said: opened.append(said["category"]))
    in_force(GAS)
    signals.install(sites(*(("methane", x, 400) for x in (400, 430, 415, 900))), by=SYSTEM, at=AT)
    now, chance = live(), np.random.default_rng(5)
    for minute in range(20):
        values = np.abs(chance.normal(0.5, 0.1, 4))
        values[:3] += 20 * (minute > 17)
        now.hear(AT + minute * MINUTE, values.round(3).tolist(), first=len(XY) + 1)
        if minute == 17:
            lon, lat = PLANE.lonlat(np.array([[410.0, 420.0]]))[0].tolist()
            calls = [CallReport(f"call-{caller}", "gas-smell", lon, lat, now.time.now(), caller) for caller in "ab"]
            with clock.use(now.time):
                signals.record(reports=calls, by=SYSTEM, at=now.time.now())
            now.look()
            assert raised(now) == []
    assert raised(now) == ["gas-leak"]
    assert opened == ["gas-leak"]
    (found,) = queries.detections_of()
    assert {item.kind for item in queries.evidence_of(found.id)} == {"methane", "call"}


@pytest.mark.parametrize(("text", "code"), [
    (GAS.replace("{sources: 2}", "{sources: 1}"), "detection.pack_alone"),
    (GAS.replace("cause: gas-leak", "cause: ground-collapse"), "detection.pack_name"),
    (RULES.replace("pack: water-company", "pack: pipe-burst"), "detection.pack_name"),
    (RULES.replace("pack: water-company", "pack: gas-leak"), "detection.pack_name"),
])  # fmt: skip
def test_what_opens_incidents_is_never_a_matter_of_one_source(db: None, text: str, code: str) -> None:
    actions.keep_pack(text=BURST, by=SYSTEM, at=AT)
    with pytest.raises(Refused) as refusal:
        actions.keep_pack(text=text, by=SYSTEM, at=AT)
    assert refusal.value.code == code
