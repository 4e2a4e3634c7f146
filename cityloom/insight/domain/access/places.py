"""Places on the earth, as near or far from each other as they are: points in space on the WGS 84 ellipsoid.

The straight line between two such points differs from the way on the ground by less than one in 100,000 up to 100 km,
so that whole cities need no map projection.
"""

from __future__ import annotations

import numpy as np
import scipy.spatial
from numpy.typing import NDArray

from cityloom.insight.domain.access.pairs import MOST_PAIRS, Sparse, of_pairs
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
_A = 6_378_137.0
_E2 = 6.694379990141316e-3
_DEGREES = ("A place has no longitude and latitude in degrees ({value} of {limit} places); put them in, or leave the "
            "row out.")  # fmt: skip
_MANY = ("Within reach in a straight line there are {value} pairs of places, more than the {limit} that fit; take a "
         "smaller catchment, or add places up to areas.")  # fmt: skip


def in_space(lon: Floats, lat: Floats) -> Floats:
    """Points (n, 3) in metres, for longitudes and latitudes in degrees (WGS 84).

    Raises: Refused `insight.no_degrees`.
    """
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    wrong = ~(np.isfinite(lon) & np.isfinite(lat) & (np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    if wrong.any():
        raise Refused("insight.no_degrees", _DEGREES, value=int(wrong.sum()), limit=len(wrong))
    lam, phi = np.radians(lon), np.radians(lat)
    normal = _A / np.sqrt(1 - _E2 * np.sin(phi) ** 2)
    return np.column_stack(
        [normal * np.cos(phi) * np.cos(lam), normal * np.cos(phi) * np.sin(lam), normal * (1 - _E2) * np.sin(phi)]
    )


def straight_line(from_points: Floats, to_points: Floats, metres_a_minute: float, detour: float = 1.0,
                  limit: float = np.inf) -> Sparse:  # fmt: skip
    """Minutes (n, m) between points in space in a straight line, made longer by `detour`; pairs up to `limit` alone.

    Raises: Refused `insight.many_near`.
    """
    shape = (len(from_points), len(to_points))
    pace = detour / metres_a_minute
    if not all(shape):
        return of_pairs(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), shape)
    ours, others = scipy.spatial.cKDTree(from_points), scipy.spatial.cKDTree(to_points)
    reach = min(limit / pace, 3 * _A)
    found = shape[0] * shape[1] if reach > 2 * _A else int(ours.count_neighbors(others, reach))
    if found > MOST_PAIRS:
        raise Refused("insight.many_near", _MANY, value=found, limit=MOST_PAIRS)
    near = ours.sparse_distance_matrix(others, reach, output_type="ndarray")
    return of_pairs(near["i"], near["j"], near["v"] * pace, shape)
