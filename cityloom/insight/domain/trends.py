"""A straight line through yearly figures, with intervals for the line and for a year to come."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.kernel.refused import Refused

FEWEST = 4
_FEW = "A trend needs at least {limit} years with a known value, and there are {value}; add earlier years."
_SAME = "All values are of the year {value}; a trend needs several years."


@dataclass(frozen=True)
class Trend:
    """A line fitted by least squares: `slope` a year with its interval, residual standard deviation, what was used."""

    intercept: float
    slope: float
    slope_low: float
    slope_high: float
    residual_sd: float
    years_used: int
    mean_year: float
    spread: float
    quantile: float

    def at(self, years: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """The line at some years, and the lower and upper bound of what a single year may bring.

        Source: Draper and Smith (1998), Applied Regression Analysis, 3rd ed., section 3.1 (prediction interval).
        """
        x = np.asarray(years, np.float64)
        line = self.intercept + self.slope * (x - self.mean_year)
        error = self.residual_sd * np.sqrt(1 + 1 / self.years_used + (x - self.mean_year) ** 2 / self.spread)
        return line, line - self.quantile * error, line + self.quantile * error


def linear_trend(years: ArrayLike, values: ArrayLike, level: float = 0.8) -> Trend:
    """The line of least squares through `values` by `years` (both (n,); nan is left out), errors taken as independent.

    `level` is the share of the intervals (Student's t with n - 2 degrees of freedom).
    Raises: Refused `insight.trend_short`, `insight.trend_one_year`.
    Source: Draper and Smith (1998), chapter 1.
    """
    from scipy import stats

    x, y = np.asarray(years, np.float64), np.asarray(values, np.float64)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known], y[known]
    if len(x) < FEWEST:
        raise Refused("insight.trend_short", _FEW, value=len(x), limit=FEWEST)
    middle = float(x.mean())
    spread = float(((x - middle) ** 2).sum())
    if not spread:
        raise Refused("insight.trend_one_year", _SAME, value=int(x[0]))
    slope = float(((x - middle) * (y - y.mean())).sum() / spread)
    rest = y - y.mean() - slope * (x - middle)
    deviation = float(np.sqrt((rest**2).sum() / (len(x) - 2)))
    quantile = float(stats.t.ppf(0.5 + level / 2, len(x) - 2))
    error = quantile * deviation / np.sqrt(spread)
    return Trend(float(y.mean()), slope, slope - error, slope + error, deviation, len(x), middle, spread, quantile)
