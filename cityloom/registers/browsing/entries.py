"""Entries of a register one after another: by key, by the beginning of a name, in a zone; what refers to one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile
from typing import Any

import shapely
from django.db.models import QuerySet

from cityloom.registers import queries
from cityloom.registers.browsing import around
from cityloom.registers.browsing.sought import LOOKED_AT, Sought, end_of_part
from cityloom.registers.domain import names
from cityloom.registers.domain.kinds import REGISTERS
from cityloom.registers.models import RECORDS, SPOKEN, Record, Source

LISTED: dict[str, tuple[str, ...]] = {
    "organisations": ("name", "kind", "status", "address"), "buildings": ("name", "address", "use", "levels"),
    "dwellings": ("building", "address", "floor", "door", "area_m2", "use"),
    "parcels": ("land_use", "address", "area_m2", "right_kind"),
    "addresses": ("address", "division", "building"), "places": ("name", "kind", "address", "capacity"),
    "components": ("name", "state", "owner_unit", "address"), "roads": ("name", "kind", "lanes", "width_m"),
    "mains": ("network", "diameter_mm", "material", "laid_on", "state"),
    "fittings": ("network", "kind", "state", "operator"),
}  # fmt: skip
"""By register the fields that its list shows; people are in none, their only way leads through the gate."""
MOST_IN_A_ZONE = 20_000
_MOST_SOURCES = 20
_AT_ONCE = 500
_REFERRING = {
    "buildings": (("dwellings", "building"),), "fittings": (("mains", "begin_fitting"), ("mains", "end_fitting")),
    "organisations": (("places", "operator"),),
}  # fmt: skip
"""By register the registers and fields that refer to it and have an index for it."""


@dataclass(frozen=True)
class Line:
    """An entry in a list: its key and what one of its sources says."""

    register: str
    key: str
    values: Mapping[str, Any]
    source: str


@dataclass(frozen=True)
class Listed:
    """A part of a list, and the key behind which the next part begins; empty where it is the last."""

    lines: Sequence[Line]
    after: str


def spoken(register: str) -> QuerySet[Record]:
    """What sources have said last in a register and still say."""
    return RECORDS[register].still_said(queries.last_known_load())


def listed(register: str, *, text: str = "", after: str = "", area: shapely.Geometry | None = None, limit: int = 50
           ) -> Listed:  # fmt: skip
    """Entries in the order of their keys, from behind `after` on: all, those in an area, or those that a text finds.

    A text is the beginning of a key, else that of a name or an address where the register can be asked by it.
    """
    if area is not None:
        keys = [key for key in around.keys_in(register, area, MOST_IN_A_ZONE) if key > after]
        return _cut(_of_keys(register, keys[: limit + 1]), limit)
    if not text:
        return _cut(_lines(register, spoken(register).filter(key__gt=after), ("key", "id"), limit), limit)
    start = text.strip().upper().replace(" ", "")[:64]
    by_key = _lines(register, spoken(register).filter(key__gte=max(start, after)).exclude(key=after), ("key", "id"),
                    limit)  # fmt: skip
    lines = [line for line in by_key if line.key.startswith(start)]
    return _cut(lines, limit) if lines or after else Listed(called(register, text, limit), "")


def narrowed(
    register: str, by: Sought, *, text: str = "", after: str = "", area: shapely.Geometry | None = None, limit: int = 50
) -> Listed:  # fmt: skip
    """The same, but only those entries of which some source says what is sought.

    A part looks at a bounded number of records, so that it may be shorter than `limit`, or empty, with more behind it.
    """
    if not by.is_narrow:
        return listed(register, text=text, after=after, area=area, limit=limit)
    known = by.records(register).order_by("key", "id")
    if area is not None:
        keys = [key for key in around.keys_in(register, area, MOST_IN_A_ZONE) if key > after]
        pieces = (known.filter(key__in=keys[first : first + _AT_ONCE]) for first in range(0, len(keys), _AT_ONCE))
        return _cut(_fitting(register, by, chain.from_iterable(map(_rows(register), pieces)), limit), limit)
    start = text.strip().upper().replace(" ", "")[:64]
    end = end_of_part(register, max(start, after))
    found = known.filter(key__gte=max(start, after)).exclude(key=after)
    found = found.filter(key__lte=end) if end else found
    rows = takewhile(lambda row: row[0].startswith(start), _rows(register)(found))
    lines = _fitting(register, by, rows, limit)
    if text and not lines and not after:
        return Listed(_called_among(register, by, text, limit), "")
    part = _cut(lines, limit)
    return part if part.after or not end.startswith(start) else Listed(part.lines, end)


def _called_among(register: str, by: Sought, text: str, limit: int) -> list[Line]:
    start = names.folded(text)[: names.LONGEST].encode(errors="replace")
    if register not in SPOKEN or not start:
        return []
    between = {"folded__gte": start, "folded__lt": start + b"\xff"}
    ordered = RECORDS[register]._default_manager.filter(**between).order_by("folded")
    last = ordered.values_list("folded", flat=True)[LOOKED_AT : LOOKED_AT + 1].first()
    found = by.records(register).filter(**between | ({"folded__lte": bytes(last)} if last else {}))
    return _fitting(register, by, _rows(register)(found.order_by("folded", "id")), limit)[:limit]


def _rows(register: str) -> Callable[[QuerySet[Record]], Iterator[tuple[Any, ...]]]:
    place = ("lon", "lat") if around.has_place(register) else ()
    columns = ("key", "source_id", *LISTED[register], *place)
    return lambda found: found.values_list(*columns).iterator(chunk_size=_AT_ONCE)


def _fitting(register: str, by: Sought, rows: Iterable[tuple[Any, ...]], limit: int) -> list[Line]:
    """One line more than `limit`, if there are so many."""
    sources, fields = dict(Source.objects.values_list("id", "name")), LISTED[register]
    lines: dict[str, Line] = {}
    for key, source, *values in rows:
        if key in lines or (by.outline is not None and not by.holds(*values[-2:])):
            continue
        lines[key] = Line(register, key, dict(zip(fields, values[: len(fields)], strict=True)), sources[source])
        if len(lines) > limit:
            break
    return list(lines.values())


def called(register: str, text: str, limit: int) -> list[Line]:
    """Entries whose name, or address, begins so; none where the register cannot be asked by it."""
    start = names.folded(text)[: names.LONGEST].encode(errors="replace")
    if register not in SPOKEN or not start:
        return []
    found = spoken(register).filter(folded__gte=start, folded__lt=start + b"\xff")
    return _lines(register, found, ("folded", "id"), limit)[:limit]


def referring(register: str, key: str, limit: int) -> list[tuple[str, str, Listed]]:
    """By register and field what refers to an entry."""
    out = []
    for other, field in _REFERRING.get(register, ()):
        found = _lines(other, spoken(other).filter(**{field: key}), ("key", "id"), limit)
        if found:
            out.append((other, field, _cut(found, limit)))
    return out


def referring_to(register: str, field: str, key: str, after: str, limit: int) -> Listed:
    """Entries whose field refers to a key, from behind `after` on; the whole register where the field has no index."""
    if all((register, field) not in pairs for pairs in _REFERRING.values()):
        return listed(register, after=after, limit=limit)
    found = spoken(register).filter(**{field: key}, key__gt=after)
    return _cut(_lines(register, found, ("key", "id"), limit), limit)


def neighbours(register: str, key: str) -> tuple[str, str]:
    """The keys before and behind an entry; empty at either end."""
    before = spoken(register).filter(key__lt=key).order_by("-key").values_list("key", flat=True).first()
    behind = spoken(register).filter(key__gt=key).order_by("key").values_list("key", flat=True).first()
    return before or "", behind or ""


def of_keys(register: str, keys: Sequence[str]) -> list[Line]:
    """The entries of these keys, in their order."""
    lines = {line.key: line for line in _of_keys(register, keys)}
    return [lines[key] for key in keys if key in lines]


def _of_keys(register: str, keys: Sequence[str]) -> list[Line]:
    return _grouped(register, spoken(register).filter(key__in=keys).order_by("key", "id"))


def _lines(register: str, found: QuerySet[Record], order: tuple[str, ...], limit: int) -> list[Line]:
    """A little more than `limit` entries: several sources may speak of one."""
    rows = found.order_by(*order)[: (limit + 1) * min(max(Source.objects.count(), 1), _MOST_SOURCES)]
    return _grouped(register, rows)


def _grouped(register: str, rows: QuerySet[Record]) -> list[Line]:
    columns = ("key", "source_id", *LISTED[register])
    sources = dict(Source.objects.values_list("id", "name"))
    lines: dict[str, Line] = {}
    for key, source, *values in rows.values_list(*columns):
        if key not in lines:
            lines[key] = Line(register, key, dict(zip(LISTED[register], values, strict=True)), sources[source])
    return list(lines.values())


def _cut(lines: Sequence[Line], limit: int) -> Listed:
    return Listed(lines[:limit], lines[limit - 1].key if len(lines) > limit else "")


def refers_to(register: str, field: str) -> str:
    """The register whose key a field holds; empty where it holds none."""
    return next((one.refers_to for one in REGISTERS[register].fields if one.name == field), "")
