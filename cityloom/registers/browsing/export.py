"""The entries of a register as a file: what each source says of each, with file, row and load; nobody's data."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import shapely

from cityloom.registers.browsing import around, entries
from cityloom.registers.browsing.sought import Sought
from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.domain.names import LONGEST, folded
from cityloom.registers.models import SPOKEN, Load, Record, Source

MOST = 100_000
"""Records in one file; who needs more asks by zone or by the beginning of the key."""
_AT_ONCE = 2_000
_ORIGIN = ("source", "true since", "file", "row", "load", "known since")


def written(register: str, form: str, *, text: str, area: shapely.Geometry | None, by: Sought) -> Iterator[str]:
    """The file in pieces: `form` is `csv` or `geojson`."""
    return _geojson(register, text, area, by) if form == "geojson" else _csv(register, text, area, by)


def _csv(register: str, text: str, area: shapely.Geometry | None, by: Sought) -> Iterator[str]:
    fields = _fields(register)
    yield "\ufeff" + _line([REGISTERS[register].key, *fields, *_ORIGIN])
    for record, told, origin in _records(register, fields, text, area, by):
        if told.get("geometry"):
            told["geometry"] = shapely.from_wkb(bytes(told["geometry"])).wkt
        yield _line([record.key, *told.values(), *origin])


def _geojson(register: str, text: str, area: shapely.Geometry | None, by: Sought) -> Iterator[str]:
    yield '{"type": "FeatureCollection", "features": ['
    comma = ""
    for record, told, origin in _records(register, _fields(register), text, area, by):
        wkb, lon, lat = told.pop("geometry", None), getattr(record, "lon", None), getattr(record, "lat", None)
        shape = shapely.from_wkb(bytes(wkb)) if wkb else None if lon is None else shapely.Point(lon, lat)
        properties = {REGISTERS[register].key: record.key} | told | dict(zip(_ORIGIN, origin, strict=True))
        feature = {"type": "Feature", "properties": properties,
                   "geometry": json.loads(shapely.to_geojson(shape)) if shape is not None else None}  # fmt: skip
        yield comma + json.dumps(feature, ensure_ascii=False, default=str)
        comma = ",\n"
    yield "]}\n"


def _records(
    register: str, fields: list[str], text: str, area: shapely.Geometry | None, by: Sought
) -> Iterator[tuple[Record, dict[str, Any], list[Any]]]:  # fmt: skip
    sources = dict(Source.objects.values_list("id", "name"))
    loads = {load.number: load for load in Load.objects.only("number", "file_name", "finished_at")}
    for record in _found(register, text, area, by):
        if by.outline is not None and not by.holds(record.lon, record.lat):  # type: ignore[attr-defined]
            continue
        load = loads[record.id >> 32]
        origin = [sources[record.source_id], record.valid_from, load.file_name, record.id & 0xFFFFFFFF, load.number,
                  load.finished_at and load.finished_at.isoformat(timespec="seconds")]  # fmt: skip
        yield record, {name: getattr(record, name) for name in fields}, origin


def _found(register: str, text: str, area: shapely.Geometry | None, by: Sought) -> Iterator[Record]:
    """Records in the order of their keys, read a few thousand at a time."""
    spoken, given = by.records(register), 0
    if area is not None:
        keys = around.keys_in(register, area, entries.MOST_IN_A_ZONE)
        for first in range(0, len(keys), _AT_ONCE):
            yield from spoken.filter(key__in=keys[first : first + _AT_ONCE]).order_by("key", "id")
        return
    start, key, number = text.upper().replace(" ", "")[:64], "", 0
    first = spoken.filter(key__gte=start).order_by("key").values_list("key", flat=True).first() if start else start
    if register in SPOKEN and not (first or "").startswith(start):
        low = folded(text)[:LONGEST].encode(errors="replace")
        yield from spoken.filter(folded__gte=low, folded__lt=low + b"\xff").order_by("folded", "id")[:MOST]
        return
    while given < MOST:
        later = spoken.filter(key__gt=key) if key else spoken.filter(key__gte=start)
        rows = list((spoken.filter(key=key, id__gt=number) | later).order_by("key", "id")[:_AT_ONCE])
        for record in rows:
            if not record.key.startswith(start):
                return
            yield record
        if len(rows) < _AT_ONCE:
            return
        key, number, given = rows[-1].key, rows[-1].id, given + len(rows)


def _fields(register: str) -> list[str]:
    held = REGISTERS[register]
    return [field.name for field in held.fields if not field.personal and field.name != held.key]


def _line(values: list[Any]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(["" if value is None else value for value in values])
    return out.getvalue()
