"""Sums and quantiles of values by group, for whole columns at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Grouped:
    """By group, in the order of `keys`: how many values, their sum, and the quantiles that were asked for (rows)."""

    keys: Ints
    count: Ints
    total: Floats
    quantiles: Floats

    def __len__(self) -> int:
        return len(self.keys)


@dataclass(frozen=True)
class Keyed:
    """Values with their group and their case, put in order once, so that parts of them are summed up quickly."""

    key: Ints
    value: NDArray[Any]
    case: NDArray[Any]

    @cached_property
    def order(self) -> Ints:
        """By key, then by value."""
        by_value = np.argsort(self.value, kind="stable")
        names, codes = np.unique(self.key, return_inverse=True)
        narrow = codes.astype(np.uint16) if len(names) < 1 << 16 else codes  # of 16 bits numpy sorts in one go
        return by_value[np.argsort(narrow[by_value], kind="stable")]

    @cached_property
    def is_first(self) -> NDArray[np.bool_]:
        """Whether an entry is the first of its case and key."""
        pairs = self.key * (int(self.case.max(initial=0)) + 1) + self.case
        first = np.zeros(len(pairs), bool)
        first[np.unique(pairs, return_index=True)[1]] = True
        return first

    def summed(self, shares: Sequence[float] = (0.5, 0.9), wanted: NDArray[np.bool_] | None = None) -> Grouped:
        """By key; quantiles between two values lie on the line between them, as numpy's do (Hyndman and Fan, 7)."""
        order = self.order if wanted is None else self.order[wanted[self.order]]
        key, value = self.key[order], self.value[order].astype(np.float64)
        starts = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.zeros(0, np.int64)
        count = np.diff(np.append(starts, len(key)))
        total = np.add.reduceat(value, starts) if len(starts) else np.zeros(0)
        rows = [_at(value, starts, count, share) for share in shares]
        return Grouped(key[starts].astype(np.int64), count, total, np.array(rows).reshape(len(shares), len(starts)))

    def cases(self, wanted: NDArray[np.bool_] | None = None) -> Ints:
        """In how many different cases each key is, in the order of `summed`."""
        kept = self.is_first if wanted is None else self.is_first & wanted
        return np.unique(self.key[kept], return_counts=True)[1]


def _at(value: Floats, starts: Ints, count: Ints, share: float) -> Floats:
    place = starts + (count - 1) * share
    low = np.floor(place).astype(np.int64)
    high = np.minimum(low + 1, starts + count - 1)
    between = place - low
    return value[low] * (1 - between) + value[high] * between
