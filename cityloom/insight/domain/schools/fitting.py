"""What rolls say about pupils to come: the district's ratios, what each school has beside them, and the noise of both.

The district moves on by its own totals, grade by grade, so that pupils who change schools inside it do not count. A
school's grade moves on by the district's ratio times its own deviation, drawn towards the district where it is
uncertain. A grade that a school starts with (the first of all, or the first that it has) takes a share of the
district's grade.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from cityloom.insight.domain.schools import births as born
from cityloom.insight.domain.schools.beside import Schools, of_schools
from cityloom.insight.domain.schools.panel import Floats, Rolls, summed
from cityloom.insight.domain.schools.ratios import DAMPING, HALF_LIFE, drift, recency, robust_mean

LEAST_ENTRIES = 2
_LEAST_NOISE = 0.005


@dataclass(frozen=True)
class Settings:
    """How a model is fitted; `lags` are shares of births of so many years before entry, none: entry without births."""

    lags: Mapping[int, float] = field(default_factory=dict)
    half_life: float = HALF_LIFE
    damping: float = DAMPING
    trend: bool = True


@dataclass(frozen=True)
class District:
    """By grade: the logarithm of the moving-on ratio (first: pupils per birth, or pupils where there are no births),
    its drift a year, variance of that mean, and the years' noise around it, `left` [grades, years] (nan: not known).
    """

    ratio: Floats
    slope: Floats
    variance: Floats
    left: Floats
    drift_share: float


@dataclass(frozen=True)
class Model:
    """A fitted model: `last` are the rolls from which pupils move on [schools, grades], nan where there are none."""

    last: Floats
    year: int
    district: District
    schools: Schools
    births: Mapping[int, float]
    births_spread: float
    settings: Settings


def fit(rolls: Rolls, births: Mapping[int, float], settings: Settings, arrivals: Floats | None = None) -> Model:
    """Fit to cleaned rolls; of `births` only those until the last year of the rolls are used.

    `arrivals` [schools, grades, years] are pupils who came with new dwellings: they are no part of the ratios.
    """
    year = rolls.years[-1]
    known = {one: count for one, count in births.items() if one <= year and count > 0}
    settled = rolls.pupils if arrivals is None else np.maximum(rolls.pupils - arrivals, 0.0)
    driver = entry_driver(rolls, known, settings)
    if driver is None:
        settings, driver = replace(settings, lags={}), np.ones(len(rolls.years))
    district = _district(rolls, settled, driver, settings)
    schools = of_schools(rolls.pupils, settled, settings.half_life)
    return Model(rolls.pupils[:, :, -1], year, district, schools, known, born.spread_of(known), settings)


def _district(rolls: Rolls, settled: Floats, driver: Floats, settings: Settings) -> District:
    ratio = district_ratios(rolls.pupils, settled, driver)
    weights = recency(ratio.shape[1], settings.half_life)
    mean, variance, spread = robust_mean(ratio, weights)
    slope = drift(ratio, weights) if settings.trend else np.zeros(len(mean))
    if slope.any():
        back = slope[:, None] * (np.arange(ratio.shape[1]) - ratio.shape[1] + 1)  # each year as seen from the last
        mean, variance, spread = robust_mean(ratio - back, weights)
    unknown = np.isnan(mean)
    mean[unknown] = 0.0  # a grade that nobody has moved on to yet: all move on
    usual = float(np.nanmedian(np.where(np.isnan(spread), np.nan, spread))) if (~np.isnan(spread)).any() else 0.03
    spread = np.maximum(np.where(np.isnan(spread), usual, spread), _LEAST_NOISE)
    variance = np.where(np.isnan(variance), spread**2, variance)
    back = slope[:, None] * (np.arange(ratio.shape[1]) - ratio.shape[1] + 1)
    left = np.clip(ratio - back - mean[:, None], -3 * spread[:, None], 3 * spread[:, None])
    return District(mean, slope, variance, _filled(left, spread), 1 - 0.5 ** (1 / settings.half_life))


def entry_driver(rolls: Rolls, births: Mapping[int, float], settings: Settings) -> Floats | None:
    """Births behind the entry of each year of the rolls; None where they are known for fewer than two, or not the
    last.
    """
    if not settings.lags or not births:
        return None
    driver, _ = born.behind(births, list(rolls.years), settings.lags, rolls.years[-1])
    return None if np.isnan(driver[-1]) or int((~np.isnan(driver)).sum()) < LEAST_ENTRIES else driver


def district_ratios(pupils: Floats, settled: Floats, driver: Floats) -> Floats:
    """Logarithms of the district's ratios [grades, years]: settled pupils over all of the grade below a year before."""
    total, stayed = summed(pupils), summed(settled)
    ratio = np.full(total.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio[1:, 1:] = np.log(stayed[1:, 1:] / total[:-1, :-1])
        ratio[0] = np.log(stayed[0] / driver)
    return np.where(np.isfinite(ratio), ratio, np.nan)


def _filled(left: Floats, spread: Floats) -> Floats:
    """Residuals of the years in which most grades are known, scaled to their spread; single unknown ones are 0."""
    whole = left[:, (~np.isnan(left)).mean(0) > 0.5]
    if whole.shape[1] < 3:  # too few years to draw from: as if they had been one spread off, up and down
        whole = np.concatenate([np.diag(spread), -np.diag(spread)], 1)
    whole = np.where(np.isnan(whole), 0.0, whole)
    size = np.sqrt((whole**2).mean(1))
    return np.asarray(whole * (spread / np.maximum(size, 1e-9))[:, None])
