"""Leaks are looked for each day and told once, with place and litres a second."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from cityloom.bus import queries as bus
from cityloom.detection import actions, queries
from cityloom.detection.models import Detection, LeakWatch
from cityloom.detection.trust import leaks
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.geometry import distance_m
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from tests.detection.test_leakage import NETWORK, NODES, recording
from tests.signals.drawn import sites

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
EDGE, LITRES, START = 20, 4.0, 66


@pytest.fixture
def city(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven gauges on a network, a leak in one main from the 66th day on, readings from the first."""
    xy = NETWORK.xy[NODES] - NETWORK.plane.xy(np.array([113.93]), np.array([22.53]))
    signals.install(sites(*(("pressure", *place) for place in xy.tolist())), by=SYSTEM, at=BEGIN)
    at_s, value = recording(100, LITRES, EDGE, START)

    def hours(_: Any, since: datetime, until: datetime) -> tuple[np.ndarray, np.ndarray]:
        asked = (at_s >= (since - BEGIN).total_seconds()) & (at_s < (until - BEGIN).total_seconds())
        return at_s[asked] + BEGIN.timestamp() + 1800, value[asked]

    monkeypatch.setattr(leaks, "_network", lambda: NETWORK)
    monkeypatch.setattr(leaks, "_first_day", lambda *_: BEGIN)
    monkeypatch.setattr(leaks, "_hours", hours)


def look(day: int) -> leaks.Looked:
    return actions.look_for_leaks(by=SYSTEM, at=BEGIN + timedelta(days=day, hours=5))


def test_a_leak_is_told_once_with_its_place_and_what_it_loses(city: None) -> None:
    assert look(64).raised == ()
    told = [key for day in (72, 73, 73, 80) for key in look(day).raised]
    (found,) = queries.detections_of()
    assert (told, found.category) == ([found.id], "leak")
    lon, lat = NETWORK.plane.lonlat(NETWORK.middle[[EDGE]])[0].tolist()
    assert distance_m(found.lon, found.lat, lon, lat) <= found.radius_m + 200
    assert found.litres_s == pytest.approx(LITRES, rel=0.5)
    assert found.places and str(NETWORK.edge[EDGE]) in [code for code, _ in found.places]
    first = queries.evidence_of(found.id)[0]
    assert (first.kind, first.unit) == ("pressure", "kPa")
    assert first.value < first.baseline and abs(first.baseline - 380) < 40
    assert [one.type.split(".")[-2] for one in bus.events_of("")] == ["DetectionRaised"]


def test_what_is_usual_is_learnt_first_and_not_for_ever(city: None) -> None:
    with pytest.raises(Refused, match="until 2026-03-02"):
        look(50)
    actions.learn_usual(since=BEGIN, days=30, by=SYSTEM, at=BEGIN)
    assert look(50).days == 20
    assert LeakWatch.objects.get().until == BEGIN + timedelta(days=30)
    with pytest.raises(Refused, match="choose quiet weeks anew"):
        look(500)
    with pytest.raises(Refused, match="at least 28"):
        actions.learn_usual(since=BEGIN, days=27, by=SYSTEM, at=BEGIN)
    with pytest.raises(Refused, match="written by"):
        actions.learn_usual(since=BEGIN, days=30, by=Actor("a", "city", frozenset({"auditor"})), at=BEGIN)
    assert not Detection.objects.exists()


def test_without_a_network_or_sensors_it_is_said_what_is_missing(db: None) -> None:
    assert not queries.are_leaks_wanted()
    with pytest.raises(Refused, match="load its mains first"):
        look(99)
