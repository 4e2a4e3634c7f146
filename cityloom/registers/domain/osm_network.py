"""A road graph out of lines: where lines share a point, they meet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain.draft import NodeTable, Shapes
from cityloom.registers.domain.osm_shapes import Piece

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Network:
    """Segments between junctions: rows of the nodes, the line that each was cut from, and its course."""

    nodes: NodeTable
    start: Ints
    end: Ints
    line: Ints
    geometry: Shapes


def network(lines: Sequence[Piece]) -> Network:
    """Cut lines where two of them, or one of them twice, pass the same key, and at their ends."""
    keys = _joined([line.keys for line in lines], np.int64)
    lonlat = _joined([line.lonlat for line in lines], np.float64).reshape(-1, 2)
    line_of = np.repeat(np.arange(len(lines)), [len(line.keys) for line in lines])
    keys, lonlat, line_of = _without_repeats(keys, lonlat, line_of)
    cuts = np.flatnonzero(_is_cut(keys, line_of))
    first, last = cuts[:-1], cuts[1:]
    same_line = line_of[first] == line_of[last]
    first, last = first[same_line], last[same_line]
    node_keys, where = np.unique(keys[np.concatenate([first, last])], return_index=True)
    nodes = lonlat[np.concatenate([first, last])[where]]
    return Network(
        NodeTable(nodes[:, 0].copy(), nodes[:, 1].copy()),
        np.searchsorted(node_keys, keys[first]),
        np.searchsorted(node_keys, keys[last]),
        line_of[first],
        _stretches(lonlat, first, last),
    )


def with_one_key_a_place(lines: Sequence[Piece], apart: NDArray[np.bool_]) -> list[Piece]:
    """The lines with equal keys where points of different keys lie at the very same place, as some programs write them.

    `apart` marks bridges and tunnels: above or below a place is another place.
    """
    level = [line for line, is_apart in zip(lines, apart.tolist(), strict=True) if not is_apart]
    keys = _joined([line.keys for line in level], np.int64)
    lonlat = _joined([line.lonlat for line in level], np.float64).reshape(-1, 2)
    _, first, place = np.unique(lonlat, axis=0, return_index=True, return_inverse=True)
    leader = keys[first][place.reshape(-1)]
    if (leader == keys).all():
        return list(lines)
    known, row = np.unique(keys, return_index=True)
    leader = leader[row]
    return [Piece(_replaced(line.keys, known, leader), line.lonlat) for line in lines]


def _replaced(keys: Ints, known: Ints, leader: Ints) -> Ints:
    at = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    return np.where(known[at] == keys, leader[at], keys)


def reached(net: Network, is_street: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which segments hang together with a street; the edge of a square that no street touches does not."""
    count = len(net.nodes)
    links = scipy.sparse.coo_array((np.ones(len(net.start)), (net.start, net.end)), shape=(count, count))
    _, group = scipy.sparse.csgraph.connected_components(links, directed=False)
    return np.isin(group[net.start], group[net.start[is_street[net.line]]])


def _joined(arrays: Sequence[NDArray[np.generic]], dtype: type) -> NDArray[np.generic]:
    return np.concatenate(arrays) if arrays else np.zeros(0, dtype)


def _without_repeats(
    keys: Ints, lonlat: NDArray[np.float64], line_of: Ints
) -> tuple[Ints, NDArray[np.float64], Ints]:
    fresh = np.ones(len(keys), bool)
    fresh[1:] = (keys[1:] != keys[:-1]) | (line_of[1:] != line_of[:-1])
    return keys[fresh], lonlat[fresh], line_of[fresh]


def _is_cut(keys: Ints, line_of: Ints) -> NDArray[np.bool_]:
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    cut = counts[inverse] > 1
    change = np.flatnonzero(line_of[1:] != line_of[:-1])
    cut[change] = cut[change + 1] = True
    cut[:1] = cut[-1:] = True
    return cut


def _stretches(lonlat: NDArray[np.float64], first: Ints, last: Ints) -> Shapes:
    sizes = last - first + 1
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    owner = np.repeat(np.arange(len(first)), sizes)
    corners = np.arange(offsets[-1]) - offsets[owner] + first[owner]
    return shapely.linestrings(lonlat[corners], indices=owner) if len(first) else np.empty(0, object)
