"""How the season and the first states of a series are guessed before anything is fitted.

Source: R. Hyndman, A. Koehler, J. Ord and R. Snyder, Forecasting with Exponential Smoothing (2008), section 2.6.1;
classical decomposition as in R. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 3.4.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
_FIRST = 10
_SEASONAL_AT = 0.9
_LEAST = 1e-8


def centred(values: Floats, season: int) -> Floats:
    """The moving mean over a season (2 x m where it is even) of values (periods, series); nan at both ends."""
    half = season // 2
    weights = np.full(season if season % 2 else season + 1, 1 / season)
    if not season % 2:
        weights[[0, -1]] = 0.5 / season
    windows = np.lib.stride_tricks.sliding_window_view(values, len(weights), axis=0)
    smooth = np.full(values.shape, np.nan)
    smooth[half : half + len(windows)] = windows @ weights
    return smooth


def seasonal(values: Floats, season: int, kind: str) -> Floats:
    """Seasonal figures (season, series) by classical decomposition: kind A sums to 0, kind M has a mean of 1."""
    smooth = centred(values, season)
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = values - smooth if kind == "A" else values / np.where(np.abs(smooth) < _LEAST, np.nan, smooth)
    rest = -len(raw) % season
    raw = np.concatenate([raw, np.full((rest, raw.shape[1]), np.nan)]).reshape(
        (len(raw) + rest) // season, season, raw.shape[1])  # fmt: skip
    count = (~np.isnan(raw)).sum(0)
    figures = np.where(count > 0, np.nansum(raw, 0) / np.maximum(count, 1), 0.0 if kind == "A" else 1.0)
    if kind == "A":
        return figures - figures.mean(0)  # type: ignore[no-any-return]
    figures = np.maximum(figures, 0.01)
    return figures / figures.mean(0)  # type: ignore[no-any-return]


def line(values: Floats, most: int = _FIRST) -> tuple[Floats, Floats]:
    """Intercept at period 0 (before the first) and slope of a line through the first values (periods, series)."""
    some = values[:most]
    t = np.arange(1, len(some) + 1)[:, None] * np.ones(some.shape[1])
    known = ~np.isnan(some)
    count = np.maximum(known.sum(0), 1)
    middle, mean = (t * known).sum(0) / count, np.where(known, some, 0).sum(0) / count
    spread = (known * (t - middle) ** 2).sum(0)
    slope = np.where(known, (t - middle) * (some - mean), 0).sum(0) / np.where(spread > 0, spread, 1)
    return mean - slope * middle, slope


def is_seasonal(values: Floats, season: int) -> NDArray[np.bool_]:
    """Whether each of (periods, series) has a season: its autocorrelation at the season, tested at 90 %.

    Source: the test of the M4 competition (R. Hyndman's Theta benchmark), as in Fiorucci et al. (2016).
    """
    periods = len(values)
    if season < 2 or periods < 3 * season:
        return np.zeros(values.shape[1], bool)
    known = ~np.isnan(values)
    off = np.where(known, values - np.nanmean(np.where(known.any(0), values, 0.0), 0), 0.0)
    whole = (off**2).sum(0)
    lags = np.stack([(off[lag:] * off[:-lag]).sum(0) for lag in range(1, season + 1)])
    found = lags / np.where(whole > 0, whole, np.inf)
    limit = special.ndtri(0.5 + _SEASONAL_AT / 2) * np.sqrt((1 + 2 * (found[:-1] ** 2).sum(0)) / periods)
    return np.abs(found[-1]) > limit  # type: ignore[no-any-return]
