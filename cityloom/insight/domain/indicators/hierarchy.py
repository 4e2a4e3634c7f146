"""The tree of items: indicators at the ends, aggregates above them, one index at the top or several of a profile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators import aggregating
from cityloom.insight.domain.indicators.moments import Floats

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """`codes` of all items: indicators first, in their own order, then aggregates, each after its children.

    `parent` is the place of each item's parent, -1 at the top. `level` is 1 for indicators, and one more than the
    highest of the children for an aggregate.
    """

    codes: tuple[str, ...]
    indicators: int
    parent: Places
    level: Places

    @cached_property
    def children(self) -> tuple[Places, ...]:
        """The places of the children of each aggregate, in the aggregates' order."""
        return tuple(np.flatnonzero(self.parent == one) for one in range(self.indicators, len(self.codes)))

    @cached_property
    def place(self) -> Mapping[str, int]:
        """Where an item stands, by its code."""
        return {code: place for place, code in enumerate(self.codes)}

    @property
    def aggregates(self) -> tuple[str, ...]:
        """The codes of the aggregates; that of the index is the last."""
        return self.codes[self.indicators :]

    def within(self, code: str) -> Places:
        """The indicators below an item, or the item itself."""
        above = np.arange(len(self.codes)) == self.place[code]
        for place in range(len(self.codes) - 1, -1, -1):
            above[place] |= self.parent[place] >= 0 and above[self.parent[place]]
        return np.flatnonzero(above[: self.indicators])

    def effective(self, weights: Floats) -> Floats:
        """The share of each item in the index, (..., items): its weight among its siblings times its parent's share."""
        shares = np.ones(np.shape(weights))
        for place in range(len(self.codes) - 1, -1, -1):
            up = self.parent[place]
            if up >= 0:
                siblings = self.children[up - self.indicators]
                shares[..., place] = weights[..., place] / weights[..., siblings].sum(-1) * shares[..., up]
        return shares


def hierarchy_of(parents: Mapping[str, str]) -> Hierarchy:
    """The tree of items with their parents' codes ("" at the top), which was checked before."""
    has_children = set(parents.values())
    ends = [code for code in parents if code not in has_children]
    heights = dict.fromkeys(ends, 1)
    left = [code for code in parents if code in has_children]
    below: dict[str, list[str]] = {code: [] for code in left}
    for code, up in parents.items():
        if up:
            below[up].append(code)
    while left:
        ready = [code for code in left if all(one in heights for one in below[code])]
        heights.update({code: 1 + max(heights[one] for one in below[code]) for code in ready})
        left = [code for code in left if code not in heights]
    uppers = sorted((code for code in parents if code in has_children), key=lambda code: heights[code])  # stable
    codes = (*ends, *uppers)
    place = {code: at for at, code in enumerate(codes)}
    parent = np.array([place.get(parents[code], -1) for code in codes], np.int64)
    return Hierarchy(codes, len(ends), parent, np.array([heights[code] for code in codes], np.int64))


def first_cycle(parents: Mapping[str, str]) -> list[str]:
    """The codes of a ring of items that are above each other, [] if there is none."""
    done: set[str] = set()
    for start in parents:
        path: list[str] = []
        at = start
        while at in parents and at not in done and at not in path:
            path.append(at)
            at = parents[at]
        if at in path:
            return path[path.index(at) :]
        done.update(path)
    return []


def rolled_up(tree: Hierarchy, indicators: Floats, weights: Floats, ways: Sequence[str] | str = "arithmetic",
              least: Sequence[float] | float = 0.0) -> Floats:  # fmt: skip
    """Scores of all aggregates, (..., units, aggregates), in the tree's order: the index is the last.

    `indicators` are normalised, (..., units, indicators); `weights` are (..., items), among siblings, in any scale.
    `ways` and `least` are one for all aggregates or one for each. Leading axes of both are worked at once.

    Raises: Refused, as `aggregating.aggregated`.
    """
    how = [ways] * len(tree.aggregates) if isinstance(ways, str) else list(ways)
    shares = [least] * len(tree.aggregates) if isinstance(least, (int, float)) else list(least)
    made: list[Floats] = []
    for number, (code, children) in enumerate(zip(tree.aggregates, tree.children, strict=True)):
        values = _columns(tree, indicators, made, children)
        made.append(aggregating.aggregated(values, weights[..., children], how[number], shares[number], code))
    shape = np.broadcast_shapes(*(one.shape for one in made)) if made else (*indicators.shape[:-1],)
    return np.stack([np.broadcast_to(one, shape) for one in made], -1) if made else np.zeros((*shape, 0))


def _columns(tree: Hierarchy, indicators: Floats, made: Sequence[Floats], children: Iterable[int]) -> Floats:
    """The values of some items beside each other, indicators and aggregates."""
    places = np.asarray(list(children))
    if (places < tree.indicators).all():
        return indicators[..., places]
    parts = [indicators[..., place] if place < tree.indicators else made[place - tree.indicators] for place in places]
    shape = np.broadcast_shapes(*(one.shape for one in parts))
    return np.stack([np.broadcast_to(one, shape) for one in parts], -1)
