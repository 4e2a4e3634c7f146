"""What an importer found, before it becomes a draft: outlines, lines and points with their tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import shapely

from cityloom.registers.domain.osm_shapes import LonLat, Piece
from cityloom.registers.domain.osm_words import Tags

REFERENCES_KEPT = 20


@dataclass(frozen=True, slots=True)
class Outline:
    """An area with tags; `ref` names it in its source (`way/123`)."""

    shape: shapely.Geometry
    tags: Tags
    ref: str


@dataclass(frozen=True, slots=True)
class Line:
    """A street or path."""

    course: Piece
    tags: Tags
    ref: str


@dataclass(frozen=True, slots=True)
class Spot:
    """A point with tags."""

    lon: float
    lat: float
    tags: Tags
    ref: str


@dataclass
class Defects:
    """What a source had wrong, counted by what was done about it, with the first few references."""

    counts: dict[str, int] = field(default_factory=dict)
    references: dict[str, list[str]] = field(default_factory=dict)

    def note(self, what: str, ref: str) -> None:
        """Count one more."""
        self.counts[what] = self.counts.get(what, 0) + 1
        kept = self.references.setdefault(what, [])
        if len(kept) < REFERENCES_KEPT:
            kept.append(ref)


@dataclass
class Features:
    """All that an importer found.

    `coasts` have the land on their left; `street_of_ref` holds the street of addresses that only a relation names.
    """

    buildings: list[Outline] = field(default_factory=list)
    parts: list[Outline] = field(default_factory=list)
    grounds: list[Outline] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    spots: list[Spot] = field(default_factory=list)
    coasts: list[LonLat] = field(default_factory=list)
    street_of_ref: Mapping[str, str] = field(default_factory=dict)
    defects: Defects = field(default_factory=Defects)
