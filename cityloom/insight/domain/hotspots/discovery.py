"""Many tests at once: which may be told so that of those told at most a share is there by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def adjusted(p_values: Floats) -> Floats:
    """Benjamini and Hochberg's (1995) adjusted p-values, in the order given; nan stays nan and is no test.

    Those at most at q are told at the false discovery rate q.
    """
    found = np.full(len(p_values), np.nan)
    known = np.flatnonzero(np.isfinite(p_values))
    order = known[np.argsort(p_values[known], kind="stable")]
    steps = p_values[order] * len(order) / np.arange(1, len(order) + 1)
    found[order] = np.minimum(np.minimum.accumulate(steps[::-1])[::-1], 1.0)
    return found
