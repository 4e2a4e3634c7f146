"""The forecasts that others are measured by: the same place of the last season, and the last value with its drift.

Source: R. Hyndman and G. Athanasopoulos, Forecasting: Principles and Practice (3rd ed.), 5.2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def filled(values: Floats, season: int) -> Floats:
    """Values (periods, series) where an unknown one is that of a season before, or else of the next known period."""
    full = np.array(values)
    for t in range(season, len(full)):
        full[t] = np.where(np.isnan(full[t]), full[t - season], full[t])
    for t in range(len(full) - 2, -1, -1):
        full[t] = np.where(np.isnan(full[t]), full[t + 1], full[t])
    for t in range(1, len(full)):
        full[t] = np.where(np.isnan(full[t]), full[t - 1], full[t])
    return full


def seasonal_ahead(values: Floats, season: int, horizon: int) -> tuple[Floats, Floats]:
    """Seasonal naive: point forecasts (horizon, series); one-step ones (periods, series), nan in the first season."""
    full = filled(values, season)
    told = np.full(full.shape, np.nan)
    told[season:] = full[:-season]
    return full[-season:][np.arange(horizon) % season], told


def drift_ahead(values: Floats, horizon: int) -> tuple[Floats, Floats]:
    """The last value and the mean change: point forecasts, and one-step ones (nan in the first period)."""
    full = filled(values, 1)
    change = (full[-1] - full[0]) / max(len(full) - 1, 1)
    told = np.full(full.shape, np.nan)
    told[1:] = full[:-1] + change
    return full[-1] + np.arange(1, horizon + 1)[:, None] * change, told


def drawn_seasonal(values: Floats, season: int, errors: Floats) -> Floats:
    """Paths (horizon, draws, series) of the seasonal naive for errors to come."""
    full, paths = filled(values, season)[-season:], np.empty(errors.shape)
    for t, error in enumerate(errors):
        paths[t] = (full[t] if t < season else paths[t - season]) + error
    return paths


def drawn_drift(values: Floats, errors: Floats) -> Floats:
    """Paths of the drift for errors to come."""
    mean, _ = drift_ahead(values, len(errors))
    return mean[:, None] + np.cumsum(errors, 0)
