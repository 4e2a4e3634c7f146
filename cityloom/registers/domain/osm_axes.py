"""Whether coordinates are longitude first, as GeoJSON demands."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.kernel.geometry import LocalProjection

_ENOUGH_CORNERS = 200
_RIGHT_ANGLE = 0.035  # the cosine of 88 degrees
Floats = NDArray[np.float64]


def are_in_range(lonlat: Floats) -> bool:
    """Whether all longitudes and latitudes are numbers on the globe."""
    return bool(np.isfinite(lonlat).all() and (np.abs(lonlat) <= (180.0, 90.0)).all())


def are_proven_swapped(lonlat: Floats) -> bool:
    """Whether the pairs lie on the globe only if latitude comes first."""
    return bool(np.isfinite(lonlat).all()) and not are_in_range(lonlat) and are_in_range(lonlat[:, ::-1])


def look_swapped(rings: Sequence[Floats]) -> bool:
    """Whether buildings have far more right angles when latitude is taken to come first.

    A degree of longitude is shorter than one of latitude, so the wrong order skews every building that does not stand
    along the axes.
    """
    as_given, other_way = _squareness(rings), _squareness([ring[:, ::-1] for ring in rings])
    return other_way > 0.3 and other_way > 2 * as_given


def _squareness(rings: Sequence[Floats]) -> float:
    """The share of right angles among the corners that do not lie along the axes; 0 where too few tell."""
    cosines = [_cosines(ring) for ring in rings if len(ring) >= 5]
    told = np.concatenate(cosines) if cosines else np.zeros(0)
    return float((told < _RIGHT_ANGLE).mean()) if len(told) >= _ENOUGH_CORNERS else 0.0


def _cosines(ring: Floats) -> Floats:
    lat = float(np.clip(ring[0, 1], -80.0, 80.0))
    xy = LocalProjection(float(ring[0, 0]), lat).xy(ring[:, 0], ring[:, 1])
    sides = np.diff(xy, axis=0)
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    sides, lengths = sides[lengths > 2.0], lengths[lengths > 2.0]
    before, along = np.roll(sides, 1, axis=0), sides
    cosines = np.abs((before * along).sum(axis=1)) / (np.roll(lengths, 1) * lengths)
    slanted = np.minimum(np.abs(along[:, 0]), np.abs(along[:, 1])) > 0.2 * lengths
    return cosines[slanted & (cosines < 0.9)]


def far_apart_m(one: shapely.Geometry, other: shapely.Geometry) -> float:
    """Metres between the nearest points of two bounding boxes, roughly."""
    a, b = shapely.get_coordinates(shapely.shortest_line(one, other))
    lat = float(np.clip((a[1] + b[1]) / 2, -89.0, 89.0))
    return float(np.hypot((a[0] - b[0]) * np.cos(np.radians(lat)), a[1] - b[1]) * 111_195.0)
