"""From longitude and latitude to short SVG path data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection

TENTHS = 10  # path data are whole tenths of a pixel
_OUTSIDE = 12.0  # pixels kept beyond the edge, so that outlines do not run along it

Shapes = NDArray[np.object_]
BBox = tuple[float, float, float, float]


@dataclass(frozen=True)
class Frame:
    """The window on the ground: `scale` is pixels per metre, y grows downwards."""

    plane: LocalProjection
    width: int
    height: int
    scale: float

    def to_pixels(self, shapes: Shapes) -> Shapes:
        """Geometries in WGS 84 as pixels, repaired where they cross themselves, cut off outside the window."""
        placed = shapely.transform(shapes, self._pixels)
        broken = ~shapely.is_valid(placed)
        placed[broken] = shapely.make_valid(placed[broken])
        edge = _OUTSIDE
        cut = shapely.clip_by_rect(placed, -edge, -edge, self.width + edge, self.height + edge)
        return np.atleast_1d(cut)

    def _pixels(self, lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = self.plane.xy(lonlat[:, 0], lonlat[:, 1]).T
        return np.column_stack([self.width / 2 + x * self.scale, self.height / 2 - y * self.scale])


def fitted(bbox: BBox, size: tuple[int, int]) -> Frame:
    """The window that shows a whole bounding box (west, south, east, north), centred."""
    west, south, east, north = bbox
    plane = LocalProjection((west + east) / 2, (south + north) / 2)
    across, up = plane.xy(np.array([east]), np.array([north]))[0] * 2
    width, height = size
    return Frame(plane, width, height, min(width / max(float(across), 1.0), height / max(float(up), 1.0)))


def polygon_data(shapes: Shapes, tolerance: float, smallest: float) -> str:
    """Path data of every polygon at least `smallest` square pixels large; nothing else is kept."""
    parts = shapely.get_parts(shapely.get_parts(shapes))
    parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON]
    parts = shapely.simplify(parts[shapely.area(parts) >= max(smallest, 0.2)], tolerance)
    rings = shapely.get_rings(shapely.orient_polygons(parts))
    return "".join(f"{_ring(points)}z" for points in _points_of(rings) if len(points) > 3)


def line_data(shapes: Shapes, tolerance: float) -> str:
    """Path data of every line."""
    lines = shapely.simplify(_lines(shapes), tolerance)
    return "".join(_ring(points) for points in _points_of(lines) if len(points) > 1)


def _lines(shapes: Shapes) -> Shapes:
    parts = shapely.get_parts(shapely.get_parts(shapes))
    return parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]


def _points_of(shapes: Shapes) -> list[NDArray[np.int64]]:
    """Whole tenths of pixels of each ring or line, without points that fall together."""
    if not len(shapes):
        return []
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    tenths = np.rint(coordinates * TENTHS).astype(np.int64)
    fresh = np.ones(len(tenths), dtype=bool)
    fresh[1:] = (tenths[1:] != tenths[:-1]).any(axis=1) | (owner[1:] != owner[:-1])
    tenths, owner = tenths[fresh], owner[fresh]
    return np.split(tenths, np.flatnonzero(np.diff(owner)) + 1)


def _ring(points: NDArray[np.int64]) -> str:
    (x, y), steps = points[0], np.diff(points, axis=0)
    return f"M{x} {y}l{_numbers(steps.ravel().tolist())}"


def _numbers(values: Sequence[int]) -> str:
    return " ".join(map(str, values)).replace(" -", "-")
