"""Where a cause may be: the edges of a network near to what was noticed, or spots on a grid over the ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.topology import Network
from cityloom.kernel.geometry import LocalProjection

Floats = NDArray[np.float64]
_GRID_M = 100.0
_MOST_SPOTS = 20_000
_SNAP_M = 300.0
"""A sensor further from the network than this does not sit on it."""


@dataclass(frozen=True)
class Places:
    """Places as columns: `xy` in metres, `extent` in km of network (`rows` are its edges) or km2 of ground."""

    code: NDArray[np.object_]
    xy: Floats
    extent: Floats
    plane: LocalProjection
    network: Network | None = None
    rows: NDArray[np.int64] | None = None

    def straight(self, lon: Floats, lat: Floats) -> Floats:
        """Metres in a straight line from each place to each point, shape (places, points)."""
        points = self.plane.xy(lon, lat)
        return np.hypot(self.xy[:, None, 0] - points[None, :, 0], self.xy[:, None, 1] - points[None, :, 1])

    def metres(self, lon: Floats, lat: Floats, along: str, limit_m: float) -> Floats:
        """Metres from each place to each sensor, along the network or straight; infinite beyond the limit."""
        if along == "ground" or self.network is None or self.rows is None or not len(lon):
            return self.straight(lon, lat)
        node, off = self.network.nearest(self.network.plane.xy(lon, lat))
        there = self.network.to_edges(node, limit_m, upstream=along == "upstream")[:, self.rows].T + off
        return np.where(off <= _SNAP_M, there, np.inf)

    def circle(self, share: Floats, held: float) -> tuple[float, float, float]:
        """Longitude, latitude and radius of the circle around the likeliest middle that holds so much of all."""
        middle = self.xy[int(np.argmin(_spread(self.xy, share)))]
        metres = np.hypot(*(self.xy - middle).T)
        order = np.argsort(metres, kind="stable")
        enough = int(np.searchsorted(np.cumsum(share[order]), held * share.sum()))
        lon, lat = self.plane.lonlat(middle[None])[0].tolist()
        radius = float(metres[order[min(enough, len(order) - 1)]])
        return round(lon, 7), round(lat, 7), round(max(radius, 10.0), 1)


def _spread(xy: Floats, share: Floats) -> Floats:
    """For the likeliest places, how far all the rest of the probability is from them on average."""
    likely = np.argsort(-share, kind="stable")[:200]
    far = np.hypot(xy[likely, None, 0] - xy[None, likely, 0], xy[likely, None, 1] - xy[None, likely, 1])
    found = np.full(len(xy), np.inf)
    found[likely] = far @ share[likely]
    return found


def places_near(network: Network | None, lon: Floats, lat: Floats, reach_m: float) -> Places:
    """The edges whose middle is within reach of a point, else spots over the ground around the points."""
    if network is not None:
        from scipy.spatial import cKDTree

        metres, _ = cKDTree(network.plane.xy(lon, lat)).query(network.middle)
        rows = np.flatnonzero(metres <= reach_m)
        if len(rows):
            extent = np.maximum(network.length_m[rows] / 1000, 1e-4)
            return Places(network.edge[rows], network.middle[rows], extent, network.plane, network, rows)
    return _spots(lon, lat, reach_m)


def _spots(lon: Floats, lat: Floats, reach_m: float) -> Places:
    plane = LocalProjection(float(np.median(lon)), float(np.median(lat)))
    points = plane.xy(lon, lat)
    low, high = points.min(axis=0) - reach_m, points.max(axis=0) + reach_m
    step = max(_GRID_M, float(np.sqrt((high - low).prod() / _MOST_SPOTS)))
    x, y = (np.arange(low[axis], high[axis] + step, step) for axis in (0, 1))
    spots = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    near = np.hypot(spots[:, None, 0] - points[None, :, 0], spots[:, None, 1] - points[None, :, 1]).min(axis=1)
    spots = spots[near <= reach_m]
    code = np.array([f"{x:.0f},{y:.0f}" for x, y in spots.tolist()], dtype=object)
    return Places(code, spots, np.full(len(spots), step * step / 1e6), plane)
