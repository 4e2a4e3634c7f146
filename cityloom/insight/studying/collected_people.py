"""People by district, sex and age from the registers, as the gate gives them: withheld, rounded, and by broad ages.

Nothing is opened and nobody is named. Districts are units of the city's tree; people are counted inside the keeper,
each in one group a month. Single years of age are then estimated from the four bands that the keeper knows.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cityloom.accounts import queries as accounts
from cityloom.gate import queries as gate
from cityloom.insight.domain.people.broad import BANDS, LAST_AGE, single_years
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

Ints = NDArray[np.int64]
_AT_ONCE = 1_000_000
_NO_PEOPLE = "The registers hold no residents, so nobody can be counted; load them, or use a file of people."
_LARGE = "A district has {value} residents, and at most {limit} are counted as one group; divide the district."
_SEXES = ("female", "male")


@dataclass(frozen=True)
class Collected:
    """What was written: how many cells are withheld, how many people did not say their sex, whether all is made up."""

    files: Sequence[Path]
    districts: int
    people: int
    withheld: int
    not_said: int
    made_up: bool


def collect(folder: Path, *, by: Actor) -> Collected:
    """Write `counts.csv` (as the gate gave it) and `base.csv` (by single year, estimated) into a folder.

    Raises: Refused `city.none`, `insight.no_residents`, `insight.district_large`, `gate.counted_already`.
    """
    city = registers.loaded_city()
    names, subjects, groups = _residents()
    if not len(subjects):
        raise Refused("insight.no_residents", _NO_PEOPLE)
    found = list(_counted(subjects, groups, by))
    people = np.concatenate([one.people for one in found])
    cells = np.concatenate([one.by_sex_and_age for one in found], axis=-1)
    which = [names[int(group)] for one in found for group in one.groups]
    folder.mkdir(parents=True, exist_ok=True)
    made_up = int(city.is_synthetic)
    files = (_write_counts(folder / "counts.csv", which, people, cells, made_up),
             _write_base(folder / "base.csv", which, cells, made_up))  # fmt: skip
    return Collected(files, len(which), int(np.maximum(people, 0).sum()), int((cells[:2] < 0).sum()),
                     int(np.maximum(cells[2], 0).sum()), city.is_synthetic)  # fmt: skip


def by_district(*, by: Actor) -> tuple[list[str], Ints]:
    """Names of districts with their people as the gate gives them: the same question as `collect`; -1 is withheld.

    Raises: Refused `insight.no_residents`, `insight.district_large`, `gate.counted_already`.
    """
    names, subjects, groups = _residents()
    if not len(subjects):
        raise Refused("insight.no_residents", _NO_PEOPLE)
    found = list(_counted(subjects, groups, by))
    return ([names[int(group)] for one in found for group in one.groups],
            np.concatenate([one.people for one in found]))  # fmt: skip


def district_names(units: Sequence[str]) -> list[str]:
    """What the district above each unit is called."""
    districts = {one: name for one, kind, name, _zh in accounts.districts() if kind == "district"}
    return [districts.get(name := _district(unit, districts), name) for unit in units]


def _residents() -> tuple[list[str], Ints, Ints]:
    """Names of districts, and for each resident the subject and the place of the district."""
    subjects, place, units = registers.residents_by_unit()
    districts = {one: name for one, kind, name, _zh in accounts.districts() if kind == "district"}
    names = sorted({_district(unit, districts) for unit in units})
    places = {name: place for place, name in enumerate(names)}
    of_unit = np.array([places[_district(unit, districts)] for unit in units], np.int64)
    return [districts.get(name, name) for name in names], subjects, of_unit[place]


def _district(unit: str, districts: dict[str, str]) -> str:
    """The district above a unit; the unit's own root where there are no districts."""
    parts = unit.split("/")
    for end in range(len(parts), 0, -1):
        if (above := "/".join(parts[:end])) in districts:
            return above
    return parts[0] or "city"


def _counted(subjects: Ints, groups: Ints, by: Actor) -> Iterator[gate.PeopleCounts]:
    """Whole districts, as many at once as one question takes; no district is divided between two."""
    order = np.argsort(groups, kind="stable")
    sizes = np.bincount(groups)
    if sizes.max() > _AT_ONCE:
        raise Refused("insight.district_large", _LARGE, value=f"{int(sizes.max()):,}", limit=f"{_AT_ONCE:,}")
    ends, first = np.cumsum(sizes), 0
    while first < len(order):
        last = int(ends[np.searchsorted(ends, first + _AT_ONCE, side="right") - 1])
        rows = order[first:last]
        yield gate.count_people(subjects[rows], groups[rows], by=by)
        first = last


def _write_counts(path: Path, which: Sequence[str], people: Ints, cells: Ints, made_up: int) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["district", "sex", "group", "people", "made_up"])
        for place, name in enumerate(which):
            rows.writerow([name, "all", "all", _shown(people[place]), made_up])
            rows.writerows([name, sex, band, _shown(cells[at, age, place]), made_up]
                           for at, sex in enumerate((*_SEXES, "not said"))
                           for age, band in enumerate(BANDS))  # fmt: skip
    return path


def _write_base(path: Path, which: Sequence[str], cells: Ints, made_up: int) -> Path:
    """By single year; ages of a band that is withheld have no number."""
    bands = np.where(cells[:2] < 0, np.nan, cells[:2]).transpose(2, 0, 1)
    years = single_years(bands)
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["district", "sex", "age", "people", "estimated", "made_up"])
        for place, name in enumerate(which):
            rows.writerows([name, sex, age, "" if np.isnan(people) else round(float(people), 2), 1, made_up]
                           for at, sex in enumerate(_SEXES)
                           for age, people in zip(range(LAST_AGE + 1), years[place, at], strict=True))  # fmt: skip
    return path


def _shown(count: int) -> str:
    return "" if count < 0 else str(int(count))
