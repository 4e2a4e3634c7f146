"""What a population would ask for at known rates: attendances a year by district, and how sure the people are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from cityloom.insight.domain.people.cells import sexes, whole_ages
from cityloom.insight.domain.study.tables import Column, Table
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
ALL = "all"
_NO_COLUMN = "The table of people lacks one of the columns {value}; add it, or name one so."
_UNKNOWN = "People and rates must be known and at least 0; row {value} is not."
_NO_RATE = "There is no rate for the age group that begins at {value}; give rates from age 0 on."
_NO_YEARS = "There are no people in the table, once all rows of sums are left out; give people by age group."
_EIGHTY = float(2 * norm.ppf(0.9))


@dataclass(frozen=True)
class Expected:
    """Attendances a year at the given rates, (districts, years), and their relative spread, one a year (years,)."""

    districts: Sequence[str]
    years: NDArray[np.int64]
    attendances: Floats
    people: Floats
    spread: Floats
    has_spread: bool


def expected_of(people: Table, rates: Table) -> Expected:
    """Attendances from people by district, year and age (or group), and rates by age, and by sex where given.

    The number of people is in `people`, `median` or `central`; `low80` and `high80` are its interval, taken as moving
    together in all groups of a year, which is the careful way. Rows of sums (all) are left out.

    Raises: Refused `insight.no_people_column`, `insight.people_unknown`, `insight.no_rate`, `insight.no_people`.
    """
    name = _first(people, ("people", "median", "central"))
    rows = _single(people)
    counts = np.asarray(people[name], np.float64)[rows]
    age = _ages(people, rows)
    factor = _rate_of(rates, age, sexes(people)[rows] if "sex" in people.columns else None)
    bad = ~np.isfinite(counts) | (counts < 0)
    if bad.any():
        raise Refused("insight.people_unknown", _UNKNOWN, value=int(np.flatnonzero(rows)[np.flatnonzero(bad)[0]]) + 1)
    names, district = np.unique(_districts(people)[rows], return_inverse=True)
    years, year = np.unique(np.asarray(people["year"], np.int64)[rows], return_inverse=True)
    place, shape = district * len(years) + year, (len(names), len(years))
    asked, living = (np.bincount(place, one, shape[0] * shape[1]).reshape(shape) for one in (counts * factor, counts))
    spread, has_spread = np.zeros(len(years)), "low80" in people.columns and "high80" in people.columns
    if has_spread:
        wide = (np.asarray(people["high80"], float) - np.asarray(people["low80"], float))[rows] / _EIGHTY
        spread = np.bincount(year, np.nan_to_num(wide) * factor, len(years)) / np.maximum(asked.sum(0), 1e-9)
    return Expected([str(one) for one in names], years, asked, living, spread, has_spread)


def _first(table: Table, names: Sequence[str]) -> str:
    for one in names:
        if one in table.columns:
            return one
    raise Refused("insight.no_people_column", _NO_COLUMN, value=", ".join(names))


def _districts(people: Table) -> Column:
    return people["district"].astype(str) if "district" in people.columns else np.full(people.rows, "city", object)


def _single(people: Table) -> NDArray[np.bool_]:
    """Rows that are no sums of others."""
    rows = np.ones(people.rows, bool)
    for name in ("district", "group", "age"):
        if name in people.columns and people[name].dtype == object:
            words = people[name].astype(str)
            if name != "district" or len(np.unique(words)) > 1:
                rows &= words != ALL
    if not rows.any():
        raise Refused("insight.no_people", _NO_YEARS)
    return rows


def _ages(people: Table, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Where the age group of each row begins."""
    name = _first(people, ("age", "group"))
    words = [str(one).split("-")[0] for one in people[name][rows].tolist()]
    starts = np.empty(len(words), object)
    starts[:] = words
    return whole_ages(Table({"age": starts}, ()))


def _rate_of(rates: Table, age: NDArray[np.int64], sex: NDArray[np.int64] | None) -> Floats:
    """The rate of each row: that of the group in which its age begins; both sexes together have the mean of two."""
    values, starts = np.asarray(rates["rate"], np.float64), whole_ages(rates)
    bad = ~np.isfinite(values) | (values < 0)
    if bad.any():
        raise Refused("insight.people_unknown", _UNKNOWN, value=int(np.flatnonzero(bad)[0]) + 1)
    own = sexes(rates) if "sex" in rates.columns else None
    found = [_step(starts[own == one], values[own == one], age) if own is not None else _step(starts, values, age)
             for one in (0, 1)]  # fmt: skip
    return (found[0] + found[1]) / 2 if sex is None else np.where(sex == 0, *found)


def _step(starts: NDArray[np.int64], values: Floats, age: NDArray[np.int64]) -> Floats:
    order = np.argsort(starts)
    place = np.searchsorted(starts[order], age, side="right") - 1
    if (place < 0).any():
        raise Refused("insight.no_rate", _NO_RATE, value=int(age[place < 0][0]))
    return values[order][place]
