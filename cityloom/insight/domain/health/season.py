"""Monthly counts of a service: level, trend, season and noise on the logarithm of the count a day.

A regression with stated priors (conjugate normal), on a level that may drift: log(count / days) - offset = level +
trend t + month effects + walk + noise. Priors keep a short history from being over-read: with one year a month's
effect and the trend cannot be told apart by the data alone. The share of the walk is averaged over a grid by its
marginal likelihood. Source: A. Gelman et al., Bayesian Data Analysis, 3rd ed. 2013, chapter 14; R. Hyndman and
G. Athanasopoulos, Forecasting: Principles and Practice, 3rd ed. 2021, 3.1 (calendar) and 5.10 (rolling origin).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
LEAST_MONTHS = 12
_WALKS = np.array([0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0])
"""Variance of a month's step of the walk, over that of the noise."""
_LEVEL_SPREAD, _TREND_SPREAD, _MONTH_SPREAD = 10.0, 0.03, 0.06
"""Priors: of the level (nothing is known), the trend a year, the effect of a month; standard deviations of logs."""
_NOISE, _NOISE_WEIGHT = 0.02, 2.0
"""Prior of the noise, and how many months it counts as."""
_SHORT = "A monthly history needs at least {limit} months without a gap; there are {value}."
_NOT_POSITIVE = "Monthly counts must be known and above 0; there is {value}."


@dataclass(frozen=True)
class Seasonal:
    """A fit: for each share of the walk its `weight`, coefficients (1 + 1 + 12,), their scale and the noise.

    `coefficients` are level, trend a year, and the months January to December; `logs` and `columns` what was fitted.
    """

    first_month: int
    months: int
    weight: Floats
    coefficients: Floats
    scale: Floats
    noise: Floats
    freedom: float
    logs: Floats
    columns: Floats

    def season(self) -> Floats:
        """Factors (12,) of the months, January first, with a mean of 1."""
        effects = np.exp(self.weight @ self.coefficients[:, 2:])
        return effects / effects.mean()

    def trend(self, level: float = 0.8) -> tuple[float, float, float]:
        """The trend a year beyond the offset, and its interval (normal)."""
        mean = float(self.weight @ self.coefficients[:, 1])
        within = self.weight @ (self.scale[:, 1, 1] + (self.coefficients[:, 1] - mean) ** 2)
        wide = float(norm.ppf(0.5 + level / 2)) * float(np.sqrt(within))
        return mean, mean - wide, mean + wide


def fit_season(counts: ArrayLike, days: ArrayLike, first_month: int, offset: ArrayLike | float = 0.0) -> Seasonal:
    """Fit monthly counts (months,), from a month (1 to 12) on; `days` of each, `offset` known logs of each.

    Raises: Refused `insight.history_short`, `insight.history_not_positive`.
    """
    values = np.asarray(counts, np.float64)
    if len(values) < LEAST_MONTHS:
        raise Refused("insight.history_short", _SHORT, value=len(values), limit=LEAST_MONTHS)
    if not np.isfinite(values).all() or (values <= 0).any():
        bad = values[~np.isfinite(values) | (values <= 0)]
        raise Refused("insight.history_not_positive", _NOT_POSITIVE, value=float(bad[0]))
    y = np.log(values / np.asarray(days, np.float64)) - np.asarray(offset, np.float64)
    x, time = _columns(np.arange(len(y)), first_month), np.arange(1, len(y) + 1)
    prior = np.array([_LEVEL_SPREAD, _TREND_SPREAD, *[_MONTH_SPREAD] * 12]) ** 2
    centre = np.zeros(14)
    centre[0] = y.mean()
    walk = np.minimum.outer(time, time).astype(float)
    freedom = _NOISE_WEIGHT + len(y)
    found = [_conjugate(y - x @ centre, x, np.eye(len(y)) + share * walk, prior) for share in _WALKS]
    likelihood, coefficients, scale, noise = (np.array(one) for one in zip(*found, strict=True))
    weight = np.exp(likelihood - likelihood.max())
    return Seasonal(first_month, len(y), weight / weight.sum(), coefficients + centre, scale, noise, freedom,
                    y, x)  # fmt: skip


