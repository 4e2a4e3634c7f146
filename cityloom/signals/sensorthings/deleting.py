"""Delete entities with what cannot be without them, and keep what the city itself has installed.

Source: OGC 18-088, table 25.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import BY_TITLE, Entity
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
from cityloom.signals.sensorthings.forgetting import forget_features, forget_streams

_AT_ONCE = 500


def check_ours(entity: Entity, key: int) -> None:
    """What the city installed is changed by the city's own commands. Raises: Refused `signals.not_allowed`."""
    if installed(entity, [key]):
        raise not_ours_to_change(entity, key)


def not_ours_to_change(entity: Entity, key: int) -> Refused:
    """That the city itself has installed it."""
    return Refused("signals.not_allowed", "{value} belongs to a sensor that the city has installed and cannot be"
                   " changed from here; ask an operator to take it out of service.",
                   value=f"{entity.title} {key}")  # fmt: skip


def installed(entity: Entity, keys: Iterable[int]) -> set[int]:
    """Those of the entities that belong to what the city has installed."""
    if entity.title == "Observation":
        pairs = Observation.objects.filter(pk__in=list(keys)).values_list("pk", "datastream_id")
        ours = installed(BY_TITLE["Datastream"], {stream for _, stream in pairs})
        return {key for key, stream in pairs if stream in ours}
    tie = _TIES[entity.title]
    return set(
        Datastream.objects.filter(**{f"{tie}__in": list(keys)}).exclude(kind="").values_list(tie, flat=True).distinct()
    )


_TIES = {
    "Thing": "thing_id", "Location": "thing__locations", "HistoricalLocation": "thing__historicallocation",
    "Datastream": "id", "Sensor": "sensor_id", "ObservedProperty": "observed_property_id",
    "FeatureOfInterest": "feature_id",
}  # fmt: skip


def _observations(ids: Iterable[int]) -> None:
    Observation.objects.filter(pk__in=list(ids))._raw_delete("default")


def _datastreams(ids: Iterable[int]) -> None:
    keys = list(ids)
    for start in range(0, len(keys), _AT_ONCE):
        some = keys[start : start + _AT_ONCE]
        forget_streams(some)
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
    forget_features(keys)
    Observation.objects.filter(feature_id__in=keys)._raw_delete("default")
    FeatureOfInterest.objects.filter(pk__in=keys).delete()


DELETES: dict[str, Callable[[Iterable[int]], None]] = {
    "Thing": _things, "Location": _locations, "Datastream": _datastreams, "Sensor": _sensors,
    "ObservedProperty": _observed_properties, "Observation": _observations, "FeatureOfInterest": _features,
    "HistoricalLocation": lambda ids: HistoricalLocation.objects.filter(pk__in=list(ids)).delete(),
}  # fmt: skip
