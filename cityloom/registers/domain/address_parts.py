"""What an address is made of, in any country: the kinds of parts, and an address as its parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

KINDS = (
    "country", "province", "city", "district", "postcode", "zone", "town", "community", "road", "road_number",
    "side_road", "side_road_number", "compound", "sub_compound", "building", "unit", "floor", "room", "occupant",
    "relation", "other",
)  # fmt: skip
"""From the largest to the smallest; `zone` is a development zone, `compound` an estate, building or place by its name,
`relation` words such as opposite or the corner of, `other` what says nothing about the place."""
LONGEST = 300
"""Signs of an address that are looked at; what follows is `other`."""


class Part(NamedTuple):
    """A part: its kind, and where it begins and ends in the text."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Address:
    """A text cut into parts without gaps; `script` is `chinese` or `western`, `division` a code of GB/T 2260 or ""."""

    text: str
    parts: tuple[Part, ...]
    script: str
    division: str = ""

    def first(self, kind: str) -> str:
        """The first part of a kind, or ""."""
        return next((self.text[part.start : part.end] for part in self.parts if part.kind == kind), "")

    def by_kind(self) -> dict[str, str]:
        """The first part of each kind that is there."""
        found: dict[str, str] = {}
        for kind, start, end in self.parts:
            if kind != "other":
                found.setdefault(kind, self.text[start:end])
        return found
