"""The quality of data: a score of each cell, from 0 to 1, that rises by the index's own weights to each unit's index.

A cell's score is the product of what is known of it: how good its source is, how old it is, whether it was estimated
(imputed) and whether it was changed (treated). What is not known at all (missing, not imputed) counts 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.robustness.aggregating import nominal
from cityloom.insight.domain.robustness.tree import Floats, Tree

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Grades:
    """What lowers a cell's score: factors for imputed and treated cells; after `half_life` years a half is left."""

    imputed: float = 0.4
    treated: float = 0.8
    half_life: float = 5.0


def cell_scores(known: Flags, imputed: Flags, treated: Flags, source: Floats | float = 1.0, age: Floats | float = 0.0,
                grades: Grades = Grades()) -> Floats:  # fmt: skip
    """The score of each cell [units, indicators].

    `known` is where a value is used, be it measured or imputed; `source` in 0 to 1; `age` in years (nan: as 0).
    """
    score = np.broadcast_to(np.asarray(source, np.float64), known.shape) * 0.5 ** (
        np.nan_to_num(np.broadcast_to(np.asarray(age, np.float64), known.shape)).clip(0) / grades.half_life
    )
    score = score * np.where(imputed, grades.imputed, 1.0) * np.where(treated, grades.treated, 1.0)
    return np.where(known, score, 0.0)


def risen(cells: Floats, tree: Tree) -> Floats:
    """The score of each item [units, items]: the weighted mean of its children's; the index's is the last."""
    return nominal(cells, tree, ["arithmetic"] * len(tree.children))
