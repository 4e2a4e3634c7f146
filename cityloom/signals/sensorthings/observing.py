"""Add observations: with their defaults, and with the city's own judgement where a sensor is the city's."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from cityloom.bus import actions as bus
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import SENTENCES, Reading, Stream, check, instant_of, microseconds
from cityloom.signals.domain.sensorthings import checking, times
from cityloom.signals.domain.sensorthings.entities import BY_TITLE
from cityloom.signals.events import SignalsRecorded
from cityloom.signals.models import Datastream, FeatureOfInterest, Location, Observation, Thing

_ENTITY = BY_TITLE["Observation"]
FIRST_US, LAST_US = 31_536_000_000_000, 4_102_444_800_000_000
"""From 1971 until before 2100: a clock of 32 bits that counts seconds runs over in 2106."""


@dataclass
class Observed:
    """What one request has observed: streams and features, looked up once; the city's sensors, to be announced."""

    streams: dict[int, Datastream] = field(default_factory=dict)
    features: dict[int, int] = field(default_factory=dict)
    announced: list[tuple[int, int]] = field(default_factory=list)

    def stream(self, key: int) -> Datastream:
        """Raises: Refused `signals.sta_reference`."""
        if key not in self.streams:
            found = Datastream.objects.filter(pk=key).first()
            if found is None:
                raise Refused("signals.sta_reference", "There is no {value} to refer to; make it first.",
                              value=f"Datastream {key}")  # fmt: skip
            self.streams[key] = found
        return self.streams[key]

    def announce(self, at: datetime) -> None:
        """Publish the readings of the city's sensors, once, as those are published that come on the other roads."""
        if not self.announced:
            return
        streams = tuple(sorted({stream for stream, _ in self.announced}))
        moments = [at_us for _, at_us in self.announced]
        event = SignalsRecorded(
            len(moments), streams, (), (), instant_of(min(moments)), instant_of(max(moments))
        )  # fmt: skip
        bus.publish(event, at=at)


def add(observed: Observed, properties: dict[str, Any], keys: dict[str, int], at: datetime) -> int:
    """Store one observation; return its id. Raises: Refused as `row_of`."""
    row = row_of(observed, properties, keys, at)
    row.save(force_insert=True)
    return int(row.pk)


def row_of(observed: Observed, properties: dict[str, Any], keys: dict[str, int], at: datetime) -> Observation:
    """The row of an observation, not yet stored.

    Without a time it is of `resultTime`, else of now; without a feature it is of the place where the thing stands.
    Raises: Refused `signals.sta_no_feature`, `.sta_reading` and those of `checking.columns`.
    """
    if "phenomenonTime" not in properties and properties.get("resultTime") is None:
        now = microseconds(at)
        columns = checking.columns(_ENTITY, properties, whole=True) | {"phenomenon_us": now, "phenomenon_end_us": None}
    else:
        given = {"phenomenonTime": properties.get("resultTime")} | properties
        columns = checking.columns(_ENTITY, given, whole=True)
    if columns["phenomenon_us"] is None:
        raise checking.missing(_ENTITY, "phenomenonTime")
    if not may_be(columns["phenomenon_us"]):
        raise Refused("signals.sta_clock", "{value} is what a clock says that was never set, or that has run over;"
                      " set it, and send the observation with its time.",
                      value=times.text_of(columns["phenomenon_us"]))  # fmt: skip
    stream = observed.stream(keys["Datastream"])
    row = Observation(datastream_id=stream.id, known_us=microseconds(at), **columns)
    if stream.kind:
        _judge(observed, stream, row, at)
    row.feature_id = keys.get("FeatureOfInterest") or feature_of(observed, stream)
    return row


def may_be(at_us: int) -> bool:
    """Whether a clock that is set can say so: it is neither in 1970, where clocks begin, nor where they run over."""
    return at_us < 0 or FIRST_US <= at_us < LAST_US


def _judge(observed: Observed, stream: Datastream, row: Observation, at: datetime) -> None:
    """A sensor that the city installed is believed no more here than on any other road.

    Raises: Refused `signals.sta_reading`.
    """
    row.message_id = ids.new_ulid()
    value: Any = row.result if row.result_json is None else row.result_json
    reading = Reading(stream.id, value, stream.unit, instant_of(row.phenomenon_us), row.message_id)
    facts = Stream(stream.id, stream.unit, stream.low or 0.0, stream.high or 0.0)
    rejected = check([reading], {stream.id: facts}, at).rejected
    for code in rejected:
        raise Refused(f"signals.{code}", SENTENCES[code])
    observed.announced.append((stream.id, row.phenomenon_us))


def feature_of(observed: Observed, stream: Datastream) -> int | None:
    """What observations of a stream are of; None where that is said of the stream itself."""
    if stream.feature_id is not None and stream.kind:
        return None
    if stream.id not in observed.features:
        observed.features[stream.id] = _feature_of(stream)
    return observed.features[stream.id]


def _feature_of(stream: Datastream) -> int:
    things = Thing.objects.filter(pk=stream.thing_id)
    if connection.vendor == "postgresql":  # two at once must not make two features; SQLite has one writer anyway
        things.select_for_update().first()
    place = Location.objects.filter(thing=stream.thing_id).order_by("id").first()
    if place is None:
        raise Refused("signals.sta_no_feature", "The thing of this datastream has no location, so the observation needs"
                      " a FeatureOfInterest; send one, or give the thing a location.")  # fmt: skip
    if place.feature_id is None:
        made = FeatureOfInterest.objects.create(
            name=place.name, description=place.description, encoding_type=place.encoding_type, feature=place.location,
            properties=json.dumps({"generated": True}),
        )  # fmt: skip
        place.feature = made
        place.save(update_fields=["feature"])
    return int(place.feature_id or 0)
