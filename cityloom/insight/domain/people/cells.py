"""Rows of tables as arrays by district, sex and age, and the ages of rates fitted to those of people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.study.tables import Table
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FEMALE, MALE = 0, 1
_SEXES = {"female": FEMALE, "f": FEMALE, "women": FEMALE, "woman": FEMALE, "女": FEMALE, "2": FEMALE,
          "male": MALE, "m": MALE, "men": MALE, "man": MALE, "男": MALE, "1": MALE}  # fmt: skip
MOST_DISTRICTS = 5_000
MOST_AGES = 121
_SEX = "The sex {value} is not known; write female or male."
_GAP = "People by age want every group from 0 on, all of one year or all of five; the groups here begin at {value}."
_MISSING = "There are no people for {value}; give each district both sexes and every age, 0 where there is nobody."
_SUMS = "Rows of the district all would be counted twice; leave sums out of the people at the start."
_MANY = "There are {value} districts; at most {limit} can be projected at once."
_UNKNOWN_DISTRICT = "The district {value} is not among those of the people; they are called {limit}."
_WHOLE = "Ages are whole numbers from 0 to {limit}; there is {value}."
_RATE = "Each rate must be known and at least 0; there is {value} in row {limit}."
_NO_RATES = "There are no rates for {value}; give rates for both sexes and from age 0 on."
_TWICE = "Row {value} says again what a row before it said of the same age, sex, district and year; leave one out."
_YEAR = "There are no rates for {value} or before; the first year that is needed has to be there."


@dataclass(frozen=True)
class Base:
    """People (districts, 2, ages) at the start, groups of `width` years, and how many cells were not known."""

    districts: Sequence[str]
    ages: Ints
    people: Floats
    width: int
    unknown: int


def base_of(table: Table) -> Base:
    """People by district, sex and age. A cell whose number is unknown counts as 0, and is counted.

    Raises: Refused `insight.ages_have_gaps`, `insight.cells_missing`, `insight.too_many_districts`, `insight.bad_sex`,
    `insight.bad_age`, `insight.people_bad`, `insight.sums_among_people`.
    """
    names, district = np.unique(table["district"].astype(str), return_inverse=True)
    if "all" in names:
        raise Refused("insight.sums_among_people", _SUMS)
    if len(names) > MOST_DISTRICTS:
        raise Refused("insight.too_many_districts", _MANY, value=len(names), limit=MOST_DISTRICTS)
    sex, age = sexes(table), whole_ages(table)
    ages = np.unique(age)
    steps = set(np.diff(ages).tolist())
    if ages[0] != 0 or len(ages) < 3 or steps not in ({1}, {5}):
        raise Refused("insight.ages_have_gaps", _GAP, value=", ".join(map(str, ages[:30].tolist())))
    people = np.full((len(names), 2, len(ages)), -1.0)
    values = np.asarray(table["people"], np.float64)
    known = np.isfinite(values)
    if (values[known] < 0).any():
        raise Refused("insight.people_bad", _RATE, value=float(np.nanmin(values)), limit=int(np.nanargmin(values)) + 1)
    people[district, sex, np.searchsorted(ages, age)] = np.where(known, values, 0)
    if (people < 0).any():
        where = np.argwhere(people < 0)[0]
        raise Refused("insight.cells_missing", _MISSING,
                      value=f"{names[where[0]]}, {('female', 'male')[where[1]]}, {ages[where[2]]}")  # fmt: skip
    return Base(names.tolist(), ages, people, steps.pop(), int((~known).sum()))


def sexes(table: Table) -> Ints:
    """0 for women, 1 for men. Raises: Refused `insight.bad_sex`."""
    words = [str(one).strip().lower() for one in table["sex"].tolist()]
    for word in words:
        if word not in _SEXES:
            raise Refused("insight.bad_sex", _SEX, value=word[:40])
    return np.array([_SEXES[word] for word in words], np.int64)


def whole_ages(table: Table) -> Ints:
    """Whole ages; 100+ is read as 100. Raises: Refused `insight.bad_age`."""
    found = []
    for one in table["age"].tolist():
        word = str(one).strip().removesuffix("+").removesuffix(".0")
        if not word.isascii() or not word.isdigit() or int(word) >= MOST_AGES:
            raise Refused("insight.bad_age", _WHOLE, value=str(one)[:40], limit=MOST_AGES - 1)
        found.append(int(word))
    return np.array(found, np.int64)


def places_in(table: Table, districts: Sequence[str]) -> Ints | None:
    """For each row the place of its district; None where the table has no districts.

    Raises: Refused `insight.unknown_district`.
    """
    if "district" not in table.columns:
        return None
    places = {name: place for place, name in enumerate(districts)}
    for one in table["district"].tolist():
        if str(one) not in places:
            raise Refused("insight.unknown_district", _UNKNOWN_DISTRICT, value=str(one)[:80],
                          limit=", ".join(districts)[:300])  # fmt: skip
    return np.array([places[str(one)] for one in table["district"].tolist()], np.int64)


@dataclass(frozen=True)
class Schedule:
    """Rates (years, districts or 1, 2 or 1, ages); in force from each of `years` on, until the next."""

    years: Ints
    starts: Ints
    rates: Floats

    def at(self, year: int) -> Floats:
        """The rates in force in a year. Raises: Refused `insight.year_missing`."""
        place = int(np.searchsorted(self.years, year, side="right")) - 1
        if place < 0:
            raise Refused("insight.year_missing", _YEAR, value=year)
        return self.rates[place]


def schedule_of(table: Table, value: str, districts: Sequence[str], *, by_sex: bool, signed: bool = False) -> Schedule:
    """Rates of a table by age, by sex where `by_sex`, and by district and year where it has such columns.

    Raises: Refused `insight.bad_rate`, `insight.rate_twice`, `insight.rates_missing`,
    `insight.unknown_district`, `insight.bad_age`.
    """
    values = np.asarray(table[value], np.float64)
    bad = ~np.isfinite(values) | ((values < 0) & (not signed))
    if bad.any():
        raise Refused("insight.bad_rate", _RATE, value=float(values[bad][0]), limit=int(np.flatnonzero(bad)[0]) + 1)
    age, place = whole_ages(table), places_in(table, districts)
    starts = np.unique(age)
    year = np.asarray(table["year"], np.int64) if "year" in table.columns else np.zeros(len(age), np.int64)
    years = np.unique(year)
    sex = sexes(table) if by_sex else np.zeros(len(age), np.int64)
    wide = 1 if place is None else len(districts)
    rates = np.full((len(years), wide, 2 if by_sex else 1, len(starts)), np.nan)
    at = (np.searchsorted(years, year), np.zeros(len(age), np.int64) if place is None else place, sex)
    place_of = (*at, np.searchsorted(starts, age))
    _once(np.ravel_multi_index(place_of, rates.shape))
    rates[place_of] = values
    if np.isnan(rates).any() and not signed:
        where = np.argwhere(np.isnan(rates))[0]
        named = [str(years[where[0]]) if "year" in table.columns else "", districts[where[1]] if wide > 1 else "",
                 ("female", "male")[where[2]] if by_sex else "", str(starts[where[3]])]  # fmt: skip
        raise Refused("insight.rates_missing", _NO_RATES, value=", ".join(filter(None, named)))
    return Schedule(years, starts, np.nan_to_num(rates))


def _once(cells: Ints) -> None:
    unique, first = np.unique(cells, return_index=True)
    if len(unique) < len(cells):
        again = int(np.setdiff1d(np.arange(len(cells)), first)[0]) + 1
        raise Refused("insight.rate_twice", _TWICE, value=again)


def at_ages(rates: Floats, starts: Ints, ages: Ints, width: int, *, ends: bool = False) -> Floats:
    """Rates (..., starts) of groups of `width` years at `ages`: the mean of what holds in each year; 0 outside.

    `ends`: the last group of the rates is as wide as the one before it; else it is open.
    """
    years = np.arange(int(ages[-1]) + width)
    place = np.searchsorted(starts, years, side="right") - 1
    found = np.where(place >= 0, rates[..., np.maximum(place, 0)], 0.0)
    if ends and len(starts) > 1:
        found = np.where(years < starts[-1] + (starts[-1] - starts[-2]), found, 0.0)
    return found.reshape(*found.shape[:-1], len(ages), width).mean(-1)


def counts_at_ages(counts: Floats, starts: Ints, ages: Ints, width: int) -> Floats:
    """Counts (..., starts) of groups put into those of `ages`; a broader group is spread evenly over its years."""
    last = max(int(ages[-1]) + width, int(starts[-1]) + 1)
    edges = np.append(starts, last)
    years = np.zeros((*counts.shape[:-1], last))
    for place, (first, end) in enumerate(pairwise(edges.tolist())):
        years[..., first:end] = counts[..., place, None] / (end - first)
    return np.add.reduceat(years, ages, axis=-1)
