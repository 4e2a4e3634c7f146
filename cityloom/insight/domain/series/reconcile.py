"""Forecasts of a hierarchy made to add up: each way is a projection, which base forecasts that add up already pass.

Source: G. Athanasopoulos, R. Ahmed and R. Hyndman, Int. J. Forecasting 25(1), 2009 (bottom-up, structural); R. Hyndman,
R. Ahmed, G. Athanasopoulos and H. Shang, Comput. Stat. Data Anal. 55(9), 2011 (OLS); S. Wickramasuriya,
G. Athanasopoulos and R. Hyndman, JASA 114, 2019 (MinT); S. Wickramasuriya, B. Turlach and R. Hyndman, Stat. Comput.
30(5), 2020 (non-negative).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from cityloom.insight.domain.series import covariance
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
WAYS = ("bottom_up", "ols", "structural", "variance", "mint_shrink", "mint_factor")
"""mint_shrink shrinks correlations towards none, mint_factor towards the common factors that stand above noise."""
WEIGHED = ("variance", "mint_shrink", "mint_factor")
"""The ways that weigh by errors of the past."""
_ROUNDS = 30
_WAY = "There is no way of reconciling that is called {value}; there are {limit}."
_ERRORS = "Reconciling by {value} needs at least {limit} periods of errors; take structural, or longer series."
FEWEST_ERRORS = 4


@dataclass(frozen=True)
class Reconciling:
    """`sums` (nodes, bottom), `matrix` (bottom, nodes) that makes bottom forecasts of base forecasts, and `spread`
    (bottom, bottom), the covariance of those up to a factor, by which they give way to each other.
    """

    sums: Floats
    matrix: Floats
    spread: Floats

    def of(self, base: Floats, *, negative: bool = True) -> Floats:
        """Forecasts (nodes, horizon) that add up; where values are not `negative`, the nearest of which none is.

        The nearest by the same weights (non-negative least squares), by an active set.
        """
        bottom = self.matrix @ base
        if not negative and (bottom < 0).any():
            bottom = np.stack([self._without_negative(one) for one in bottom.T], 1)
        return self.sums @ bottom  # type: ignore[no-any-return]

    def of_paths(self, paths: Floats, *, negative: bool = True) -> Floats:
        """Paths (draws, nodes, horizon) that add up, each by itself; a bottom value below zero counts as zero."""
        bottom = np.einsum("bn,dnh->dbh", self.matrix, paths, optimize=True)
        bottom = bottom if negative else np.maximum(bottom, 0.0)
        return np.einsum("nb,dbh->dnh", self.sums, bottom, optimize=True)

    def _without_negative(self, free: Floats) -> Floats:
        """The solution with those at zero that push against it: x - V[:, A] V[A, A]^-1 x[A]."""
        held, now, least = free < 0, free, -1e-12 * float(np.abs(free).max())
        for _ in range(_ROUNDS):
            inside = np.flatnonzero(held)
            force = linalg.solve(self.spread[np.ix_(inside, inside)], free[inside], assume_a="pos")
            now = free - self.spread[:, inside] @ force
            leave, join = inside[force > 0], np.flatnonzero(~held & (now < least))
            if not len(leave) and not len(join):
                break
            held[leave], held[join] = False, True
        now = np.where(held, 0.0, now)
        return np.maximum(now, 0.0)


def reconciling(sums: Floats, way: str, errors: Floats | None = None) -> Reconciling:
    """How base forecasts of all nodes become ones that add up.

    `errors` are one-step errors (nodes, periods), for the ways that weigh by them; periods in which one is nan are left
    out.

    Raises: Refused `insight.no_reconciling`, `insight.few_errors`.
    """
    if way not in WAYS:
        raise Refused("insight.no_reconciling", _WAY, value=way[:80], limit=", ".join(WAYS))
    nodes, bottom = sums.shape
    if way == "bottom_up":
        pick = np.hstack([np.zeros((bottom, nodes - bottom)), np.eye(bottom)])
        return Reconciling(sums, pick, np.eye(bottom))
    known = _known(errors, way)
    if way.startswith("mint"):
        return by_covariance(sums, covariance.shrunken(known) if way == "mint_shrink" else covariance.factored(known))
    spread = {"ols": np.ones(nodes), "structural": sums.sum(1), "variance": _variance(known)}[way]
    inverse = sums.T / spread
    turned = linalg.inv(inverse @ sums)
    return Reconciling(sums, turned @ inverse, turned)


def by_covariance(sums: Floats, weight: Floats) -> Reconciling:
    """The generalised least squares projection for a covariance of base errors (nodes, nodes), without its inverse.

    J - J W U (U' W U)^-1 U', with J picking the bottom and U' y = 0 saying that y adds up.
    """
    nodes, bottom = sums.shape
    upper = nodes - bottom
    pick = np.hstack([np.zeros((bottom, upper)), np.eye(bottom)])
    constraint = np.hstack([np.eye(upper), -sums[:upper]])
    moved = constraint @ weight
    back = linalg.solve(moved @ constraint.T, moved[:, upper:], assume_a="pos").T if upper else np.zeros((bottom, 0))
    matrix = pick - back @ constraint
    return Reconciling(sums, matrix, weight[upper:, upper:] - back @ moved[:, upper:])


def _known(errors: Floats | None, way: str) -> Floats:
    if way not in WEIGHED:
        return np.empty((0, 0))
    known = np.empty((0, 0)) if errors is None else errors[:, ~np.isnan(errors).any(0)]
    if known.ndim != 2 or known.shape[1] < FEWEST_ERRORS:
        raise Refused("insight.few_errors", _ERRORS, value=way, limit=FEWEST_ERRORS)
    return known


def _variance(known: Floats) -> Floats:
    spread = (known**2).mean(1) if known.size else np.ones(1)
    return np.maximum(spread, max(1e-12 * float(spread.max()), 1e-300))
