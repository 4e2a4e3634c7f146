"""What the map shows of the register: the city's ground, cut by rectangle and zoom.

The user interface finds these by the names in `display`; no other capability imports them. What a rectangle holds is
bounded: small things wait for a nearer view, and of too many, some are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
import shapely

from cityloom.kernel.cells import RESOLUTION
from cityloom.kernel.geometry import LocalProjection
from cityloom.registers import queries
from cityloom.registers.domain import generalise
from cityloom.registers.domain.building_addresses import known_number
from cityloom.registers.domain.draft import Flags, Ints, Shapes, Texts
from cityloom.registers.domain.names import by_language
from cityloom.registers.domain.rows import LARGE_REACH_M
from cityloom.registers.layers.overview import (
    COARSEST,
    FINEST,
    Drawn,
    areas_of,
    hexagons,
    ints,
    land_of,
    roads_of,
    shapes,
    texts,
)
from cityloom.ui.domain.declared import Features

BUILDINGS_FROM = 15
"""The zoom from which buildings are drawn one by one; below it they are counted in hexagons."""
_NEAR = 14
"""The zoom from which everything is read where it is looked at; below it, from an overview of the whole city."""
_MOST = 20_000
_SMALLEST = 4  # points on the screen
_ROADS_FROM = (
    (16, ("service", "footway", "path", "steps", "cycleway", "track")),
    (15, ("pedestrian",)),
    (14, ("residential", "living_street", "unclassified")),
    (13, ("tertiary",)),
    (11, ("secondary",)),
    (0, ("primary", "trunk", "motorway")),
)
_KINDS_FROM_AFAR = ("hospital", "university", "town_hall")


def land(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Water, green and how the ground is used; nothing smaller than a few points on the screen."""
    version, reaches = queries.version_and_reaches()
    if not version:
        return _nothing()
    box = (west, south, east, north)
    if zoom < _NEAR:
        seen = land_of(version)
        rows = seen.within(box)
        rows = rows[seen.rough_m2[rows] >= (_SMALLEST * generalise.metres_a_point(south, zoom)) ** 2]
        return _named(seen.shapes(rows), seen.id[rows], kind=seen.kind[rows], name=seen.name[rows])
    columns = queries.rows_in_box(
        "registers_land", "id, kind, name, geometry", box, margin_m=reaches.get("land", 0.0), most=_MOST
    )
    return _named(shapes(columns[3]), ints(columns[0]), kind=texts(columns[1]), name=texts(columns[2]))


