"""The city seen from afar: each kind of thing is read once for each version of the data, and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
import shapely
from django.db import connection
from numpy.typing import NDArray

from cityloom.kernel.cover import ranges_in_box
from cityloom.registers.domain import generalise
from cityloom.registers.domain.draft import Floats, Ints, Shapes, Texts

FINEST, COARSEST = 10, 5
"""The resolutions of hexagons that the map shows."""
_MAJOR_ROADS = (
    "SELECT name, name_zh, kind, geometry FROM registers_roadsegment"
    " WHERE kind IN ('motorway', 'trunk', 'primary', 'secondary')"
)
_BUILDINGS_BY_HEXAGON = (
    "SELECT cell / 32768, COUNT(*), SUM(dwellings) FROM registers_building GROUP BY cell / 32768 ORDER BY 1"
)
"""32768: the digits of a cell from its eleventh on, so these are hexagons of resolution 10."""
_DIGIT_BITS, _FINEST_OF_ALL = 3, 15
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Drawn:
    """Shapes with their ids, kinds and names, found by rectangle; `rough_m2` is about how large each is."""

    tree: shapely.STRtree
    id: Ints
    kind: Texts
    name: Texts
    name_zh: Texts
    rough_m2: Floats

    def within(self, box: Box) -> Ints:
        """The rows that could touch a rectangle, in their order."""
        return np.sort(self.tree.query(shapely.box(*box)))

    def shapes(self, rows: Ints) -> Shapes:
        """The geometries of some rows."""
        return self.tree.geometries[rows]


@dataclass(frozen=True)
class Hexagons:
    """The cells of one resolution that hold buildings, ascending; `share` is of the buildings in the fullest."""

    resolution: int
    cell: Ints
    buildings: Ints
    dwellings: Ints
    share: Floats

    def within(self, box: Box) -> Ints:
        """The rows that could touch a rectangle."""
        ranges = np.array(ranges_in_box(*box, 0.0, self.resolution), np.int64).reshape(-1, 2)
        low = np.searchsorted(self.cell, ranges[:, 0])
        high = np.searchsorted(self.cell, ranges[:, 1], side="right")
        return np.concatenate([np.arange(first, last) for first, last in zip(low, high, strict=True)]).astype(np.int64)

    def shapes(self, rows: Ints) -> Shapes:
        """The outlines of some rows."""
        corners = [[(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in self.cell[rows].tolist()]
        return texts([shapely.Polygon(outline) for outline in corners])


@lru_cache(maxsize=1)
def roads_of(_data_version: str) -> Drawn:
    """Larger roads, the pieces of one as one line."""
    name, name_zh, kind, wkb = _read(_MAJOR_ROADS, 4)
    merged = generalise.streets(texts(name), texts(name_zh), texts(kind), shapes(wkb))
    count = len(merged.geometry)
    return Drawn(shapely.STRtree(merged.geometry), np.arange(1, count + 1), merged.kind, merged.name, merged.name_zh,
                 np.zeros(count))  # fmt: skip


@lru_cache(maxsize=1)
def land_of(_data_version: str) -> Drawn:
    """Water, green and other uses of the ground."""
    number, kind, name, wkb = _read("SELECT id, kind, name, geometry FROM registers_land", 4)
    ground = shapes(wkb)
    return Drawn(shapely.STRtree(ground), ints(number), texts(kind), texts(name), texts(name),
                 generalise.rough_m2(ground))  # fmt: skip


@lru_cache(maxsize=1)
def areas_of(_data_version: str) -> Drawn:
    """Districts, subdistricts and neighbourhoods."""
    number, kind, name, name_zh, wkb = _read("SELECT id, kind, name, name_zh, geometry FROM registers_area", 5)
    outlines = shapes(wkb)
    return Drawn(shapely.STRtree(outlines), ints(number), texts(kind), texts(name), texts(name_zh),
                 generalise.rough_m2(outlines))  # fmt: skip


@lru_cache(maxsize=16)
def hexagons(data_version: str, resolution: int) -> Hexagons:
    """Where buildings stand; a coarser resolution sums up the finest, for which all buildings are read once."""
    if resolution == FINEST:
        prefix, buildings, dwellings = (ints(column) for column in _read(_BUILDINGS_BY_HEXAGON, 3))
        cell = _at_resolution(prefix << _DIGIT_BITS * (_FINEST_OF_ALL - FINEST), FINEST)
        return _shared(resolution, cell, buildings, dwellings)
    fine = hexagons(data_version, FINEST)
    cell, place = np.unique(_at_resolution(fine.cell, resolution), return_inverse=True)
    sums = (np.bincount(place, counts, minlength=len(cell)) for counts in (fine.buildings, fine.dwellings))
    return _shared(resolution, cell, *(total.astype(np.int64) for total in sums))


def _shared(resolution: int, cell: Ints, buildings: Ints, dwellings: Ints) -> Hexagons:
    share = np.round(buildings / max(int(buildings.max(initial=0)), 1), 3)
    return Hexagons(resolution, cell, buildings, dwellings, share)


def _at_resolution(cell: Ints, resolution: int) -> NDArray[np.int64]:
    """The enclosing cells: the resolution stands in bits 52 to 55, and digits that a cell does not have are 7.

    Source: H3, "H3Index representations".
    """
    spare = (1 << _DIGIT_BITS * (_FINEST_OF_ALL - resolution)) - 1
    return (cell & ~np.int64(0xF << 52)) | np.int64(resolution << 52) | np.int64(spare)


def hexagon(data_version: str, cell: int) -> tuple[int, int] | None:
    """The buildings and dwellings in a hexagon that the map shows."""
    if not h3.is_valid_cell(cell) or not COARSEST <= h3.get_resolution(cell) <= FINEST:
        return None
    seen = hexagons(data_version, h3.get_resolution(cell))
    row = int(np.searchsorted(seen.cell, cell))
    if row == len(seen.cell) or seen.cell[row] != cell:
        return None
    return int(seen.buildings[row]), int(seen.dwellings[row])


def _read(statement: str, columns: int) -> list[Sequence[object]]:
    """The columns of everything that a statement of this module's own finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    return list(zip(*rows, strict=True)) if rows else [()] * columns


def texts(column: Sequence[object]) -> Texts:
    """A column of Python objects."""
    array = np.empty(len(column), dtype=object)
    array[:] = column
    return array


def ints(column: Sequence[object]) -> Ints:
    """A column of whole numbers."""
    return np.array(column, np.int64)


def shapes(column: Sequence[object]) -> Shapes:
    """A column of geometries from WKB."""
    return shapely.from_wkb(texts([bytes(wkb) for wkb in column]))
