"""Weights from pairwise comparisons: the analytic hierarchy process.

Source: T. Saaty, The Analytic Hierarchy Process, 1980 (eigenvector, consistency ratio); the random indices are Saaty's
means for matrices of 1 to 15 items.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cityloom.insight.domain.indicators.moments import Floats
from cityloom.kernel.refused import Refused

RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
CONSISTENT = 0.1
_SHAPE = "A matrix of comparisons is square, with 1 to {limit} items; this one has {value}."
_POSITIVE = "Each comparison is a number above zero, with 1 for an item with itself; row {value} has others."
_RECIPROCAL = "What row {value} says of {limit} is not one over what {limit} says of row {value}; correct one of both."


@dataclass(frozen=True, eq=False)
class Compared:
    """`weights` (summing to 1), the greatest eigenvalue, the consistency index, and its ratio to that of chance."""

    weights: Floats
    eigenvalue: float
    index: float
    ratio: float

    @property
    def is_consistent(self) -> bool:
        """Whether the ratio is at most 0.1, as Saaty advises."""
        return self.ratio <= CONSISTENT


def compared(matrix: ArrayLike) -> Compared:
    """The weights of a matrix of comparisons: how many times as important the row's item is as the column's.

    Raises: Refused `insight.index_comparisons` for a matrix that is not square, positive and reciprocal.
    """
    given = np.asarray(matrix, float)
    _check(given)
    values, vectors = np.linalg.eig(given)
    first = int(np.argmax(values.real))
    vector = np.abs(vectors[:, first].real)
    n, greatest = len(given), float(values[first].real)
    index = max((greatest - n) / (n - 1), 0.0) if n > 2 else 0.0
    return Compared(vector / vector.sum(), greatest, index, index / RANDOM_INDEX[n - 1] if n > 2 else 0.0)


def _check(given: Floats) -> None:
    most = len(RANDOM_INDEX)
    if given.ndim != 2 or given.shape[0] != given.shape[1] or not 1 <= len(given) <= most:
        raise Refused("insight.index_comparisons", _SHAPE, value=" x ".join(map(str, given.shape)), limit=most)
    wrong = ~(np.isfinite(given) & (given > 0)) | (np.eye(len(given), dtype=bool) & ~np.isclose(given, 1))
    if wrong.any():
        raise Refused("insight.index_comparisons", _POSITIVE, value=int(np.flatnonzero(wrong.any(1))[0]) + 1)
    unlike = np.argwhere(~np.isclose(given * given.T, 1, rtol=0.02))  # 0.33 for a third is meant
    if len(unlike):
        raise Refused("insight.index_comparisons", _RECIPROCAL, value=int(unlike[0][0]) + 1,
                      limit=int(unlike[0][1]) + 1)  # fmt: skip
