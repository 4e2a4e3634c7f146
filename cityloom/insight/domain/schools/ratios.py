"""Moving-on ratios: how many pupils of a grade are in the next one a year later, and what is expected of them.

All ratios are kept as logarithms. A mean gives recent years more weight and outliers less (Huber); what a school or a
grade of it has beside the district is drawn towards the district by as much as it is uncertain (empirical Bayes), since
a school has few pupils in a grade. A drift is kept only as far as it stands out from the years' noise.

Source: cohort survival (grade progression), J. W. Hussar and T. M. Bailey, Projections of Education Statistics, NCES;
P. J. Huber, Ann. Math. Stat. 35, 1964; R. DerSimonian and N. Laird, Controlled Clinical Trials 7, 1986; B. Efron and
C. Morris, JASA 68, 1973; damped trend: E. S. Gardner and E. McKenzie, Management Science 31, 1985.
"""

from __future__ import annotations

import numpy as np

from cityloom.insight.domain.schools.panel import Floats

HALF_LIFE = 5.0
"""After how many years a year counts half."""
HUBER = 1.5
"""From how many standard deviations on an observation counts less."""
DAMPING = 0.8
"""What is left of a drift each further year."""
_ROUNDS = 10
_TO_DEVIATION = 1.4826


def progression(pupils: Floats) -> Floats:
    """Logarithm of pupils of a grade over those of the grade below a year before: [..., grades, years] to the same
    shape.

    nan for the first grade, the first year, and where one of the two is not known or zero.
    """
    ratio = np.full(pupils.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.log(pupils[..., 1:, 1:] / pupils[..., :-1, :-1])
    ratio[..., 1:, 1:] = np.where(np.isfinite(found), found, np.nan)
    return ratio


def recency(years: int, half_life: float = HALF_LIFE) -> Floats:
    """Weights of years, the last 1, each half of that which is `half_life` years later."""
    return np.asarray(0.5 ** (np.arange(years)[::-1] / half_life), np.float64)


def robust_mean(values: Floats, weights: Floats, least: float = 1e-4) -> tuple[Floats, Floats, Floats]:
    """Huber's weighted mean along the last axis, its variance, and the standard deviation of one value around it.

    `least` is the smallest standard deviation that is believed. nan where nothing is known; with one value its spread
    is not known (nan).
    """
    weight = np.where(np.isnan(values), 0.0, weights)
    known = np.where(np.isnan(values), 0.0, values)
    mean, kept = _mean(known, weight), weight
    for _ in range(_ROUNDS):
        off = np.abs(np.where(weight > 0, known - mean[..., None], np.nan))
        scale = np.maximum(_TO_DEVIATION * _median(off), least)[..., None]
        kept = weight * np.minimum(1.0, HUBER * scale / np.maximum(np.where(np.isnan(off), 0.0, off), 1e-12))
        mean = _mean(known, kept)
    total = weight.sum(-1)
    freedom = np.where(total > 0, total - (weight**2).sum(-1) / np.where(total > 0, total, 1.0), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        clipped = np.minimum(np.abs(known - mean[..., None]), 3 * scale)
        spread = np.sqrt((weight * clipped**2).sum(-1) / np.where(freedom > 1e-9, freedom, np.nan))
        variance = spread**2 * (weight**2).sum(-1) / np.where(total > 0, total, np.nan) ** 2
    return mean, variance, np.maximum(spread, least)


def _mean(values: Floats, weights: Floats) -> Floats:
    total = weights.sum(-1)
    return np.asarray(np.where(total > 0, (values * weights).sum(-1) / np.where(total > 0, total, 1.0), np.nan))


def _median(values: Floats) -> Floats:
    empty = np.isnan(values).all(-1)
    found = np.nanmedian(np.where(empty[..., None], 0.0, values), -1)
    return np.asarray(found, np.float64)


def drift(values: Floats, weights: Floats) -> Floats:
    """Change a year along the last axis, shrunk by what it stands out from the noise; 0 with fewer than five values.

    Least squares with weights; with t its ratio to its standard error, max(0, 1 - 4 / t^2) of it are kept.
    """
    weight = np.where(np.isnan(values), 0.0, weights)
    known, many = np.where(np.isnan(values), 0.0, values), (~np.isnan(values)).sum(-1)
    time = np.arange(values.shape[-1], dtype=np.float64)
    total = np.maximum(weight.sum(-1), 1e-12)
    off_time = time - ((weight * time).sum(-1) / total)[..., None]
    off = known - ((weight * known).sum(-1) / total)[..., None]
    square = np.maximum((weight * off_time**2).sum(-1), 1e-12)
    slope = (weight * off_time * off).sum(-1) / square
    left = off - slope[..., None] * off_time
    noise = (weight * left**2).sum(-1) / total * many / np.maximum(many - 2, 1)
    error = np.maximum(noise * (weight**2 * off_time**2).sum(-1) / square**2, 1e-12)
    return np.where(many >= 5, slope * np.maximum(0.0, 1 - 4 * error / np.maximum(slope**2, 1e-24)), 0.0)


def shrunk(means: Floats, variances: Floats) -> tuple[Floats, Floats]:
    """Draw means towards 0 by their variances: means and their variances afterwards, of any shape; nan becomes 0.

    The variance between them is that of DerSimonian and Laird, never below 0.
    """
    known = ~np.isnan(means) & ~np.isnan(variances)
    value, error = means[known], np.maximum(variances[known], 1e-12)
    between = 0.0
    if value.size > 1:
        weight = 1 / error
        heterogeneity = float((weight * value**2).sum())
        between = max(0.0, (heterogeneity - value.size) / float(weight.sum()))
    keep = np.zeros(means.shape)
    keep[known] = between / (between + error)
    return np.where(known, keep * np.where(known, means, 0.0), 0.0), np.where(known, keep * variances, between)
