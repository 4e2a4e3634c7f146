"""A sensor's page says whose it is, how it does and what it said; a list finds those that fail."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import numpy as np
import pytest

from cityloom.detection.models import Detection, SensorState
from cityloom.fieldwork import actions as fieldwork
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.signals import queries
from cityloom.signals.actions import Reading
from cityloom.signals.models import Datastream, Location, Observation, Sensor, Thing
from cityloom.signals.readings.thinning import thin
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401
from tests.signals import test_thinning as thinning
from tests.signals.drawn import sites

pytestmark = pytest.mark.django_db


@pytest.fixture
def mains() -> None:
    """Three sensors; the first has spoken for six hours, each minute."""
    signals.install(sites(("pressure", 0, 0), ("flow", 60, 0), ("rain", 90, 0)), by=SYSTEM, at=clock.now())
    now, chance = clock.now(), np.random.default_rng(3)
    said = [Reading(1, 350 + float(chance.normal()), "kPa", now - timedelta(minutes=minute), f"m{minute}")
            for minute in range(360)]  # fmt: skip
    signals.record(readings=said, by=SYSTEM, at=now, history=True)


def page_of(number: int, who: str = "department-water", **asked: str) -> str:
    return client(who).get(f"/sensors/{number}/", asked).content.decode()


def test_the_page_tells_what_is_known_and_draws_what_is_usual(mains):
    page = page_of(1, period="hour")
    for words in ("pressure-1", "kPa", "0 … 2000 kPa", "every 60 s", "Water", "in service",
                  "60 readings in this time", 'class="usual"', "The last readings, one by one", "Datastreams(1)",
                  "None within a year"):  # fmt: skip
        assert words in page, words
    assert "350 readings" not in page


def test_a_long_period_is_drawn_of_few_stretches_with_all_readings_counted(mains):
    now = clock.now()
    found = queries.outline([1], now - timedelta(days=30), now, most=100)
    assert 1 <= len(found) <= 2
    assert found.count.sum() == 360
    assert found.low.min() < found.mean.mean() < found.high.max()
    assert "360 readings in this time" in page_of(1, period="month")


def test_a_year_is_drawn_of_hours_where_only_hours_are_kept_and_says_so(settings, tmp_path):
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    signals.install(sites(*[("pressure", east, 0) for east in range(7)]), by=SYSTEM, at=clock.now())
    quarter = 15 / 1_440
    thinning.keep(tmp_path, *[(0, 300 - quarter * row, 350.0 + row % 4) for row in range(4 * 24 * 60)], (0, 1, 500.0))
    assert thin(tmp_path, thinning.RULE, thinning.TODAY.date()) == 4 * 24 * 60
    page = page_of(7, period="year", until="2026-05-20T00:00:00Z")
    for words in ("5761 readings in this time", "Each point is the mean of a day", 'class="usual"',
                  "only hours are kept"):  # fmt: skip
        assert words in page, words
    found = queries.outline([7], thinning.TODAY - timedelta(days=365), thinning.TODAY, most=365)
    assert (found.count[1:-2] == 96).all()
    assert (found.low.min(), found.high[:-1].max()) == (350.0, 353.0)
    assert (abs(found.mean[1:-2] - 351.5) < 1e-9).all()
    lately = page_of(7, "operator", period="day", until="2026-05-20T00:00:01Z")
    assert "only hours are kept" not in lately


def test_when_it_failed_is_listed(mains):
    at = clock.now() - timedelta(hours=3)
    repair = {"name": "x", "kind": "pressure", "fault": "stuck", "lon": 114.0, "lat": 22.5, "by": SYSTEM}
    fieldwork.ask_for_repair(what="datastream:1", at=at, **repair)
    fieldwork.end_repair(what="datastream:1", by=SYSTEM, at=clock.now())
    fieldwork.ask_for_repair(what="datastream:11", at=at, **repair)
    page = page_of(1)
    assert page.count("stuck") == 1
    assert "No failure of it is known." in page_of(2, "operator")


def test_where_nothing_came_lately_the_page_leads_to_the_last_reading(mains):
    Observation.objects.update(phenomenon_us=Observation.objects.first().phenomenon_us - 40 * 86_400_000_000)
    Observation.objects.exclude(id=Observation.objects.first().id).delete()
    page = page_of(1)
    assert "the last reading is older" in page
    assert "There are no readings in this time" in page


def test_a_sensor_that_came_by_sensorthings_has_a_page_with_what_was_said_of_it():
    thing = Thing.objects.create(name="A pole", properties=json.dumps({"owner": "University"}))
    place = '{"type": "Point", "coordinates": [114.1, 22.6]}'
    thing.locations.add(Location.objects.create(name="here", location=place))
    sensor = Sensor.objects.create(name="BME280", description="Thermometer <b>")
    unit = {"name": "degree Celsius", "symbol": "°C", "definition": "ucum:Cel"}
    row = Datastream.objects.create(thing=thing, sensor=sensor, name="air", unit_of_measurement=json.dumps(unit),
                                    properties='{"calibrated_on": "2026-03-01", "x": 1}')  # fmt: skip
    at_us = int(clock.now().timestamp() * 1e6) - 60_000_000
    Observation.objects.bulk_create(
        Observation(datastream_id=row.id, phenomenon_us=at_us - n * 1_000_000, result=20.0 + n) for n in range(30)
    )
    page = page_of(row.id)
    for words in ("University", "Cel", "Thermometer &lt;b&gt;", "114.10000, 22.60000", "2026-03-01", "not stated",
                  "30 readings in this time"):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize("place", ["not json", '{"type": "Nothing"}', '"a street"', "null"])
def test_a_place_that_is_none_is_no_place(place):
    thing = Thing.objects.create(name="A pole", properties="[1]")
    thing.locations.add(Location.objects.create(name="here", location=place))
    row = Datastream.objects.create(thing=thing, sensor=Sensor.objects.create(name="s"), name="x", properties="{")
    assert "On the map" not in page_of(row.id).split("<main")[1]


def test_a_list_is_narrowed_by_kind_state_and_owner_and_leads_to_each(mains):
    for number, state in ((2, "silent"), (1, "in_service")):
        SensorState.objects.create(datastream_id=number, state=state, since=clock.now(), found=9, limit=5,
                                   is_failed=state == "silent")  # fmt: skip
    signals.set_service(datastream_ids=[3], in_service=False, by=SYSTEM, at=clock.now())
    signals.set_owner(datastream_ids=[1], unit="city/water/north", by=SYSTEM, at=clock.now())
    there = client("duty-officer")
    for asked, shown in (({}, {1, 2, 3}), ({"kind": "flow"}, {2}), ({"state": "silent"}, {2}), ({"state": "out"}, {3}),
                         ({"state": "in_service"}, {1}), ({"state": "stuck"}, set()), ({"unit": "city/water"}, {1, 2}),
                         ({"unit": "city/wat"}, set()), ({"state": "unknown", "page": "x"}, {1, 2, 3})):  # fmt: skip
        page = there.get("/sensors/list/", asked).content.decode()
        assert {number for number in (1, 2, 3) if f'href="/sensors/{number}/"' in page} == shown, asked
        drawn = there.get("/map/live/sensor-list.json", asked).json()
        assert {int(one["properties"]["id"]) for one in drawn["features"]} == shown, asked
    assert "silent" in there.get("/sensors/2/").content.decode()


def test_the_map_of_a_list_asks_for_what_the_list_does(mains):
    there = client("duty-officer")
    page = there.get("/sensors/list/", {"kind": "flow", "state": "nonsense"}).content.decode()
    assert 'data-layers-url="/map/layers.json?kind=flow"' in page
    assert '<span class="state ">no fault known</span> 1' in page
    layers = {one["key"]: one for one in there.get("/map/layers.json", {"kind": "flow&x", "x": "1"}).json()["layers"]}
    assert layers["sensor-list"]["url"] == "/map/live/sensor-list.json?kind=flow%26x"
    assert layers["detections"]["url"] == "/map/live/detections.json"


def test_only_a_page_of_the_list_is_read(mains, django_assert_max_num_queries):
    signals.install(sites(*[("pressure", east, 20) for east in range(120)]), by=SYSTEM, at=clock.now())
    there = client("operator")
    page = there.get("/sensors/list/", {"page": "2", "kind": "pressure"}).content.decode()
    assert len(re.findall(r'href="/sensors/\d+/"', page)) == 50
    with django_assert_max_num_queries(25):
        there.get("/sensors/list/", {"page": "3"})


def test_the_detections_it_took_part_in_are_listed(mains):
    at = clock.now() - timedelta(days=2)
    for key, stream in (("one", 1), ("other", 11)):
        Detection.objects.create(id=key, category="pipe-burst", lon=114.0, lat=22.5, radius_m=40, first_at=at,
                                 last_at=at, raised_at=at, score=4.0,
                                 evidence=[{"source": f"datastream:{stream}"}])  # fmt: skip
    page = page_of(1)
    assert "/detections/one/" in page
    assert "/detections/other/" not in page


def test_a_calibration_is_written_down_and_nonsense_is_not(mains):
    there = client("department-water")
    sent = there.post("/sensors/1/calibrate/", {"on": "2026-11-01", "due_on": "2026-10-01"})
    assert sent.status_code == 422
    assert "not after 2026-11-01" in sent.content.decode()
    assert there.post("/sensors/1/calibrate/", {"on": "soon"}).status_code == 422
    assert there.post("/sensors/1/calibrate/", {"on": "2025-11-01", "due_on": "2026-01-01"}).status_code == 302
    assert queries.sensor(1).calibrated_on == date(2025, 11, 1)
    assert "due since 2026-01-01" in page_of(1, "operator")
    assert client("auditor").post("/sensors/1/calibrate/", {"on": "2026-11-01"}).status_code == 403
    with pytest.raises(Refused, match="still to come"):
        signals.note_calibration(datastream_ids=[1], on=date(2999, 1, 1), due_on=None, by=SYSTEM, at=clock.now())
    with pytest.raises(Refused, match="looked after by"):
        signals.set_owner(datastream_ids=[1], unit="x", by=Actor("a"), at=clock.now())


def test_there_is_no_page_of_what_there_is_not(mains):
    there = client("operator")
    assert there.get("/sensors/999/").status_code == 404
    assert there.get("/sensors/1/", {"until": "yesterday"}).status_code == 404
