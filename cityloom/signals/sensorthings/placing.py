"""Give what the city installs its places and features, as SensorThings knows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from cityloom.signals.domain.kinds import Kind
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.models import (
    Datastream,
    FeatureOfInterest,
    HistoricalLocation,
    Location,
    ObservedProperty,
    Thing,
)

_AT_ONCE = 2_000


def place(things: Sequence[Thing], at: datetime) -> list[FeatureOfInterest]:
    """Make the location of each thing, the note that it is there since `at`, and the feature that is observed there."""
    named = [(thing.name, thing.street, _point(thing)) for thing in things]
    features = FeatureOfInterest.objects.bulk_create(
        [FeatureOfInterest(name=name, description=street, feature=point) for name, street, point in named], _AT_ONCE
    )
    locations = Location.objects.bulk_create(
        [
            Location(name=name, description=street, location=point, feature=feature)
            for (name, street, point), feature in zip(named, features, strict=True)
        ], _AT_ONCE,
    )  # fmt: skip
    since = microseconds(at)
    pasts = HistoricalLocation.objects.bulk_create(
        [HistoricalLocation(thing=thing, time_us=since) for thing in things], _AT_ONCE
    )
    here, there = Thing.locations.through, HistoricalLocation.locations.through
    pairs = list(zip(things, pasts, locations, strict=True))
    here.objects.bulk_create([here(thing=thing, location=where) for thing, _, where in pairs], _AT_ONCE)
    there.objects.bulk_create([there(historicallocation=past, location=where) for _, past, where in pairs], _AT_ONCE)
    return features


def observed(kind: Kind) -> ObservedProperty:
    """The observed property of a kind of sensor that the city installs."""
    defaults = {"name": kind.observed, "definition": kind.definition, "description": kind.procedure}
    return ObservedProperty.objects.get_or_create(kind=kind.name, defaults=defaults)[0]


def unit_of_measurement(unit: str) -> str:
    """A UCUM unit as SensorThings writes it, as JSON text."""
    return json.dumps({"name": unit, "symbol": unit, "definition": f"ucum:{unit}"})


def count_on() -> None:
    """Let PostgreSQL go on counting after numbers that were given; SQLite does by itself."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for model in (Thing, Datastream):
            table = model._meta.db_table
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"  # noqa: S608 - constants
                f" (SELECT COALESCE(MAX(id), 0) + 1 FROM {table}), false)"
            )


def _point(thing: Thing) -> str:
    return json.dumps({"type": "Point", "coordinates": [thing.lon, thing.lat]})
