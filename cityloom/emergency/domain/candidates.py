"""Which shelters each group of households could walk to, and how far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from cityloom.emergency.domain import routing

WIDTH = 12
"""The nearest candidates kept for a group; what prices make attractive later is added to them."""
_KEY_M = 2.0**24
"""More metres than any walk: groups and walks are sorted by one number."""
_WHOLE = 4_000_000
"""Up to this many (shelter, node) pairs the whole graph is searched; beyond, a piece around each shelter."""


@dataclass(frozen=True)
class Groups:
    """Households by the node where they enter the network: nodes, and persons at each."""

    node: NDArray[np.int64]
    persons: NDArray[np.int64]


@dataclass(frozen=True)
class Shelters:
    """Nodes of shelters, metres from node to door, and places."""

    node: NDArray[np.int64]
    leg_m: NDArray[np.float64]
    places: NDArray[np.int64]


@dataclass(frozen=True)
class Table:
    """Candidates, (groups, width): indices of shelters and metres to them; infinite metres mark an empty entry."""

    shelter: NDArray[np.int64]
    metres: NDArray[np.float64]

    @property
    def arcs(self) -> int:
        """How many candidates there are."""
        return int(np.isfinite(self.metres).sum())

    def with_columns(self, shelter: NDArray[np.int64], metres: NDArray[np.float64]) -> Table:
        """The table with one more candidate for each group; infinite where there is none."""
        return Table(np.column_stack([self.shelter, shelter]), np.column_stack([self.metres, metres]))


@dataclass(frozen=True)
class Priced:
    """For each group the least of walk plus price, and the shelter that gives it."""

    cost: NDArray[np.float64]
    shelter: NDArray[np.int64]


def gather(roads: routing.Network, groups: Groups, shelters: Shelters, nearest: Priced) -> Table:
    """The first candidates: the nearest shelter of each group, and those within a walk that fits the city's density."""
    wanted, limit_m = _scope(roads, groups, shelters, nearest.cost)
    group, shelter, metres = _arcs(roads, groups, shelters, wanted, limit_m)
    table = _nearest_of(len(groups.node), group, shelter, metres)
    known = ((table.shelter == nearest.shelter[:, None]) & np.isfinite(table.metres)).any(axis=1)
    return table.with_columns(nearest.shelter, np.where(known, np.inf, nearest.cost))


def priced(roads: routing.Network, groups: Groups, shelters: Shelters, prices: NDArray[np.float64]) -> Priced:
    """The best of *all* shelters for each group under prices: one search over the whole graph."""
    return at_groups(groups, routing.cheapest(roads, shelters.node, shelters.leg_m + prices))


def at_groups(groups: Groups, found: tuple[NDArray[np.float64], NDArray[np.int64]]) -> Priced:
    """What `routing.cheapest` found, for the groups."""
    return Priced(found[0][groups.node], np.maximum(found[1][groups.node], 0))


def _scope(
    roads: routing.Network, groups: Groups, shelters: Shelters, nearest_m: NDArray[np.float64]
) -> tuple[NDArray[np.int64], float]:
    from_groups = routing.nearest(roads, groups.node)[shelters.node] + shelters.leg_m
    order = np.argsort(from_groups, kind="stable")
    enough = int(np.searchsorted(np.cumsum(shelters.places[order]), 2 * groups.persons.sum())) + 1
    farthest = from_groups[order[min(enough, len(order)) - 1]]
    reach = np.median(nearest_m) * 3.0
    limit_m = max(reach, 1.3 * farthest + 200.0) if np.isfinite(farthest) else max(reach, 2_000.0)
    return np.flatnonzero(from_groups <= max(limit_m / 1.3, 0.0)), float(limit_m)


def _arcs(
    roads: routing.Network, groups: Groups, shelters: Shelters, wanted: NDArray[np.int64], limit_m: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    group_at = np.full(len(roads.xy), -1, dtype=np.int64)
    group_at[groups.node] = np.arange(len(groups.node))
    parts = [np.empty((0, 3))]
    for batch, nodes in _pieces(roads, shelters.node, wanted, limit_m):
        local = np.searchsorted(nodes, shelters.node[batch])
        matrix = roads.matrix if len(nodes) == len(roads.xy) else roads.matrix[nodes][:, nodes]
        metres = scipy.sparse.csgraph.dijkstra(matrix, directed=True, indices=local, limit=limit_m)
        row, column = np.nonzero(np.isfinite(metres) & (group_at[nodes] >= 0))
        found = metres[row, column] + shelters.leg_m[batch[row]]
        parts.append(np.column_stack([group_at[nodes[column]], batch[row], found]))
    arcs = np.vstack(parts)
    return arcs[:, 0].astype(np.int64), arcs[:, 1].astype(np.int64), arcs[:, 2]


def _pieces(
    roads: routing.Network, nodes: NDArray[np.int64], wanted: NDArray[np.int64], limit_m: float
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Shelters in tiles, with the nodes that can lie within the limit, since no way is shorter than the air line."""
    everything = np.arange(len(roads.xy))
    if len(wanted) * len(everything) <= _WHOLE:
        yield wanted, everything
        return
    tile = np.floor(roads.xy[nodes[wanted]] / (2 * limit_m)).astype(np.int64)
    by_column = np.argsort(roads.xy[:, 0], kind="stable")
    sorted_x = roads.xy[by_column, 0]
    for key in np.unique(tile, axis=0):
        batch = wanted[(tile == key).all(axis=1)]
        low, high = roads.xy[nodes[batch]].min(axis=0) - limit_m, roads.xy[nodes[batch]].max(axis=0) + limit_m
        column = by_column[np.searchsorted(sorted_x, low[0]) : np.searchsorted(sorted_x, high[0], side="right")]
        y = roads.xy[column, 1]
        yield batch, np.sort(column[(y >= low[1]) & (y <= high[1])])


def _nearest_of(
    count: int, group: NDArray[np.int64], shelter: NDArray[np.int64], metres: NDArray[np.float64]
) -> Table:
    order = np.argsort(group * _KEY_M + metres, kind="stable")
    group, shelter, metres = group[order], shelter[order], metres[order]
    starts = np.searchsorted(group, np.arange(count))
    rank = np.arange(len(group)) - starts[group]
    keep = rank < WIDTH
    width = int(rank[keep].max()) + 1 if keep.any() else 1
    table = Table(np.zeros((count, width), dtype=np.int64), np.full((count, width), np.inf))
    table.shelter[group[keep], rank[keep]] = shelter[keep]
    table.metres[group[keep], rank[keep]] = metres[keep]
    return table

