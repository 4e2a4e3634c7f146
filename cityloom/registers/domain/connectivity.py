"""Whether the segments of a network hang together: which ends meet nothing, which lead back, which lie apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cityloom.registers.domain.draft import Floats, shapes

_GRID = 1e5
"""Places that agree to five decimals of a degree, about a metre, are one."""


@dataclass(frozen=True)
class Connectivity:
    """Of each segment: whether it leads back to itself, has an end that meets nothing, or lies apart; its piece."""

    is_loop: NDArray[np.bool_]
    is_loose: NDArray[np.bool_]
    is_apart: NDArray[np.bool_]
    piece: NDArray[np.int64]


class Segments:
    """Gathers the segments of a file, batch by batch: network, corners, and the fittings that ends name.

    A register without networks, as that of roads, is one; its segments may end, and lead back to themselves.
    """

    def __init__(self) -> None:
        self._corners: list[NDArray[np.int64]] = []
        self._ends: list[NDArray[np.int64]] = []
        self._of: list[NDArray[np.int64]] = []
        self._fittings: list[NDArray[np.int64]] = []
        self._networks: dict[str, int] = {}
        self._count = 0

    def take(self, values: Mapping[str, Sequence[Any]], places: Sequence[int]) -> None:
        """Note the good rows of a batch."""
        drawn = [place for place in places if values["geometry"][place] is not None]
        if not drawn:
            return
        lines = shapely.from_wkb(shapes(values["geometry"][place] for place in drawn))
        networks = values.get("network") or [""] * len(values["geometry"])
        network = np.array([self._number(networks[place]) for place in drawn])
        corners, of = shapely.get_coordinates(lines, return_index=True)
        self._of.append(of + self._count)
        self._count += len(drawn)
        self._corners.append(_keys(network[of], corners))
        first = np.r_[True, of[1:] != of[:-1]]
        last = np.r_[first[1:], True]
        self._ends.append(np.stack([_keys(network, corners[first]), _keys(network, corners[last])], axis=1))
        named = [values.get(end) for end in ("begin_fitting", "end_fitting")]
        held = [[hash(keys[place]) if keys and keys[place] else 0 for keys in named] for place in drawn]
        self._fittings.append(np.array(held, np.int64))

    def findings(self) -> Counter[tuple[str, str]]:
        """How many segments lead back to themselves, have an end that meets nothing, or lie apart from the rest."""
        of = self.connectivity()
        found = {"loop": of.is_loop.sum(), "loose_end": of.is_loose.sum(), "apart": of.is_apart.sum()}
        return Counter({("geometry", rule): int(count) for rule, count in found.items() if count})

    def connectivity(self) -> Connectivity:
        """The same of each segment, in the order in which they were taken."""
        if not self._ends:
            return Connectivity(*(np.zeros(0, np.bool_) for _ in range(3)), np.zeros(0, np.int64))
        ends, fittings = np.concatenate(self._ends), np.concatenate(self._fittings)
        corners = np.concatenate(self._corners)
        places, times = np.unique(corners, axis=0, return_counts=True)
        row = _rows(places, ends.reshape(-1, 3)).reshape(ends.shape[:2])
        is_loop = row[:, 0] == row[:, 1]
        is_loose = ((times[row] < 2) & (fittings == 0)).any(axis=1) & ~is_loop
        of = np.concatenate(self._of)
        network = ends[:, 0, 0]
        piece = _pieces(np.r_[of, *np.nonzero(fittings)[:1]],
                        np.r_[_rows(places, corners), len(places) + _numbered(fittings[fittings != 0])],
                        len(network))  # fmt: skip
        return Connectivity(is_loop, is_loose, _are_apart(network, piece), piece)

    def _number(self, network: str) -> int:
        return self._networks.setdefault(network, len(self._networks))


def _keys(network: NDArray[np.int64], corners: Floats) -> NDArray[np.int64]:
    return np.column_stack([network, np.round(corners * _GRID).astype(np.int64)])


def _pieces(segment: NDArray[np.int64], place: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """A number for each of `count` segments: those that chains of shared places join have one."""
    links = coo_array((np.ones(len(segment), np.int8), (segment, count + place)), shape=2 * (count + place.max() + 1,))
    return _numbered(connected_components(links, directed=False)[1][:count])


def _are_apart(network: NDArray[np.int64], piece: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which segments are in another piece than the largest of their network, the first one where several are."""
    sizes = np.bincount(piece)
    network_of = np.zeros(len(sizes), np.int64)
    network_of[piece] = network
    order = np.lexsort((np.arange(len(sizes)), -sizes, network_of))
    largest = order[np.r_[True, np.diff(network_of[order]) != 0]]
    return ~np.isin(piece, largest)


def _numbered(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(keys, return_inverse=True)[1]


def _rows(places: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each wanted place among sorted ones, each of which is there."""
    order = np.dtype([("network", np.int64), ("x", np.int64), ("y", np.int64)])
    sorted_places = np.ascontiguousarray(places).view(order).reshape(-1)
    return np.searchsorted(sorted_places, np.ascontiguousarray(wanted).view(order).reshape(-1))
