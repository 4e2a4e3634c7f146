"""Influence: how much of an index's variance an indicator explains, and weights by which it is what was wanted.

A weight is not an importance: an indicator with little variance, or that goes against the others, moves the index less
than its weight says. Influence is the correlation ratio V(E(y|x)) / V(y), or its linear part, the squared correlation.

Source: P. Paruolo, M. Saisana and A. Saltelli, Ratings and rankings: voodoo or science?, JRSS A 176(3), 2013; W. Becker
et al., Weights and importance in composite indicators: closing the gap, Ecological Indicators 80, 2017.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.indicators.moments import Floats

_SMOOTHED = 1_000
_TINY, _NEAR = 1e-6, 0.01
_WIDTHS = np.geomspace(0.25, 2.5, 12)
"""Widths of the kernel that are tried, in standard deviations of the indicator."""


def squared_correlations(values: Floats, index: Floats) -> Floats:
    """r squared of each column of `values` (units, items) with `index` (units,), over what is known of both."""
    known = ~np.isnan(values) & ~np.isnan(index)[:, None]
    n = np.maximum(known.sum(0), 1)
    x = np.where(known, values, 0.0)
    y = np.where(known, index[:, None], 0.0)
    x, y = np.where(known, x - x.sum(0) / n, 0), np.where(known, y - y.sum(0) / n, 0)
    with np.errstate(all="ignore"):
        found = (x * y).sum(0) ** 2 / ((x**2).sum(0) * (y**2).sum(0))
    return np.nan_to_num(found)


def correlation_ratios(values: Floats, index: Floats) -> Floats:
    """V(E(y|x)) / V(y) of each column of `values`, by local linear regression.

    The kernel is Gaussian; its width is the one that predicts units best that were left out. Of more than 1,000 units
    it is the means of classes with as many units each (their number the cube root of twice the units).
    """
    return np.array([_ratio(values[:, place], index) for place in range(values.shape[1])])


def _ratio(x: Floats, y: Floats) -> float:
    known = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[known], y[known]
    if len(x) < 4 or x.std() <= 0 or y.std() <= 0:
        return 0.0
    if len(x) > _SMOOTHED:
        return _ratio_of_classes(x, y)
    x = (x - x.mean()) / x.std()
    apart = x[None, :] - x[:, None]
    weights = np.exp(-0.5 * (apart[None] / _WIDTHS[:, None, None]) ** 2)  # (widths, at, from)
    s0, s1, s2 = (np.einsum("hij,ij->hi", weights, apart**power) for power in (0, 1, 2))
    kernel = weights * (s2[..., None] - s1[..., None] * apart)
    whole = s0 * s2 - s1**2
    with np.errstate(all="ignore"):
        smooth = np.where(whole[..., None] > 1e-10, kernel / whole[..., None], weights / s0[..., None])
    fitted = smooth @ y
    own = np.einsum("hii->hi", smooth)
    with np.errstate(all="ignore"):
        left_out = (((y - fitted) / np.maximum(1 - own, 1e-6)) ** 2).mean(1)
    best = fitted[int(np.argmin(left_out))]
    return float(np.clip(best.var() / y.var(), 0, 1))


def _ratio_of_classes(x: Floats, y: Floats) -> float:
    edges = np.quantile(x, np.linspace(0, 1, round((2 * len(x)) ** (1 / 3)) + 1)[1:-1])
    classes = np.searchsorted(edges, x, side="right")
    counts = np.bincount(classes)
    means = np.bincount(classes, y) / np.maximum(counts, 1)
    return float(np.clip((counts * (means - y.mean()) ** 2).sum() / len(y) / y.var(), 0, 1))


@dataclass(frozen=True, eq=False)
class Optimised:
    """`weights` (summing to 1), the share of influence that was wanted and what came out, and the largest distance."""

    weights: Floats
    wanted: Floats
    found: Floats
    apart: float


def optimised(influence_of: Callable[[Floats], Floats], wanted: Floats, start: Floats | None = None) -> Optimised:
    """Weights for which the shares of influence are as near to `wanted` as can be (least squares of the differences).

    `influence_of(weights)` gives the influence of each item on the index that these weights make. Weights stay
    positive; that an indicator's influence cannot be met is told by `apart`.
    """
    from scipy.optimize import least_squares, minimize

    aim = np.asarray(wanted, float) / np.sum(wanted)
    begun = aim if start is None else np.asarray(start, float) / np.sum(start)
    first = np.log(np.maximum(begun, _TINY))

    def weights_of(free: Floats) -> Floats:
        whole = np.exp(free - free.max())
        return np.asarray(whole / whole.sum(), float)

    def apart(free: Floats) -> Floats:
        found = influence_of(weights_of(free))
        return np.asarray(found / max(found.sum(), _TINY) - aim, float)

    best = least_squares(lambda free: np.append(apart(free), 1e-6 * (free - first).mean()), first, bounds=(-14, 14),
                         diff_step=1e-4, max_nfev=100).x  # fmt: skip
    if np.abs(apart(best)).max() > _NEAR:  # a measure that jumps misleads a slope: search without one
        tried = minimize(lambda free: float((apart(free) ** 2).sum()), first, method="Nelder-Mead",
                         options={"maxfev": 200 * len(first), "xatol": 1e-4, "fatol": 1e-9})  # fmt: skip
        best = min(best, tried.x, key=lambda free: float((apart(free) ** 2).sum()))
    return Optimised(weights_of(best), aim, apart(best) + aim, float(np.abs(apart(best)).max()))
