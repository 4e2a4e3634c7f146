"""Weather as stations and grids write it: rows of a CSV or of GeoJSON, turned into streams and readings.

A station, or a cell of a grid, becomes a named sensor for each quantity that it reports, as in `58362-rain` or
`cell-121.4000,31.2000-rain`. A row that is wrong is set aside with its reason; its neighbours are taken.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa

from cityloom.kernel.refused import Refused
from cityloom.signals.domain import weather_grids, wire
from cityloom.signals.domain.meters import Meter
from cityloom.signals.domain.weather_form import Form, Observes, as_kind, form_of
from cityloom.signals.domain.wire import Arrived

ENDINGS = (".weather.csv", ".weather.geojson", ".weather.json", ".weather.nc")
LARGEST_BYTES, LARGEST_JSON = 64_000_000, 16_000_000
MOST_ROWS, MOST_SITES = 500_000, 5_000
_STATION = re.compile(r"[\w .:,+-]{1,60}")
_LONGEST = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Row = Mapping[str, object]


@dataclass
class Weather:
    """What a file says: its sensors with their places, and their readings with the rows that could not be read."""

    places: dict[Meter, tuple[float, float]] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    at_us: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)
    many: int = 0

    def arrived(self) -> Arrived:
        """The readings as all others come."""
        return Arrived(pa.array(self.names, pa.string()), np.array(self.at_us, np.int64), np.array(self.values),
                       self.faults, np.array(self.rows, np.int64), self.many)  # fmt: skip

    def as_csv(self) -> bytes:
        """The readings as a file of readings, for the process that keeps them."""
        instants = (_EPOCH + timedelta(microseconds=at_us) for at_us in self.at_us)
        rows = zip(self.names, self.values, instants, strict=True)
        lines = [f'"{name}",{value!r},{instant.isoformat()}' for name, value, instant in rows]
        return "\n".join([",".join(wire.NAMES), *lines, ""]).encode()


def is_weather(name: str) -> bool:
    """Whether a file's name says that it holds weather."""
    return name.lower().endswith(ENDINGS)


def read(name: str, content: bytes, form: Form | None = None) -> Weather:
    """What a file of weather says: CSV of stations or cells, GeoJSON of cells or points, NetCDF (classic) of a grid.

    Raises: Refused `signals.weather_format`, `signals.weather_columns`, `signals.weather_large`,
    `signals.weather_form`.
    """
    lower = name.lower()
    most = LARGEST_JSON if lower.endswith("json") else LARGEST_BYTES
    if len(content) > most:
        raise Refused("signals.weather_large", "{value} has more than {limit} bytes; split it.", value=name[-40:],
                      limit=most)  # fmt: skip
    if lower.endswith(".nc"):
        grid = weather_grids.read(content, name)
        return _taken(grid.rows, (form or form_of("")).stating(grid.units), name)
    if lower.endswith((".geojson", ".json")):
        return _taken(_features(content, name), form or form_of(""), name)
    if lower.endswith(".csv"):
        return _taken(_lines(content, name), form or form_of(""), name)
    raise Refused("signals.weather_format", "Weather comes as {limit}; {value} is none of these.", value=name[-40:],
                  limit=", ".join(ENDINGS))  # fmt: skip


def _lines(content: bytes, name: str) -> Iterator[Row]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("gb18030", errors="replace")
    rows = csv.DictReader(io.StringIO(text, newline=""), restkey="", restval="")
    try:
        rows.fieldnames = [each.strip() for each in rows.fieldnames or []]
        yield from rows  # type: ignore[misc]
    except csv.Error as error:
        raise _unreadable(name) from error