def ahead(fit: Seasonal, horizon: int, draws: int, seed: int | np.random.Generator, *,
          trend: Floats | None = None) -> Floats:  # fmt: skip
    """Draw futures of the logarithm of the count a day beyond the offset, (draws, horizon).

    `trend` (draws,) a year takes the place of the fitted one from the last known month on.
    """
    rng = np.random.default_rng(seed)
    steps = np.arange(fit.months, fit.months + horizon)
    new = _columns(steps, fit.first_month)
    paths = np.empty((draws, horizon))
    which = rng.choice(len(_WALKS), draws, p=fit.weight)
    sizes = np.sqrt(fit.freedom / rng.chisquare(fit.freedom, draws))
    normal, walks, noise = (rng.standard_normal((draws, wide)) for wide in (14, horizon, horizon))
    time = np.arange(1, fit.months + 1)
    for place, share in enumerate(_WALKS):
        rows = np.flatnonzero(which == place)
        if not len(rows):
            continue
        root = np.linalg.cholesky(fit.scale[place] + 1e-15 * np.eye(14))
        betas = fit.coefficients[place] + (normal[rows] * sizes[rows, None]) @ root.T
        level = np.zeros(len(rows))
        if share > 0:  # where the walk stands, given what is left over by these coefficients
            whole = np.eye(fit.months) + share * np.minimum.outer(time, time)
            pull = np.linalg.solve(whole, share * time.astype(float))
            level = (fit.logs - betas @ fit.columns.T) @ pull
            left = max(share * fit.months - float(share * time @ pull), 0.0)
            level = level + rng.standard_normal(len(rows)) * fit.noise[place] * sizes[rows] * np.sqrt(left)
        moved = level[:, None] + np.cumsum(walks[rows], 1) * (np.sqrt(share) * fit.noise[place] * sizes[rows, None])
        mean = betas @ new.T
        if trend is not None:
            since = (steps - (fit.months - 1)) / 12
            mean = mean + (trend[rows] - betas[:, 1])[:, None] * since
        paths[rows] = mean + moved + noise[rows] * (fit.noise[place] * sizes[rows, None])
    return paths


@dataclass(frozen=True)
class Tried:
    """A rolling-origin test by horizon 1.. : how many forecasts, mean absolute error and bias as shares of what came,
    share inside the interval, and the error of the seasonal naive forecast where a year before is known.
    """

    horizon: NDArray[np.int64]
    forecasts: NDArray[np.int64]
    error: Floats
    bias: Floats
    inside: Floats
    naive_error: Floats


def backtest(counts: ArrayLike, days: ArrayLike, first_month: int, *, horizon: int = 12, least: int = LEAST_MONTHS,
             level: float = 0.8, draws: int = 1000, seed: int = 1) -> Tried:  # fmt: skip
    """Forecast from every month at which at least `least` are known, as if nothing later were known."""
    values, length = np.asarray(counts, np.float64), np.asarray(days, np.float64)
    errors = np.full((max(len(values) - least, 0), horizon), np.nan)
    inside, naive = errors.copy(), errors.copy()
    for place, known in enumerate(range(least, len(values))):
        wide = min(horizon, len(values) - known)
        rows = slice(known, known + wide)
        fit = fit_season(values[:known], length[:known], first_month)
        drawn = np.exp(ahead(fit, wide, draws, np.random.default_rng([seed, known]))) * length[rows]
        low, middle, high = np.quantile(drawn, [0.5 - level / 2, 0.5, 0.5 + level / 2], axis=0)
        came = values[rows]
        errors[place, :wide] = middle / came - 1
        inside[place, :wide] = (came >= low) & (came <= high)
        before = np.arange(known, known + wide) - 12 * (1 + (np.arange(wide) // 12))
        naive[place, :wide] = np.abs(values[before] / length[before] * length[rows] / came - 1)
    count = np.isfinite(errors).sum(0)
    kept = np.flatnonzero(count)
    return Tried(kept + 1, count[kept], np.nanmean(np.abs(errors[:, kept]), 0), np.nanmean(errors[:, kept], 0),
                 np.nanmean(inside[:, kept], 0), np.nanmean(naive[:, kept], 0))  # fmt: skip


def _columns(steps: NDArray[np.int64], first_month: int) -> Floats:
    x = np.zeros((len(steps), 14))
    x[:, 0] = 1
    x[:, 1] = steps / 12
    x[np.arange(len(steps)), 2 + (first_month - 1 + steps) % 12] = 1
    return x


def _conjugate(y: Floats, x: Floats, shape: Floats, prior: Floats) -> tuple[float, Floats, Floats, float]:
    """The marginal likelihood in logs, coefficients, their scale and the noise, given the shape of the noise."""
    inverse = np.linalg.inv(shape)
    noise = _NOISE**2
    for _ in range(8):  # priors are absolute, so that the noise and the coefficients settle together
        precision = x.T @ inverse @ x / noise + np.diag(1 / prior)
        scale = np.linalg.inv(precision)
        beta = scale @ (x.T @ inverse @ y) / noise
        rest = y - x @ beta
        spent = float(np.trace(scale @ x.T @ inverse @ x)) / noise
        noise = (_NOISE_WEIGHT * _NOISE**2 + float(rest @ inverse @ rest)) / max(
            _NOISE_WEIGHT + len(y) - spent, _NOISE_WEIGHT)  # fmt: skip
    whole = noise * shape + (x * prior) @ x.T
    likelihood = -0.5 * (float(np.linalg.slogdet(whole)[1]) + float(y @ np.linalg.solve(whole, y)))
    return likelihood, beta, scale, float(np.sqrt(noise))
