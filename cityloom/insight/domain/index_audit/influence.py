"""How much each node really moves the index, against what its weight says.

Influence is the first-order sensitivity of the index to a node: the share of its variance that goes with the node.
Linear: Pearson's r squared. Not linear: the correlation ratio, the variance of a smooth curve of the index over the
node (a natural cubic spline whose smoothness is chosen by generalised cross-validation), over the index's variance.

Source: P. Paruolo, M. Saisana, A. Saltelli, JRSS A 176(3), 2013; W. Becker, M. Saisana, P. Paruolo and
I. Vandecasteele, Ecological Indicators 80, 2017.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import make_smoothing_spline

from cityloom.insight.domain.index_audit.correlations import correlation
from cityloom.insight.domain.robustness.tree import Floats

_FEWEST = 6


@dataclass(frozen=True)
class Influence:
    """For each node [nodes]: its nominal share, r squared and the correlation ratio, and the shares of their sums."""

    nominal: Floats
    linear: Floats
    spline: Floats
    linear_share: Floats
    spline_share: Floats


def influences(values: Floats, index: Floats, nominal: Floats) -> Influence:
    """Influence of columns [units, nodes] on an index [units]; `nominal` are their weights in it, shares of one."""
    linear = np.array([correlation(column, index).r ** 2 for column in values.T])
    spline = np.array([correlation_ratio(column, index) for column in values.T])
    return Influence(nominal / nominal.sum(), linear, spline, _shares(linear), _shares(spline))


def correlation_ratio(x: Floats, y: Floats) -> float:
    """The share of the variance of y that goes with x along a smooth curve, 0 to 1; nan where not defined.

    With fewer than six different values of x, the curve is the mean of y at each of them.
    """
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < 4 or not np.ptp(x) > 0 or not (whole := float(y.var())) > 0:
        return np.nan
    places, at = np.unique((x - x.min()) / np.ptp(x), return_inverse=True)
    count = np.bincount(at)
    mean = np.bincount(at, y) / count
    curve = mean
    if len(places) >= _FEWEST:
        curve = _smooth(places, mean, count.astype(np.float64))
    return float(np.clip((count * (curve - y.mean()) ** 2).sum() / len(y) / whole, 0.0, 1.0))


def _smooth(places: Floats, mean: Floats, count: Floats) -> Floats:
    if np.diff(places).min() < 1e-9:  # nearer than the spline's equations can tell: one place
        grid, at = np.unique(np.round(places, 6), return_inverse=True)
        weight = np.bincount(at, count)
        if len(grid) < _FEWEST:
            return mean
        return _smooth(grid, np.bincount(at, count * mean) / weight, weight)[at]
    return np.asarray(make_smoothing_spline(places, mean, count)(places), np.float64)


def _shares(values: Floats) -> Floats:
    whole = float(np.nansum(values))
    return values / whole if whole > 0 else np.full(len(values), np.nan)
