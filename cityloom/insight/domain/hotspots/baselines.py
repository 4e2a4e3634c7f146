"""What to expect of each place and day, from its own past: trend, weekday, holiday, and how much the place reports.

All places together follow one course: a log-linear trend, a factor for each weekday, and one for holidays. Each place
has its own level of that course, learnt from its own past, so that one where people report less is expected to report
less, and is as remarkable as others when it rises. Levels of places with little past lean on their population.

Null maps are drawn as the past varies: the levels and the course are as unsure as they are, days have shocks that all
places share, and places their own (a negative binomial). Sources: Neill (2009) for the use; McCullagh and Nelder (1989)
for the regression; Clayton and Kaldor (1987) for the levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]
LEAST_PERIODS, _TURNS, _RIDGE, _LEAST_HOLIDAYS = 28, 30, 1e-3, 2
_SHORT = "The past is {value} periods long, and a baseline needs at least {limit}: wait, or let the scan look at fewer."
_GAPS = "The past has {value} days without a count or with a negative one; fill them in, 0 where nothing was reported."


@dataclass(frozen=True, eq=False)
class Course:
    """The common course as a Poisson regression: `effects` with their `covariance`, and its columns for new periods."""

    effects: Floats
    covariance: Floats
    periods: int
    holidays: bool
    seasonal: bool

    def columns(self, at: Ints, weekday: Ints, is_holiday: Marks) -> Floats:
        """The regression's columns for periods counted from the first of the past: shape (len(at), effects)."""
        return _columns(at, weekday, is_holiday, self.periods, self.holidays, self.seasonal)


@dataclass(frozen=True, eq=False)
class Baseline:
    """What is expected of places in new periods, `mean` (n, d), and how null maps vary about it.

    A place's level is gamma distributed with `shape` (n,); `day_shock` and `place_shock` are the squared coefficients
    of variation of what all places share on a day, and of each place's own.
    """

    mean: Floats
    course: Course
    ahead: Floats
    shape: Floats
    level: Floats
    day_shock: float
    place_shock: float

    def deviation(self) -> Floats:
        """The standard deviation of a count: shape (n, d)."""
        unsure = 1 / self.shape[:, None] + self.day_shock + self.place_shock
        return np.sqrt(np.maximum(self.mean + unsure * np.square(self.mean), 1e-12))

    def null_maps(self, rng: np.random.Generator, maps: int) -> Ints:
        """Maps as they would be if all went on as before: shape (maps, n, d)."""
        effects = rng.multivariate_normal(self.course.effects, self.course.covariance, maps, method="eigh")
        course = np.exp(np.clip(effects @ self.ahead.T, -30, 30))[:, None, :]
        level = rng.gamma(self.shape, self.level / self.shape, (maps, len(self.shape)))[:, :, None]
        course = course * _shock(rng, self.day_shock, course.shape)
        return rng.poisson(course * level * _shock(rng, self.place_shock, (maps, *self.mean.shape)))


def baseline(past: Floats, weekday: Ints, is_holiday: Marks, ahead_weekday: Ints, ahead_holiday: Marks,
             population: Floats | None = None, gap: int = 0) -> Baseline:  # fmt: skip
    """A baseline of places by their past, of shape (n, t), the oldest first, for the periods after it.

    `weekday` (0 to 6; all alike where periods are no days) and `is_holiday` have shape (t,), the ones ahead (d,).
    `gap` periods lie between the past and the first one ahead.
    Raises: Refused `insight.past_short`, `insight.past_gaps`.
    """
    _check(past)
    periods = past.shape[1]
    course = _fitted(past.sum(axis=0), weekday, is_holiday)
    fitted = np.exp(course.columns(np.arange(periods), weekday, is_holiday) @ course.effects)
    ahead = course.columns(periods + gap + np.arange(len(ahead_weekday)), ahead_weekday, ahead_holiday)
    shape, level = levels(past.sum(axis=1), float(fitted.sum()), population)
    mean = level[:, None] * np.exp(ahead @ course.effects)[None, :]
    day_shock, place_shock = _shocks(past, level[:, None] * fitted[None, :], fitted, len(course.effects))
    return Baseline(mean, course, ahead, shape, level, day_shock, place_shock)


