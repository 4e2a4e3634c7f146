"""Whether the segments of a utility network hang together: which ends meet nothing, which lead back to themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Floats, shapes

_GRID = 1e5
"""Places that agree to five decimals of a degree, about a metre, are one."""


class Segments:
    """Gathers the segments of a file, batch by batch: network, corners, and which ends name a fitting."""

    def __init__(self) -> None:
        self._corners: list[NDArray[np.int64]] = []
        self._ends: list[NDArray[np.int64]] = []
        self._is_held: list[NDArray[np.bool_]] = []
        self._networks: dict[str, int] = {}

    def take(self, values: Mapping[str, Sequence[Any]], places: Sequence[int]) -> None:
        """Note the good rows of a batch."""
        drawn = [place for place in places if values["geometry"][place] is not None]
        if not drawn:
            return
        lines = shapely.from_wkb(shapes(values["geometry"][place] for place in drawn))
        network = np.array([self._number(values["network"][place]) for place in drawn])
        corners, of = shapely.get_coordinates(lines, return_index=True)
        self._corners.append(_keys(network[of], corners))
        first = np.r_[True, of[1:] != of[:-1]]
        last = np.r_[first[1:], True]
        self._ends.append(np.stack([_keys(network, corners[first]), _keys(network, corners[last])], axis=1))
        named = [values.get(end) for end in ("begin_fitting", "end_fitting")]
        held = [[bool(keys and keys[place]) for keys in named] for place in drawn]
        self._is_held.append(np.array(held))

    def findings(self) -> Counter[tuple[str, str]]:
        """How many segments lead back to themselves, and how many have an end that meets nothing."""
        if not self._ends:
            return Counter()
        ends, held = np.concatenate(self._ends), np.concatenate(self._is_held)
        places, times = np.unique(np.concatenate(self._corners), axis=0, return_counts=True)
        row = _rows(places, ends.reshape(-1, 3)).reshape(ends.shape[:2])
        is_loop = row[:, 0] == row[:, 1]
        is_loose = ((times[row] < 2) & ~held).any(axis=1) & ~is_loop
        found = {"loop": int(is_loop.sum()), "loose_end": int(is_loose.sum())}
        return Counter({("geometry", rule): count for rule, count in found.items() if count})

    def _number(self, network: str) -> int:
        return self._networks.setdefault(network, len(self._networks))


def _keys(network: NDArray[np.int64], corners: Floats) -> NDArray[np.int64]:
    return np.column_stack([network, np.round(corners * _GRID).astype(np.int64)])


def _rows(places: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """The row of each wanted place among sorted ones, each of which is there."""
    order = np.dtype([("network", np.int64), ("x", np.int64), ("y", np.int64)])
    sorted_places = np.ascontiguousarray(places).view(order).reshape(-1)
    return np.searchsorted(sorted_places, np.ascontiguousarray(wanted).view(order).reshape(-1))
