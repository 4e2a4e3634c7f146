"""The Theta method: a line and a series with its curves made stronger, each forecast simply, and their mean.

With one line at theta 0 and one at theta the method is simple exponential smoothing with a drift that fades in; the
standard method has theta 2, the optimised one the theta from 1 on that fits best. Given alpha, the one-step errors are
linear in the first level and in w = 1 - 1/theta: both are solved for exactly, for each alpha of a grid.

Source: V. Assimakopoulos and K. Nikolopoulos, Int. J. Forecasting 16(4), 2000; R. Hyndman and B. Billah, Int. J.
Forecasting 19(2), 2003; J. Fiorucci, T. Pellegrini, F. Louzada, F. Petropoulos and A. Koehler, Int. J. Forecasting
32(4), 2016.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import start
from cityloom.insight.domain.series.naive import filled

Floats = NDArray[np.float64]
ALPHAS = np.concatenate([np.arange(0.1, 0.98, 0.02), [0.99]])
"""The region of the authors' own program (forecTheta): 0.1 to 0.99."""
STANDARD_W = 0.5
MOST_W = 0.99


@dataclass(frozen=True)
class FittedTheta:
    """`alpha`, `weight` (1 - 1/theta), `level` (the last), `intercept` and `slope` of the line: (series,).

    `factor` and `term` (season, series) put the season back; `told` are one-step forecasts (periods, series).
    """

    alpha: Floats
    weight: Floats
    level: Floats
    intercept: Floats
    slope: Floats
    factor: Floats
    term: Floats
    told: Floats


def fit(values: Floats, season: int, optimised: bool = False) -> FittedTheta:
    """Fit values (periods, series); the season is taken out first where a test finds one."""
    known, values = ~np.isnan(values), filled(values, season)
    factor, term = _seasonality(values, season)
    periods = len(values)
    rows = np.arange(periods) % len(factor)
    plain = (values - term[rows]) / factor[rows]
    intercept, slope = start.line(plain, periods)
    t = np.arange(1, periods + 1)[:, None]
    best = np.full(values.shape[1], np.inf)
    chosen = [np.zeros(values.shape[1]) for _ in range(3)]
    told = np.zeros(values.shape)
    for alpha in ALPHAS:
        drift = (1 - alpha) ** (t - 1) * intercept + (1 - (1 - alpha) ** t) / alpha * slope
        smooth, last = _smoothed(plain, alpha)
        memory = (1 - alpha) ** (t - 1) * np.ones_like(plain)
        weight, first = _solved(plain - smooth, memory, drift, known, optimised)
        guess = smooth + memory * first + weight * drift
        cost = (np.where(known, plain - guess, 0.0) ** 2).sum(0)
        better = cost < best * (1 - 1e-12)
        best = np.where(better, cost, best)
        new = (np.full_like(best, alpha), weight, last + (1 - alpha) ** periods * first)
        chosen = [np.where(better, one, old) for one, old in zip(new, chosen, strict=True)]
        told = np.where(better, guess, told)
    return FittedTheta(*chosen, intercept, slope, factor, term, told * factor[rows] + term[rows])


def ahead(fitted: FittedTheta, periods: int, horizon: int) -> Floats:
    """Point forecasts (horizon, series) after so many periods."""
    h = np.arange(1, horizon + 1)[:, None]
    rest = 1 - fitted.alpha
    drift = rest**periods * fitted.intercept + ((h - 1) + (1 - rest ** (periods + 1)) / fitted.alpha) * fitted.slope
    rows = (periods + h[:, 0] - 1) % len(fitted.factor)
    return (fitted.level + fitted.weight * drift) * fitted.factor[rows] + fitted.term[rows]


def _smoothed(plain: Floats, alpha: float) -> tuple[Floats, Floats]:
    """The levels before each period from a first level of 0, and the last one."""
    level = np.zeros(plain.shape[1])
    told = np.empty(plain.shape)
    for t, now in enumerate(plain):
        told[t] = level
        level = level + alpha * (now - level)
    return told, level


def _solved(rest: Floats, memory: Floats, drift: Floats, known: NDArray[np.bool_], optimised: bool
            ) -> tuple[Floats, Floats]:  # fmt: skip
    """The weight of the drift and the first level that leave the least squares of the rest."""
    rest, memory, drift = (np.where(known, one, 0.0) for one in (rest, memory, drift))
    mm, dd, md = (memory * memory).sum(0), (drift * drift).sum(0), (memory * drift).sum(0)
    mr, dr = (memory * rest).sum(0), (drift * rest).sum(0)
    weight = np.full(rest.shape[1], STANDARD_W)
    if optimised:
        det = mm * dd - md**2
        weight = np.where(det > 1e-12 * mm * dd, (mm * dr - md * mr) / np.where(det > 0, det, 1), STANDARD_W)
        weight = np.clip(weight, 0.0, MOST_W)
    return weight, (mr - weight * md) / np.maximum(mm, 1e-12)


def _seasonality(values: Floats, season: int) -> tuple[Floats, Floats]:
    """What each place of the season is multiplied by and what is added: (season, series)."""
    series = values.shape[1]
    factor, term = np.ones((max(season, 1), series)), np.zeros((max(season, 1), series))
    has = start.is_seasonal(values, season)
    if has.any():
        positive = np.nanmin(values, 0) > 0
        factor[:, has & positive] = start.seasonal(values[:, has & positive], season, "M")
        term[:, has & ~positive] = start.seasonal(values[:, has & ~positive], season, "A")
    return factor, term


def drawn(fitted: FittedTheta, periods: int, errors: Floats) -> Floats:
    """Paths (horizon, draws, series) for errors to come, in the size of the values."""
    rest, level = 1 - fitted.alpha, np.broadcast_to(fitted.level, errors.shape[1:])
    paths = np.empty(errors.shape)
    for t, error in enumerate(errors):
        row = (periods + t) % len(fitted.factor)
        drift = rest ** (periods + t) * fitted.intercept + (1 - rest ** (periods + t + 1)) / fitted.alpha * fitted.slope
        mean = (level + fitted.weight * drift) * fitted.factor[row] + fitted.term[row]
        paths[t] = mean + error
        level = level + fitted.alpha * ((paths[t] - fitted.term[row]) / fitted.factor[row] - level)
    return paths
