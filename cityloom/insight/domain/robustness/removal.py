"""What happens to the ranking when one element (an indicator, a group at any level) is left out.

The element's weight goes to its siblings; all other steps stay as they are. Source: OECD/JRC, Handbook on Constructing
Composite Indicators, 2008, step 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.robustness import ranking
from cityloom.insight.domain.robustness.aggregating import aggregated
from cityloom.insight.domain.robustness.tree import Floats, Ints, Tree


@dataclass(frozen=True)
class Removed:
    """For each item but the index the ranks of units without it, [items - 1, units], and how far they are away."""

    ranks: ranking.Ranks
    mean_change: Floats
    most_change: Ints


def removed(values: Floats, tree: Tree, ways: Sequence[str]) -> Removed:
    """Leave out each item, one after another; changes are against the ranking with all.

    `values` [units, indicators] after normalising. Of an item without a sibling the parent goes with it.
    """
    items = tree.items - 1
    weights = np.repeat(tree.weights[None], items + 1, 0)
    weights[np.arange(items), np.arange(items)] = 0.0
    made = np.full((items + 1, tree.items, len(values)), np.nan)
    made[:, : tree.indicators] = values.T[None]
    for number, members in enumerate(tree.children):
        of = made[:1, members] if (members < tree.indicators).all() else made[:, members]
        made[:, tree.indicators + number] = aggregated(of, weights[:, members], ways[number], tree.least(number))
    ranks = ranking.ranks_of(made[:, -1])
    change = np.abs(ranks[:-1] - ranks[-1])
    return Removed(ranks[:-1], change.mean(1), np.asarray(change.max(1), np.int64))
