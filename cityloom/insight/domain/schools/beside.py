"""What each school has beside the district: deviations of ratios, shares of entries, and the noise of a school's years.

Few pupils say little: deviations are drawn towards the district by their uncertainty (partial pooling), first of the
school as a whole, then of its grades.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools.panel import Floats, summed
from cityloom.insight.domain.schools.ratios import recency, shrunk

_STEPS = np.linspace(0.1, 0.9, 9)
_LEAST_PAIRS = 30
_MOST_SHOCK = 0.4


@dataclass(frozen=True)
class Schools:
    """By school and grade: deviation from the district's ratio (logarithm) with its variance; for grades that a
    school starts with, the share; `starts` says which. `noise` is the variance of one pupil's Pearson residual, for
    grades moved on and started; `together` is the part of it that all grades of a school have in common in a year.
    """

    there: NDArray[np.bool_]
    starts: NDArray[np.bool_]
    deviation: Floats
    variance: Floats
    share: Floats
    share_step: float
    noise: tuple[float, float]
    together: float
    shock: Floats
    back: float


def of_schools(pupils: Floats, settled: Floats, half_life: float) -> Schools:
    there = ~np.isnan(pupils[:, :, -1])
    starts = there.copy()
    starts[:, 1:] &= ~there[:, :-1]
    had = np.full(pupils.shape, np.nan)
    had[:, 1:, 1:] = pupils[:, :-1, :-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        own = np.log(settled / had)
    both = np.where(np.isfinite(own), pupils, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        usual = np.log(
            summed(np.where(np.isfinite(own), settled, np.nan)) / summed(np.where(np.isfinite(own), had, np.nan))
        )
    beside = np.where(np.isfinite(own), own - usual, np.nan)
    deviation, variance, noise, together = deviations(beside, both, recency(pupils.shape[2], half_life))
    share, step, started, off = shares(settled)
    shocks = np.where(np.isnan(beside), off, beside - deviation[:, :, None])
    shock, back = _returning(shocks, pupils)
    return Schools(there, starts, np.where(there & ~starts, deviation, 0.0), np.where(there, variance, 0.0),
                   np.where(there, share, np.nan), step, (noise, started), together, shock, back)  # fmt: skip


def _returning(shocks: Floats, pupils: Floats) -> tuple[Floats, float]:
    """What each grade was above expectation in the last year, and the share of it that the next grade has a year later.

    The share is one for all: the slope through 0 of residuals (each times the root of its pupils, outliers cut off) on
    those of the same pupils a year before, between -0.5 and 0.
    """
    pearson = shocks * np.sqrt(np.where(np.isnan(pupils), 0.0, pupils))
    known = pearson[~np.isnan(pearson)]
    most = 3 * 1.4826 * float(np.median(np.abs(known))) if known.size else 1.0
    before, after = pearson[:, :-1, :-1].ravel(), pearson[:, 1:, 1:].ravel()
    both = ~np.isnan(before) & ~np.isnan(after)
    back = 0.0
    if both.sum() >= _LEAST_PAIRS:
        x, y = np.clip(before[both], -most, most), np.clip(after[both], -most, most)
        back = float(np.clip((x * y).sum() / max((x * x).sum(), 1e-9), -0.5, 0.0))
    last = np.where(np.isnan(shocks[:, :, -1]), 0.0, np.clip(shocks[:, :, -1], -_MOST_SHOCK, _MOST_SHOCK))
    return last, back


def deviations(beside: Floats, pupils: Floats, weights: Floats) -> tuple[Floats, Floats, float, float]:
    """Deviations of schools and their grades from the district [schools, grades], their variances, noise, its common
    part.

    `beside` [schools, grades, years] are logarithms of ratios beside the district's. The noise of one is `noise` over
    the pupils: each school's years are means over its grades by their pupils, and are drawn towards 0; then its
    grades.
    """
    known = np.where(np.isnan(beside), 0.0, np.maximum(np.where(np.isnan(pupils), 0.0, pupils), 0.0))
    value = np.where(np.isnan(beside), 0.0, beside)
    pearson = value * np.sqrt(known)
    scale = 1.4826 * float(np.median(np.abs(pearson[known > 0]))) if (known > 0).any() else 1.0
    noise = max(scale**2, 0.05)
    value = np.clip(value, -3 * np.sqrt(noise / np.maximum(known, 1.0)), 3 * np.sqrt(noise / np.maximum(known, 1.0)))
    size = known.sum(1)
    yearly = np.where(size > 0, (value * known).sum(1) / np.maximum(size, 1e-9), np.nan)
    common = np.nanmean(yearly**2 * size) / noise if (size > 0).any() else 1.0
    of_grades = float(np.mean((known > 0).sum(1)[size > 0])) if (size > 0).any() else 1.0
    together = float(np.clip((common - 1) / max(of_grades - 1, 1.0), 0.0, 0.9))
    weight = size * weights
    total = weight.sum(1)
    mean = np.where(
        total > 0, (np.where(np.isnan(yearly), 0.0, yearly) * weight).sum(1) / np.maximum(total, 1e-9), np.nan
    )
    inflated = noise * (1 + together * (of_grades - 1))
    error = np.where(total > 0, inflated * (size * weights**2).sum(1) / np.maximum(total, 1e-9) ** 2, np.nan)
    school, school_variance = shrunk(mean, error)
    cell_weight = known * weights
    cell_total = cell_weight.sum(2)
    cell = (
        np.where(cell_total > 0, (value * cell_weight).sum(2) / np.maximum(cell_total, 1e-9), np.nan) - school[:, None]
    )
    cell_error = np.where(
        cell_total > 0, noise * (known * weights**2).sum(2) / np.maximum(cell_total, 1e-9) ** 2, np.nan
    )
    grade, grade_variance = shrunk(cell, cell_error)
    return school[:, None] + grade, school_variance[:, None] + grade_variance, noise, together


def shares(pupils: Floats) -> tuple[Floats, float, float, Floats]:
    """Each school's share of the district's grade now [schools, grades], the step of its level, the noise of one pupil,
    and how far each year was from the level before it (logarithm) [schools, grades, years].

    Exponential smoothing of the logarithm; its step (0.1 to 0.9) is that with the least error one year ahead over all.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.log(pupils / summed(pupils))
    share = np.where(np.isfinite(share), share, np.nan)
    tried = [(*_smoothed(share, float(step), pupils), float(step)) for step in _STEPS]
    error, level, off, step = min(tried, key=lambda one: one[0])
    return np.exp(level), step, error if np.isfinite(error) else 1.0, off


def _smoothed(share: Floats, step: float, pupils: Floats) -> tuple[float, Floats, Floats]:
    level, off = share[:, :, 0], np.full(share.shape, np.nan)
    for year in range(1, share.shape[2]):
        off[:, :, year] = share[:, :, year] - level
        level = np.where(np.isnan(off[:, :, year]), share[:, :, year], level + step * off[:, :, year])
    errors = (off * np.sqrt(np.where(np.isnan(pupils), 0.0, pupils)))[~np.isnan(off)]
    if errors.size < 2:
        return np.inf, level, off
    most = 3 * 1.4826 * float(np.median(np.abs(errors))) + 1e-9
    return float((np.clip(errors, -most, most) ** 2).mean()), level, off
