"""A directed graph in layers: what comes first stands above, and few arrows cross.

Source: K. Sugiyama, S. Tagawa, M. Toda, Methods for Visual Understanding of Hierarchical System Structures, 1981; the
order against cycles: P. Eades, X. Lin, W. Smyth, A fast and effective heuristic for the feedback arc set problem, 1993.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Edge = tuple[int, int]
_SWEEPS = 16
BEND = -1_000


@dataclass
class Layered:
    """Layers of nodes from above to below, in order from left to right; a node below `BEND` is a bend of an edge.

    `ways` are the nodes of each edge from its upper to its lower end; `turned` are edges that lead upwards.
    """

    layers: list[list[int]]
    ways: dict[Edge, list[int]]
    turned: set[Edge] = field(default_factory=set)

    @property
    def links(self) -> list[Edge]:
        """Pairs of nodes in neighbouring layers that an edge joins."""
        return [pair for way in self.ways.values() for pair in pairwise(way)]


def layered(nodes: Sequence[int], weights: Mapping[Edge, float]) -> Layered:
    """Lay out nodes and edges; every edge gets a bend half-way between two ranks at least, where its words may stand.

    Ranks of nodes are the even layers. Edges from a node to itself are not laid out.
    """
    kept = {edge: weight for edge, weight in weights.items() if edge[0] != edge[1]}
    place = {node: at for at, node in enumerate(_order(nodes, kept))}
    turned = {edge for edge in kept if place[edge[0]] > place[edge[1]]}
    down = {edge: (edge[1], edge[0]) if edge in turned else edge for edge in kept}
    rank = _ranks(sorted(nodes, key=place.__getitem__), set(down.values()))
    found = _with_bends(rank, down)
    found.turned = turned
    _untangle(found)
    return found


def _order(nodes: Sequence[int], weights: Mapping[Edge, float]) -> list[int]:
    """Nodes so that little weight leads backwards: sinks last, sources first, then what gives more than it takes."""
    left, first, last = list(nodes), [], []
    while left:
        here = set(left)
        gives, takes = dict.fromkeys(left, 0.0), dict.fromkeys(left, 0.0)
        for (one, other), weight in weights.items():
            if one in here and other in here:
                gives[one] += weight
                takes[other] += weight
        sinks = [node for node in left if not gives[node]]
        sources = [node for node in left if not takes[node] and gives[node]]
        if sinks:
            last[:0] = sinks
        elif sources:
            first += sources
        else:
            sources = [max(left, key=lambda node: gives[node] - takes[node])]
            first += sources
        done = {*(sinks or sources)}
        left = [node for node in left if node not in done]
    return first + last


def _ranks(order: Sequence[int], edges: set[Edge]) -> dict[int, int]:
    """The longest way from above to each node; what nothing leads to stands just above what it leads to."""
    rank = dict.fromkeys(order, 0)
    for node in order:
        above = [rank[one] + 1 for one, other in edges if other == node]
        rank[node] = max(above, default=0)
    for node in reversed(order):
        below = [rank[other] - 1 for one, other in edges if one == node]
        if below and not any(other == node for _, other in edges):
            rank[node] = min(below)
    return rank


def _with_bends(rank: Mapping[int, int], down: Mapping[Edge, Edge]) -> Layered:
    layers: list[list[int]] = [[] for _ in range(2 * max(rank.values(), default=0) + 1)]
    for node, at in rank.items():
        layers[2 * at].append(node)
    bend, ways = BEND, {}
    for edge, (upper, lower) in down.items():
        bends = []
        for at in range(2 * rank[upper] + 1, 2 * rank[lower]):
            bend -= 1
            layers[at].append(bend)
            bends.append(bend)
        ways[edge] = [upper, *bends, lower]
    return Layered(layers, ways)


def _untangle(found: Layered) -> None:
    """Put the nodes of each layer in the order of their neighbours' middles, downwards and upwards in turns."""
    above: dict[int, list[int]] = {}
    below: dict[int, list[int]] = {}
    for upper, lower in found.links:
        below.setdefault(upper, []).append(lower)
        above.setdefault(lower, []).append(upper)
    best, fewest = [list(layer) for layer in found.layers], crossings(found)
    for sweep in range(_SWEEPS):
        near = above if sweep % 2 == 0 else below
        layers = found.layers if sweep % 2 == 0 else found.layers[::-1]
        for fixed, free in pairwise(layers):
            at = {node: place for place, node in enumerate(fixed)}
            wished = {node: _middle([at[one] for one in near.get(node, ())], own) for own, node in enumerate(free)}
            free.sort(key=wished.__getitem__)
        now = crossings(found)
        if now < fewest:
            best, fewest = [list(layer) for layer in found.layers], now
    found.layers[:] = best


def _middle(places: list[int], own: int) -> float:
    return sum(places) / len(places) if places else float(own)


def crossings(found: Layered) -> int:
    """How many pairs of links cross."""
    place = {node: at for layer in found.layers for at, node in enumerate(layer)}
    level = {node: at for at, layer in enumerate(found.layers) for node in layer}
    by_level: dict[int, list[Edge]] = {}
    for upper, lower in found.links:
        by_level.setdefault(level[upper], []).append((place[upper], place[lower]))
    return sum(
        (one[0] - other[0]) * (one[1] - other[1]) < 0
        for links in by_level.values() for at, one in enumerate(links) for other in links[at + 1 :]
    )  # fmt: skip
