"""Ranks of many runs, their intervals, who is above whom how surely, and groups of units that are not told apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.robustness.tree import Floats, Ints

Ranks = NDArray[np.int32]
_CELLS = 6_000_000


def ranks_of(scores: Floats) -> Ranks:
    """The rank of each unit in each run: 1 and how many are above it, by scores as they are, never rounded.

    `scores` [runs, units]; equal scores share the better rank; a score that is not known (nan) is behind all others.
    """
    held = np.where(np.isnan(scores), -np.inf, scores)
    order = np.argsort(-held, axis=1, kind="stable")
    sorted_ = np.take_along_axis(held, order, 1)
    places = np.broadcast_to(np.arange(1, held.shape[1] + 1, dtype=np.int32), held.shape).copy()
    same = np.zeros(held.shape, bool)
    same[:, 1:] = sorted_[:, 1:] == sorted_[:, :-1]
    if same.any():
        places = np.maximum.accumulate(np.where(same, 0, places), axis=1).astype(np.int32)
    ranks = np.empty(held.shape, np.int32)
    np.put_along_axis(ranks, order, places, 1)
    return ranks


def rank_quantiles(ranks: Ranks, at: tuple[float, ...] = (0.05, 0.5, 0.95)) -> Ints:
    """The smallest rank at or below which a unit stands in at least such a share of the runs: [len(at), units]."""
    return np.asarray(np.quantile(ranks, at, axis=0, method="inverted_cdf"), np.int64)


def rank_shares(ranks: Ranks) -> Floats:
    """In what share of the runs each unit has each rank: [units, ranks from 1]."""
    runs, units = ranks.shape
    flat = (np.arange(units) * units)[None] + ranks - 1
    return np.bincount(flat.ravel(), minlength=units * units).reshape(units, units) / runs


def above(ranks: Ranks) -> Floats:
    """The probability that one unit is above another: [one, other]; equal ranks count half, so that p + p.T = 1."""
    runs, units = ranks.shape
    narrow = ranks.astype(np.uint8 if units < 256 else np.uint16)
    narrow = np.ascontiguousarray(narrow.T)
    found = np.full((units, units), 0.5)
    for one in range(units - 1):
        wins = np.count_nonzero(narrow[one] < narrow[one + 1 :], axis=1)
        losses = np.count_nonzero(narrow[one] > narrow[one + 1 :], axis=1)
        found[one, one + 1 :] = 0.5 + (wins - losses) / (2 * runs)
    lower = np.tril_indices(units, -1)
    found[lower] = 1.0 - found.T[lower]
    return found


def tie_groups(probability: Floats, order: Ints, certain: float = 0.9) -> Ints:
    """Groups of units, 1 the highest, such that the order of units of different groups is certain.

    `probability` [one, other] that one is above the other, `order` the units from the highest. The list is cut wherever
    every unit before the cut is above every unit behind it with at least `certain`: two units whose order is not
    certain are therefore always in one group, and belonging to one group is transitive. It says no more than that: in
    a long group the first and the last may well be told apart; `told_apart` says from whom each unit is.
    """
    sure = probability[np.ix_(order, order)] >= certain
    units = len(order)
    groups = np.empty(units, np.int64)
    group, reach = 1, 0
    furthest = np.array([int(np.flatnonzero(~sure[one, one + 1 :])[-1]) + one + 1 if (~sure[one, one + 1 :]).any()
                         else one for one in range(units)])  # fmt: skip
    for place in range(units):
        if place and reach < place:
            group += 1
        groups[order[place]] = group
        reach = max(reach, int(furthest[place]))
    return groups


def told_apart(probability: Floats, order: Ints, certain: float = 0.9) -> tuple[Ints, Ints]:
    """For each unit the first and the last place of the list that it is not told apart from (its own, at least).

    A unit is told apart from another where one of them is above the other with at least `certain`.
    """
    inside = probability[np.ix_(order, order)]
    open_ = (inside < certain) & (certain > inside.T)
    np.fill_diagonal(open_, val=True)
    first, last = np.empty(len(order), np.int64), np.empty(len(order), np.int64)
    first[order] = open_.argmax(1) + 1
    last[order] = len(order) - open_[:, ::-1].argmax(1)
    return first, last


def tiers(probability: Floats, order: Ints, certain: float = 0.9) -> Ints:
    """Tiers, 1 the highest: each begins with the first unit that is certainly below the one that began the tier before.

    Coarser than ranks and finer than `tie_groups`: within a tier nobody is certainly below its first; the last of one
    tier and the first of the next need not be told apart. Each unit is in one tier: belonging to it is transitive.
    """
    tier, head = 1, int(order[0]) if len(order) else 0
    found = np.ones(len(order), np.int64)
    for one in order:
        if probability[head, one] >= certain:
            tier, head = tier + 1, int(one)
        found[one] = tier
    return found
