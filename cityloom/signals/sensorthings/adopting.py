"""Take a stream that a client has made among the city's own: on the map, judged by range, and heard by detection.

Only an operator does so. A client that could would put readings of its own choice before detection.
"""

from __future__ import annotations

import json
from typing import Any

from django.db import IntegrityError, transaction

from cityloom.kernel import cells
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.kinds import KINDS, kind_of
from cityloom.signals.models import GEOJSON, Datastream, Location, Thing


def adopt(stream_id: int, kind: str = "") -> str:
    """Make a stream one of the city's; return its kind: the one given, or what its property and unit say.

    Raises: Refused `signals.no_stream`, `.adopted`, `.unknown_kind`, `.adopt_kind`, `.adopt_unit`, `.adopt_place`,
    `.adopt_name`.
    """
    stream = Datastream.objects.select_related("observed_property").filter(pk=stream_id).first()
    if stream is None:
        raise Refused("signals.no_stream", "There is no datastream {value}.", value=stream_id)
    if stream.kind:
        raise Refused("signals.adopted", "Datastream {value} is one of the city's already.", value=stream_id)
    facts = KINDS[_kind(stream, kind)]
    lon, lat = _place(stream)
    cell = cells.cell_of(lon, lat)
    fields: dict[str, Any] = {"lon": lon, "lat": lat, "cell": cell}
    try:
        with transaction.atomic():
            Thing.objects.filter(pk=stream.thing_id, cell=None).update(**fields)
            Datastream.objects.filter(pk=stream_id).update(
                kind=facts.name, unit=facts.unit, low=facts.low, high=facts.high, cadence_s=facts.cadence_s, **fields
            )
    except IntegrityError:
        raise Refused("signals.adopt_name", "A sensor of the city is called {value} already; give the datastream"
                      " another name first.", value=stream.name) from None  # fmt: skip
    return facts.name


def _kind(stream: Datastream, kind: str) -> str:
    """Raises: Refused `signals.unknown_kind`, `.adopt_kind`, `.adopt_unit`."""
    definition = stream.observed_property.definition if stream.observed_property else ""
    unit = json.loads(stream.unit_of_measurement)
    found = kind or kind_of(definition, unit)
    if not found:
        raise Refused("signals.adopt_kind", "The property and the unit of datastream {value} say no kind; name one of"
                      " {limit}.", value=stream.pk, limit=", ".join(KINDS))  # fmt: skip
    if found not in KINDS:
        raise Refused("signals.unknown_kind", "There are no sensors of kind {value}; use one of {limit}.",
                      value=found[:80], limit=", ".join(KINDS))  # fmt: skip
    if kind_of(KINDS[found].definition, unit) != found:
        raise Refused("signals.adopt_unit", "Datastream {value} is not in {limit}; sensors of this kind have to be.",
                      value=stream.pk, limit=KINDS[found].unit)  # fmt: skip
    return found


def _place(stream: Datastream) -> tuple[float, float]:
    """Where the stream's thing stands. Raises: Refused `signals.adopt_place`."""
    places = Location.objects.filter(thing=stream.thing_id, encoding_type=GEOJSON)
    for text in places.values_list("location", flat=True):
        shape = json.loads(text)
        shape = shape.get("geometry") or shape
        if shape.get("type") == "Point":
            lon, lat = shape["coordinates"][:2]
            return float(lon), float(lat)
    raise Refused("signals.adopt_place", "The thing of datastream {value} has no location that is a point; give it"
                  " one.", value=stream.pk)  # fmt: skip
