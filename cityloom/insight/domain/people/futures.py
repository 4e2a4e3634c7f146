"""Many futures of people by district, sex and single year of age, worked in blocks that fit the processor's cache.

The step is that of `projection.stepped`, in single precision, with rates that vary: hazards of dying by a city's index
(a random walk, weighed by age) times a factor for each district, birth rates by a factor (a random walk of its
logarithm), net migration by a share of the people (an autoregression). Seeds belong to blocks, so the same question
gives the same futures. Memory: what is kept (see `Futures`), and some ten arrays of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.people.settling import housed
from cityloom.insight.domain.people.varying import correlated
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
_CELLS = 200_000
MOST_KEPT = 3_000_000_000
_TOO_MUCH = "So many futures take {value} GB of memory, and {limit} GB are allowed; ask for fewer futures or years."


@dataclass(frozen=True)
class Spread:
    """How rates vary a year: standard deviations of the logarithm of birth rates and of the index of mortality, and of
    net migration as a share of the people; `persistence` of that share; the correlation between districts of each.
    `by_age` (2, ages) weighs the index of mortality (Lee and Carter's b over its mean); None: all ages alike.
    """

    fertility: float = 0.03
    mortality: float = 0.02
    migration: float = 0.004
    persistence: float = 0.6
    correlation: float = 0.7
    fertility_limits: tuple[float, float] = (0.4, 2.0)
    by_age: Floats | None = None


@dataclass(frozen=True)
class Course:
    """What is taken as known: people (districts, 2, ages); for each step (steps, districts, ...) survival and net
    migration (2, ages) and fertility (ages); the age profile of uncertain migrants (2, ages), summing to 1; capacity
    (steps, districts) or None; factors (steps,) that lead the city to its total, or None.
    """

    people: Floats
    survival: Floats
    fertility: Floats
    migration: Floats
    profile: Floats
    width: float = 1.0
    sex_ratio: float = 1.05
    spread_over: bool = True
    capacity: Floats | None = None
    spill: bool = True
    factors: Floats | None = None


@dataclass(frozen=True)
class Futures:
    """What is kept: people by group (steps + 1, districts, groups, futures), the city's by sex and age (steps + 1, 2,
    ages, futures), births, deaths, migration and unmet (steps, districts, futures), all in single precision.
    """

    groups: Singles
    city: Singles
    births: Singles
    deaths: Singles
    migration: Singles
    unmet: Singles


def bytes_kept(districts: int, steps: int, groups: int, ages: int, futures: int) -> int:
    """How much memory `Futures` takes."""
    return 4 * futures * ((steps + 1) * (districts * groups + 2 * ages) + 4 * steps * districts)


def simulate(course: Course, spread: Spread, starts: Sequence[int], futures: int, seed: int,
             told: Callable[[float], None] = lambda _share: None) -> Futures:  # fmt: skip
    """Simulate futures; `starts` are the indices of the age groups at which the kept broader groups begin.

    Raises: Refused `insight.too_many_futures`.
    """
    districts, _, ages = course.people.shape
    steps, groups = len(course.survival), len(starts)
    kept = bytes_kept(districts, steps, groups, ages, futures)
    if kept > MOST_KEPT // 2:
        raise Refused("insight.too_many_futures", _TOO_MUCH, value=round(kept / 1e9, 1), limit=MOST_KEPT / 2e9)
    flat = (steps, districts, futures)
    found = Futures(np.empty((steps + 1, districts, groups, futures), np.float32),
                    np.empty((steps + 1, 2, ages, futures), np.float32),
                    *(np.zeros(flat, np.float32) for _ in range(4)))  # fmt: skip
    block = block_of(course)
    work = _Work(course, spread, np.asarray(starts))
    for number, first in enumerate(range(0, futures, block)):
        place = slice(first, min(first + block, futures))
        work.run(found, place, block_rng(seed, number))
        told(place.stop / futures)
    return found


def varied(course: Course, spread: Spread, count: int, rng: np.random.Generator
           ) -> tuple[Singles, Singles, Singles, Singles]:  # fmt: skip
    """Draw how the rates of a block of futures vary: factors of birth rates (futures, steps, districts), the index of
    mortality (futures, steps), factors of hazards and shares of migrants (futures, steps, districts).
    """
    districts, steps, wide = len(course.people), len(course.survival), np.sqrt(course.width)
    shape = (count, steps)
    births = np.cumsum(correlated(rng, shape, districts, spread.correlation), 1) * (spread.fertility * wide)
    index = np.cumsum(rng.standard_normal(shape), 1) * (spread.mortality * wide * np.sqrt(spread.correlation))
    own = np.cumsum(rng.standard_normal((*shape, districts)), 1)
    deaths = own * (spread.mortality * wide * np.sqrt(1 - spread.correlation))
    share = correlated(rng, shape, districts, spread.correlation) * spread.migration
    held = spread.persistence**course.width
    for step in range(1, steps):
        share[:, step] += held * share[:, step - 1]
    limits = np.clip(np.exp(births), *spread.fertility_limits)
    singles = (limits, index, np.exp(deaths), share)
    return tuple(one.astype(np.float32) for one in singles)  # type: ignore[return-value]


def block_of(course: Course) -> int:
    """How many futures are worked at once."""
    return max(1, _CELLS // course.people.size)


def block_rng(seed: int, number: int) -> np.random.Generator:
    """The chance of a block of futures."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number,)))


