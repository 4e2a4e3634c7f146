"""Weather from stations and grids becomes sensors and readings; what is wrong is refused by row and reason."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions, queries
from cityloom.signals.domain import weather
from cityloom.signals.domain.weather_form import form_of
from cityloom.signals.models import Datastream
from tests.examples import a_third_of

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
STATIONS = b"""station,lon,lat,time,rain,wind_speed
58362,121.45,31.40,2026-05-01T11:00:00Z,12.5,3
58362,121.45,31.40,2026-05-01T19:10:00+08:00,,4
58367,121.43,31.20,2026-05-01T11:00:00,1,1
58367,999,31.20,2026-05-01T11:00:00Z,1,1
58367,121.43,31.20,noon,1,1
58367,121.43,31.20,2026-05-01T11:00:00Z,much,2
"""
FORM = """
cityloom: 1
time: {column: date, zone: "+08:00", written: "%Y%m%d%H%M"}
station: number
stations: {"58362": [121.45, 31.40]}
missing: [-9999]
observes:
  rain: {column: rr10, unit: mm, over: 10 min}
  air_temperature: {column: t, unit: K}
"""


def said(found: weather.Weather) -> list[tuple[str, float, int]]:
    return list(zip(found.names, found.values, found.rows, strict=True))


def test_stations_are_read_and_wrong_rows_are_named_with_their_reasons():
    found = weather.read("a.csv", STATIONS)
    assert said(found) == [
        ("58362-rain", 12.5, 0), ("58362-wind_speed", 3, 0), ("58362-wind_speed", 4, 1), ("58367-wind_speed", 2, 5),
    ]  # fmt: skip
    assert found.faults == {2: "no_time_zone", 3: "bad_place", 4: "no_instant", 5: "not_a_number"}
    assert found.at_us[1] == found.at_us[0]
    assert found.at_us[2] - found.at_us[0] == 600_000_000
    assert found.many == 6


def test_a_form_names_columns_units_zone_and_places():
    body = b"number,date,rr10,t\n58362,202605011900,2.5,293.15\n58362,202605011910,-9999,-9999\n1,202605011900,1,280\n"
    found = weather.read("a.csv", body, form_of(FORM))
    assert said(found) == [("58362-rain", 15.0, 0), ("58362-air_temperature", pytest.approx(20.0), 0)]
    assert found.faults == {2: "bad_place"}
    assert datetime.fromtimestamp(found.at_us[0] / 1e6, UTC) == AT - timedelta(hours=1)


def test_cells_of_a_grid_come_as_csv_and_as_geojson():
    rows = b"lon,lat,time,rain\n121.41,31.21,2026-05-01T11:00:00Z,3\n121.42,31.21,2026-05-01T11:00:00Z,4\n"
    square = [[[121.4, 31.2], [121.42, 31.2], [121.42, 31.22], [121.4, 31.22], [121.4, 31.2]]]
    cell = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": square},
            "properties": {"time": "2026-05-01T11:00:00Z", "rain": 3}}  # fmt: skip
    drawn = json.dumps({"type": "FeatureCollection", "features": [cell, {"type": "Feature", "geometry": None}, 7]})
    by_rows, by_shape = weather.read("a.csv", rows), weather.read("a.geojson", drawn.encode())
    assert said(by_rows)[0] == said(by_shape)[0] == ("cell-121.4100,31.2100-rain", 3, 0)
    assert list(by_shape.faults) == [1, 2]


def grid(units: str = "mm h-1", since: str = "hours since 2026-05-01 00:00:00", side: int = 2) -> bytes:
    from scipy.io import netcdf_file

    sink = io.BytesIO()
    file = netcdf_file(sink, "w")
    for name, values in (("time", [11.0, 11.5]), ("lat", 31.2 + np.arange(side)), ("lon", 121.4 + np.arange(side))):
        file.createDimension(name, len(values))
        file.createVariable(name, "d", (name,))[:] = values
    file.variables["time"].units = since
    rain = file.createVariable("rain", "f", ("time", "lat", "lon"))
    rain[:] = np.arange(2 * side * side, dtype=np.float32).reshape(2, side, side)
    rain.units, rain._FillValue = units, np.float32(3)
    file.flush()
    return sink.getvalue()


def test_a_grid_in_netcdf_has_a_sensor_for_each_cell_and_leaves_out_what_is_missing():
    found = weather.read("a.nc", grid())
    assert found.values == [0, 1, 2, 4, 5, 6, 7]
    assert len(found.places) == 4
    assert set(found.at_us) == {1_777_633_200_000_000, 1_777_635_000_000_000}
    assert not found.faults


def test_a_grid_says_its_units_and_its_zone():
    found = weather.read("a.nc", grid("kg m-2 s-1", "hours since 2026-5-1 08:00:00 +08:00"))
    assert found.values[1] == pytest.approx(3600)
    assert found.at_us[0] == 1_777_633_200_000_000
    with pytest.raises(Refused, match="furlongs"):
        weather.read("a.nc", grid("furlongs"))


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("a.xlsx", b"", "format"), ("a.csv", b"", "format"), ("a.nc", b"\x89HDF", "format"),
        ("a.nc", b"CDF\x01", "format"),
        ("a.geojson", b"[" * 100_000, "format"), ("a.geojson", b'{"features": 3}', "format"),
        ("a.csv", b"lon,lat,time,snow\n1,2,3,4\n", "columns"), ("a.csv", b"lon,lat,rain\n1,2,3\n", "columns"),
    ],
)  # fmt: skip
def test_what_is_no_weather_is_refused(name, body, code):
    with pytest.raises(Refused) as refusal:
        weather.read(name, body)
    assert refusal.value.code == f"signals.weather_{code}"


def test_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(weather, "MOST_SITES", 3)
    with pytest.raises(Refused, match="cut the grid"):
        weather.read("a.nc", grid())
    monkeypatch.setattr(weather, "LARGEST_BYTES", 10)
    with pytest.raises(Refused, match="split it"):
        weather.read("a.csv", STATIONS)


def test_a_grid_of_a_country_is_refused():
    with pytest.raises(Refused, match="cells"):
        weather.read("a.nc", grid(side=60))


@pytest.mark.parametrize(
    "change",
    [("unit: mm, over: 10 min", "unit: mm"), ("unit: K", "unit: furlong"), ("+08:00", "Beijing"), ("rain:", "snow:"),
     ("unit: K", "unit: K, over: 1 h"), ("[121.45, 31.40]", "[999, 31.40]"), ("cityloom: 1", "cityloom: [")],
)  # fmt: skip
def test_a_form_that_does_not_fit_is_refused(change):
    assert change[0] in FORM
    with pytest.raises(Refused) as refusal:
        form_of(FORM.replace(*change))
    assert refusal.value.code == "signals.weather_form"


CELLS = st.sampled_from([
    "", "1", "nan", "-1e999", "121.4", "2026-05-01T11:00:00Z", "2026-05-01", "9999-12-31T23:59:59-14:00",
    "0001-01-01T00:00:00+14:00", "\u4e0a\u6d77", "'", "\x00", "x" * 300,
])  # fmt: skip


@given(st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, CELLS), min_size=1, max_size=5))
@settings(max_examples=a_third_of(40), deadline=None)
def test_every_row_is_taken_or_named(rows):
    text = "station,lon,lat,time,rain\n" + "\n".join(",".join(row) for row in rows)
    found = weather.read("a.csv", text.encode())
    assert set(found.rows) | set(found.faults) <= set(range(found.many))
    assert not set(found.rows) & set(found.faults)
    assert np.isfinite(found.values).all()


@pytest.fixture
def lake(db: None, tmp_path: Path, settings: Any) -> Path:
    settings.CITYLOOM = settings.CITYLOOM | {"LAKE_DIR": tmp_path}
    return tmp_path


def test_weather_becomes_sensors_with_readings_once(lake: Path) -> None:
    first = actions.take_weather(name="a.csv", content=STATIONS, form="", by=SYSTEM, at=AT)
    again = actions.take_weather(name="a.csv", content=STATIONS, form="", by=SYSTEM, at=AT)
    assert (first.sensors, first.readings.kept, again.sensors, again.readings.duplicates) == (3, 4, 0, 4)
    assert first.aside[0] == (2, "no_time_zone")
    made = {one.name: one for one in Datastream.objects.select_related("thing")}
    assert set(made) == {"58362-rain", "58362-wind_speed", "58367-wind_speed"}
    rain = made["58362-rain"]
    assert (rain.kind, rain.unit, rain.thing.lon) == ("rain", "mm/h", 121.45)
    found = queries.readings_between([rain.id], AT - timedelta(days=1), AT)
    assert found.result.tolist() == [12.5]


def test_the_folder_of_readings_takes_weather_too(lake: Path, tmp_path: Path) -> None:
    import os

    place = tmp_path / "readings"
    place.mkdir()
    (place / ".weather.yaml").write_text(FORM)
    file = place / "today.weather.csv"
    file.write_bytes(b"number,date,rr10,t\n58362,202605011900,2.5,293.15\n")
    os.utime(file, (0, 0))
    road = actions.open_road()
    folder = actions.open_folder(place)
    try:
        block = folder.next()
        assert block is not None, [one.read_text() for one in (place / "refused").glob("*.json")]
        told = road.take([block], AT)
        assert folder.next() is None
        folder.done({"kept": told.kept})
    finally:
        road.close()
    assert told.kept == 2
    assert Datastream.objects.filter(name="58362-rain", kind="rain").exists()
    assert (place / "taken" / "today.weather.csv").exists()