def roads(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Streets, the pieces of one street as one line; the nearer, the smaller ones too."""
    version, reaches = queries.version_and_reaches()
    if not version:
        return _nothing()
    kinds = [kind for first, kinds in _ROADS_FROM if zoom >= first for kind in kinds]
    box = (west, south, east, north)
    if zoom < _NEAR - 1:
        seen = roads_of(version)
        rows = seen.within(box)
        return _all_of(seen, rows[np.isin(seen.kind[rows].astype(np.str_), kinds)])
    wanted = ", ".join(f"'{kind}'" for kind in kinds)
    name, name_zh, kind, wkb = queries.rows_in_box(
        "registers_roadsegment", "name, name_zh, kind, geometry", box, margin_m=reaches.get("road", 0.0),
        most=_MOST, condition=f"b.kind IN ({wanted}) AND ",
    )  # fmt: skip
    merged = generalise.streets(texts(name), texts(name_zh), texts(kind), shapes(wkb))
    return _named(
        merged.geometry, np.arange(1, len(merged.geometry) + 1), kind=merged.kind, name=merged.name,
        name_zh=merged.name_zh,
    )  # fmt: skip


def buildings(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Buildings one by one, from zoom 15."""
    version, reaches_m = queries.version_and_reaches()
    if not version or zoom < BUILDINGS_FROM:
        return _nothing()
    box = (west, south, east, north)
    reaches = ((0, LARGE_REACH_M), (1, reaches_m.get("building", 0.0)))
    read = [_buildings_of(size, reach, box) for size, reach in reaches]
    number, use, levels, height, house, how, wkb = (list(chain(*parts)) for parts in zip(*read, strict=True))
    return _named(
        shapes(wkb), ints(number), use=texts(use), levels=ints(levels), height=np.array(height, dtype=object),
        number=texts(list(map(known_number, house, how))),
    )  # fmt: skip


def _buildings_of(size: int, reach_m: float, box: tuple[float, float, float, float]) -> list[Sequence[object]]:
    west, south, east, north = box
    metres = LocalProjection(west, max(abs(south), abs(north))).xy(np.array([west + 1]), np.array([0.0]))[0, 0]
    aside, above = reach_m / float(metres), reach_m / 110_000
    return queries.rows_in_box(
        "registers_building", "id, use, levels, height_m, house_number, address_level, footprint", box,
        margin_m=reach_m, most=_MOST, resolution=RESOLUTION, indexed=f"b.large = {int(size)} AND ",
        condition="b.lon BETWEEN %s AND %s AND b.lat BETWEEN %s AND %s AND ",
        values=(west - aside, east + aside, south - above, north + above),
    )  # fmt: skip


def density(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """How many buildings and dwellings stand in each hexagon, below zoom 15; `share` is of the fullest one's."""
    version, _reaches = queries.version_and_reaches()
    if not version or zoom >= BUILDINGS_FROM:
        return _nothing()
    seen = hexagons(version, _hexagon_size(zoom))
    rows = seen.within((west, south, east, north))
    columns = {"buildings": seen.buildings[rows], "dwellings": seen.dwellings[rows], "share": seen.share[rows]}
    return Features(seen.shapes(rows), seen.cell[rows], columns)


def _hexagon_size(zoom: int) -> int:
    """The resolution at which a hexagon is 15 to 40 points wide."""
    return max(FINEST - (15 - zoom) // 2, COARSEST)


def places(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Schools, hospitals, parks and other places; from afar only those that everybody looks for."""
    return _places((west, south, east, north), zoom, "")


def shelters(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Places with room for people, and for how many."""
    return _places((west, south, east, north), zoom, "b.shelter_places > 0 AND ")


def _places(box: tuple[float, float, float, float], zoom: int, condition: str) -> Features:
    if not queries.version_and_reaches()[0]:
        return _nothing()
    if zoom < _NEAR and not condition:
        condition = "b.kind IN ({}) AND ".format(", ".join(f"'{kind}'" for kind in _KINDS_FROM_AFAR))
    columns = queries.rows_in_box(
        "registers_place", "id, kind, name, lon, lat, shelter_places, indoors", box, margin_m=0.0, most=_MOST,
        resolution=RESOLUTION, condition=condition,
    )  # fmt: skip
    number, kind, name, lon, lat, room, indoors = columns
    return _named(
        shapely.points(np.array(lon, float), np.array(lat, float)), ints(number), kind=texts(kind), name=texts(name),
        places=ints(room), indoors=np.array(indoors, bool),
    )  # fmt: skip


def areas(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Districts, subdistricts and neighbourhoods, as far as the source names them."""
    version, _reaches = queries.version_and_reaches()
    if not version:
        return _nothing()
    seen = areas_of(version)
    return _all_of(seen, seen.within((west, south, east, north))[:_MOST])


def mains(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Water, sewer and gas mains."""
    version, reaches = queries.version_and_reaches()
    if not version:
        return _nothing()
    number, kind, diameter, wkb = queries.rows_in_box(
        "registers_main", "id, kind, diameter_mm, geometry", (west, south, east, north),
        margin_m=reaches.get("main", 0.0), most=_MOST,
    )  # fmt: skip
    return _named(shapes(wkb), ints(number), kind=texts(kind), diameter=ints(diameter))


def valves(west: float, south: float, east: float, north: float, zoom: int) -> Features:
    """Valves on mains."""
    if not queries.version_and_reaches()[0]:
        return _nothing()
    number, kind, lon, lat = queries.rows_in_box(
        "registers_valve", "id, kind, lon, lat", (west, south, east, north), margin_m=0.0, most=_MOST
    )
    return _named(shapely.points(np.array(lon, float), np.array(lat, float)), ints(number), kind=texts(kind))


def _all_of(seen: Drawn, rows: Ints) -> Features:
    return _named(
        seen.shapes(rows), seen.id[rows], kind=seen.kind[rows], name=seen.name[rows], name_zh=seen.name_zh[rows]
    )


def _nothing() -> Features:
    return Features(np.zeros(0, object), np.zeros(0, np.int64))


def _named(geometry: Shapes, ids: Ints, /, **properties: Texts | Ints | Flags) -> Features:
    """Features whose empty texts are left out; a name in two scripts becomes one for each language."""
    if "name" in properties and "name_zh" not in properties:
        pairs = [by_language(name) for name in properties["name"]]
        properties["name"], properties["name_zh"] = (texts([pair[side] for pair in pairs]) for side in (0, 1))
    for name, column in properties.items():
        if column.dtype == object:
            properties[name] = np.where(column == "", None, column)
    return Features(geometry, ids, properties)
