"""The address of each building: what its source says, else what follows from its street and its neighbours' numbers.

Nothing here is made up: a building without a number that follows from others keeps none, and one that no street with a
name is near has a reason instead of an address.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain import plane
from cityloom.registers.domain.address_standard import name_key
from cityloom.registers.domain.draft import (
    BuildingTable,
    Floats,
    Ints,
    MadeUp,
    RoadTable,
    Shapes,
    Synthesised,
    Texts,
)  # fmt: skip

STREET_WITHIN_M = 60.0
"""A building farther from every street with a name has no address."""
_BRACKET_M = 250.0
"""Two known numbers farther apart along their street tell nothing about what lies between them."""
_LEADING = re.compile(r"\d{1,6}")


class AddressLevel(IntEnum):
    """Where the address of a building comes from; `UNTOLD` where its source has its own rule, as in made-up cities."""

    UNTOLD = 0
    TAGS = 1
    POINT_INSIDE = 2
    POINT_NEAR = 3
    INTERPOLATED = 4
    STREET = 5
    NONE = 6


NUMBERED = (AddressLevel.UNTOLD, AddressLevel.TAGS, AddressLevel.POINT_INSIDE, AddressLevel.POINT_NEAR)
"""Levels at which a house number is the source's own word."""
UNNUMBERED = (AddressLevel.STREET, AddressLevel.NONE)
"""Levels at which a building that has a house number all the same has one that was made up."""


def known_number(number: str, level: int) -> str:
    """A building's number; "" in the place of one that was made up for want of any, which is no address."""
    return "" if level in UNNUMBERED else number


@dataclass(frozen=True)
class _Spots:
    """Where buildings lie along one street: the piece of its course, metres along it, and the side (-1, 1)."""

    row: Ints
    piece: Ints
    along: Floats
    side: Ints


def with_derived(buildings: BuildingTable, roads: RoadTable) -> tuple[dict[str, NDArray], dict[str, Synthesised]]:
    """Streets within 60 m and interpolated numbers where the source has none; each building with its level.

    `address_m` is the distance to the street, or to the nearer of the two houses that a number lies between.
    A city whose source numbers by a rule of its own is left as it is.
    """
    if not len(buildings) or (buildings.made_up == int(MadeUp.EVERYTHING)).all():
        return {}, {}
    street, away = _streets(buildings, roads)
    level = np.where(buildings.house_number != "", np.maximum(buildings.address_level, AddressLevel.TAGS), 0)
    level = np.where(street == "", AddressLevel.NONE, np.where(level == 0, AddressLevel.STREET, level)).astype(np.int64)
    number, gap = _interpolated(buildings, roads, street, level)
    found = number != ""
    columns = {
        "street": street, "house_number": np.where(found, number, buildings.house_number),
        "address_level": np.where(found, AddressLevel.INTERPOLATED, level).astype(np.int64),
        "address_m": np.where(found, gap, away), "address_ref": buildings.address_ref,
        "made_up": buildings.made_up | np.where((buildings.street == "") & (street != ""), int(MadeUp.STREET), 0)
        | np.where(found, int(MadeUp.HOUSE_NUMBER), 0),
    }  # fmt: skip
    return columns, {
        "streets of buildings": Synthesised(int(((buildings.street == "") & (street != "")).sum()),
                                            f"the nearest street with a name within {STREET_WITHIN_M:g} m"),
        "interpolated house numbers": Synthesised(int(found.sum()), "between the known numbers of its side of the "
                                                  f"street, at most {_BRACKET_M:g} m apart"),
    }  # fmt: skip


def _streets(buildings: BuildingTable, roads: RoadTable) -> tuple[Texts, Floats]:
    """The street of each building, by its source or the nearest one with a name, and how far that is from its walls."""
    street, away = buildings.street.copy(), np.zeros(len(buildings))
    rows, named = np.flatnonzero(street == ""), np.flatnonzero(roads.name != "")
    if not len(rows) or not len(named):
        return street, away
    local = plane.around(*plane.middles(buildings.footprint))
    tree = shapely.STRtree(local.to_metres(roads.geometry[named]))
    walls = local.to_metres(buildings.footprint[rows])
    (point, line), metres = tree.query_nearest(
        walls, max_distance=STREET_WITHIN_M, return_distance=True, all_matches=False
    )
    street[rows[point]] = roads.name[named[line]]
    away[rows[point]] = metres
    return street, away


