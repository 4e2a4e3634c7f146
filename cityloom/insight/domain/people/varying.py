"""How fertility, mortality and migration vary from year to year: fitted to past series, or given.

Sources: R. Lee and L. Carter, JASA 87(419), 1992 (singular value decomposition, random walk with drift); A. Rogers and
L. Castro, Model Migration Schedules, IIASA RR-81-30, 1981 (basic standard); N. Keilman, in Demographic Research 2001,
and J. Alho, Int. J. Forecasting 13, 1997, for scaled futures that are correlated between regions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
_FEW_YEARS = "To fit how rates vary takes at least {limit} years without a gap; there are {value}."
_NOT_POSITIVE = "Logarithms are taken of these rates, so each must be above 0; there is {value}."
_CLOSE = "A series that does not vary says nothing about how it may vary; give the spread in the question."
LEAST_YEARS = 8


@dataclass(frozen=True)
class Walk:
    """A random walk: `drift` a year, `spread` (standard deviation) of the steps, `drift_error` of the drift itself."""

    drift: float
    spread: float
    drift_error: float


@dataclass(frozen=True)
class LeeCarter:
    """log m(x, t) = a(x) + b(x) k(t): `a`, `b` (ages,) with b summing to 1, `k` (years,) summing to 0, and its walk.

    `explained` is the share of the variance that the first component explains.
    """

    a: Floats
    b: Floats
    k: Floats
    walk: Walk
    explained: float


@dataclass(frozen=True)
class Persisting:
    """x(t) = mean + persistence (x(t-1) - mean) + step, the steps with standard deviation `spread`."""

    mean: float
    persistence: float
    spread: float


def random_walk(series: ArrayLike) -> Walk:
    """Fit a random walk with drift to a yearly series. Raises: Refused `insight.too_few_years`."""
    steps = np.diff(_years(series))
    spread = float(steps.std(ddof=1))
    return Walk(float(steps.mean()), spread, spread / np.sqrt(len(steps)))


def lee_carter(rates: ArrayLike) -> LeeCarter:
    """Fit death rates (years, ages). Raises: Refused `insight.too_few_years`, `insight.rates_not_positive`."""
    found = np.asarray(rates, np.float64)
    if not np.isfinite(found).all() or (found <= 0).any():
        raise Refused("insight.rates_not_positive", _NOT_POSITIVE, value=float(np.nanmin(found)))
    _years(found[:, 0])
    logs = np.log(found)
    a = logs.mean(0)
    u, s, v = np.linalg.svd(logs - a, full_matrices=False)
    size = float(v[0].sum())
    if s[0] <= 1e-12 or abs(size) <= 1e-12:
        raise Refused("insight.series_does_not_vary", _CLOSE)
    k = u[:, 0] * s[0] * size
    return LeeCarter(a, v[0] / size, k - k.mean(), random_walk(k), float(s[0] ** 2 / (s**2).sum()))


def persisting(series: ArrayLike) -> Persisting:
    """Fit an autoregression of order one by least squares; persistence between 0 and 0.98."""
    found = _years(series)
    mean = float(found.mean())
    before, after = found[:-1] - mean, found[1:] - mean
    size = float(before @ before)
    held = float(np.clip(before @ after / size, 0, 0.98)) if size > 0 else 0.0
    return Persisting(mean, held, float(np.std(after - held * before, ddof=1)))


def rogers_castro(ages: ArrayLike) -> Floats:
    """Shares of movers by age, both sexes alike, summing to 1: the basic standard of Rogers and Castro (1981)."""
    x = np.asarray(ages, np.float64)
    curve = 0.02 * np.exp(-0.10 * x) + 0.06 * np.exp(-0.10 * (x - 20) - np.exp(-0.40 * (x - 20))) + 0.003
    return curve / curve.sum()


def correlated(rng: np.random.Generator, shape: tuple[int, ...], districts: int, correlation: float) -> Floats:
    """Standard normal draws (*shape, districts), every two districts with the same correlation, between 0 and 1."""
    whole = rng.standard_normal((*shape, 1))
    return np.sqrt(correlation) * whole + np.sqrt(1 - correlation) * rng.standard_normal((*shape, districts))


def _years(series: ArrayLike) -> Floats:
    found = np.asarray(series, np.float64)
    if len(found) < LEAST_YEARS or not np.isfinite(found).all():
        raise Refused("insight.too_few_years", _FEW_YEARS, value=len(found), limit=LEAST_YEARS)
    return found
