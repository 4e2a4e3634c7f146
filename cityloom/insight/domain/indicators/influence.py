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

_WIDTHS = np.geomspace(0.15, 2.5, 12)
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

    The kernel is Gaussian; its width is the one that predicts units best that were left out.
    """
    return np.array([_ratio(values[:, place], index) for place in range(values.shape[1])])


def _ratio(x: Floats, y: Floats) -> float:
    known = ~np.isnan(x) & ~np.isnan(y)
    x, y = x[known], y[known]
    if len(x) < 4 or x.std() <= 0 or y.std() <= 0:
        return 0.0
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
    from scipy.optimize import least_squares

    aim = np.asarray(wanted, float) / np.sum(wanted)
    first = np.log(np.asarray(aim if start is None else start, float) / np.sum(aim if start is None else start))

    def weights_of(free: Floats) -> Floats:
        whole = np.exp(free - free.max())
        return np.asarray(whole / whole.sum(), float)

    def shares(free: Floats) -> Floats:
        found = influence_of(weights_of(free))
        return np.asarray(found / max(found.sum(), 1e-12), float)

    best = least_squares(lambda free: np.append(shares(free) - aim, 1e-6 * (free - first).mean()), first,
                         bounds=(-12, 12), diff_step=1e-4, max_nfev=200)  # fmt: skip
    found = shares(best.x)
    return Optimised(weights_of(best.x), aim, found, float(np.abs(found - aim).max()))
