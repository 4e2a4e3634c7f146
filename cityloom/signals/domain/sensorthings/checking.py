"""Judge what a client wants to write, and turn it into columns.

Source: OGC 18-088, clauses 8 and 10.
"""

from __future__ import annotations

import json
import math
from typing import Any

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import shapes, times
from cityloom.signals.domain.sensorthings.entities import Entity, Property

KEY = "@iot.id"
LONGEST_NAME = 255
LONGEST_TEXT = 20_000
_SHORT = frozenset({"name", "encodingType", "observationType"})
_GEOJSON = frozenset({"application/geo+json", "application/vnd.geo+json"})
_UNIT = frozenset({"name", "symbol", "definition"})

Columns = dict[str, Any]
Related = dict[str, Any]


def document(body: bytes) -> Any:
    """What a body says as JSON. Raises: Refused `signals.sta_json`."""
    try:
        if b"\\u0000" in body:  # no database stores it
            raise ValueError
        return json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused("signals.sta_json", "The body is no JSON that can be read; numbers are finite there, and"
                      " texts are in UTF-8.") from None  # fmt: skip


def split(entity: Entity, payload: object) -> tuple[dict[str, Any], Related]:
    """Properties and relations of a document; links and ids that a reading had in it are passed over.

    Raises: Refused `signals.sta_body`, `.sta_unknown_property`.
    """
    if not isinstance(payload, dict):
        raise Refused("signals.sta_body", "A JSON object is expected for {value}.", value=entity.title)
    properties, related = {}, {}
    for name, value in payload.items():
        if entity.relation_named(name):
            related[name] = value
        elif (found := entity.property_named(name)) is not None:
            if found.is_written:
                properties[name] = value
        elif "@iot." not in name:
            raise Refused("signals.sta_unknown_property", "There is no property {value} there; see the table of"
                          " entities in the reference.", value=name[:60])  # fmt: skip
    return properties, related


def columns(entity: Entity, properties: dict[str, Any], *, whole: bool) -> Columns:
    """The columns that properties fill; `whole` wants all that is required and empties what is not given.

    Raises: Refused `signals.sta_missing`, `.sta_value`, `.sta_time`, `.sta_shape`.
    """
    found: Columns = {}
    for one in entity.properties:
        if one.name in properties:
            found |= _columns(one, properties[one.name], properties.get("encodingType"))
        elif whole and one.required:
            raise missing(entity, one.name)
        elif whole and one.is_written:
            found |= dict.fromkeys((one.column, one.end) if one.end else (one.column,))
    return found


def missing(entity: Entity, name: str) -> Refused:
    """That something required was not given."""
    return Refused("signals.sta_missing", "{value} is missing and has to be given.", value=f"{entity.title}.{name}")


def _bad(one: Property, what: str) -> Refused:
    return Refused("signals.sta_value", "{value} is not as it should be: {limit}.", value=one.name, limit=what)


def _columns(one: Property, value: Any, encoding: object) -> Columns:
    if value is None and not one.required:
        return dict.fromkeys((one.column, one.end) if one.end else (one.column,))
    if one.kind == "text":
        return {one.column: _text(one, value)}
    if one.kind == "instant":
        return {one.column: times.microseconds_of(value)}
    if one.kind in ("moment", "interval"):
        start, end = times.moment_of(value) if one.kind == "moment" else times.interval_of(value)
        return {one.column: start, one.end: end}
    if one.kind == "result":
        return _result(one, value)
    _check_object(one, value, encoding)
    return {one.column: json.dumps(value, ensure_ascii=False, allow_nan=False)}


def _text(one: Property, value: Any) -> str:
    limit = LONGEST_NAME if one.name in _SHORT else LONGEST_TEXT
    if not isinstance(value, str) or len(value) > limit or (one.name == "name" and not value.strip()):
        raise _bad(one, f"a text of 1 to {limit} characters is expected")
    return value


def _result(one: Property, value: Any) -> Columns:
    """A number in a column of its own, anything else as JSON text."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {one.column: None, one.end: json.dumps(value, ensure_ascii=False, allow_nan=False)}
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _bad(one, "a finite number is expected")
    return {one.column: number, one.end: None}


def _check_object(one: Property, value: Any, encoding: object) -> None:
    if one.kind == "object" and not isinstance(value, dict):
        raise _bad(one, "a JSON object is expected")
    if one.kind == "unit" and not (isinstance(value, dict) and value.keys() >= _UNIT):
        raise _bad(one, "a JSON object with name, symbol and definition is expected")
    if one.kind != "place":
        return
    if not isinstance(value, (dict, str)):
        raise _bad(one, "a GeoJSON object is expected")
    if encoding in _GEOJSON and shapes.of_json([json.dumps(value)])[0] is None:
        raise _bad(one, "a GeoJSON geometry is expected, longitude first")


def _no_constant(_: str) -> Any:
    raise ValueError
