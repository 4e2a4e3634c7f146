"""How good forecasts were: errors in the size of a series, bias, coverage, and scores of whole distributions.

Arrays are (series, horizon) unless said otherwise; unknown actuals are left out, and a measure without any is nan.

Source: R. Hyndman and A. Koehler, Int. J. Forecasting 22(4), 2006 (MASE); M5 competition, 2020 (RMSSE); T. Gneiting and
A. Raftery, JASA 102, 2007 (pinball, interval score, CRPS).
"""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def scale(history: Floats, season: int, power: int = 1) -> Floats:
    """What errors are measured by: the mean absolute (or squared) seasonal difference of history (series, periods).

    With fewer periods than a season and one, the difference is that of one period; nan where it is zero or unknown.
    """
    lag = season if history.shape[1] > season else 1
    size = mean_known(np.abs(history[:, lag:] - history[:, :-lag]) ** power)
    return np.where(size > 0, size, np.nan)


def mase(actual: Floats, told: Floats, history: Floats, season: int) -> Floats:
    """Mean absolute scaled error of each series (series,)."""
    return mean_known(np.abs(actual - told)) / scale(history, season)


def rmsse(actual: Floats, told: Floats, history: Floats, season: int) -> Floats:
    """Root mean squared scaled error of each series."""
    return np.sqrt(mean_known((actual - told) ** 2) / scale(history, season, 2))


def smape(actual: Floats, told: Floats) -> Floats:
    """Symmetric mean absolute percentage error as a share (0 to 2); both zero counts as no error."""
    size = np.abs(actual) + np.abs(told)
    return mean_known(np.where(size > 0, 2 * np.abs(actual - told) / np.where(size > 0, size, 1), 0.0) + 0 * actual)


def bias(actual: Floats, told: Floats) -> Floats:
    """Mean of forecast less actual: above zero is told too much."""
    return mean_known(told - actual)


def coverage(actual: Floats, low: Floats, high: Floats) -> float:
    """The share of known actuals inside their interval."""
    known = ~np.isnan(actual) & ~np.isnan(low)
    return float(((actual >= low) & (actual <= high))[known].mean()) if known.any() else float("nan")


def pinball(actual: Floats, told: Floats, share: float) -> Floats:
    """Mean pinball loss of each series, for a forecast of the quantile `share`."""
    error = actual - told
    return mean_known(np.maximum(share * error, (share - 1) * error))


def interval_score(actual: Floats, low: Floats, high: Floats, level: float) -> Floats:
    """Mean width of each series' intervals, and 2 / (1 - level) for each unit outside."""
    outside = np.maximum(low - actual, 0) + np.maximum(actual - high, 0)
    return mean_known(high - low + 2 / (1 - level) * outside)


def crps(actual: Floats, paths: Floats) -> Floats:
    """Continuous ranked probability score of paths (draws, series, horizon): E|X - y| - E|X - X'| / 2."""
    draws = len(paths)
    rank = np.arange(1, draws + 1).reshape(-1, 1, 1)
    spread = ((2 * rank - draws - 1) * np.sort(paths, axis=0)).sum(0) / draws**2
    return mean_known(np.abs(paths - actual).mean(0) - spread)


def mean_known(values: Floats) -> Floats:
    """Mean over the last axis of what is known; nan where nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(values, axis=-1)  # type: ignore[no-any-return]
