"""Rows of one file that may be about the same person: which are compared, and which are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.uint64]
MOST_IN_A_BLOCK = 16
"""What more rows share, as a switchboard's number, says nothing of any two of them."""
_ODD = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)


@dataclass(frozen=True)
class TwoRows:
    """That two rows of a file, the earlier first, are the same person or may be."""

    first: int
    second: int
    state: str
    weight: float
    probability: float
    parts: list[list[Any]]


@dataclass
class Within:
    """What a file says twice: by row the first row of the same person, and every pair that was found.

    `not_compared` counts rows of a file that was too large, `not_asked` pairs that nobody is asked to look at.
    """

    leader: dict[int, int] = field(default_factory=dict)
    pairs: list[TwoRows] = field(default_factory=list)
    not_compared: int = 0
    not_asked: int = 0

    @cached_property
    def leading(self) -> frozenset[int]:
        """The rows that others follow."""
        return frozenset(self.leader.values())


def candidates(blocks: Iterable[Codes]) -> tuple[Ints, Ints]:
    """The pairs of places that share a code of any block, the smaller place first; the code 0 is shared by nobody."""
    pairs = [np.zeros((2, 0), np.int64), *map(_pairs_in, blocks)]
    left, right = np.unique(np.concatenate(pairs, axis=1), axis=1)
    return left, right


def both(one: Codes, other: Codes) -> Codes:
    """A code for two codes that hold together; 0 where either is 0."""
    mixed = (one * _ODD) ^ (one >> _SHIFT) ^ (other * (_ODD << np.uint64(1) | np.uint64(1)))
    return np.where((one != 0) & (other != 0), np.maximum(mixed, np.uint64(1)), np.uint64(0))


def _pairs_in(codes: Codes) -> Ints:
    places = np.flatnonzero(codes)
    places = places[np.argsort(codes[places], kind="stable")]
    ordered = codes[places]
    _values, begin, count = np.unique(ordered, return_index=True, return_counts=True)
    found = [np.zeros((2, 0), np.int64)]
    for size in range(2, MOST_IN_A_BLOCK + 1):
        runs = begin[count == size][:, None] + np.arange(size)
        one, other = np.triu_indices(size, 1)
        found.append(np.stack([places[runs[:, one]].ravel(), places[runs[:, other]].ravel()]))
    return np.concatenate(found, axis=1)


def leaders(certain: Sequence[tuple[int, int]], apart: Iterable[tuple[int, int]]) -> tuple[dict[int, int], list[int]]:
    """By row the first row of the same person, from pairs that are certain, the heaviest first.

    Rows that are known to be `apart` never come together over others; returns also the places of the pairs that were
    left out for that.
    """
    group: dict[int, set[int]] = {}
    kept_apart: dict[int, set[int]] = {}
    for one, other in apart:
        kept_apart.setdefault(one, set()).add(other)
        kept_apart.setdefault(other, set()).add(one)
    left_out = []
    for place, (one, other) in enumerate(certain):
        mine, theirs = group.get(one, {one}), group.get(other, {other})
        if any(kept_apart.get(row, set()) & theirs for row in mine):
            left_out.append(place)
            continue
        joined = mine | theirs
        group.update(dict.fromkeys(joined, joined))
    return {row: min(rows) for row, rows in group.items() if row != min(rows)}, left_out
