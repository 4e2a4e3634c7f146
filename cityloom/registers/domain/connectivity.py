"""Whether the segments of a network hang together: which ends meet nothing, which lead back, which lie apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cityloom.registers.domain.draft import Floats, shapes

_GRID = 1e5
"""Places that agree to five decimals of a degree, about a metre, are one."""


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
        if not self._ends:
            return Counter()
        ends, fittings = np.concatenate(self._ends), np.concatenate(self._fittings)
        corners = np.concatenate(self._corners)
        places, times = np.unique(corners, axis=0, return_counts=True)
        row = _rows(places, ends.reshape(-1, 3)).reshape(ends.shape[:2])
        is_loop = row[:, 0] == row[:, 1]
        is_loose = ((times[row] < 2) & (fittings == 0)).any(axis=1) & ~is_loop
        of = np.concatenate(self._of)
        apart = _apart(ends[:, 0, 0], np.r_[of, *np.nonzero(fittings)[:1]],
                       np.r_[_rows(places, corners), len(places) + _numbered(fittings[fittings != 0])])  # fmt: skip
        found = {"loop": int(is_loop.sum()), "loose_end": int(is_loose.sum()), "apart": apart}
        return Counter({("geometry", rule): count for rule, count in found.items() if count})

    def _number(self, network: str) -> int:
        return self._networks.setdefault(network, len(self._networks))


def _keys(network: NDArray[np.int64], corners: Floats) -> NDArray[np.int64]:
    return np.column_stack([network, np.round(corners * _GRID).astype(np.int64)])


def _apart(network: NDArray[np.int64], segment: NDArray[np.int64], place: NDArray[np.int64]) -> int:
    """How many segments no chain of shared places joins to the largest piece of their network."""
    count = len(network)
    links = coo_array((np.ones(len(segment), np.int8), (segment, count + place)), shape=2 * (count + place.max() + 1,))
    piece = connected_components(links, directed=False)[1][:count]
    pieces, piece, sizes = np.unique(piece, return_inverse=True, return_counts=True)
    network_of = np.zeros(len(pieces), np.int64)
    network_of[piece] = network
    largest = np.zeros(network.max() + 1, np.int64)
    np.maximum.at(largest, network_of, sizes)
    return count - int(largest.sum())


def _numbered(keys: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.unique(keys, return_inverse=True)[1]


def _rows(places: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each wanted place among sorted ones, each of which is there."""
    order = np.dtype([("network", np.int64), ("x", np.int64), ("y", np.int64)])
    sorted_places = np.ascontiguousarray(places).view(order).reshape(-1)
    return np.searchsorted(sorted_places, np.ascontiguousarray(wanted).view(order).reshape(-1))
