"""A complete draft as columns, ready for the register's tables: ids, cells, measures, WKB."""

from __future__ import annotations

import numpy as np
import shapely
from h3.api.basic_int import cell_to_parent
from numpy.typing import NDArray

from cityloom.kernel.cells import COARSE, cells_of
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import homes, plane, shelters
from cityloom.registers.domain.draft import Draft, Floats, Ints, Shapes, Texts

Columns = dict[str, NDArray[np.generic]]

_BUSIEST_CELLS = 6
LARGE_REACH_M = 32.0
"""Buildings that reach farther than this from their centre are searched for on their own, with a wider margin."""


def buildings(draft: Draft) -> Columns:
    """The building table."""
    table = draft.buildings
    lon, lat = plane.middles(table.footprint)
    reach = plane.reaches_m(table.footprint, lon, lat)
    dwellings = table.dwellings.astype(np.int64)
    unit = np.array([unit.id for unit in draft.units], dtype=object)[draft.unit_of_building]
    return {
        "id": _ids(len(table)), "large": (reach > LARGE_REACH_M).astype(np.int16), "cell": cells_of(lon, lat),
        "lon": lon, "lat": lat, "reach_m": reach, "use": table.use, "levels": table.levels.astype(np.int16),
        "height_m": table.height_m, "gross_floor_m2": homes.gross_floor_m2(table), "dwellings": dwellings,
        "first_dwelling_id": np.cumsum(dwellings) - dwellings + 1,
        "people_day": homes.people_by_day(table, assumed.OCCUPIED_SHARE[draft.kind]).astype(np.int64),
        "street": _cut(table.street, 200), "house_number": _cut(table.house_number, 60), "name": _cut(table.name, 200),
        "unit_id": unit, "made_up": table.made_up, "source_ref": _cut(table.source_ref, 60),
        "address_level": table.address_level.astype(np.int16), "address_m": np.round(table.address_m, 1),
        "address_ref": _cut(table.address_ref, 60), "footprint": shapely.to_wkb(table.footprint),
    }  # fmt: skip


def busiest(building: Columns) -> list[int]:
    """The H3 cells of resolution 9 (0.1 km2) that hold most dwellings, the fullest first."""
    prefix, place = np.unique(building["cell"] >> np.int64(18), return_inverse=True)
    order = np.argsort(-np.bincount(place, building["dwellings"]), kind="stable")[:_BUSIEST_CELLS]
    return [cell_to_parent((int(prefix[row]) << 18) | 0xFFF, 9) for row in order]


