"""Plain methods that a forecast of rolls has to beat: the district's total of the next years.

Cohort survival with last year's ratios and with the mean of three, no change, and simple exponential smoothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from cityloom.insight.domain.schools.births import behind
from cityloom.insight.domain.schools.panel import Floats, Rolls


def no_change(rolls: Rolls, births: Mapping[int, float], lags: Mapping[int, float], horizon: int) -> Floats:
    """The last total, every year."""
    return np.repeat(np.nansum(rolls.district()[:, -1]), horizon)


def smoothed(rolls: Rolls, births: Mapping[int, float], lags: Mapping[int, float], horizon: int) -> Floats:
    """Simple exponential smoothing of the total; its step is that with the least squares one year ahead."""
    total = np.nansum(rolls.district(), 0)
    best, level = np.inf, total[-1]
    for step in np.linspace(0.05, 1.0, 20):
        now, error = total[0], 0.0
        for value in total[1:]:
            error += (value - now) ** 2
            now += step * (value - now)
        if error < best:
            best, level = error, now
    return np.repeat(level, horizon)


def last_ratios(rolls: Rolls, births: Mapping[int, float], lags: Mapping[int, float], horizon: int) -> Floats:
    """Cohort survival by the ratios of the last year."""
    return _survival(rolls, births, lags, horizon, 1)


def mean_ratios(rolls: Rolls, births: Mapping[int, float], lags: Mapping[int, float], horizon: int) -> Floats:
    """Cohort survival by the mean ratios of the last three years."""
    return _survival(rolls, births, lags, horizon, 3)


def _survival(rolls: Rolls, births: Mapping[int, float], lags: Mapping[int, float], horizon: int, years: int) -> Floats:
    total = rolls.district()
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = _mean((total[1:, 1:] / total[:-1, :-1])[:, -years:])
    last = rolls.years[-1]
    driver = behind(births, list(range(rolls.years[0], last + horizon + 1)), lags, last)[0] if lags and births else None
    if driver is None or np.isnan(driver[-horizon - years :]).any():
        driver = np.ones(len(rolls.years) + horizon)
    entry = _mean((total[:1] / driver[: len(rolls.years)])[:, -years:])[0]
    now, found = total[:, -1], np.zeros(horizon)
    for step in range(horizon):
        now = np.append(entry * driver[len(rolls.years) + step], now[:-1] * ratio)
        found[step] = np.nansum(now)
    return found


def _mean(values: Floats) -> Floats:
    """The mean of what is known in each row; 1 where nothing is."""
    known = np.isfinite(values)
    mean = np.where(known, values, 0.0).sum(1) / np.maximum(known.sum(1), 1)
    return np.asarray(np.where(known.any(1), mean, 1.0))


METHODS: Mapping[str, Callable[[Rolls, Mapping[int, float], Mapping[int, float], int], Floats]] = {
    "no_change": no_change, "smoothed": smoothed, "last_ratios": last_ratios, "mean_ratios": mean_ratios,
}  # fmt: skip
TITLES: Mapping[str, str] = {
    "no_change": "no change", "smoothed": "total smoothed", "last_ratios": "last year's ratios",
    "mean_ratios": "ratios of three years",
}  # fmt: skip
