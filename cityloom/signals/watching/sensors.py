"""Sensors as those who look after them see them: whose they are, what they say, where they stand, when calibrated."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import shapely
from django.db.models import Max, Min, Q, QuerySet

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import instant_of
from cityloom.signals.models import Datastream, Observation

_NO_SENSOR = "There is no sensor {value}; look for it in the list of sensors."
_ONE = ("id", "name", "kind", "unit", "lon", "lat", "cadence_s", "low", "high", "owner_unit", "calibrated_on",
        "calibration_due_on", "made_up", "description")  # fmt: skip


@dataclass(frozen=True)
class SensorFacts:
    """A datastream with what it stands on; `is_installed` where the city installed it, else it came by SensorThings.

    What SensorThings did not say is empty or None; `unit` is a UCUM code where it said one.
    """

    id: int
    name: str
    kind: str
    unit: str
    lon: float | None
    lat: float | None
    cadence_s: int | None
    low: float | None
    high: float | None
    owner_unit: str
    calibrated_on: date | None
    calibration_due_on: date | None
    made_up: int
    description: str
    thing: str = ""
    street: str = ""
    procedure: str = ""
    observes: str = ""
    owner: str = ""
    in_service: bool = True

    @property
    def is_installed(self) -> bool:
        return bool(self.kind)


@dataclass(frozen=True)
class Narrowed:
    """Which sensors are wanted: of a kind, of a branch of units, with these ids or without those; "" and None: all."""

    kind: str = ""
    branch: str = ""
    only: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()
    in_service: bool | None = None


def sensor(datastream_id: int) -> SensorFacts:
    """A sensor by its datastream's id.

    Raises: Refused `signals.no_sensor`.
    """
    related = ("thing", "sensor", "observed_property")
    row = Datastream.objects.filter(pk=datastream_id).select_related(*related).first()
    if row is None:
        raise Refused("signals.no_sensor", _NO_SENSOR, value=datastream_id)
    return _facts(row)


def sensors_listed(wanted: Narrowed, first: int, most: int) -> list[SensorFacts]:
    """Some of the sensors that are wanted, by id."""
    rows = _rows(wanted).select_related("thing").order_by("id")[first : first + most]
    return [
        SensorFacts(*(_known(row, name) for name in _ONE), thing=row.thing.name, street=row.thing.street,
                    in_service=row.state == Datastream.IN_SERVICE)
        for row in rows
    ]  # fmt: skip


def sensors_wanted(wanted: Narrowed) -> int:
    """How many sensors `sensors_listed` has in all."""
    return _rows(wanted).count()


def bounds_wanted(wanted: Narrowed) -> tuple[float, float, float, float] | None:
    """West, south, east and north of the sensors that are wanted; None where none has a place."""
    found = _rows(wanted).order_by().aggregate(w=Min("lon"), s=Min("lat"), e=Max("lon"), n=Max("lat"))
    return None if found["w"] is None else (found["w"], found["s"], found["e"], found["n"])


def owner_units() -> list[str]:
    """The units that look after any sensor."""
    named = Datastream.objects.exclude(owner_unit=None).exclude(owner_unit="")
    return sorted(named.order_by().values_list("owner_unit", flat=True).distinct())


def last_recorded(datastream_id: int, exercise_id: str = "") -> datetime | None:
    """When the latest single observation of a stream was made; what came in bulk is not asked."""
    rows = Observation.objects.filter(exercise_id=exercise_id, datastream_id=datastream_id)
    last = rows.order_by("-phenomenon_us").values_list("phenomenon_us", flat=True).first()
    return None if last is None else instant_of(last)


def _rows(wanted: Narrowed) -> QuerySet[Datastream]:
    rows = Datastream.objects.filter(kind=wanted.kind) if wanted.kind else Datastream.objects.exclude(kind="")
    if wanted.branch:
        rows = rows.filter(Q(owner_unit=wanted.branch) | Q(owner_unit__startswith=f"{wanted.branch}/"))
    if wanted.in_service is not None:
        state = Datastream.IN_SERVICE
        rows = rows.filter(state=state) if wanted.in_service else rows.exclude(state=state)
    if wanted.only is not None:
        rows = rows.filter(id__in=_bounded(wanted.only))
    return rows.exclude(id__in=_bounded(wanted.without)) if wanted.without else rows


def _bounded(keys: Iterable[int]) -> list[int]:
    return sorted(keys)[:30_000]  # both databases take so many in one question


def _known(row: Datastream, name: str) -> Any:
    value = getattr(row, name)
    return "" if name == "owner_unit" and value is None else value


def _facts(row: Datastream) -> SensorFacts:
    own, thing = _read(row.properties), _read(row.thing.properties)
    lon, lat = (row.lon, row.lat) if row.lon is not None else _place(row)
    return SensorFacts(
        row.id, row.name, row.kind, row.unit or _ucum(row), lon, lat, row.cadence_s, row.low, row.high,
        row.owner_unit or "", row.calibrated_on or _day(own, "calibrated_on"),
        row.calibration_due_on or _day(own, "calibration_due_on"), row.made_up, row.description,
        thing=row.thing.name, street=row.thing.street, procedure=row.sensor.description or row.sensor.name,
        observes=row.observed_property.name if row.observed_property else "",
        owner=str(own.get("owner") or thing.get("owner") or "")[:80], in_service=row.state == Datastream.IN_SERVICE,
    )  # fmt: skip


def _place(row: Datastream) -> tuple[float | None, float | None]:
    """Where a thing stands that came by SensorThings: the middle of its latest location that is GeoJSON."""
    for location in row.thing.locations.order_by("-id"):
        try:
            shape = shapely.from_geojson(location.location)
        except shapely.errors.GEOSException:
            continue
        if shape is not None and not shape.is_empty:
            middle = shape.centroid
            return middle.x, middle.y
    return None, None


def _ucum(row: Datastream) -> str:
    """The code that its unit of measurement names, else the symbol."""
    stated = _read(row.unit_of_measurement)
    definition = str(stated.get("definition") or "")
    code = definition.removeprefix("ucum:") if definition.startswith("ucum:") else str(stated.get("symbol") or "")
    return code[:16]


def _day(stated: dict[str, Any], name: str) -> date | None:
    try:
        return date.fromisoformat(str(stated.get(name) or "")[:10])
    except ValueError:
        return None


def _read(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