def dwellings(building: Columns, first: int, last: int) -> Columns:
    """The dwelling rows of the buildings in rows `first` to `last`; the label is the floor x 100 + the door."""
    count = np.asarray(building["dwellings"][first:last], np.int64)
    start = np.asarray(building["first_dwelling_id"][first:last], np.int64)
    total = int(count.sum())
    place = np.arange(total) - np.repeat(np.cumsum(count) - count, count)
    a_floor = np.maximum(1, -(-count // np.maximum(1, building["levels"][first:last])))
    wide = np.repeat(a_floor, count)
    return {
        "id": np.arange(total) + (start[0] if len(start) else 1),
        "building_id": np.repeat(np.asarray(building["id"][first:last], np.int64), count),
        "label": (place // wide + 1) * 100 + place % wide + 1,
    }


def places(draft: Draft) -> Columns:
    """The place table."""
    table = draft.places
    return {
        "id": _ids(len(table)), "cell": cells_of(table.lon, table.lat), "kind": table.kind,
        "name": _cut(table.name, 200), "lon": table.lon, "lat": table.lat,
        "building_id": np.where(table.building >= 0, table.building + 1.0, np.nan), "area_m2": table.area_m2,
        "shelter_places": shelters.capacities(table, draft.buildings),
        "indoors": ~np.isin(table.kind.astype(np.str_), shelters.OUTDOORS), "made_up": table.made_up,
    }  # fmt: skip


def road_nodes(draft: Draft) -> Columns:
    """The node table."""
    return {"id": _ids(len(draft.nodes)), "lon": draft.nodes.lon, "lat": draft.nodes.lat}


def roads(draft: Draft) -> tuple[Columns, float]:
    """The road table in cell order, and the largest distance from a segment's middle to its ends."""
    table = draft.roads
    cell, reach = _cells_and_reach(table.geometry)
    order = np.argsort(cell, kind="stable")
    columns = {
        "cell": cell, "start_id": table.start + 1, "end_id": table.end + 1, "name": _cut(table.name, 200),
        "name_zh": _cut(table.name_zh, 200), "kind": table.kind, "length_m": plane.lengths_m(table.geometry),
        "walkable": table.walkable, "drivable": table.drivable, "geometry": shapely.to_wkb(table.geometry),
    }  # fmt: skip
    return {"id": _ids(len(table))} | {name: column[order] for name, column in columns.items()}, reach


def mains_and_valves(draft: Draft) -> tuple[Columns, Columns, float]:
    """The mains and the valves in cell order, and the largest reach of a main."""
    table, valves = draft.mains, draft.valves
    cell, reach = _cells_and_reach(table.geometry)
    order = np.argsort(cell, kind="stable")
    row_of = np.empty(len(order), np.int64)
    row_of[order] = np.arange(len(order))
    mains = {
        "cell": cell, "kind": table.kind, "diameter_mm": table.diameter_mm, "street": _cut(table.street, 200),
        "made_up": table.made_up, "geometry": shapely.to_wkb(table.geometry),
    }  # fmt: skip
    mains = {"id": _ids(len(table))} | {name: column[order] for name, column in mains.items()}
    valve_cell = _cells(valves.lon, valves.lat)
    inner = np.argsort(valve_cell, kind="stable")
    columns = {
        "cell": valve_cell, "kind": valves.kind, "main_id": row_of[valves.main] + 1, "lon": valves.lon,
        "lat": valves.lat, "street": _cut(table.street[valves.main], 200), "made_up": valves.made_up,
    }  # fmt: skip
    return mains, {"id": _ids(len(valves))} | {name: column[inner] for name, column in columns.items()}, reach


def land(draft: Draft) -> tuple[Columns, float]:
    """The land table in cell order, and the largest reach of a piece."""
    table = draft.land
    cell, reach = _cells_and_reach(table.geometry)
    order = np.argsort(cell, kind="stable")
    columns = {
        "cell": cell, "kind": table.kind, "name": _cut(table.name, 200), "geometry": shapely.to_wkb(table.geometry),
    }  # fmt: skip
    return {"id": _ids(len(table))} | {name: column[order] for name, column in columns.items()}, reach


def areas(draft: Draft) -> Columns:
    """The area table."""
    table = draft.areas
    return {
        "id": _ids(len(table)), "kind": table.kind, "name": _cut(table.name, 200),
        "name_zh": _cut(table.name_zh, 200), "geometry": shapely.to_wkb(table.geometry),
    }  # fmt: skip


def _cells_and_reach(shapes: Shapes) -> tuple[Ints, float]:
    if not len(shapes):
        return np.zeros(0, np.int64), 0.0
    lon, lat = plane.middles(shapes)
    return _cells(lon, lat), float(plane.reaches_m(shapes, lon, lat).max())


def _cells(lon: Floats, lat: Floats) -> Ints:
    """Coarse cells, worked out once for all that lie at the same point, as the mains under one street do."""
    points, first, place = np.unique(lon + 1j * lat, return_index=True, return_inverse=True)
    return cells_of(lon[first], lat[first], COARSE)[place] if len(points) else np.zeros(0, np.int64)


def bounds(draft: Draft) -> tuple[float, float, float, float]:
    """West, south, east and north of all buildings and roads."""
    boxes: Floats = np.array(
        [shapely.total_bounds(draft.buildings.footprint), shapely.total_bounds(draft.roads.geometry)]
    )
    west, south = boxes[:, :2].min(axis=0).tolist()
    east, north = boxes[:, 2:].max(axis=0).tolist()
    return west, south, east, north


def _ids(count: int) -> Ints:
    return np.arange(1, count + 1)


def _cut(column: Texts, length: int) -> Texts:
    """No text longer than its place."""
    return np.array([text[:length] for text in column], dtype=object)
