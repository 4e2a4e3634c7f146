"""Intervals from errors that were made: the quantile of past errors at the same horizon, with its finite-sample step.

If the next error is exchangeable with those before it, an interval of the k-th smallest of n absolute errors, with
k = ceil((n + 1) level), holds it with a chance of at least the level. Errors of other series may be pooled when each is
measured by its own size; then the promise is for series on the average, not for each of them.

Source: V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World (2005); J. Lei, M. G'Sell,
A. Rinaldo, R. Tibshirani and L. Wasserman, JASA 113, 2018 (split conformal, locally weighted).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def quantile(scores: Floats, level: float) -> Floats:
    """The ceil((n + 1) level)-th smallest of scores (n, ...), nan left out; infinite where n is too small for it."""
    known = ~np.isnan(scores)
    count = known.sum(0)
    rank = np.ceil((count + 1) * level - 1e-9).astype(np.int64)
    ordered = np.sort(np.where(known, scores, np.inf), axis=0)
    found = np.take_along_axis(ordered, np.clip(rank - 1, 0, len(scores) - 1)[None], 0)[0]
    return np.where(rank <= count, found, np.inf)


def fewest(level: float) -> int:
    """The fewest scores that can give an interval of a level."""
    return int(np.ceil(level / (1 - level) - 1e-9))


def margins(errors: Floats, size: Floats, level: float, *, pooled: bool = True) -> Floats:
    """How far the interval of each series and horizon reaches, (series, horizon), in sizes of 1.

    `errors` (origins, series, horizon) are of earlier origins, nan where the actual is not known yet; `size` is what
    each is measured by, of the same shape. A series with enough errors of its own goes by them unless `pooled`; others
    go by those of all series.
    """
    scores = np.abs(errors) / np.where(size > 0, size, np.nan)
    all_of = quantile(scores.reshape(-1, scores.shape[2]), level)
    whole = np.broadcast_to(all_of, scores.shape[1:])
    if pooled:
        return np.array(whole)
    own = quantile(scores, level)
    return np.where(np.isfinite(own), own, whole)


def interval(mean: Floats, size: Floats, margin: Floats, *, negative: bool = False) -> tuple[Floats, Floats]:
    """The interval (low, high) of forecasts (series, horizon); unknown (nan) where the margin is infinite."""
    reach = np.where(np.isfinite(margin), margin, np.nan) * size
    low = mean - reach
    return (low if negative else np.maximum(low, np.minimum(mean, 0.0))), mean + reach