def _features(content: bytes, name: str) -> Iterator[Row]:
    """The properties of each feature, with its point or the middle of its cell."""
    try:
        features = json.loads(content)["features"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(name) from error
    if not isinstance(features, list):
        raise _unreadable(name)
    for feature in features:
        properties = feature.get("properties") if isinstance(feature, dict) else None
        place = _middle(feature.get("geometry")) if isinstance(feature, dict) else None
        known = properties if isinstance(properties, dict) else {}
        yield {**known, "lon": place[0] if place else "", "lat": place[1] if place else ""}


def _middle(geometry: object) -> tuple[float, float] | None:
    """The point of a geometry; of a polygon the middle of its corners."""
    try:
        rings = geometry["coordinates"]  # type: ignore[index]
        if geometry["type"] == "Point":  # type: ignore[index]
            return float(rings[0]), float(rings[1])
        corners = np.array(rings[0][:-1] if geometry["type"] == "Polygon" else (), np.float64)  # type: ignore[index]
        return float(corners[:, 0].mean()), float(corners[:, 1].mean())
    except (KeyError, TypeError, IndexError, ValueError):
        return None


def _taken(rows: Iterable[Row], form: Form, name: str) -> Weather:
    found, observes = Weather(), None
    for number, row in enumerate(rows):
        if number >= MOST_ROWS:
            raise Refused("signals.weather_large", "{value} has more than {limit} rows; split it.", value=name[-40:],
                          limit=MOST_ROWS)  # fmt: skip
        if observes is None:
            observes = form.present(row, name)
        found.many = number + 1
        if fault := _of_row(found, number, row, form, observes):
            found.faults[number] = fault
        if len(found.places) > MOST_SITES:
            raise Refused("signals.weather_large", "{value} has more than {limit} sensors; cut the grid to the city.",
                          value=name[-40:], limit=MOST_SITES)  # fmt: skip
    if observes is None:
        raise _unreadable(name)
    return found


def _of_row(found: Weather, number: int, row: Row, form: Form, observes: tuple[Observes, ...]) -> str:
    """Take a row; say what is wrong with it, or with the first of its values."""
    at_us = _instant(row.get(form.time), form)
    if isinstance(at_us, str):
        return at_us
    station = _text(row.get(form.station))
    place = _place(row, form, station)
    if place is None or (station and not _STATION.fullmatch(station)):
        return "bad_place"
    called = station or f"cell-{place[0]:.4f},{place[1]:.4f}"
    fault = ""
    for each in observes:
        text = _text(row.get(each.column))
        if text in form.missing:
            continue
        value = _number(text)
        if value is None:
            fault = fault or "not_a_number"
            continue
        meter = Meter(f"{called}-{each.kind}", each.kind, "")
        found.places.setdefault(meter, place)
        found.names.append(meter.name)
        found.at_us.append(at_us)
        found.values.append(as_kind(value, each))
        found.rows.append(number)
    return fault


def _place(row: Row, form: Form, station: str) -> tuple[float, float] | None:
    if station in form.stations:
        return form.stations[station]
    lon, lat = (_number(_text(row.get(column))) for column in (form.lon, form.lat))
    if lon is None or lat is None or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return None
    return lon, lat


def _instant(said: object, form: Form) -> int | str:
    if isinstance(said, int) and not isinstance(said, bool):  # a grid's, in microseconds
        return said
    text = _text(said)
    try:
        when = _read_as(text, form.written) if form.written else datetime.fromisoformat(text)
    except ValueError:
        return "no_instant"
    if when.tzinfo is None:
        if form.zone is None:
            return "no_time_zone"
        when = when.replace(tzinfo=form.zone)
    try:
        return wire.instant(when.isoformat())
    except OverflowError:
        return "no_instant"


def _read_as(text: str, written: str) -> datetime:
    return datetime.strptime(text, written)  # noqa: DTZ007 - the zone is the form's, and asked for after this


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()[:_LONGEST]


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _unreadable(name: str) -> Refused:
    return Refused("signals.weather_format", "{value} cannot be read as weather: it has no rows, or is no CSV, "
                   "GeoJSON or classic NetCDF.", value=name[-40:])  # fmt: skip
