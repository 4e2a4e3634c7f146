"""Forecasts as they would have been made at earlier origins, beside what came: nothing after an origin is seen there.

Source: L. Tashman, Int. J. Forecasting 16(4), 2000; R. Hyndman and G. Athanasopoulos, Forecasting: Principles and
Practice (3rd ed.), 5.10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import measures
from cityloom.insight.domain.series.naive import filled
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Forecaster = Callable[[Floats, int], tuple[Floats, Floats, Floats]]
"""History (series, periods) and an origin's number to mean, low and high (series, horizon)."""
_ORIGINS = "Series of {value} periods are too short to be tried at earlier origins; at least {limit} are needed."


@dataclass(frozen=True)
class Backtest:
    """`origins` are how many periods were known; the rest is (origins, series, horizon), actuals nan where unknown.

    `naive` is the seasonal naive of the same origin, `scale` (origins, series) its mean error in the history there.
    """

    origins: tuple[int, ...]
    mean: Floats
    low: Floats
    high: Floats
    actual: Floats
    naive: Floats
    scale: Floats

    def errors(self) -> Floats:
        """Forecast less actual."""
        return self.mean - self.actual

    def mase(self) -> Floats:
        """Mean absolute scaled error by origin and series (origins, series)."""
        return measures.mean_known(np.abs(self.errors())) / self.scale


def origins_of(periods: int, horizon: int, count: int, step: int = 1, *, least: int = 4, partly: bool = False
               ) -> tuple[int, ...]:  # fmt: skip
    """The last `count` origins, `step` apart, the earliest first; with `partly`, ones whose horizon is not all known.

    Raises: Refused `insight.few_origins`.
    """
    last = periods - (1 if partly else horizon)
    found = tuple(at for at in range(last - (count - 1) * step, last + 1, step) if at >= least)
    if not found:
        raise Refused("insight.few_origins", _ORIGINS, value=periods, limit=least + horizon)
    return found


def backtest(values: Floats, season: int, horizon: int, origins: Sequence[int], forecaster: Forecaster) -> Backtest:
    """Call a forecaster at each origin with the history before it alone, and keep what it told beside what came."""
    count, periods = values.shape
    shape = (len(origins), count, horizon)
    mean, low, high, naive, actual = (np.full(shape, np.nan) for _ in range(5))
    scale = np.full(shape[:2], np.nan)
    for place, origin in enumerate(origins):
        history = np.array(values[:, :origin])
        mean[place], low[place], high[place] = forecaster(history, place)
        wide = min(horizon, periods - origin)
        actual[place, :, :wide] = values[:, origin : origin + wide]
        lag = min(season, origin)
        naive[place] = filled(history.T, lag)[-lag:][np.arange(horizon) % lag].T
        scale[place] = measures.scale(history, season)
    return Backtest(tuple(origins), mean, low, high, actual, naive, scale)
