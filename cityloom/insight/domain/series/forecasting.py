"""Forecasts of many series at once: a combination of methods, with intervals and joint paths.

`forecast` is the way in. The combination is the mean of the methods' forecasts (or their median, or weighted by the
inverse of each method's squared in-sample errors); it is seldom the best and hardly ever bad.

Source: J. Bates and C. Granger, Operational Research Quarterly 20(4), 1969; R. Hyndman and G. Athanasopoulos,
Forecasting: Principles and Practice (3rd ed.), 13.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series.methods import METHODS, Based, Wanted
from cityloom.insight.domain.series.taking import Taken, taken

Floats = NDArray[np.float64]
DEFAULT_METHODS = ("ets", "theta")
DRAWS = 500


@dataclass(frozen=True)
class Forecast:
    """`mean`, `low`, `high` (series, horizon); `fitted` (series, periods) one-step forecasts, nan where there are none;
    `paths` (draws, series, horizon) joint futures, whose sums are futures of sums; `models` what each series was given;
    `notes` for each series: "" or short, constant, zeros, gaps, empty (several with a blank between them).
    """

    mean: Floats
    low: Floats
    high: Floats
    fitted: Floats
    paths: Floats | None
    models: tuple[str, ...]
    notes: tuple[str, ...]
    level: float


def forecast(values: Floats, season: int, horizon: int, level: float = 0.8, seed: int = 0, *,
             methods: Sequence[str] = DEFAULT_METHODS, combined: str = "mean", draws: int = DRAWS,
             negative: bool = False) -> Forecast:  # fmt: skip
    """Forecast each row of values (series, periods); nan is not known, and a series may begin later than others.

    `season` is the number of periods after which things come again (12 for months; 1: none). `level` is the share of
    outcomes that the interval should hold (0 without). Intervals are simulated: each method draws the errors of the
    same past periods for all series, and a path of the combination is the mean of the methods' paths. `draws` 0 gives
    no paths and no intervals. Where values are not `negative`, neither is what is told.

    Raises: Refused `insight.series_*`, as `taking.taken`, and `insight.no_method`.
    """
    given = taken(values, season, horizon, methods, combined, negative)
    mean, told = np.empty((len(values), horizon)), np.full(values.shape, np.nan)
    paths = np.empty((draws, len(values), horizon)) if draws else None
    models = np.empty(len(values), object)
    chance = np.random.default_rng(np.random.SeedSequence((seed, 118)))
    lots = chance.random((horizon, draws)) if draws else None
    for group in given.groups:
        based = _based(given, group.rows, group.first, group.season, horizon, methods, combined, lots)
        mean[group.rows], told[group.rows, group.first :] = based.mean.T, based.told.T
        models[group.rows] = based.model
        if paths is not None and based.paths is not None:
            paths[:, group.rows] = based.paths.transpose(1, 2, 0)
    mean, paths = bounded(mean, negative), None if paths is None else bounded(paths, negative)
    low, high = interval(paths, level, mean)
    return Forecast(mean, low, high, told, paths, tuple(models), given.notes, level)


def interval(paths: Floats | None, level: float, mean: Floats) -> tuple[Floats, Floats]:
    """The middle share `level` of paths (draws, series, horizon), which holds the mean; nan without paths."""
    if paths is None or not level:
        return np.full(mean.shape, np.nan), np.full(mean.shape, np.nan)
    low, high = np.quantile(paths, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return np.minimum(low, mean), np.maximum(high, mean)


def bounded(values: Floats, negative: bool) -> Floats:
    """Values, no less than zero unless they may be."""
    return values if negative else np.maximum(values, 0.0)


def _based(given: Taken, rows: NDArray[np.int64], first: int, season: int, horizon: int, methods: Sequence[str],
           combined: str, lots: Floats | None) -> Based:  # fmt: skip
    """The combination for series that begin in the same period, in their own size."""
    values = given.values[rows, first:].T
    size = np.where(np.isnan(values), 0, np.abs(values)).sum(0) / np.maximum((~np.isnan(values)).sum(0), 1)
    size = np.where(size > 0, size, 1.0)
    drawn_rows = None if lots is None else (lots * len(values)).astype(np.int64)
    wanted = Wanted(season, horizon, drawn_rows)
    found = [METHODS[name](values / size, wanted) for name in methods]
    weights = _weights(values / size, found, combined)
    mean = np.median([one.mean for one in found], 0) if combined == "median" else sum(
        one.mean * weight for one, weight in zip(found, weights, strict=True))  # fmt: skip
    told = sum(one.told * weight for one, weight in zip(found, weights, strict=True))
    paths = None
    if lots is not None:
        paths = sum(np.asarray(one.paths) * weight for one, weight in zip(found, weights, strict=True)) * size
        if combined == "median":  # the spread of the mean's paths about the median
            paths += (mean - sum(one.mean / len(found) for one in found))[:, None] * size
    model = tuple(" + ".join(dict.fromkeys(names)) for names in zip(*(one.model for one in found), strict=True))
    return Based(mean * size, told * size, paths, model)


def _weights(values: Floats, found: Sequence[Based], combined: str) -> Floats:
    """The weight of each method for each series (methods, series)."""
    if combined != "weighted" or len(found) == 1:
        return np.full((len(found), values.shape[1]), 1 / len(found))
    errors = np.stack([_mean_square(values - one.told) for one in found])
    inverse = 1 / np.maximum(errors, 1e-9)
    return inverse / inverse.sum(0)  # type: ignore[no-any-return]


def _mean_square(errors: Floats) -> Floats:
    known = ~np.isnan(errors)
    return (np.where(known, errors, 0.0) ** 2).sum(0) / np.maximum(known.sum(0), 1)  # type: ignore[no-any-return]
