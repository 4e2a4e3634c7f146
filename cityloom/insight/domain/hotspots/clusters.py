"""The windows of a map with the largest ratios that share no place: the most likely cluster, and the secondary ones."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.hotspots.likelihood import Model
from cityloom.insight.domain.hotspots.maxima import Layer
from cityloom.insight.domain.hotspots.windows import Windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_BLOCK = 128


@dataclass(frozen=True, eq=False)
class Cluster:
    """A window: `places` (the centre first, then by distance), periods [since, until), and how unlike the rest it is.

    `p_value` is by rank among simulated maxima, `gumbel_p` by Gumbel's distribution (None: not known). `relative_risk`
    is nan where nothing is outside.
    """

    places: Ints
    radius: float
    since: int
    until: int
    observed: float
    expected: float
    relative_risk: float
    llr: float
    p_value: float = 1.0
    gumbel_p: float | None = None


@dataclass(frozen=True)
class _Best:
    llr: float
    layer: int
    reach: int


class Search:
    """All windows of a map, looked at centre by centre."""

    def __init__(self, windows: Windows, model: Model, layers: Sequence[Layer], cases: Sequence[Floats],
                 least: int) -> None:  # fmt: skip
        self._windows, self._model, self._layers, self._cases, self._least = windows, model, layers, cases, least

    def clusters(self, most: int, every_window: bool = False) -> list[Cluster]:
        """Up to `most` clusters, the most likely first; no place is in two.

        Of each centre its best window counts, as SaTScan has it; where `every_window`, what is left of it, too.
        """
        heap = [(-best.llr, centre, best) for centre, best in enumerate(self._best_of_all()) if best.llr > 0]
        heapq.heapify(heap)
        taken, found = np.zeros(self._windows.places, bool), list[Cluster]()
        while heap and len(found) < most:
            _, centre, best = heapq.heappop(heap)
            members = self._windows.order[centre, : best.reach].astype(np.int64)
            if taken[members].any():
                best = self._best_within(centre, self._free(centre, taken) if every_window else 0)
                if best.llr > 0:
                    heapq.heappush(heap, (-best.llr, centre, best))
                continue
            taken[members] = True
            found.append(self._told(centre, best, members))
        return found

    def _free(self, centre: int, taken: NDArray[np.bool_]) -> int:
        """How many of a centre's neighbours come before the first that is in a cluster already."""
        order = self._windows.order[centre, : self._windows.reach[centre]]
        return int(np.argmax(np.append(taken[order], True)))

    def _best_of_all(self) -> list[_Best]:
        places = self._windows.places
        llr, layer, reach = np.zeros(places), np.zeros(places, np.int64), np.ones(places, np.int64)
        for number in range(len(self._layers)):
            for first in range(0, places, _BLOCK):
                rows = np.arange(first, min(first + _BLOCK, places))
                ratios = self._ratios(number, rows, int(self._windows.reach[rows].max()))
                at = np.argmax(ratios, axis=1)
                largest = ratios[np.arange(len(rows)), at]
                better = largest > llr[rows] + 1e-12
                llr[rows[better]], layer[rows[better]] = largest[better], number
                reach[rows[better]] = at[better] + 1
        return [_Best(*one) for one in zip(llr.tolist(), layer.tolist(), reach.tolist(), strict=True)]

    def _best_within(self, centre: int, reach: int) -> _Best:
        best = _Best(0.0, 0, 1)
        for number in range(len(self._layers) if reach else 0):
            ratios = self._ratios(number, np.array([centre]), reach)[0]
            at = int(np.argmax(ratios))
            if ratios[at] > best.llr + 1e-12:
                best = _Best(float(ratios[at]), number, at + 1)
        return best

    def _ratios(self, number: int, rows: Ints, widest: int) -> Floats:
        order = self._windows.order[rows, :widest]
        inside = np.cumsum(self._cases[number][order], axis=1)
        base = np.cumsum(self._layers[number].base[order], axis=1)
        fits = self._windows.ends[rows, :widest] & (inside >= self._least)
        return np.where(fits, self._model.llr(inside, base), 0.0)

    def _told(self, centre: int, best: _Best, members: Ints) -> Cluster:
        layer = self._layers[best.layer]
        inside, base = self._cases[best.layer][members].sum(), layer.base[members].sum()
        return Cluster(members, float(self._windows.radius[centre, best.reach - 1]), layer.since, layer.until,
                       float(inside), float(self._model.expected(base)),
                       float(self._model.relative_risk(np.float64(inside), np.float64(base))), best.llr)  # fmt: skip
