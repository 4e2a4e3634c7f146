"""Measures of whole tables of geometries in WGS 84."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection
from cityloom.registers.domain.draft import Floats, Shapes

_A = 6_378_137.0
_E2 = 6.694379990141316e-3


def scales(lats: Floats) -> tuple[Floats, Floats]:
    """Metres in a degree of longitude and of latitude, at each latitude. Source: WGS 84 radii of curvature."""
    phi = np.radians(lats)
    w = 1.0 - _E2 * np.sin(phi) ** 2
    return np.radians(1.0) * np.cos(phi) * _A / np.sqrt(w), np.radians(1.0) * _A * (1.0 - _E2) / w**1.5


def middles(shapes: Shapes) -> tuple[Floats, Floats]:
    """Longitude and latitude of the middle of each bounding box."""
    west, south, east, north = shapely.bounds(shapes).reshape(-1, 4).T
    return (west + east) / 2, (south + north) / 2


def areas_m2(shapes: Shapes) -> Floats:
    """Ground areas."""
    _, lats = middles(shapes)
    kx, ky = scales(lats)
    return shapely.area(shapes) * kx * ky


def lengths_m(lines: Shapes) -> Floats:
    """Lengths along the lines, each measured at its own latitude."""
    if not len(lines):
        return np.zeros(0)
    coords, index = shapely.get_coordinates(lines, return_index=True)
    kx, ky = scales(coords[:, 1])
    steps = np.hypot(np.diff(coords[:, 0]) * kx[:-1], np.diff(coords[:, 1]) * ky[:-1])
    return np.bincount(index[:-1], np.where(np.diff(index) == 0, steps, 0.0), minlength=len(lines))


def reaches_m(shapes: Shapes, lons: Floats, lats: Floats) -> Floats:
    """The largest distance from each centre to a corner of its shape."""
    coords, index = shapely.get_coordinates(shapes, return_index=True)
    kx, ky = scales(lats)
    away = np.hypot((coords[:, 0] - lons[index]) * kx[index], (coords[:, 1] - lats[index]) * ky[index])
    reach = np.zeros(len(shapes))
    np.maximum.at(reach, index, away)
    return reach


def around(lons: Floats, lats: Floats) -> LocalProjection:
    """A projection at the middle of many points."""
    return LocalProjection(float(lons.min() + lons.max()) / 2, float(lats.min() + lats.max()) / 2)


def nearest(lines: Shapes, lons: Floats, lats: Floats) -> NDArray[np.int64]:
    """The row of the nearest line for each point, measured in metres; -1 where there are no lines."""
    if not len(lines) or not len(lons):
        return np.full(len(lons), -1)
    plane = around(lons, lats)
    tree = shapely.STRtree(plane.to_metres(lines))
    points, found = tree.query_nearest(shapely.points(plane.xy(lons, lats)), all_matches=False)
    rows = np.full(len(lons), -1)
    rows[points] = found
    return rows


def along(lines: Shapes, lengths: Floats, spacing_m: float, offset: float) -> tuple[NDArray[np.int64], Floats, Floats]:
    """Points every `spacing_m` along the lines laid end to end, from `offset` (0 to 1) of a spacing: row, lon, lat."""
    upto = np.cumsum(lengths)
    total = float(upto[-1]) if len(upto) else 0.0
    stops = np.arange(offset * spacing_m, total, spacing_m)
    rows = np.minimum(np.searchsorted(upto, stops, side="right"), max(0, len(lines) - 1))
    if not len(stops):
        return rows, np.zeros(0), np.zeros(0)
    into = (stops - (upto[rows] - lengths[rows])) / np.maximum(lengths[rows], 1e-9)
    points = shapely.line_interpolate_point(lines[rows], into, normalized=True)
    return rows, shapely.get_x(points), shapely.get_y(points)
