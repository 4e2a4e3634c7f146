"""The administration's tree over a city: districts, subdistricts and communities, so that each building has a unit."""

from __future__ import annotations

from collections import Counter

import numpy as np
import shapely

from cityloom.kernel.cells import parents_of
from cityloom.registers.domain import made_up_words, plane
from cityloom.registers.domain.draft import Draft, Ints, Synthesised, UnitDraft

_LEVELS = (("district", 6, "d"), ("subdistrict", 7, "s"), ("community", 8, "c"))
_WORDS = {"district": "District", "subdistrict": "Subdistrict", "community": "Community"}
_WORDS_ZH = {"district": "区", "subdistrict": "街道", "community": "社区"}


def with_units(draft: Draft, cells: Ints) -> tuple[tuple[UnitDraft, ...], Ints, dict[str, Synthesised]]:
    """The units and the row of each building's community; named areas of the source are kept, H3 parents fill in."""
    units: list[UnitDraft] = []
    parent_row = np.full(len(cells), -1)
    made = 0
    for kind, resolution, letter in _LEVELS:
        area = _area_of(draft, kind)
        group = np.where(area >= 0, area, parents_of(cells, resolution))
        made += len(np.unique(group[area < 0]))
        parent_row = _add_level(units, draft, (kind, letter), np.stack([parent_row, group], axis=1), area)
    rule = "districts, subdistricts and communities are H3 cells of resolution 6, 7 and 8 where the source has none"
    return tuple(units), parent_row, {"administrative units": Synthesised(made, rule)}


def _area_of(draft: Draft, kind: str) -> Ints:
    """The row of the area of this kind that holds each building, or -1."""
    found = np.full(len(draft.buildings), -1)
    rows = np.flatnonzero(draft.areas.kind == kind)
    if len(rows):
        points = shapely.points(*plane.middles(draft.buildings.footprint))
        at, area = shapely.STRtree(draft.areas.geometry[rows]).query(points, predicate="intersects")
        found[at] = rows[area]
    return found


def _add_level(units: list[UnitDraft], draft: Draft, form: tuple[str, str], pairs: Ints, area: Ints) -> Ints:
    """Add a unit for each different (parent, group), numbered in the order of their first building; return its rows."""
    kind, letter = form
    _, first, of_building = np.unique(pairs, axis=0, return_index=True, return_inverse=True)
    of_building = of_building.reshape(-1)
    counter: Counter[int] = Counter()
    row_of_group = np.empty(len(first), np.int64)
    streets = _usual_streets(draft, of_building) if kind == "community" else {}
    for key in np.argsort(first).tolist():
        parent, at = int(pairs[first[key], 0]), int(first[key])
        counter[parent] += 1
        row_of_group[key] = len(units)
        above = units[parent].id if parent >= 0 else "city"
        english, chinese = _names(draft, kind, len(units), int(area[at]), streets.get(key, ""))
        units.append(UnitDraft(f"{above}/{letter}{counter[parent]:02d}", english, chinese, kind))
    return row_of_group[of_building]


def _usual_streets(draft: Draft, group: Ints) -> dict[int, str]:
    """The street that most buildings of each group stand in."""
    if draft.is_synthetic:
        return {}
    seen: dict[int, Counter[str]] = {}
    for key, street in zip(group.tolist(), draft.buildings.street, strict=True):
        if street:
            seen.setdefault(key, Counter())[street] += 1
    return {key: streets.most_common(1)[0][0] for key, streets in seen.items()}


def _names(draft: Draft, kind: str, number: int, area: int, street: str) -> tuple[str, str]:
    """The area's own names, else made-up ones in a synthetic city, else the street's or a number."""
    if area >= 0:
        name = draft.areas.name[area]
        return name, draft.areas.name_zh[area] or name
    if draft.is_synthetic:
        english, chinese = made_up_words.place(number)
        return f"{english} {_WORDS[kind]}", f"{chinese}{_WORDS_ZH[kind]}"
    words = street or str(number + 1)
    return f"{_WORDS[kind]} {words}", f"{words}{_WORDS_ZH[kind]}"
