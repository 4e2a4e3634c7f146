"""Take in observations as arrays, many at once. Source: OGC 18-088, clause 12 (dataArray)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import checking
from cityloom.signals.domain.sensorthings.entities import BY_TITLE
from cityloom.signals.models import FeatureOfInterest, Observation
from cityloom.signals.policies import check_can_create
from cityloom.signals.sensorthings.observing import row_of
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.writing import Writing

MOST_ROWS = 100_000
_AT_ONCE = 2_000
_FEATURE = ("FeatureOfInterest/id", f"FeatureOfInterest/{KEY}")
_ENTITY = BY_TITLE["Observation"]


def upload(work: Writing, payload: object) -> list[int | Refused]:
    """Store the observations of arrays; for each, in order, its id or why it was not stored.

    Raises: Refused `signals.sta_body`, `.sta_missing`, `.sta_rows` where the form as a whole is not as it should be.
    """
    if not isinstance(payload, list):
        raise Refused("signals.sta_body", "A list is expected for {value}.", value="CreateObservations")
    outcomes: list[int | Refused] = []
    waiting: list[tuple[int, Observation]] = []
    known: set[int] = set()
    for keys, properties in (row for group in payload for row in _rows(group)):
        if len(outcomes) >= MOST_ROWS:
            raise Refused("signals.sta_rows", "One request may bring at most {limit} observations; send several.",
                          limit=MOST_ROWS)  # fmt: skip
        try:
            row = _row(work, keys, properties, known)
        except Refused as refusal:
            outcomes.append(refusal)
        else:
            waiting.append((len(outcomes), row))
            outcomes.append(0)
    made = Observation.objects.bulk_create([row for _, row in waiting], _AT_ONCE)
    for (at, _), row in zip(waiting, made, strict=True):
        outcomes[at] = int(row.pk)
    return outcomes


def _rows(group: object) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Relations and properties of each observation of one datastream."""
    fields = group if isinstance(group, dict) else {}
    names, rows, stream = fields.get("components"), fields.get("dataArray"), fields.get("Datastream")
    if not isinstance(names, list) or not isinstance(rows, list) or not isinstance(stream, dict):
        raise Refused("signals.sta_body", "A JSON object is expected for {value}.",
                      value="Datastream, components, dataArray")  # fmt: skip
    for row in rows:
        values = dict(zip(names, row, strict=False)) if isinstance(row, list) and len(row) == len(names) else {}
        feature = next((values.pop(name) for name in _FEATURE if name in values), None)
        yield {"Datastream": stream.get(KEY), "FeatureOfInterest": feature}, values


def _row(work: Writing, keys: dict[str, Any], properties: dict[str, Any], known: set[int]) -> Observation:
    if type(keys["Datastream"]) is not int:
        raise checking.missing(_ENTITY, "Datastream")
    stream = work.observed.stream(keys["Datastream"])
    check_can_create(work.by, "Observation", stream.thing_id)
    fields, _ = checking.split(_ENTITY, properties)
    if (feature := keys["FeatureOfInterest"]) is None:
        del keys["FeatureOfInterest"]
    elif feature not in known:
        if type(feature) is not int or not FeatureOfInterest.objects.filter(pk=feature).exists():
            raise Refused("signals.sta_reference", "There is no {value} to refer to; make it first.",
                          value=f"FeatureOfInterest {feature}"[:60])  # fmt: skip
        known.add(feature)
    return row_of(work.observed, fields, keys, work.at)
