"""A network of pipes or roads as a graph: what lies how far from what along it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
PIPE, VALVE, REGULATOR, PUMP = "pipe", "valve", "regulator", "pump"
_NO_EDGES = "The network has no open pipe or road, so nothing can be near to anything along it; load its mains first."
_LEAST_M = 0.1
_MOST_KEPT = 20_000_000


@dataclass(frozen=True)
class Network:
    """Nodes and edges as columns; `begin` and `end` are rows of nodes.

    `held` are the nodes whose pressure something else decides: reservoirs and tanks. `passed` says of edges whether
    they are a `pipe`, `valve`, `regulator` (it decides the pressure behind it) or `pump`. Roads are `directed` from
    begin to end where that is known.
    """

    node: NDArray[np.object_]
    lon: Floats
    lat: Floats
    edge: NDArray[np.object_]
    begin: Ints
    end: Ints
    length_m: Floats
    directed: bool = False
    diameter_mm: Floats | None = None
    roughness: Floats | None = None
    passed: NDArray[np.object_] | None = None
    demand_ls: Floats | None = None
    held: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.begin):
            raise Refused("detection.network_empty", _NO_EDGES)

    @cached_property
    def plane(self) -> LocalProjection:
        """Metres around the middle of the network."""
        return LocalProjection(float(np.median(self.lon)), float(np.median(self.lat)))

    @cached_property
    def xy(self) -> Floats:
        """Metres of each node."""
        return self.plane.xy(self.lon, self.lat)

    @cached_property
    def middle(self) -> Floats:
        """Metres of the middle of each edge, in a straight line between its ends."""
        return (self.xy[self.begin] + self.xy[self.end]) / 2

    @cached_property
    def graph(self) -> csr_array:
        """Lengths from node to node; of several edges between two nodes the shortest counts."""
        length = np.maximum(self.length_m, _LEAST_M)
        order = np.lexsort((length, self.end, self.begin))
        begin, end, length = self.begin[order], self.end[order], length[order]
        first = np.append(True, (np.diff(begin) != 0) | (np.diff(end) != 0))
        count = len(self.node)
        return csr_array(coo_array((length[first], (begin[first], end[first])), shape=(count, count)))

    def nearest(self, xy: Floats) -> tuple[Ints, Floats]:
        """The node nearest to each point, and how far off it is in a straight line."""
        from scipy.spatial import cKDTree

        metres, row = cKDTree(self.xy).query(xy)
        return row.astype(np.int64), metres

    def to_edges(self, nodes: Ints, limit_m: float = np.inf, *, upstream: bool = False) -> Floats:
        """Metres along the network from each node to the middle of each edge; infinite beyond the limit.

        With `upstream`, and where the network has directions, only edges count to which one comes from the node: what
        happens there is felt at nodes before it, as a queue is.
        """
        one_way = upstream and self.directed
        known, which = np.unique(nodes, return_inverse=True)
        rows = [self._from_node(int(node), limit_m, one_way=one_way) for node in known]
        return np.array(rows).reshape(len(known), len(self.begin))[which]

    def _from_node(self, node: int, limit_m: float, *, one_way: bool) -> Floats:
        """Metres to the middle of each edge; what was asked before is kept, up to a bound."""
        asked = (node, limit_m, one_way)
        if asked not in self._asked:
            if len(self._asked) * len(self.begin) > _MOST_KEPT:
                self._asked.clear()
            far = dijkstra(self.graph, directed=one_way, indices=node, limit=limit_m)
            near = far[self.begin] if one_way else np.minimum(far[self.begin], far[self.end])
            reached = near + self.length_m / 2
            self._asked[asked] = np.where(reached <= limit_m, reached, np.inf)
        return self._asked[asked]

    @cached_property
    def _asked(self) -> dict[tuple[int, float, bool], Floats]:
        return {}