def levels(counts: Floats, total: float, population: Floats | None = None) -> tuple[Floats, Floats]:
    """The shape and mean of each place's level of the common course that adds up to `total`.

    Empirical Bayes: a gamma prior about the place's share of the population (or an even one), as wide as places differ.
    """
    share = np.full(len(counts), 1 / len(counts)) if population is None or population.sum() <= 0 else (
        np.maximum(population, 0) + 1e-3 * population.mean()) / (population.sum() * (1 + 1e-3))  # fmt: skip
    expected = np.maximum(share * total, 1e-9)
    ratio = counts / expected
    weight = expected / expected.sum()
    mean = float(weight @ ratio)
    spread = float(weight @ np.square(ratio - mean)) - mean * float((weight / expected).sum())
    prior = float(np.clip(mean**2 / spread if spread > 0 else 1e3, 0.05, 1e3))
    shape = prior + counts
    return shape, share * shape / (prior / max(mean, 1e-9) + expected)


def _fitted(totals: Floats, weekday: Ints, is_holiday: Marks) -> Course:
    periods = len(totals)
    holidays, seasonal = int(is_holiday.sum()) >= _LEAST_HOLIDAYS, len(np.unique(weekday)) == 7
    columns = _columns(np.arange(periods), weekday, is_holiday, periods, holidays, seasonal)
    effects = np.zeros(columns.shape[1])
    effects[0] = np.log(max(float(totals.mean()), 1e-3))
    ridge = np.full(columns.shape[1], _RIDGE)
    ridge[0] = 0
    for _turn in range(_TURNS):
        mean = np.exp(np.clip(columns @ effects, -20, 20))
        inverse = np.linalg.inv(columns.T @ (mean[:, None] * columns) + np.diag(ridge) + 1e-9 * np.eye(len(effects)))
        step = inverse @ (columns.T @ (totals - mean) - ridge * effects)
        effects = effects + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            break
    mean = np.exp(columns @ effects)
    spread = float((np.square(totals - mean) / np.maximum(mean, 1e-9)).sum()) / max(1, periods - columns.shape[1])
    return Course(effects, inverse * max(1.0, spread), periods, holidays, seasonal)


def _columns(at: Ints, weekday: Ints, is_holiday: Marks, periods: int, holidays: bool, seasonal: bool) -> Floats:
    parts = [np.ones(len(at)), (at - (periods - 1) / 2) / periods]
    if seasonal:
        parts += [np.where(weekday == day, 1.0, 0.0) - 1 / 7 for day in range(1, 7)]
    if holidays:
        parts.append(is_holiday.astype(np.float64))
    return np.stack(parts, axis=1)


def _shocks(past: Floats, expected: Floats, course: Floats, effects: int) -> tuple[float, float]:
    """By moments: what days vary beyond chance for all places together, and what each place varies beyond that."""
    periods = past.shape[1]
    of_course, of_level = periods / max(1, periods - effects), periods / max(1, periods - 1)
    totals = past.sum(axis=0)
    day = float((of_course * np.square(totals - course) - course).sum() / np.square(course).sum())
    places = float((of_level * np.square(past - expected) - expected).sum() / np.square(expected).sum())
    day = max(0.0, day)
    return day, max(0.0, places - day)


def _shock(rng: np.random.Generator, square: float, shape: tuple[int, ...]) -> Floats | float:
    return rng.gamma(1 / square, square, shape) if square > 1e-6 else 1.0


def _check(past: Floats) -> None:
    if past.shape[1] < LEAST_PERIODS:
        raise Refused("insight.past_short", _SHORT, value=past.shape[1], limit=LEAST_PERIODS)
    if wrong := int((~(np.isfinite(past) & (past >= 0))).any(axis=0).sum()):
        raise Refused("insight.past_gaps", _GAPS, value=wrong)
