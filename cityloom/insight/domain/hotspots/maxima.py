"""The largest log-likelihood ratio over all windows, for many simulated maps at once.

Cases are added up along the neighbours of a block of places, for all maps together, in whole numbers that fit the
processor's cache. Of each window it is known how many cases it needs to reach what the maps have reached already; only
there is a ratio worked out. So the maxima are exact, and hardly any logarithm is taken. Maps stand in groups of those
that have reached about the same.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.hotspots.likelihood import GRID, Fewest, Model
from cityloom.insight.domain.hotspots.windows import Windows

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
Counts = NDArray[Any]
"""Cases by place and map, as int16, int32 or float64."""
_AT_ONCE, _HELD, _PRIMED, _GROUPS, _THREADS = 1 << 16, 1 << 17, 12, 8, 2
_SMALL = 200_000


@dataclass(frozen=True, eq=False)
class Layer:
    """A span of time: the `base` of each place in it (n,), and the periods [since, until) that it adds up."""

    since: int
    until: int
    base: Floats


def maxima(windows: Windows, model: Model, layers: Sequence[Layer], counts: Callable[[Layer], Counts],
           maps: int, least: int = 0) -> Floats:  # fmt: skip
    """The largest ratio of each map over the windows of all layers: shape (maps,).

    `counts(layer)` gives the cases of each place and map in it, shape (n, maps). Windows with fewer than `least` cases
    do not count.
    """
    best = np.zeros(maps)
    for layer in layers:
        if windows.order.size * maps <= _SMALL:
            best = np.maximum(best, _plainly(windows, model, layer, counts(layer), least))
            continue
        best = _Search(windows, model, layer, best, least).over(counts(layer))
    return best


def _plainly(windows: Windows, model: Model, layer: Layer, counts: Counts, least: int) -> Floats:
    """All ratios of a layer at once, where they are few."""
    inside = np.cumsum(counts[windows.order].astype(np.float64), axis=1)
    ratios = model.llr(inside, np.cumsum(layer.base[windows.order], axis=1)[:, :, None])
    fits = windows.ends[:, :, None] & (inside >= least)
    return np.where(fits, ratios, 0.0).max(axis=(0, 1))


class _Search:
    """The search of one layer; the maps stand in the order of what they have reached, filled up to whole groups."""

    def __init__(self, windows: Windows, model: Model, layer: Layer, best: Floats, least: int) -> None:
        self._windows, self._model, self._base, self._least = windows, model, layer.base, least
        self._maps, self._lock = len(best), threading.Lock()
        self._fewest = Fewest(model, np.array([layer.base[layer.base > 0].min(initial=np.inf), layer.base.sum()]))
        self._order, self._best = np.arange(len(best)), best

    def over(self, counts: Counts) -> Floats:
        """What each map has reached in the end."""
        places = self._windows.places
        if not self._best.any():
            self._sort(counts)
            self._block(np.linspace(0, places - 1, min(_PRIMED, places)).astype(np.int64))
            self._unsort()
        self._sort(counts)
        size = max(1, min(places, _AT_ONCE // self._maps))
        blocks = [np.arange(at, min(at + size, places)) for at in range(0, places, size)]
        with ThreadPoolExecutor(_THREADS) as pool:
            for done in [pool.submit(self._block, rows) for rows in blocks]:
                done.result()
        self._unsort()
        return self._best

    def _sort(self, counts: Counts) -> None:
        self._order = np.argsort(self._best, kind="stable")
        more = -self._maps % _GROUPS
        self._counts = np.zeros((len(counts), self._maps + more), counts.dtype)
        self._counts[:, : self._maps] = counts[:, self._order]
        self._best = np.append(self._best[self._order], np.full(more, np.inf))

    def _unsort(self) -> None:
        found = np.empty(self._maps)
        found[self._order] = self._best[: self._maps]
        self._best = found

    def _block(self, rows: Ints) -> None:
        widest = int(self._windows.reach[rows].max())
        order = self._windows.order[rows, :widest]
        base = np.cumsum(self._base[order], axis=1)
        with self._lock:
            own = self._best.copy()
        needed = self._needed(own, base, self._windows.ends[rows, :widest])
        found = _Found(self._model, own)
        added = np.zeros((len(rows), len(own)), self._counts.dtype)
        taken, reaches = np.empty_like(added), np.empty((len(rows), _GROUPS, len(own) // _GROUPS), bool)
        for turn in range(widest):
            np.take(self._counts, order[:, turn], axis=0, out=taken, mode="clip")
            np.add(added, taken, out=added)
            np.greater_equal(added.reshape(reaches.shape), needed[turn], out=reaches)
            if reaches.any():
                found.add(added, reaches, base[:, turn])
        found.settle()
        with self._lock:
            np.maximum(self._best, own, out=self._best)

    def _needed(self, own: Floats, base: Floats, ends: Marks) -> Counts:
        """The fewest cases with which a window is looked at, for each group of maps: (widest, centres, groups, 1).

        More than there can be where no window ends.
        """
        kind = self._counts.dtype
        many = np.iinfo(kind).max if kind.kind == "i" else np.inf
        tables = np.empty((GRID + 1, _GROUPS), kind)
        for group, floor in enumerate(own.reshape(_GROUPS, -1).min(axis=1).tolist()):
            count = self._fewest.table(floor) if np.isfinite(floor) else np.full(GRID, many, np.float64)
            count = np.ceil(np.maximum(count - 1e-6, 1)) if kind.kind == "i" else count * (1 - 1e-9)
            tables[:-1, group] = np.clip(count, self._least, many)
        tables[-1] = many
        places = np.where(ends, self._fewest.places(base), GRID)
        return tables[places.T][..., None]


class _Found:
    """Windows that may have the largest ratio of their map, worked out some thousands at a time."""

    def __init__(self, model: Model, own: Floats) -> None:
        self._model, self._own, self._held = model, own, 0
        self._parts = list[tuple[Floats, Floats, Ints]]()

    def add(self, added: Counts, reaches: Marks, base: Floats) -> None:
        places = np.flatnonzero(reaches)
        row, column = np.divmod(places, len(self._own))
        self._parts.append((added.ravel()[places], base[row], column))
        self._held += len(places)
        if self._held > _HELD:
            self.settle()

    def settle(self) -> None:
        """Work out the ratios of what is held, and keep the largest of each map."""
        if self._parts:
            inside, base, column = (np.concatenate(part) for part in zip(*self._parts, strict=True))
            np.maximum.at(self._own, column, self._model.llr(inside.astype(np.float64), base))
            self._parts, self._held = [], 0
