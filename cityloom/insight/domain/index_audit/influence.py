"""How much each node really moves the index, against what its weight says.

Influence is the first-order sensitivity of the index to a node: the share of its variance that goes with the node.
Linear: Pearson's r squared. Not linear: the correlation ratio, the variance of a smooth curve of the index over the
node (a cubic P-spline whose smoothness is chosen by generalised cross-validation), over the index's variance.

Source: P. Paruolo, M. Saisana, A. Saltelli, JRSS A 176(3), 2013; W. Becker, M. Saisana, P. Paruolo and
I. Vandecasteele, Ecological Indicators 80, 2017; P-splines: P. Eilers and B. Marx, Statistical Science 11(2), 1996.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import BSpline

from cityloom.insight.domain.index_audit.correlations import correlation
from cityloom.insight.domain.robustness.tree import Floats

_FEWEST = 6
_DEGREE, _SEGMENTS = 3, 8
_ROUGH = 10.0 ** np.arange(-3, 6.5, 0.5)


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
    curve = _smooth(places[at], y) if len(places) >= _FEWEST else (np.bincount(at, y) / np.bincount(at))[at]
    return float(np.clip(((curve - y.mean()) ** 2).mean() / whole, 0.0, 1.0))


def _smooth(x: Floats, y: Floats) -> Floats:
    """A P-spline of y over x (0 to 1) at the units: cubic, with the roughness that cross-validation likes best."""
    knots = np.arange(-_DEGREE, _SEGMENTS + _DEGREE + 1) / _SEGMENTS
    basis = BSpline.design_matrix(np.clip(x, 0.0, 1.0 - 1e-12), knots, _DEGREE).toarray()
    bend = np.diff(np.eye(basis.shape[1]), 2, axis=0)
    square, found, best = basis.T @ basis, np.full(len(y), y.mean()), np.inf
    for rough in _ROUGH:
        left = square + rough * bend.T @ bend + 1e-9 * np.eye(len(square))
        solved = np.linalg.solve(left, np.column_stack([basis.T @ y, square]))
        curve, used = basis @ solved[:, 0], float(np.trace(solved[:, 1:]))
        error = len(y) * float(((y - curve) ** 2).sum()) / max(len(y) - used, 1e-3) ** 2
        if error < best:
            found, best = curve, error
    return found


def _shares(values: Floats) -> Floats:
    whole = float(np.nansum(values))
    return values / whole if whole > 0 else np.full(len(values), np.nan)
