"""Travel times on a road graph: from each place to its nearest node, along the roads, and to the facility.

The search runs from the side with fewer nodes, some at a time, each up to a limit; what is farther, or on another
piece of the graph, has no pair: it is out of reach, which is not a number. Source of the search: E. Dijkstra, 1959.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
import scipy.spatial
from numpy.typing import NDArray

from cityloom.insight.domain.access.pairs import MOST_PAIRS, Floats, Sparse, of_pairs
from cityloom.kernel.refused import Refused

Ints = NDArray[np.int64]
SHORTEST = 1e-9
"""Minutes of an edge without length: a sparse graph keeps no zeros."""
_AT_ONCE = 4_000_000
"""Cells of one batch of searches: 32 MB."""
_EDGE = ("An edge of the road graph has a time that is negative or not known ({value} of {limit} edges); correct it, "
         "or leave the edge out.")  # fmt: skip
_NODE = "An edge names a node that is not there: {value}; nodes are numbered from 0 to {limit}."
_MANY = ("On the roads there are {value} pairs of places within the limit, more than the {limit} that fit; take a "
         "smaller catchment, or add places up to areas.")  # fmt: skip


@dataclass(frozen=True)
class Graph:
    """Nodes as points in space (k, 3) in metres, and edges one way from `start` to `end` in `minutes`."""

    points: Floats
    start: Ints
    end: Ints
    minutes: Floats

    @cached_property
    def matrix(self) -> Sparse:
        """Minutes from node to node, the shortest of parallel edges."""
        return of_pairs(self.start, self.end, np.maximum(self.minutes, SHORTEST), (len(self.points),) * 2)

    @cached_property
    def pieces(self) -> Ints:
        """The connected piece (whichever way edges go) of each node, the largest being 0; without an edge: -1."""
        _, label = scipy.sparse.csgraph.connected_components(self.matrix, directed=False)
        used = np.zeros(len(label), np.bool_)
        used[self.start] = used[self.end] = True
        sizes = np.bincount(label[used], minlength=int(label.max(initial=0)) + 1)
        rank = np.empty(len(sizes), np.int64)
        rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
        return np.where(used, rank[label], -1)


@dataclass(frozen=True)
class Snapped:
    """Where places meet the graph: node (-1: none within the maximum), metres to it, and the piece it is in (-1)."""

    node: Ints
    metres: Floats
    piece: Ints


def graph(points: Floats, start: Ints, end: Ints, minutes: Floats, oneway: NDArray[np.bool_] | None = None) -> Graph:
    """A graph of edges, both ways but for those that are `oneway`; loops are left out.

    Raises: Refused `insight.edge_time`, `insight.edge_node`.
    """
    start, end = np.asarray(start, np.int64), np.asarray(end, np.int64)
    minutes = np.asarray(minutes, np.float64)
    wrong = ~(np.isfinite(minutes) & (minutes >= 0))
    if wrong.any():
        raise Refused("insight.edge_time", _EDGE, value=int(wrong.sum()), limit=len(wrong))
    for ends in (start, end):
        if len(ends) and not (ends.min() >= 0 and ends.max() < len(points)):
            bad = ends[(ends < 0) | (ends >= len(points))][0]
            raise Refused("insight.edge_node", _NODE, value=int(bad), limit=len(points) - 1)
    keep = start != end
    back = keep if oneway is None else keep & ~np.asarray(oneway, np.bool_)
    return Graph(points, np.r_[start[keep], end[back]], np.r_[end[keep], start[back]],
                 np.r_[minutes[keep], minutes[back]])  # fmt: skip


def snap(roads: Graph, places: Floats, most_m: float = 1_000.0, main_within_m: float = 200.0) -> Snapped:
    """The nearest node of each place (n, 3) at most `most_m` metres away.

    Where that is on a small piece of the graph, the nearest of the largest piece is taken if it is at most
    `main_within_m` farther: a courtyard that nobody joined to the street is no island.
    """
    node, metres = _nearest(roads, places, np.flatnonzero(roads.pieces >= 0))
    main, main_m = _nearest(roads, places, np.flatnonzero(roads.pieces == 0))
    better = (main >= 0) & (main_m <= metres + main_within_m)
    node, metres = np.where(better, main, node), np.where(better, main_m, metres)
    on = (node >= 0) & (metres <= most_m)
    node = np.where(on, node, -1)
    return Snapped(node, np.where(on, metres, np.nan), np.where(on, roads.pieces[node], -1))


def travel_minutes(roads: Graph, ours: Snapped, others: Snapped, limit: float,
                   metres_a_minute: float = 80.0) -> Sparse:  # fmt: skip
    """Minutes (n, m) from each of `ours` to each of `others` that are at most `limit`, legs to the nodes included.

    Legs are done at `metres_a_minute` (80: on foot). Raises: Refused `insight.many_on_roads`.
    """
    leg, other_leg = (np.where(one.node >= 0, one.metres / metres_a_minute, np.inf) for one in (ours, others))
    from_supply = len(np.unique(others.node)) < len(np.unique(ours.node))
    matrix = roads.matrix.T.tocsr() if from_supply else roads.matrix
    near, far = ((others, other_leg), (ours, leg)) if from_supply else ((ours, leg), (others, other_leg))
    rows, columns, minutes, count = [], [], [], 0
    for places, reached, found in _searched(matrix, near[0].node, far[0].node, limit):
        total = found + near[1][places, None] + far[1][None, reached]
        row, column = np.nonzero(total <= limit)
        count += len(row)
        if count > MOST_PAIRS:
            raise Refused("insight.many_on_roads", _MANY, value=count, limit=MOST_PAIRS)
        rows.append(places[row])
        columns.append(reached[column])
        minutes.append(total[row, column])
    shape = (len(near[0].node), len(far[0].node))
    row, column = (np.concatenate([np.zeros(0, np.int64), *one]) for one in (rows, columns))
    data = np.concatenate([np.zeros(0), *minutes])
    return of_pairs(column, row, data, shape[::-1]) if from_supply else of_pairs(row, column, data, shape)


def _searched(matrix: Sparse, near: Ints, far: Ints, limit: float) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Some places of the near side at a time, all of the far side, and the minutes between their nodes."""
    sources, place = np.unique(near, return_inverse=True)
    reached = np.flatnonzero(far >= 0)
    order = np.argsort(place, kind="stable")
    begins = np.searchsorted(place[order], np.arange(len(sources) + 1))
    step = max(1, _AT_ONCE // max(1, matrix.shape[0]))
    first = int(len(sources) > 0 and sources[0] < 0)
    for begin in range(first, len(sources), step):
        some = sources[begin : begin + step]
        found = scipy.sparse.csgraph.dijkstra(matrix, directed=True, indices=some, limit=limit)
        places = order[begins[begin] : begins[min(begin + step, len(sources))]]
        yield from _in_parts(places, reached, found, place[places] - begin, far[reached])


def _in_parts(places: Ints, reached: Ints, found: Floats, row: Ints, nodes: Ints
              ) -> Iterator[tuple[Ints, Ints, Floats]]:  # fmt: skip
    step = max(1, _AT_ONCE // max(1, len(nodes)))
    at_nodes = found[:, nodes]
    for begin in range(0, len(places), step):
        part = slice(begin, begin + step)
        yield places[part], reached, at_nodes[row[part]]


def _nearest(roads: Graph, places: Floats, nodes: Ints) -> tuple[Ints, Floats]:
    if not len(nodes) or not len(places):
        return np.full(len(places), -1, np.int64), np.full(len(places), np.inf)
    metres, at = scipy.spatial.cKDTree(roads.points[nodes]).query(places)
    return nodes[at], metres
