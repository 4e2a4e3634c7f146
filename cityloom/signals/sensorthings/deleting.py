"""Delete entities with what cannot be without them, and keep what the city itself has installed.

Source: OGC 18-088, table 25.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from django.db.models import QuerySet

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import Entity
from cityloom.signals.models import (
    Datastream,
    FeatureOfInterest,
    HistoricalLocation,
    Location,
    Observation,
    ObservedProperty,
    Sensor,
    Thing,
)

_AT_ONCE = 500


def check_ours(entity: Entity, key: int) -> None:
    """What the city installed is changed by the city's own commands. Raises: Refused `signals.not_allowed`."""
    if entity.title in _INSTALLED and _INSTALLED[entity.title](key):
        raise Refused("signals.not_allowed", "{value} belongs to a sensor that the city has installed and cannot be"
                      " changed from here; ask an operator to take it out of service.",
                      value=f"{entity.title} {key}")  # fmt: skip


def _streams(**of: object) -> bool:
    return Datastream.objects.filter(**of).exclude(kind="").exists()


_INSTALLED: dict[str, Callable[[int], bool]] = {
    "Thing": lambda key: _streams(thing_id=key),
    "Location": lambda key: _streams(thing__locations=key),
    "HistoricalLocation": lambda key: _streams(thing__historicallocation=key),
    "Datastream": lambda key: _streams(id=key),
    "Sensor": lambda key: _streams(sensor_id=key),
    "ObservedProperty": lambda key: _streams(observed_property_id=key),
    "FeatureOfInterest": lambda key: _streams(feature_id=key),
    "Observation": lambda key: _streams(id__in=list(_streams_of(key))),
}


def _streams_of(observation: int) -> QuerySet[Observation, int]:
    return Observation.objects.filter(pk=observation).values_list("datastream_id", flat=True)


def _observations(ids: Iterable[int]) -> None:
    Observation.objects.filter(pk__in=list(ids))._raw_delete("default")


def _datastreams(ids: Iterable[int]) -> None:
    keys = list(ids)
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        Observation.objects.filter(datastream_id__in=some)._raw_delete("default")
        Datastream.objects.filter(pk__in=some).delete()


def _things(ids: Iterable[int]) -> None:
    keys = list(ids)
    _datastreams(Datastream.objects.filter(thing_id__in=keys).values_list("id", flat=True))
    Thing.objects.filter(pk__in=keys).delete()  # with notes of where it was


def _locations(ids: Iterable[int]) -> None:
    keys = list(ids)
    HistoricalLocation.objects.filter(locations__in=keys).delete()
    Location.objects.filter(pk__in=keys).delete()


def _sensors(ids: Iterable[int]) -> None:
    keys = list(ids)
    _datastreams(Datastream.objects.filter(sensor_id__in=keys).values_list("id", flat=True))
    Sensor.objects.filter(pk__in=keys).delete()


def _observed_properties(ids: Iterable[int]) -> None:
    keys = list(ids)
    _datastreams(Datastream.objects.filter(observed_property_id__in=keys).values_list("id", flat=True))
    ObservedProperty.objects.filter(pk__in=keys).delete()


def _features(ids: Iterable[int]) -> None:
    keys = list(ids)
    Observation.objects.filter(feature_id__in=keys)._raw_delete("default")
    FeatureOfInterest.objects.filter(pk__in=keys).delete()


DELETES: dict[str, Callable[[Iterable[int]], None]] = {
    "Thing": _things, "Location": _locations, "Datastream": _datastreams, "Sensor": _sensors,
    "ObservedProperty": _observed_properties, "Observation": _observations, "FeatureOfInterest": _features,
    "HistoricalLocation": lambda ids: HistoricalLocation.objects.filter(pk__in=list(ids)).delete(),
}  # fmt: skip
