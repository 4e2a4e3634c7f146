"""Which ranges of H3 cells can hold what touches a place: few intervals for an ordinary index, never too few."""

from __future__ import annotations

import math
from functools import lru_cache

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.cells import RESOLUTION
from cityloom.kernel.geometry import LocalProjection

_REACH_M = {11: 33.0, 10: 90.0, 9: 238.0, 8: 632.0, 7: 1_672.0, 6: 4_424.0, 5: 11_705.0, 4: 30_970.0}
"""No point of a descendant cell is farther from the cell's centre, anywhere on the globe (sampled, with 4 % added)."""
_STEP_M = {11: 34.5, 10: 90.0, 9: 240.0, 8: 620.0, 7: 1_720.0, 6: 4_550.0, 5: 12_000.0, 4: 31_800.0}
"""Centres of neighbours are never closer (sampled, with 4 % taken off)."""
_BENT = 1.01  # the plane is not the ellipsoid
_BENT_OF_A_BOX = 1.06  # a degree of longitude is shorter at the northern edge than in the middle
_MOST_RINGS = 6
_MOST_RINGS_OF_A_BOX = 13
_DIGIT_BITS = 3
_FINEST = 15


def ranges_around(lon: float, lat: float, radius_m: float, resolution: int = RESOLUTION) -> list[tuple[int, int]]:
    """Closed intervals of cells of `resolution` that hold every point within `radius_m` of a place, and some more."""
    coarse, rings = _disk(radius_m, resolution)
    cells = _close(h3.grid_disk(h3.latlng_to_cell(lat, lon, coarse), rings), lon, lat, radius_m + _REACH_M[coarse])
    spare = 1 << _DIGIT_BITS * (_FINEST - resolution)
    return _merged([_descendants(cell, coarse, resolution) for cell in cells], spare)


def ranges_in_box(
    west: float, south: float, east: float, north: float, margin_m: float, resolution: int = RESOLUTION
) -> list[tuple[int, int]]:
    """Closed intervals of cells of `resolution` that hold every point within `margin_m` of a rectangle, some more too.

    Tighter than a circle around the rectangle would be, for more cells to look at; up to about 150 km a side.
    """
    lon, lat = (west + east) / 2, (south + north) / 2
    plane = LocalProjection(lon, lat)
    half = plane.xy(np.array([east]), np.array([north]))[0]
    coarse, rings = _disk(float(np.hypot(*half)) * _BENT + margin_m, resolution, _MOST_RINGS_OF_A_BOX)
    cells, centres = _cells_and_centres(h3.latlng_to_cell(lat, lon, coarse), rings)
    away = np.abs(plane.xy((centres[:, 1] - lon + 180) % 360 - 180 + lon, centres[:, 0]))
    near = (away <= half + (margin_m + _REACH_M[coarse]) * _BENT_OF_A_BOX).all(axis=1)
    spare = 1 << _DIGIT_BITS * (_FINEST - resolution)
    return _merged([_descendants(cells[row], coarse, resolution) for row in np.flatnonzero(near)], spare)


@lru_cache(maxsize=64)
def _cells_and_centres(cell: int, rings: int) -> tuple[list[int], NDArray[np.float64]]:
    """A disk's cells in ascending order, and latitude and longitude of each: one map asks for the same ones often."""
    cells = sorted(h3.grid_disk(cell, rings))
    return cells, np.array([h3.cell_to_latlng(one) for one in cells])


def _close(cells: list[int], lon: float, lat: float, radius_m: float) -> list[int]:
    """The cells whose centre is within a distance, in ascending order."""
    centres = np.array([h3.cell_to_latlng(cell) for cell in cells])
    xy = LocalProjection(lon, lat).xy((centres[:, 1] - lon + 180) % 360 - 180 + lon, centres[:, 0])
    near = np.hypot(xy[:, 0], xy[:, 1]) <= radius_m * _BENT
    return sorted(cell for cell, is_near in zip(cells, near.tolist(), strict=True) if is_near)


def _disk(radius_m: float, resolution: int, most_rings: int = _MOST_RINGS) -> tuple[int, int]:
    """The finest resolution at which a disk of few rings is wide enough, and the rings."""
    for coarse in range(resolution, min(_REACH_M) - 1, -1):
        rings = _rings(radius_m, coarse)
        if rings <= most_rings:
            return coarse, rings
    return min(_REACH_M), _rings(radius_m, min(_REACH_M))


def _rings(radius_m: float, resolution: int) -> int:
    """A disk of k rings holds every centre nearer than k + 1 rows of hexagons."""
    far = radius_m + 2 * _REACH_M[resolution]
    return max(1, math.ceil(far / (_STEP_M[resolution] * math.sqrt(3) / 2)) - 1)


def _descendants(cell: int, resolution: int, fine: int) -> tuple[int, int]:
    """The first and last cell of resolution `fine` inside a cell; a cell's digits are read from left to right."""
    spare = _DIGIT_BITS * (_FINEST - fine)
    width = _DIGIT_BITS * (fine - resolution)
    upper = (cell & ~(0xF << 52)) | fine << 52
    mask = ((1 << width) - 1) << spare
    return upper & ~mask, upper | mask


def _merged(intervals: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    merged = intervals[:1]
    for low, high in intervals[1:]:
        if low <= merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return merged
