"""The city seen from afar: read once for each version of its data, and kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
import shapely
from django.db import connection

from cityloom.kernel.cells import parents_of
from cityloom.registers.domain import generalise
from cityloom.registers.domain.draft import Floats, Ints, Shapes, Texts

_MAJOR_ROADS = (
    "SELECT name, name_zh, kind, geometry FROM registers_roadsegment"
    " WHERE kind IN ('motorway', 'trunk', 'primary', 'secondary')"
)
_A_CHILD = 0xFFF  # the first of a hexagon's children: its digit is 0, and those that it does not have are 7


@dataclass(frozen=True)
class Overview:
    """The city seen from afar, read once for each data version: merged roads, all land, buildings by cell."""

    road_name: Texts
    road_name_zh: Texts
    road_kind: Texts
    road: Shapes
    road_tree: shapely.STRtree
    land_id: Ints
    land_kind: Texts
    land_name: Texts
    land: Shapes
    land_m2: Floats
    land_tree: shapely.STRtree
    cell: Ints
    buildings: Ints
    dwellings: Ints
    area_id: Ints
    area_kind: Texts
    area_name: Texts
    area_name_zh: Texts
    area: Shapes
    area_tree: shapely.STRtree


@dataclass(frozen=True)
class Hexagons:
    """All cells of one resolution that hold buildings; `share` is of the buildings in the fullest."""

    tree: shapely.STRtree
    cell: Ints
    buildings: Ints
    dwellings: Ints
    share: Floats


@lru_cache(maxsize=1)
def overview_of(data_version: str) -> Overview:
    """Read once for each version of the data and process; about a second for a million buildings."""
    road = _read(_MAJOR_ROADS, 4)
    merged = generalise.streets(texts(road[0]), texts(road[1]), texts(road[2]), shapes(road[3]))
    ground = _read("SELECT id, kind, name, geometry FROM registers_land", 4)
    land = shapes(ground[3])
    number, kind, name, name_zh, wkb = _read("SELECT id, kind, name, name_zh, geometry FROM registers_area", 5)
    area = shapes(wkb)
    cell, buildings_in, dwellings_in = _read(
        "SELECT cell / 32768, COUNT(*), SUM(dwellings) FROM registers_building GROUP BY cell / 32768", 3
    )  # 32768: the digits of a cell from its eleventh on, so these are hexagons of resolution 10
    return Overview(
        road_name=merged.name, road_name_zh=merged.name_zh, road_kind=merged.kind, road=merged.geometry,
        road_tree=shapely.STRtree(merged.geometry),
        land_id=ints(ground[0]), land_kind=texts(ground[1]), land_name=texts(ground[2]), land=land,
        land_tree=shapely.STRtree(land), land_m2=generalise.rough_m2(land),
        cell=ints(cell) << 15 | _A_CHILD, buildings=ints(buildings_in),
        dwellings=ints(dwellings_in), area_id=ints(number), area_kind=texts(kind), area_name=texts(name),
        area_name_zh=texts(name_zh), area=area, area_tree=shapely.STRtree(area),
    )  # fmt: skip


@lru_cache(maxsize=8)
def hexagons(data_version: str, resolution: int) -> Hexagons:
    """All cells of a resolution that hold buildings, their outlines, and the buildings and dwellings in each."""
    seen = overview_of(data_version)
    cells, place = np.unique(parents_of(seen.cell, resolution), return_inverse=True)
    outlines = [[(lon, lat) for lat, lon in h3.cell_to_boundary(cell)] for cell in cells.tolist()]
    count = _summed(place, seen.buildings, len(cells))
    return Hexagons(
        shapely.STRtree([shapely.Polygon(outline) for outline in outlines]), cells, count,
        _summed(place, seen.dwellings, len(cells)), np.round(count / max(int(count.max(initial=0)), 1), 3),
    )  # fmt: skip


def _summed(place: Ints, counts: Ints, length: int) -> Ints:
    return np.bincount(place, counts, minlength=length).astype(np.int64)


def _read(statement: str, columns: int) -> list[Sequence[object]]:
    """The columns of everything that a statement of this module's own finds."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall()
    return list(zip(*rows, strict=True)) if rows else [()] * columns


def texts(column: Sequence[object]) -> Texts:
    array = np.empty(len(column), dtype=object)
    array[:] = column
    return array


def ints(column: Sequence[object]) -> Ints:
    return np.array(column, np.int64)


def shapes(column: Sequence[object]) -> Shapes:
    return shapely.from_wkb(texts([bytes(wkb) for wkb in column]))


def hexagon(data_version: str, cell: int) -> tuple[int, int] | None:
    """The buildings and dwellings in a hexagon that the map shows."""
    if not h3.is_valid_cell(cell) or h3.get_resolution(cell) not in range(5, 11):
        return None
    seen = hexagons(data_version, h3.get_resolution(cell))
    row = int(np.searchsorted(seen.cell, cell))
    if row == len(seen.cell) or seen.cell[row] != cell:
        return None
    return int(seen.buildings[row]), int(seen.dwellings[row])
