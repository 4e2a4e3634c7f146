"""How a weather service names its columns, and in which units it writes: a form in YAML beside its files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cityloom.kernel import units
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.kinds import KINDS

LARGEST_BYTES = 256 * 1024
WEATHER = ("rain", "wind_speed", "wind_from", "air_temperature", "relative_humidity", "air_pressure")
"""The kinds of sensors that weather comes as; a file without a form has columns of these names, in their units."""
EVERY_HOUR_S = 3600.0
_SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_MISSING = frozenset({"", "NA", "NaN", "nan", "null", "-", "///"})


@dataclass(frozen=True)
class Observes:
    """Which column holds a kind, in which unit; `over_s` where it is a sum over so many seconds, as rain often is."""

    kind: str
    column: str
    unit: str
    over_s: float | None = None


@dataclass(frozen=True)
class Form:
    """The columns of a file; `written` is the form of its instants as strptime has it, "" for ISO 8601."""

    observes: tuple[Observes, ...] = ()
    time: str = "time"
    station: str = "station"
    lon: str = "lon"
    lat: str = "lat"
    zone: timezone | None = None
    written: str = ""
    missing: frozenset[str] = _MISSING
    stations: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def stating(self, stated: Mapping[str, str]) -> Form:
        """The same for a file that states units itself, where the form names none.

        Raises: Refused `signals.weather_form`.
        """
        if self.observes:
            return self
        known = [kind for kind in WEATHER if kind in stated]
        return replace(self, observes=tuple(_observes(kind, {"unit": stated[kind]}) for kind in known))

    def present(self, row: Mapping[str, object], name: str) -> tuple[Observes, ...]:
        """The quantities that a file with such a row has. Raises: Refused `signals.weather_columns`."""
        wanted = self.observes or tuple(Observes(kind, kind, KINDS[kind].unit) for kind in WEATHER)
        found = tuple(each for each in wanted if each.column in row)
        lacks = ", ".join(each.column for each in wanted) if not found else self.time if self.time not in row else ""
        if lacks or (self.observes and len(found) < len(wanted)):
            lacks = lacks or next(each.column for each in wanted if each not in found)
            raise Refused("signals.weather_columns", "{value} lacks the column {limit}; name its own columns in a "
                          "form.", value=name[-40:], limit=lacks)  # fmt: skip
        return found


def form_of(text: str) -> Form:
    """The form that is written; of an empty text the usual one. Raises: Refused `signals.weather_form`."""
    if not text.strip():
        return Form()
    if len(text.encode()) > LARGEST_BYTES:
        raise _unfit("it has more than 256 KB")
    try:
        written = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unfit("it is no YAML") from error
    problem = best_match(_schema().iter_errors(written))
    if problem is not None:
        raise _unfit(f"{'.'.join(map(str, problem.absolute_path)) or 'the whole'}: {problem.message}"[:200])
    time = written.get("time", {})
    return Form(
        tuple(_observes(kind, each) for kind, each in written.get("observes", {}).items()),
        time.get("column", "time"), *(written.get(name, name) for name in ("station", "lon", "lat")),
        zone=_zone(time["zone"]) if "zone" in time else None, written=time.get("written", ""),
        missing=_MISSING | set(map(str, written.get("missing", ()))),
        stations={str(name): (float(lon), float(lat)) for name, (lon, lat) in written.get("stations", {}).items()},
    )  # fmt: skip


def as_kind(value: float, each: Observes) -> float:
    """A value in the unit of its kind; what fell over a time as what falls in an hour."""
    if each.over_s is not None:
        millimetres = value if each.unit == "mm" else units.convert(value, each.unit, "mm")
        return millimetres * EVERY_HOUR_S / each.over_s
    return units.convert(value, each.unit, KINDS[each.kind].unit)


def _observes(kind: str, written: Mapping[str, Any]) -> Observes:
    unit, over = written.get("unit", KINDS[kind].unit), written.get("over")
    each = Observes(kind, written.get("column", kind), unit, _seconds(over) if over else None)
    if over and kind != "rain":
        raise _unfit(f"{kind}: only rain is a sum over a time")
    try:
        as_kind(1.0, each)
    except Refused as refusal:
        raise _unfit(f"{kind}: {unit} cannot be turned into {KINDS[kind].unit}; rain in mm needs over, as in 10 min"
                     ) from refusal  # fmt: skip
    return each


def _seconds(text: str) -> float:
    number, unit = text.split()
    return float(number) * _SECONDS[unit]


def _zone(text: str) -> timezone:
    if text == "Z":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[4:6])))


@cache
def _schema() -> Draft202012Validator:
    return Draft202012Validator(json.loads((Path(__file__).parent / "weather.schema.json").read_text()))


def _unfit(what: str) -> Refused:
    return Refused("signals.weather_form", "The form of the weather's file does not fit: {value}. Correct it there.",
                   value=what)  # fmt: skip
