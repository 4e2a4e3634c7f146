"""The cohort-component method: people by sex and age, carried over a step by survival, births and migration.

Shapes: people (..., 2, ages) with women first, groups all as wide as a step, the last one open; leading axes are
districts, futures or both, and broadcast. Source: S. Preston, P. Heuveline, M. Guillot, Demography, 2001, chapter 6
(boxes 6.1 and 6.2); United Nations, World Population Prospects, methodology (the same step).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Timing = Literal["end", "spread"]
SEX_RATIO_AT_BIRTH = 1.05
"""Boys for each girl that is born."""
_BAD_PEOPLE = "People must be known, finite and at least 0 in each cell; there is {value} in age group {limit}."
_BAD_SURVIVAL = "Survival ratios lie between 0 and 1; there is {value} in age group {limit}."
_BAD_FERTILITY = "Birth rates must be known, finite and at least 0; there is {value} in age group {limit}."
_BAD_RATIO = "Boys for each girl at birth must be a number above 0, about 1.05; it is {value}."


@dataclass(frozen=True)
class Stepped:
    """A step: `end` = start + births - deaths + migration in each cell's cohort, and in sum.

    `end`, `deaths`, `migration` (..., 2, ages) by age at the end of the step, `births` (..., 2) by sex, `births_by_age`
    (..., ages) by the mothers' group. `migration` is what took place: less than was asked where more people were to
    leave than there are.
    """

    end: Floats
    births: Floats
    births_by_age: Floats
    deaths: Floats
    migration: Floats


def step(people: ArrayLike, survival: ArrayLike, fertility: ArrayLike, migration: ArrayLike | None = None, *,
         width: float = 1.0, sex_ratio: float = SEX_RATIO_AT_BIRTH, timing: Timing = "spread") -> Stepped:  # fmt: skip
    """Carry people over a step of `width` years.

    `survival` (..., 2, ages) as `lifetable.survival_ratios` gives it; `fertility` (..., ages) births a woman and year;
    `migration` (..., 2, ages) net people over the whole step by age, at its start for the half that comes then.

    spread: half of the migrants of an age are there from the start, bear and die with the others, half come at the
    end (Preston et al., box 6.2; "even" at the UN). end: all come when births and deaths are over. Women who bear are
    the mean of those at the start (with the first half) and at the end. Births live to the end by survival[..., 0].

    Raises: Refused `insight.people_bad`, `insight.survival_bad`, `insight.fertility_bad`, `insight.sex_ratio_bad`.
    """
    start = checked(people, "insight.people_bad", _BAD_PEOPLE)
    ratios = checked(survival, "insight.survival_bad", _BAD_SURVIVAL, most=1.0)
    rates = checked(fertility, "insight.fertility_bad", _BAD_FERTILITY)
    if not (np.isfinite(sex_ratio) and sex_ratio > 0):
        raise Refused("insight.sex_ratio_bad", _BAD_RATIO, value=sex_ratio)
    wanted = np.zeros(1) if migration is None else np.asarray(migration, np.float64)
    shape = np.broadcast_shapes(start.shape, ratios.shape, wanted.shape, (*rates.shape[:-1], 2, rates.shape[-1]))
    return stepped(np.broadcast_to(start, shape), ratios, rates, np.broadcast_to(wanted, shape), width,
                   1 / (1 + sex_ratio), spread=timing == "spread")  # fmt: skip


def stepped(start: Floats, ratios: Floats, rates: Floats, wanted: Floats, width: float, girls: float, *,
            spread: bool) -> Stepped:  # fmt: skip
    """The step itself, of arrays that are checked and of one shape; `girls` is their share of births."""
    first = np.maximum(wanted / 2, -start) if spread else np.zeros_like(start)
    there = start + first
    exposed = np.empty_like(there)
    exposed[..., 1:] = there[..., :-1]
    exposed[..., -1] += there[..., -1]
    exposed[..., 0] = 0
    end = exposed * ratios
    deaths = exposed - end
    second = np.maximum(wanted / 2 if spread else wanted, -end)
    women = there[..., 0, :] + end[..., 0, :] + (second[..., 0, :] if spread else 0)
    by_age = rates * women * (width / 2)
    by_age[..., 0] = 0  # the youngest bear nobody, and those at the end of the step are not there yet
    all_births = by_age.sum(-1)
    births = np.stack([all_births * girls, all_births * (1 - girls)], -1)
    end[..., 0] = births * ratios[..., 0]
    deaths[..., 0] = births - end[..., 0]
    second[..., 0] = np.maximum((wanted / 2 if spread else wanted)[..., 0], -end[..., 0])
    return Stepped(end + second, births, by_age, deaths, _by_end(first) + second if spread else second)


def _by_end(first: Floats) -> Floats:
    """Who came at the start of a step, by the age that they have at its end."""
    moved = np.zeros_like(first)
    moved[..., 1:] = first[..., :-1]
    moved[..., -1] += first[..., -1]
    return moved


@dataclass(frozen=True)
class Path:
    """A projection over several steps: `people` (steps + 1, ..., 2, ages), the components (steps, ...), as in
    `Stepped`; `moves` is what `settle` moved between districts, by age at the end of a step.
    """

    people: Floats
    births: Floats
    births_by_age: Floats
    deaths: Floats
    migration: Floats
    moves: Floats


Settle = Callable[[int, Floats], Floats]
"""Given a step's number and the people at its end, the people after moves and rounding to totals."""


def project(people: ArrayLike, survival: Sequence[ArrayLike] | Floats, fertility: Sequence[ArrayLike] | Floats,
            migration: Sequence[ArrayLike] | Floats | None = None, *, steps: int, width: float = 1.0,
            sex_ratio: float = SEX_RATIO_AT_BIRTH, timing: Timing = "spread", settle: Settle | None = None,
            ) -> Path:  # fmt: skip
    """Carry people over `steps` steps; rates are given for each step along a first axis, and the last ones go on.

    Raises: as `step`.
    """
    at = np.asarray(people, np.float64)
    every, done, moves = [at], [], []
    for number in range(steps):
        now = step(at, _of(survival, number), _of(fertility, number),
                   None if migration is None else _of(migration, number), width=width, sex_ratio=sex_ratio,
                   timing=timing)  # fmt: skip
        at = now.end if settle is None else settle(number, now.end)
        done.append(now)
        moves.append(at - now.end)
        every.append(at)
    every[0] = np.broadcast_to(every[0], at.shape)
    stacked = {name: np.stack([getattr(one, name) for one in done])
               for name in ("births", "births_by_age", "deaths", "migration")}  # fmt: skip
    return Path(np.stack(every), moves=np.stack(moves), **stacked)


def migration_of_rates(people: ArrayLike, rates: ArrayLike, width: float = 1.0) -> Floats:
    """Net migrants over a step from rates a year of the people at its start, (..., 2, ages)."""
    return np.asarray(people, np.float64) * np.asarray(rates, np.float64) * width


def _of(rates: Sequence[ArrayLike] | Floats, number: int) -> Floats:
    return np.asarray(rates[min(number, len(rates) - 1)], np.float64)


def checked(values: ArrayLike, code: str, sentence: str, most: float = np.inf) -> Floats:
    """Numbers that are known, at least 0 and at most `most`. Raises: Refused with the code and sentence."""
    found = np.asarray(values, np.float64)
    bad = ~np.isfinite(found) | (found < 0) | (found > most * (1 + 1e-9))
    if bad.any():
        place = np.argwhere(bad)[0]
        raise Refused(code, sentence, value=float(found[tuple(place)]), limit=int(place[-1]) + 1)
    return found
