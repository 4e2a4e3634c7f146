"""Rolls as an array: pupils by school, grade and year, with what was told and what has to be known of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.study.study import Note
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
LEAST_YEARS = 2
MOST_CELLS = 2_000_000
_SHORT = (
    "Rolls of {value} years say nothing of how pupils move on; at least {limit} years that follow each "
    "other are needed."
)
_NEGATIVE = "There are {value} pupils at {limit}; a roll cannot be below zero. Correct the row, or leave it out."
_TWICE = "The rolls have {value} more than once ({limit}); leave one of them out, or add them up."
_LARGE = (
    "Rolls of {value} schools, grades and years are more than the {limit} that are worked at once; take a part of them."
)
_YEAR = "The year {value} of the rolls is not a year between {limit}; write years as 2015."
_LAST = (
    "In the last year, {value}, only {limit} of the schools of the year before are counted; complete it or "
    "leave it out."
)


@dataclass(frozen=True)
class Rolls:
    """`pupils` [schools, grades, years]: nan where a school did not have that grade in that year, or it is not known.

    `grades` are in the order in which pupils pass them, `years` are consecutive. `areas` names each school's planning
    area.
    """

    pupils: Floats
    schools: tuple[str, ...]
    grades: tuple[str, ...]
    years: tuple[int, ...]
    areas: tuple[str, ...]
    doubtful: Sequence[tuple[int, int]] = ()
    """Schools and years (places in them) whose counts were replaced by what was expected."""
    notes: Sequence[Note] = field(default_factory=tuple)

    def until(self, year: int) -> Rolls:
        """What was known after a year's count."""
        keep = self.years.index(year) + 1
        return replace(self, pupils=self.pupils[:, :, :keep], years=self.years[:keep], doubtful=(), notes=())

    def district(self) -> Floats:
        """Pupils of all schools together [grades, years]; nan where nothing was counted."""
        return summed(self.pupils)


def summed(pupils: Floats, axis: int = 0) -> Floats:
    """Sum over what is there; nan where nothing is."""
    there = ~np.isnan(pupils)
    total = np.where(there, pupils, 0.0).sum(axis)
    return np.where(there.any(axis), total, np.nan)


def panel(school: Sequence[str], grade: Sequence[str], year: Sequence[int], pupils: Sequence[float],
          grades: Sequence[str], areas: Mapping[str, str] | None = None) -> Rolls:  # fmt: skip
    """Rolls of plain columns of one length; `grades` in their order.

    Raises: Refused `insight.roll_negative`, `insight.roll_twice`, `insight.years_short`, `insight.rolls_large`,
    `insight.year_wrong`, `insight.last_year`.
    """
    count, when = np.asarray(pupils, np.float64), np.asarray(year, np.int64)
    _check(school, grade, when, count)
    schools, first, last = tuple(sorted(set(school))), int(when.min()), int(when.max())
    years = tuple(range(first, last + 1))
    size = len(schools) * len(grades) * len(years)
    if size > MOST_CELLS:
        raise Refused("insight.rolls_large", _LARGE, value=size, limit=MOST_CELLS)
    of_school, of_grade = ({name: place for place, name in enumerate(names)} for names in (schools, grades))
    at = (np.array([of_school[one] for one in school]), np.array([of_grade[one] for one in grade]), when - first)
    _once(at, school, grade, when, len(grades), len(years))
    whole = np.full((len(schools), len(grades), len(years)), np.nan)
    whole[at] = count
    _check_last(whole, years)
    missing = [str(years[place]) for place in np.flatnonzero(np.isnan(whole).all((0, 1)))]
    notes = (Note("years_missing", ", ".join(missing), weight="doubt"),) if missing else ()
    named = areas or {}
    return Rolls(whole, schools, tuple(grades), years, tuple(named.get(one, "") for one in schools), notes=notes)


def _check(school: Sequence[str], grade: Sequence[str], year: NDArray[np.int64], pupils: Floats) -> None:
    wrong = np.flatnonzero((year < 1850) | (year > 2150))
    if len(wrong):
        raise Refused("insight.year_wrong", _YEAR, value=int(year[wrong[0]]), limit="1850, 2150")
    below = np.flatnonzero((pupils < 0) | np.isinf(pupils))
    if len(below):
        where = f"{school[below[0]]}, {grade[below[0]]}, {year[below[0]]}"
        raise Refused("insight.roll_negative", _NEGATIVE, value=float(pupils[below[0]]), limit=where)
    known = len(np.unique(year[~np.isnan(pupils)]))
    if known < LEAST_YEARS:
        raise Refused("insight.years_short", _SHORT, value=known, limit=LEAST_YEARS)


def _check_last(whole: Floats, years: tuple[int, ...]) -> None:
    """A last year that is half there would be read as schools that closed."""
    there = ~np.isnan(whole).all(1)
    before, now = int(there[:, -2].sum()), int((there[:, -1] & there[:, -2]).sum())
    if 2 * now < before:
        raise Refused("insight.last_year", _LAST, value=years[-1], limit=f"{now}/{before}")


def _once(at: tuple[NDArray[np.int64], ...], school: Sequence[str], grade: Sequence[str], year: NDArray[np.int64],
          grades: int, years: int) -> None:  # fmt: skip
    cell = (at[0] * grades + at[1]) * years + at[2]
    _, first, many = np.unique(cell, return_index=True, return_counts=True)
    if (many > 1).any():
        row = first[many > 1][0]
        raise Refused("insight.roll_twice", _TWICE, value=f"{school[row]}, {grade[row]}, {year[row]}",
                      limit=int((many > 1).sum()))  # fmt: skip
