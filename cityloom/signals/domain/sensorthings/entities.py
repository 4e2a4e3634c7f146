"""The eight entities of SensorThings 1.1: their properties, their relations, and where each lies.

Source: OGC 18-088, clause 8 (tables 3 to 20).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "object", "json", "place", "instant", "interval", "moment", "result", "unit", "extent"]
"""`moment` is an instant or an interval, `place` a GeoJSON geometry, `extent` an interval that is worked out."""


@dataclass(frozen=True)
class Property:
    """A property; `column` is where it lies, and the beginning where it has two."""

    name: str
    kind: Kind
    column: str
    end: str = ""
    required: bool = False
    absent: bool = False
    """Left out where there is none, instead of being null."""

    @property
    def is_written(self) -> bool:
        """Whether a client may set it."""
        return self.kind != "extent"


@dataclass(frozen=True)
class Relation:
    """A way from one entity to another.

    Exactly one of these is set: `column` (a key in this entity's table), `back` (a key in the other's), `through` (a
    table between both: its name, this side's key, the other side's).
    """

    name: str
    target: str
    inverse: str
    column: str = ""
    back: str = ""
    through: tuple[str, str, str] | None = None
    required: bool = False

    @property
    def many(self) -> bool:
        return not self.column


@dataclass(frozen=True)
class Entity:
    """A type of entity; `title` names one, `name` the set."""

    title: str
    name: str
    table: str
    properties: tuple[Property, ...]
    relations: tuple[Relation, ...]

    def property_named(self, name: str) -> Property | None:
        return next((one for one in self.properties if one.name == name), None)

    def relation_named(self, name: str) -> Relation | None:
        return next((one for one in self.relations if one.name == name), None)


_NAME = Property("name", "text", "name", required=True)
_DESCRIPTION = Property("description", "text", "description", required=True)
_ENCODING = Property("encodingType", "text", "encoding_type", required=True)
_PROPERTIES = Property("properties", "object", "properties")
_PLACES = ("signals_thing_locations", "thing_id", "location_id")
_PAST = ("signals_historicallocation_locations", "historicallocation_id", "location_id")


def _turned(through: tuple[str, str, str]) -> tuple[str, str, str]:
    return through[0], through[2], through[1]


ENTITIES = (
    Entity("Thing", "Things", "signals_thing", (_NAME, _DESCRIPTION, _PROPERTIES), (
        Relation("Datastreams", "Datastream", "Thing", back="thing_id"),
        Relation("Locations", "Location", "Things", through=_PLACES),
        Relation("HistoricalLocations", "HistoricalLocation", "Thing", back="thing_id"),
    )),
    Entity("Location", "Locations", "signals_location", (
        _NAME, _DESCRIPTION, _ENCODING, Property("location", "place", "location", required=True), _PROPERTIES,
    ), (
        Relation("Things", "Thing", "Locations", through=_turned(_PLACES)),
        Relation("HistoricalLocations", "HistoricalLocation", "Locations", through=_turned(_PAST)),
    )),
    Entity("HistoricalLocation", "HistoricalLocations", "signals_historicallocation", (
        Property("time", "instant", "time_us", required=True),
    ), (
        Relation("Thing", "Thing", "HistoricalLocations", column="thing_id", required=True),
        Relation("Locations", "Location", "HistoricalLocations", through=_PAST),
    )),
    Entity("Datastream", "Datastreams", "signals_datastream", (
        _NAME, _DESCRIPTION,
        Property("observationType", "text", "observation_type", required=True),
        Property("unitOfMeasurement", "unit", "unit_of_measurement", required=True),
        Property("observedArea", "place", "observed_area", absent=True),
        Property("phenomenonTime", "extent", "phenomenon"), Property("resultTime", "extent", "result_time"),
        _PROPERTIES,
    ), (
        Relation("Thing", "Thing", "Datastreams", column="thing_id", required=True),
        Relation("Sensor", "Sensor", "Datastreams", column="sensor_id", required=True),
        Relation("ObservedProperty", "ObservedProperty", "Datastreams", column="observed_property_id", required=True),
        Relation("Observations", "Observation", "Datastream", back="datastream_id"),
    )),
    Entity("Sensor", "Sensors", "signals_sensor", (
        _NAME, _DESCRIPTION, _ENCODING, Property("metadata", "json", "metadata", required=True), _PROPERTIES,
    ), (Relation("Datastreams", "Datastream", "Sensor", back="sensor_id"),)),
    Entity("ObservedProperty", "ObservedProperties", "signals_observedproperty", (
        _NAME, Property("definition", "text", "definition", required=True), _DESCRIPTION, _PROPERTIES,
    ), (Relation("Datastreams", "Datastream", "ObservedProperty", back="observed_property_id"),)),
    Entity("Observation", "Observations", "signals_observation", (
        Property("phenomenonTime", "moment", "phenomenon_us", "phenomenon_end_us"),
        Property("resultTime", "instant", "result_time_us"),
        Property("result", "result", "result", "result_json", required=True),
        Property("resultQuality", "json", "result_quality"),
        Property("validTime", "interval", "valid_us", "valid_end_us"),
        Property("parameters", "object", "parameters"),
    ), (
        Relation("Datastream", "Datastream", "Observations", column="datastream_id", required=True),
        Relation("FeatureOfInterest", "FeatureOfInterest", "Observations", column="feature_id"),
    )),
    Entity("FeatureOfInterest", "FeaturesOfInterest", "signals_featureofinterest", (
        _NAME, _DESCRIPTION, _ENCODING, Property("feature", "place", "feature", required=True), _PROPERTIES,
    ), (Relation("Observations", "Observation", "FeatureOfInterest", back="feature_id"),)),
)  # fmt: skip
BY_TITLE = {entity.title: entity for entity in ENTITIES}
BY_NAME = {entity.name: entity for entity in ENTITIES}