class _Work:
    """The arrays of a course in single precision, shared by all blocks."""

    def __init__(self, course: Course, spread: Spread, starts: NDArray[np.int64]) -> None:
        self.course, self.spread, self.starts = course, spread, starts
        self.hazard = np.log(np.maximum(course.survival, 1e-30)).astype(np.float32)  # below 0
        bear = np.flatnonzero((course.fertility > 0).any((0, 1)))
        self.bear = slice(max(int(bear[0]), 1), int(bear[-1]) + 1) if len(bear) else slice(1, 1)
        self.fertility = (course.fertility[..., self.bear] * course.width / 2).astype(np.float32)
        self.migration = (course.migration / (2 if course.spread_over else 1)).astype(np.float32)
        self.profile = (course.profile * course.width / (2 if course.spread_over else 1)).astype(np.float32)
        by_age = np.ones(course.people.shape[1:]) if spread.by_age is None else spread.by_age
        self.by_age = by_age.astype(np.float32)
        self.girls = np.float32(1 / (1 + course.sex_ratio))

    def run(self, found: Futures, place: slice, rng: np.random.Generator) -> None:
        """Work one block of futures from the first step to the last."""
        count, course = place.stop - place.start, self.course
        births_by, index, deaths_by, share = varied(course, self.spread, count, rng)
        at = np.broadcast_to(course.people.astype(np.float32), (count, *course.people.shape)).copy()
        hazard, coming = np.empty_like(at), np.empty_like(at)
        self._keep(found, place, 0, at)
        for step in range(len(course.survival)):
            np.multiply(self.hazard[step], np.exp(index[:, step, None, None, None] * self.by_age), out=hazard)
            hazard *= deaths_by[:, step, :, None, None]
            np.exp(hazard, out=hazard)
            people = at.sum((2, 3))
            np.multiply((share[:, step] * people)[:, :, None, None], self.profile, out=coming)
            coming += self.migration[step]
            at, births, deaths = self._stepped(at, hazard, coming, self.fertility[step] * births_by[:, step, :, None])
            if course.factors is not None:
                at *= np.float32(course.factors[step])
            moved = at.sum((2, 3)) - people - births + deaths
            if course.capacity is not None:
                after = housed(at, course.capacity[step], spill=course.spill)
                at = np.ascontiguousarray(after.people, np.float32)
                found.unmet[step, :, place] = after.unmet.T
            found.births[step, :, place], found.deaths[step, :, place] = births.T, deaths.T
            found.migration[step, :, place] = moved.T
            self._keep(found, place, step + 1, at)

    def _stepped(self, at: Singles, ratios: Singles, coming: Singles, fertility: Singles
                 ) -> tuple[Singles, Singles, Singles]:  # fmt: skip
        spread = self.course.spread_over
        if spread:
            at += coming
            np.maximum(at, 0, out=at)
        there = at.sum((2, 3))
        end = np.empty_like(at)
        np.multiply(at[..., :-1], ratios[..., 1:], out=end[..., 1:])
        end[..., -1] += at[..., -1] * ratios[..., -1]
        end[..., 0] = 0
        lived = end.sum((2, 3))
        women = at[:, :, 0, self.bear] + end[:, :, 0, self.bear]
        if spread:
            women += np.maximum(coming[:, :, 0, self.bear], -end[:, :, 0, self.bear])
        births = (women * fertility).sum(2)
        born = np.stack([births * self.girls, births * (1 - self.girls)], -1) * ratios[..., 0]
        end[..., 0] = born
        end += coming
        np.maximum(end, 0, out=end)
        return end, births, there - lived + births - born.sum(-1)

    def _keep(self, found: Futures, place: slice, step: int, at: Singles) -> None:
        """Add up groups of ages of each district, and the city's sexes and ages."""
        both = at[:, :, 0] + at[:, :, 1]
        found.groups[step, ..., place] = np.add.reduceat(both, self.starts, axis=2).transpose(1, 2, 0)
        found.city[step, ..., place] = at.sum(1).transpose(1, 2, 0)
