"""Skewness and kurtosis of a sample, as the tests for outliers of composite indicators take them.

Both are adjusted for the size of the sample (type 2: what SAS, SPSS and Excel give), and kurtosis is the excess over a
normal distribution's. Unadjusted ones are nearer to zero, so that with 50 units an outlier more would pass.

Source: D. Joanes and C. Gill, Comparing measures of sample skewness and kurtosis, The Statistician 47(1), 1998.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def skewness(values: ArrayLike) -> Floats:
    """G1 of each column of `values` (units first), nan being unknown; nan below 3 known values or without variance."""
    return shape_of(values)[0]


def kurtosis(values: ArrayLike) -> Floats:
    """G2 (excess) of each column of `values`; nan below 4 known values or without variance."""
    return shape_of(values)[1]


def shape_of(values: ArrayLike) -> tuple[Floats, Floats]:
    """Skewness and kurtosis of each column."""
    n, powers = _powers(values)
    with np.errstate(all="ignore"):
        skew = powers[3] / powers[2] ** 1.5 * np.sqrt(n * (n - 1)) / (n - 2)
        heavy = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (powers[4] / powers[2] ** 2 - 3) + 6)
        has_variance = powers[2] > 0
        return np.where((n > 2) & has_variance, skew, np.nan), np.where((n > 3) & has_variance, heavy, np.nan)


def _powers(values: ArrayLike) -> tuple[Floats, dict[int, Floats]]:
    """How many are known, and the mean powers of the distances from the mean."""
    given = np.asarray(values, float)
    known = ~np.isnan(given)
    n = known.sum(0).astype(float)
    filled = np.where(known, given, 0)
    with np.errstate(all="ignore"):
        apart = np.where(known, given - filled.sum(0) / n, 0)
        largest = np.abs(apart).max(0, initial=0)
        scale = np.where(largest > 1e-12 * np.abs(filled).max(0, initial=0), largest, np.inf)
        apart = apart / scale  # so that no power leaves the range of a number, and equal values have no variance
        square = apart * apart
        return n, {2: square.sum(0) / n, 3: (square * apart).sum(0) / n, 4: (square * square).sum(0) / n}