def _interpolated(
    buildings: BuildingTable, roads: RoadTable, street: Texts, level: Ints
) -> tuple[Texts, Floats]:  # fmt: skip
    """Numbers that lie between those of their neighbours on the same side, and the distance to the nearer of these."""
    number, gap = np.full(len(street), "", dtype=object), np.zeros(len(street))
    local = plane.around(*plane.middles(buildings.footprint))
    for houses, course in _by_street(street, roads, local):
        known = np.array([_value(buildings.house_number[row]) for row in houses])
        bare = houses[level[houses] == AddressLevel.STREET]
        if len(bare) and (known > 0).sum() >= 2:
            spots = _spots(buildings.footprint[houses], houses, course, local)
            for row, value, metres in _between(spots, known, set(known.tolist()), bare):
                number[row], gap[row] = str(value), metres
    return number, gap


def _value(number: str) -> int:
    """The number that a house number begins with; 0 where it begins with none."""
    found = _LEADING.match(number)
    return int(found[0]) if found else 0


def _by_street(street: Texts, roads: RoadTable, local: LocalProjection) -> Iterator[tuple[Ints, Shapes]]:
    """The buildings of each street with the pieces of its course in metres, however its name is written."""
    pieces: dict[str, list[int]] = {}
    for row, name in enumerate(roads.name.tolist()):
        if name:
            pieces.setdefault(_key(name), []).append(row)
    houses: dict[str, list[int]] = {}
    for row, name in enumerate(street.tolist()):
        if name:
            houses.setdefault(_key(name), []).append(row)
    for key, rows in houses.items():
        if key in pieces:
            merged = shapely.line_merge(shapely.union_all(local.to_metres(roads.geometry[pieces[key]])))
            yield np.array(rows, np.int64), shapely.get_parts(merged)


def _key(name: str) -> str:
    return name_key(name)


def _spots(footprint: Shapes, houses: Ints, course: Shapes, local: LocalProjection) -> _Spots:
    """Where houses lie along a street."""
    lon, lat = plane.middles(footprint)
    points = shapely.points(local.xy(lon, lat))
    nearest = shapely.STRtree(course).query_nearest(points, all_matches=False)[1]
    along = shapely.line_locate_point(course[nearest], points)
    length = shapely.length(course[nearest])
    before = shapely.line_interpolate_point(course[nearest], np.maximum(along - 1.0, 0.0))
    after = shapely.line_interpolate_point(course[nearest], np.minimum(along + 1.0, length))
    ahead = shapely.get_coordinates(after) - shapely.get_coordinates(before)
    aside = shapely.get_coordinates(points) - shapely.get_coordinates(before)
    turn = ahead[:, 0] * aside[:, 1] - ahead[:, 1] * aside[:, 0]
    return _Spots(houses, nearest, along, np.where(turn >= 0, 1, -1))


def _between(spots: _Spots, known: Ints, taken: set[int], bare: Ints) -> Iterator[tuple[int, int, float]]:
    """The rows whose number follows from the houses before and after them on their side of the street."""
    for piece in np.unique(spots.piece).tolist():
        for side in (-1, 1):
            here = np.flatnonzero((spots.piece == piece) & (spots.side == side))
            here = here[np.argsort(spots.along[here], kind="stable")]
            told = here[known[here] > 0]
            for at in here[np.isin(spots.row[here], bare)].tolist():
                place = int(np.searchsorted(spots.along[told], spots.along[at]))
                if 0 < place < len(told):
                    found = _number(spots.along, known, taken, told[place - 1], at, told[place])
                    if found:
                        taken.add(found[0])
                        yield int(spots.row[at]), *found


def _number(
    along: Floats, known: Ints, taken: set[int], before: int, at: int, after: int
) -> tuple[int, float] | None:  # fmt: skip
    """A free number of the side's parity between two neighbours, and the distance to the nearer one."""
    low, high, length = int(known[before]), int(known[after]), float(along[after] - along[before])
    if (low - high) % 2 or abs(high - low) <= 2 or not 0 < length <= _BRACKET_M:
        return None
    share = float(along[at] - along[before]) / length
    value = low + 2 * round((high - low) * share / 2)
    first, last = min(low, high), max(low, high)
    free = [number for number in range(first + 2, last, 2) if number not in taken]
    if not free:
        return None
    nearer = min(along[at] - along[before], along[after] - along[at])
    return min(free, key=lambda number: abs(number - value)), float(nearer)
