"""Grids of weather in classic NetCDF, by the CF conventions: a row for each instant and cell that has a value.

Read are one-dimensional `lon`, `lat` and `time`, and variables over (time, lat, lon), or (lat, lon) at one instant.
Source: CF Metadata Conventions 1.11, chapters 4 and 8; https://cfconventions.org.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

MOST_CELLS, MOST_VALUES = 2_500, 2_000_000
_SINCE = re.compile(
    r"(second|minute|hour|day)s? since (\d{4}-\d{1,2}-\d{1,2})[T ]?([\d:.]*) ?(Z|UTC|[+-]\d\d:?\d\d)?", re.I
)  # fmt: skip
_SECONDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0}
_AXES = {"lon": ("lon", "longitude"), "lat": ("lat", "latitude"), "time": ("time",)}
_UCUM = {
    "mm h-1": "mm/h", "mm/h": "mm/h", "mm hr-1": "mm/h", "mm/hr": "mm/h", "kg m-2 s-1": "kg.m-2.s-1", "m s-1": "m/s",
    "m/s": "m/s", "K": "K", "degC": "Cel", "Celsius": "Cel", "celsius": "Cel", "degrees_C": "Cel", "Pa": "Pa",
    "hPa": "hPa", "mbar": "mbar", "millibar": "mbar", "%": "%", "1": "1", "degree": "deg", "degrees": "deg",
}  # fmt: skip
"""Units as CF and its readers write them, and their UCUM codes."""
_CALENDARS = ("", "standard", "gregorian", "proleptic_gregorian")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The UCUM codes of variables that state a known unit, and rows with `time` in microseconds since 1970, `lon`,
    `lat` and each variable by its name."""

    units: Mapping[str, str]
    rows: Iterator[dict[str, object]]


def read(content: bytes, name: str) -> Grid:
    """The grid of a file.

    Raises: Refused `signals.weather_format`, `signals.weather_large`.
    """
    from scipy.io import netcdf_file

    try:
        with netcdf_file(io.BytesIO(content), "r", mmap=False, maskandscale=True) as file:
            grid = {axis: _axis(file.variables, names) for axis, names in _AXES.items()}
            at_us = _instants(file.variables[_named(file.variables, _AXES["time"])])
            _check_bounded(file.variables, name)
            columns = dict(_columns(file.variables, grid))
            units = {each: _said(file.variables[each], "units").strip() for each in columns}
    except Refused:
        raise
    except Exception as error:  # the reader fails in every way on bytes that are no grid
        raise Refused("signals.weather_format", "{value} cannot be read as a grid: it needs the axes {limit} "
                      "with CF units, in classic NetCDF (not HDF5).", value=name[-40:],
                      limit="lon, lat, time") from error  # fmt: skip
    if len(grid["lon"]) * len(grid["lat"]) > MOST_CELLS:
        raise _large(name)
    return Grid({each: _UCUM.get(unit, unit) for each, unit in units.items() if unit}, _rows(at_us, grid, columns))


def _check_bounded(variables: Mapping[str, Any], name: str) -> None:
    """Before numbers are made of bytes, which takes eight times their room."""
    if sum(int(np.prod(variable.shape)) for variable in variables.values()) > MOST_VALUES:
        raise _large(name)


def _large(name: str) -> Refused:
    return Refused("signals.weather_large", "{value} has more than {limit} cells, or too many instants; cut it to the "
                   "city.", value=name[-40:], limit=MOST_CELLS)  # fmt: skip


def _rows(at_us: list[int], grid: Mapping[str, Floats], columns: Mapping[str, Floats]) -> Iterator[dict[str, object]]:
    for when, instant in enumerate(at_us):
        for y, lat in enumerate(grid["lat"].tolist()):
            for x, lon in enumerate(grid["lon"].tolist()):
                values = {name: column[when, y, x] for name, column in columns.items()}
                yield {"time": instant, "lon": (lon + 180) % 360 - 180, "lat": lat,
                       **{name: float(value) for name, value in values.items()}}  # fmt: skip


def _columns(variables: Mapping[str, Any], grid: Mapping[str, Floats]) -> Iterator[tuple[str, Floats]]:
    shape = (len(grid["time"]), len(grid["lat"]), len(grid["lon"]))
    for name, variable in variables.items():
        values = np.ma.filled(np.ma.asarray(variable[:], np.float64), np.nan)
        if values.shape == shape[1:] and shape[0] == 1:
            values = values[None]
        if values.shape == shape:
            yield name, values


def _axis(variables: Mapping[str, Any], names: tuple[str, ...]) -> Floats:
    return np.array(variables[_named(variables, names)][:], np.float64).reshape(-1)


def _named(variables: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next(name for name in names if name in variables)


def _instants(variable: Any) -> list[int]:
    """Microseconds since 1970; CF instants without a zone are in UTC."""
    found = _SINCE.match(_said(variable, "units"))
    if found is None or _said(variable, "calendar").lower() not in _CALENDARS:
        raise ValueError("no instants")
    unit, day, clock, zone = found.groups()
    begin = datetime.fromisoformat("-".join(part.zfill(2) for part in day.split("-")) + "T" + (clock or "00:00:00"))
    ahead = timedelta(0)
    if zone and zone.upper() not in ("Z", "UTC"):
        ahead = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:])) * (-1 if zone[0] == "-" else 1)
    since = (begin.replace(tzinfo=UTC) - ahead - _EPOCH) // timedelta(microseconds=1)
    steps = np.array(variable[:], np.float64).reshape(-1) * _SECONDS[unit.lower()]
    return [since + round(step * 1e6) for step in steps.tolist()]


def _said(variable: Any, name: str) -> str:
    said = getattr(variable, name, b"")
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
