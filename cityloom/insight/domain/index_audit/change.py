"""A change of the index between two years, split into what brought it about: exactly, whatever their order.

What changed (the data, the method, the set of units) is changed alone and together; each part's share is the mean of
what it adds over all orders in which the parts could be changed (Shapley). The shares add up to the change.

Source: L. S. Shapley, A value for n-person games, 1953; A. F. Shorrocks, Journal of Economic Inequality 11, 2013.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial

import numpy as np

from cityloom.insight.domain.robustness.tree import Floats


def split(value: Callable[[frozenset[str]], Floats], parts: Sequence[str]) -> dict[str, Floats]:
    """The share of each part in value(all) - value(none); `value(changed)` gives the outcome with those parts new.

    It is asked once for each of the 2 ** parts sets. Shares add up to the change but for the last bit of rounding,
    which is put to the largest.
    """
    asked = {frozenset(one): np.asarray(value(frozenset(one)), np.float64)
             for size in range(len(parts) + 1) for one in combinations(parts, size)}  # fmt: skip
    shares: dict[str, Floats] = {}
    for part in parts:
        rest = [one for one in parts if one != part]
        share = np.zeros_like(asked[frozenset()])
        for size in range(len(rest) + 1):
            weight = factorial(size) * factorial(len(parts) - size - 1) / factorial(len(parts))
            for before in combinations(rest, size):
                share = share + weight * (asked[frozenset((*before, part))] - asked[frozenset(before)])
        shares[part] = share
    return shares


def in_order(value: Callable[[frozenset[str]], Floats], order: Sequence[str]) -> dict[str, Floats]:
    """The share of each part when they are changed one after another in this order: it depends on the order."""
    shares, before = {}, frozenset[str]()
    last = np.asarray(value(before), np.float64)
    for part in order:
        before |= {part}
        now = np.asarray(value(before), np.float64)
        shares[part], last = now - last, now
    return shares
