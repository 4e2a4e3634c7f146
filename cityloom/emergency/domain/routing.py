"""Walking distances and routes on the road graph, with the hazard taken out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray

from cityloom.emergency.domain.zone import touching
from cityloom.kernel.geometry import LocalProjection

SHORTEST_M = 0.01
"""Two nodes in one place are this far apart, because a sparse matrix keeps no zeros."""
LONGEST_LEG_M = 1_500.0
"""How far people walk off the roads that are known, where those near them lead nowhere."""
DETOUR_M = 150.0
"""How much farther than the nearest node the way on foot to the main network may be, instead of a cut-off island."""
_NEAR = 24
_OFFSET_M = 1.0


@dataclass(frozen=True)
class Network:
    """The walkable graph outside a hazard: `edges` rows are start, end, and the index of the road segment."""

    plane: LocalProjection
    xy: NDArray[np.float64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    length_m: NDArray[np.float64]
    segment: NDArray[np.int64]
    hazard: shapely.Polygon

    @cached_property
    def matrix(self) -> scipy.sparse.csr_array:
        """Lengths in metres, both ways, the shortest of parallel segments."""
        n = len(self.xy)
        return scipy.sparse.csr_array((self._both_lengths, (self._tails, self._heads)), shape=(n, n))

    @cached_property
    def component(self) -> NDArray[np.int64]:
        """The connected part that each node belongs to."""
        return scipy.sparse.csgraph.connected_components(self.matrix, directed=False)[1].astype(np.int64)

    @cached_property
    def usable(self) -> NDArray[np.bool_]:
        """Which nodes still have a way to go."""
        reachable = np.zeros(len(self.xy), dtype=bool)
        reachable[self.start] = reachable[self.end] = True
        return reachable

    @property
    def _tails(self) -> NDArray[np.int64]:
        return np.concatenate([self.start, self.end])

    @property
    def _heads(self) -> NDArray[np.int64]:
        return np.concatenate([self.end, self.start])

    @property
    def _both_lengths(self) -> NDArray[np.float64]:
        return np.concatenate([self.length_m, self.length_m])


@dataclass(frozen=True)
class Access:
    """Where places meet the network: node (-1: none), metres to it, and whether the way starts in the hazard."""

    node: NDArray[np.int64]
    leg_m: NDArray[np.float64]
    guided: NDArray[np.bool_]


@dataclass(frozen=True)
class Route:
    """A way on foot along roads: the node that it starts from, the index of its target, metres, and WGS 84 course."""

    origin: int
    target: int
    length_m: float
    line: shapely.LineString


def network(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    length_m: NDArray[np.float64],
    geometries: NDArray[np.object_],
    walkable: NDArray[np.bool_],
    hazard: shapely.Polygon,
) -> Network:
    """Drop what cannot be walked and every segment that touches the hazard."""
    west, south, east, north = hazard.bounds
    plane = LocalProjection((west + east) / 2, (south + north) / 2)
    keep = walkable & (start != end) & ~touching(hazard, geometries)
    keep = _shortest_of_parallel(np.flatnonzero(keep), start, end, length_m)
    return Network(
        plane, plane.xy(lon, lat), start[keep], end[keep], np.maximum(length_m[keep], SHORTEST_M), keep, hazard
    )


def access(
    roads: Network, xy: NDArray[np.float64], in_hazard: NDArray[np.bool_], preferred: NDArray[np.bool_]
) -> Access:
    """Each place's node: the nearest that is reached without crossing the hazard, a preferred one if not much farther.

    A place in the hazard leaves it in a straight line, guided by rescuers; that line may start inside.
    """
    nodes = np.flatnonzero(roads.usable)
    count = len(xy)
    if not len(nodes) or not count:
        return Access(np.full(count, -1), np.zeros(count), in_hazard)
    near_m, near = scipy.spatial.cKDTree(roads.xy[nodes]).query(xy, k=min(_NEAR, len(nodes)))
    near_m, near = near_m.reshape(count, -1), nodes[near.reshape(count, -1)]
    safe = in_hazard[:, None] | ~_crosses(roads, xy, near)
    column = _choose(near_m, safe, preferred[near])
    rows = np.arange(count)
    node, leg_m = near[rows, column], near_m[rows, column]
    for row in np.flatnonzero(~safe[rows, column]).tolist():
        node[row], leg_m[row] = _search_all(roads, xy[row], nodes)
    for row in np.flatnonzero((node >= 0) & ~preferred[node]).tolist():
        other, metres = _search_all(roads, xy[row], np.flatnonzero(preferred & roads.usable))
        if other >= 0 and metres <= LONGEST_LEG_M:
            node[row], leg_m[row] = other, metres
    return Access(node, leg_m, in_hazard)


def main_parts(roads: Network) -> NDArray[np.bool_]:
    """Which nodes lie in a connected part of some size: a hundredth of the network, or 20 nodes if that is less."""
    sizes = np.bincount(roads.component, minlength=1)
    return (sizes >= min(20.0, max(2.0, 0.01 * len(roads.xy))))[roads.component] & roads.usable


def distances(roads: Network, sources: NDArray[np.int64], limit_m: float = np.inf) -> NDArray[np.float64]:
    """Metres from each source to each node, (sources, nodes); infinite beyond the limit."""
    return scipy.sparse.csgraph.dijkstra(roads.matrix, directed=True, indices=sources, limit=limit_m)


def nearest(roads: Network, sources: NDArray[np.int64]) -> NDArray[np.float64]:
    """Metres from each node to the nearest of the sources."""
    return scipy.sparse.csgraph.dijkstra(roads.matrix, directed=True, indices=np.unique(sources), min_only=True)


def cheapest(
    roads: Network, sources: NDArray[np.int64], prices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """For each node the least of price plus metres over all sources, and the source that gives it (-1: none).

    One search from a node added before all sources, whose edges are the prices.
    """
    n, count = len(roads.xy), len(sources)
    base = roads.matrix
    order = np.lexsort((prices, sources))
    first = order[np.unique(sources[order], return_index=True)[1]]
    row = scipy.sparse.csr_array(
        (
            np.concatenate([base.data, prices[first] + _OFFSET_M]),
            np.concatenate([base.indices, sources[first].astype(base.indices.dtype)]),
            np.append(base.indptr, base.indptr[-1] + len(first)).astype(base.indptr.dtype),
        ),
        shape=(n + 1, n + 1),
    )
    cost, before = scipy.sparse.csgraph.dijkstra(row, directed=True, indices=n, return_predecessors=True)
    source_at = np.full(n + 1, -1, dtype=np.int64)
    source_at[sources[first]] = first
    owner = _first_after(before, n)
    found = np.where(owner >= 0, source_at[owner], -1) if count else np.full(n, -1, dtype=np.int64)
    return cost[:n] - _OFFSET_M, found


def routes(
    roads: Network, pairs: NDArray[np.int64], targets: NDArray[np.int64], geometries: NDArray[np.object_]
) -> list[Route]:
    """The shortest way for each pair, (n, 2), of a node and an index into `targets`, which are nodes too."""
    found: list[Route] = []
    courses = _Courses(roads, geometries)
    for target in np.unique(pairs[:, 1]).tolist():
        metres, before = scipy.sparse.csgraph.dijkstra(
            roads.matrix, directed=True, indices=targets[target], return_predecessors=True
        )
        found += [
            Route(origin, target, float(metres[origin]), courses.line(_walk_back(before, origin)))
            for origin in pairs[pairs[:, 1] == target, 0].tolist()
        ]
    return sorted(found, key=lambda route: (route.origin, route.target))


class _Courses:
    """Draws a chain of nodes along the segments between them."""

    def __init__(self, roads: Network, geometries: NDArray[np.object_]) -> None:
        self._roads, self._geometries = roads, geometries
        n = len(roads.xy)
        low, high = np.minimum(roads.start, roads.end), np.maximum(roads.start, roads.end)
        self._order = np.argsort(low * n + high)
        self._keys = (low * n + high)[self._order]

    def line(self, nodes: list[int]) -> shapely.LineString:
        if len(nodes) < 2:
            point = self._roads.plane.lonlat(self._roads.xy[nodes])
            return shapely.LineString(np.repeat(point, 2, axis=0))
        parts = [self._leg(a, b) for a, b in pairwise(nodes)]
        return shapely.LineString(np.vstack(parts))

    def _leg(self, a: int, b: int) -> NDArray[np.float64]:
        n = len(self._roads.xy)
        edge = self._order[np.searchsorted(self._keys, min(a, b) * n + max(a, b))]
        course = shapely.get_coordinates(self._geometries[self._roads.segment[edge]])
        return course if self._roads.start[edge] == a else course[::-1]


def _shortest_of_parallel(
    rows: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64], length_m: NDArray[np.float64]
) -> NDArray[np.int64]:
    low, high = np.minimum(start[rows], end[rows]), np.maximum(start[rows], end[rows])
    order = np.lexsort((length_m[rows], high, low))
    low, high = low[order], high[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return rows[np.sort(order[new])]


def _crosses(roads: Network, xy: NDArray[np.float64], near: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the straight line from each place to each of its near nodes touches the hazard."""
    hazard = roads.plane.to_metres(roads.hazard)
    radius = shapely.get_coordinates(hazard)
    reach = float(np.hypot(*(radius - radius.mean(axis=0)).T).max())
    suspects = np.flatnonzero(np.hypot(*xy.T) <= reach + np.hypot(*(roads.xy[near[:, -1]] - xy).T))
    crossed = np.zeros(near.shape, dtype=bool)
    ends = np.stack([np.broadcast_to(xy[suspects, None], (len(suspects), near.shape[1], 2)),
                     roads.xy[near[suspects]]], axis=2)  # fmt: skip
    crossed[suspects] = touching(hazard, shapely.linestrings(ends.reshape(-1, 2, 2))).reshape(-1, near.shape[1])
    return crossed


