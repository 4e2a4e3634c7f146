"""What a list of a register is narrowed down to: area, community, division, source, a kind, what is there no more."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import shapely
from django.db.models import QuerySet

from cityloom.kernel.refused import Refused
from cityloom.registers import queries
from cityloom.registers.browsing import communities
from cityloom.registers.domain.kinds import REGISTERS, Field
from cityloom.registers.models import RECORDS, Area, Record, Source

LOOKED_AT = 20_000
"""Of so many records, in the order of their keys, one part of a narrowed list is made: no filter has an index of its
own, which would slow each load down, and a part has to come at once though nothing in it fits."""
_DIVISION = re.compile(r"\d{2}|\d{4}|\d{6}|\d{9}|\d{12}")
_AREAS = ("district", "subdistrict", "neighbourhood")


@dataclass(frozen=True)
class Sought:
    """What entries must have; the outline is that of an area or a community, by the middle of an entry."""

    values: Mapping[str, str] = field(default_factory=dict)
    division: str = ""
    source: int = 0
    outline: shapely.Geometry | None = None
    is_gone: bool = False

    @property
    def is_narrow(self) -> bool:
        """Whether anything is asked for."""
        return self != Sought()

    def records(self, register: str) -> QuerySet[Record]:
        """The records that fit, but for the exact outline (`holds`)."""
        table, last = RECORDS[register], queries.last_known_load()
        known = table._default_manager.filter(closed_by__gt=last, id__lt=(last + 1) << 32, is_gone=self.is_gone)
        known = known.filter(**dict(self.values))
        if self.source:
            known = known.filter(source_id=self.source)
        if self.division:
            known = known.filter(division__gte=self.division, division__lt=f"{self.division}:")
        if self.outline is not None:
            west, south, east, north = self.outline.bounds
            known = known.filter(lon__gte=west, lon__lte=east, lat__gte=south, lat__lte=north)
        return known

    def holds(self, lon: float | None, lat: float | None) -> bool:
        """Whether a place lies in the outline."""
        return self.outline is None or (lon is not None and bool(shapely.intersects_xy(self.outline, lon, lat)))


def end_of_part(register: str, after: str, up_to: str = "") -> str:
    """The key up to which one part of a list looks from behind `after` on; empty where that is the rest."""
    later = RECORDS[register]._default_manager.filter(key__gt=after)
    if up_to:
        later = later.filter(key__lt=up_to)
    return later.order_by("key").values_list("key", flat=True)[LOOKED_AT : LOOKED_AT + 1].first() or ""


def choices(register: str) -> list[Field]:
    """The fields of a register with a short list of values, by which it can be narrowed down."""
    fields = REGISTERS[register].fields
    return [one for one in fields if one.kind == "choice" and not one.personal and not one.code_list]


def areas() -> list[tuple[int, str, str, str]]:
    """Districts and what lies in them: id, kind, name, name in Chinese."""
    rows = Area.objects.filter(kind__in=_AREAS).order_by("id").values_list("id", "kind", "name", "name_zh")
    return sorted(rows, key=lambda row: _AREAS.index(row[1]))


def sought(register: str, asked: Mapping[str, str]) -> Sought:
    """What somebody asks for in an address; what a register has no field for is let go.

    Raises: Refused `registers.no_such_value`, `registers.no_division`, `registers.no_area`, `registers.no_source`,
    `registers.no_community`, `registers.several_communities`.
    """
    has = {one.name for one in REGISTERS[register].fields}
    found = Sought(_values(register, asked), is_gone=asked.get("gone") == "1")
    if asked.get("source"):
        found = replace(found, source=_source(asked["source"]))
    if asked.get("division") and "division" in has:
        found = replace(found, division=_division(asked["division"]))
    if asked.get("area") and has_middle(register):
        found = replace(found, outline=_outline(asked["area"]))
    if asked.get("community") and has_middle(register):
        found = replace(found, outline=_within(communities.outline_of(asked["community"]), found.outline))
    return found


def has_middle(register: str) -> bool:
    """Whether entries of a register lie somewhere."""
    return hasattr(RECORDS[register], "cell")


def _values(register: str, asked: Mapping[str, str]) -> dict[str, Any]:
    out = {}
    for one in choices(register):
        if value := asked.get(one.name, ""):
            if value not in one.choices:
                raise Refused("registers.no_such_value", "There is no {value} to narrow the list down to; there are "
                              "{limit}.", value=value, limit=", ".join(one.choices))  # fmt: skip
            out[one.name] = value
    return out


def _division(digits: str) -> str:
    if not _DIVISION.fullmatch(digits):
        raise Refused("registers.no_division", "A division has 2, 4, 6, 9 or 12 digits, as in {limit}; correct "
                      "{value}.", value=digits, limit="440305")  # fmt: skip
    return digits


def _source(name: str) -> int:
    number = Source.objects.filter(name=name).values_list("id", flat=True).first()
    if number is None:
        known = ", ".join(Source.objects.order_by("name").values_list("name", flat=True))
        raise Refused("registers.no_source", "There is no source {value}; there are {limit}.", value=name, limit=known)
    return number


def _within(outline: shapely.Geometry, other: shapely.Geometry | None) -> shapely.Geometry:
    """What of an outline lies in another one, if there is another."""
    both = outline if other is None else shapely.intersection(outline, other)
    shapely.prepare(both)
    return both


def _outline(number: str) -> shapely.Geometry:
    wkb = Area.objects.filter(id=int(number)).values_list("geometry", flat=True).first() if number.isdecimal() else None
    if wkb is None:
        raise Refused("registers.no_area", "There is no such district or subdistrict; choose one of the list.")
    outline = shapely.from_wkb(bytes(wkb))
    shapely.prepare(outline)
    return outline
