"""Place as an integer: H3 cells as signed 64-bit numbers, ready for an ordinary index."""

from __future__ import annotations

import math

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel import geometry

RESOLUTION = 11
"""About 28 m from centre to corner, 2,150 m2; buildings, sensors and places carry a cell of this size."""
COARSE = 8
"""About 530 m from centre to corner, 0.74 km2; roads, mains and land carry cells of this size."""
_REACH_M = {RESOLUTION: 36.0, COARSE: 680.0}  # the longest centre-to-corner distance anywhere, with a margin
_STEP_M = {RESOLUTION: 35.5, COARSE: 640.0}  # the shortest distance between neighbouring centres, with a margin
_ACROSS = math.sqrt(3) / 2  # a ring of hexagons is this much narrower across its flats than over its corners
_CORNERS = 4  # segments of a quarter circle in buffers


def cell_of(lon: float, lat: float, resolution: int = RESOLUTION) -> int:
    """The cell that holds a point."""
    return h3.latlng_to_cell(lat, lon, resolution)


def cells_of(lons: NDArray[np.float64], lats: NDArray[np.float64], resolution: int = RESOLUTION) -> NDArray[np.int64]:
    """The cells of many points, in their order."""
    find = h3.latlng_to_cell
    pairs = zip(lats.tolist(), lons.tolist(), strict=True)
    return np.fromiter((find(lat, lon, resolution) for lat, lon in pairs), dtype=np.int64, count=len(lons))


def parents_of(cells: NDArray[np.int64], resolution: int) -> NDArray[np.int64]:
    """The enclosing coarser cell of each cell."""
    unique, inverse = np.unique(cells, return_inverse=True)
    parents = np.fromiter((h3.cell_to_parent(cell, resolution) for cell in unique.tolist()), np.int64, len(unique))
    return parents[inverse]


def centre_of(cell: int) -> tuple[float, float]:
    """Longitude and latitude of a cell's centre."""
    lat, lon = h3.cell_to_latlng(cell)
    return lon, lat


def outline_of(cell: int) -> shapely.Polygon:
    """The border of a cell, in WGS 84."""
    return shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(cell)])


def cover_circle(lon: float, lat: float, radius_m: float, resolution: int = RESOLUTION) -> list[int]:
    """Every cell that could hold a point within `radius_m` of a place; a few more, never fewer."""
    between_centres = radius_m + 2 * _REACH_M[resolution]
    rings = math.ceil(between_centres / (_STEP_M[resolution] * _ACROSS))
    return h3.grid_disk(h3.latlng_to_cell(lat, lon, resolution), rings)


def cover_polygon(polygon: shapely.Geometry, margin_m: float = 0.0, resolution: int = RESOLUTION) -> list[int]:
    """Every cell that could hold a point within `margin_m` of a polygon (WGS 84); a few more, never fewer."""
    lon, lat = geometry.centre(polygon)
    plane = geometry.LocalProjection(lon, lat)
    reach = (margin_m + _REACH_M[resolution]) / math.cos(math.pi / (4 * _CORNERS))
    wide = plane.to_degrees(shapely.buffer(plane.to_metres(polygon), reach, quad_segs=_CORNERS))
    cells: set[int] = set()
    for part in shapely.get_parts(wide):
        shape = h3.geo_to_h3shape(shapely.geometry.mapping(part))
        cells.update(h3.h3shape_to_cells(shape, resolution))
    return sorted(cells) or [h3.latlng_to_cell(lat, lon, resolution)]