def _choose(near_m: NDArray[np.float64], safe: NDArray[np.bool_], liked: NDArray[np.bool_]) -> NDArray[np.int64]:
    nearest_safe = np.argmax(safe, axis=1)
    best = np.argmax(safe & liked, axis=1)
    rows = np.arange(len(near_m))
    has = (safe & liked)[rows, best]
    return np.where(has & (near_m[rows, best] <= near_m[rows, nearest_safe] + DETOUR_M), best, nearest_safe)


def _search_all(roads: Network, place: NDArray[np.float64], nodes: NDArray[np.int64]) -> tuple[int, float]:
    if not len(nodes):
        return -1, 0.0
    metres = np.hypot(*(roads.xy[nodes] - place).T)
    order = nodes[np.argsort(metres, kind="stable")]
    clear = np.flatnonzero(~_crosses(roads, place[None], order[None])[0])
    return (int(order[clear[0]]), float(np.sort(metres)[clear[0]])) if len(clear) else (-1, 0.0)


def _first_after(before: NDArray[np.int32], root: int) -> NDArray[np.int64]:
    """For each node the second node on its way from the root, by doubling the jumps; -1 where there is no way."""
    jump = before[:root].astype(np.int64)
    own = np.arange(root)
    jump = np.where(jump == root, own, jump)
    lost = jump < 0
    jump[lost] = own[lost]
    while True:
        further = jump[jump]
        if np.array_equal(further, jump):
            return np.where(lost, -1, jump)
        jump = further


def _walk_back(before: NDArray[np.int32], node: int) -> list[int]:
    chain = [node]
    while before[chain[-1]] >= 0:
        chain.append(int(before[chain[-1]]))
    return chain
