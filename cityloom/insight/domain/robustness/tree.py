"""The hierarchy of an index as arrays: for each item whose child it is, how high it stands, and what it weighs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tree:
    """Items are indicators first, then aggregates, each after its children; the index is the last.

    `parent` is the place of each item's parent, -1 of the index; `level` is 1 for indicators and one more than the
    highest child's for an aggregate; `weights` are nominal, at or above 0, and count among siblings only. An aggregate
    whose children are known by less than its share of `leasts` (by weight) is not known.
    """

    indicators: int
    parent: Ints
    level: Ints
    weights: Floats
    leasts: tuple[float, ...] = ()

    @property
    def items(self) -> int:
        """How many items there are."""
        return len(self.parent)

    @property
    def top(self) -> int:
        """The level of the index."""
        return int(self.level.max())

    @cached_property
    def children(self) -> tuple[Ints, ...]:
        """The places of the children of each aggregate, in the aggregates' order."""
        return tuple(np.flatnonzero(self.parent == one) for one in range(self.indicators, self.items))

    @cached_property
    def effective(self) -> Floats:
        """The nominal share of each item in the index: the product of the shares up to the top."""
        share = np.ones(self.items)
        for place in range(self.items - 2, -1, -1):
            whole = float(self.weights[self.parent == self.parent[place]].sum())
            share[place] = share[self.parent[place]] * (self.weights[place] / whole if whole > 0 else 0.0)
        return share

    def least(self, aggregate: int) -> float:
        """The least known share of an aggregate (0 is the first of them)."""
        return self.leasts[aggregate] if self.leasts else 0.0

    def under(self, item: int) -> Ints:
        """The indicators below an item (itself, where it is one)."""
        below = np.arange(self.items) == item
        for place in range(self.items - 2, -1, -1):
            below[place] |= below[self.parent[place]]
        return np.flatnonzero(below[: self.indicators])


def tree_of(parents: Sequence[Sequence[int] | Ints], weights: Sequence[Sequence[float] | Floats] | None = None) -> Tree:
    """A tree of even levels: for each level, the indicators first, the place of each node's parent in the next level.

    `weights` are listed likewise; without them, siblings weigh the same.
    """
    sizes = [len(one) for one in parents]
    starts = np.cumsum([0, *sizes])
    parent = [np.asarray(one, np.int64) + starts[level + 1] for level, one in enumerate(parents)]
    weighed = [np.ones(size) for size in sizes] if weights is None else weights
    return Tree(sizes[0], np.concatenate([*parent, [-1]]), np.repeat(np.arange(1, len(sizes) + 2), [*sizes, 1]),
                np.concatenate([*(np.asarray(one, np.float64) for one in weighed), [1.0]]))  # fmt: skip
