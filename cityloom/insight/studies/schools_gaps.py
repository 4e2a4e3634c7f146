"""The steps of a study of schools that set places against pupils, each as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools.panel import Floats, Rolls
from cityloom.insight.domain.schools.places import Gap, gap, groups, growing, widened
from cityloom.insight.domain.study.foreseen import Foreseen
from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.schools_inputs import Given

_LEAST_WARNED = 0.2
"""The probability of being short from which on there is a warning."""


def gaps(
    found: Given,
    clean: Rolls,
    point: Floats,
    paths: Floats,
    widths: Mapping[str, Floats],
    ahead: Sequence[int],
    level: float,
) -> list[Gap]:
    """Places against pupils of each school, area and the district, by phase, so many years ahead."""
    made, named = [], groups(clean)
    for years in ahead:
        for phase in sorted({key[1] for key in found.places}):
            grades = list(found.phases.get(phase, range(len(clean.grades))))
            open_places = _open_places(found, clean, phase, years, point[..., years - 1].max(1) > 0)
            expected, drawn = point[:, grades, years - 1], paths[:, :, grades, years - 1].sum(2)
            for name, kind, among in named:
                inside = np.flatnonzero(among & ~np.isnan(open_places))
                here = expected[inside]
                if here.sum() <= 0:
                    continue
                width = float(widths["school" if kind == "school" else "district"][years - 1])
                wide = widened(drawn[:, inside].sum(1), here.sum(), width)
                now = np.nansum(clean.pupils[inside][:, grades, -1], 0)
                cohort = growing(now, here.sum(0), [clean.grades[one] for one in grades])
                total = float(open_places[inside].sum())
                made.append(gap((name, kind, phase), years, wide, float(here.sum()), total, level, cohort))
    return made


def _open_places(found: Given, clean: Rolls, phase: str, years: int, is_open: NDArray[np.bool_]) -> Floats:
    """Places of each school in a phase then: the last that are known by that year; 0 once it is closed, nan: not
    known.
    """
    when, places = clean.years[-1] + years, np.full(len(clean.schools), np.nan)
    for (school, of), own in found.places.items():
        if of == phase:
            places[school] = own[max((one for one in own if one <= when), default=min(own))] if is_open[school] else 0.0
    return places


def gaps_table(made: Sequence[Gap], clean: Rolls, named: Mapping[str, tuple[float, float]]) -> Table:
    """Places against pupils, a row for each group, phase and horizon."""
    unknown = (float("nan"), float("nan"))
    return table(
        ("of", "group", "phase", "ahead"),
        of=[one.kind for one in made],
        group=[one.group or "all schools" for one in made],
        phase=[one.phase or "all grades" for one in made],
        ahead=[one.ahead for one in made],
        year=[clean.years[-1] + one.ahead for one in made],
        pupils=[one.pupils for one in made],
        low=[one.low for one in made],
        high=[one.high for one in made],
        places=[one.places for one in made],
        spare=[one.places - one.pupils for one in made],
        short=[one.short for one in made],
        missing=[one.missing for one in made],
        cohort=[one.cohort or "-" for one in made],
        adds=[one.adds for one in made],
        lon=[named.get(one.group, unknown)[0] for one in made],
        lat=[named.get(one.group, unknown)[1] for one in made],
    )


def by_school_table(made: Sequence[Gap], clean: Rolls) -> Table:
    """A row for each group and phase: pupils now, and by year those expected, places and the chance to be short."""
    rows = dict.fromkeys((one.kind, one.group or "all schools", one.phase or "all grades") for one in made)
    columns: dict[str, list[object]] = {name: [] for name in ("of", "group", "phase")}
    for row in rows:
        for name, part in zip(columns, row, strict=True):
            columns[name].append(part)
    found = table(("of", "group", "phase"), **columns)
    wide = {name: found[name] for name in columns}
    for one in made:
        row = found.row_of((one.kind, one.group or "all schools", one.phase or "all grades"))
        values = {"pupils": one.pupils, "places": one.places, "short": one.short, "spare": one.places - one.pupils}
        for name, value in values.items():
            wide.setdefault(f"{name}_{clean.years[-1] + one.ahead}", np.full(len(rows), np.nan))[row] = value
    return Table(wide, ("of", "group", "phase"))


def warnings_table(made: Sequence[Gap], clean: Rolls) -> Table:
    """Groups that may be short, by the number of pupils who are to be expected without a place, the largest first."""
    warned = sorted((one for one in made if one.short >= _LEAST_WARNED and one.kind != "district"),
                    key=lambda one: (-one.missing, one.group, one.ahead))  # fmt: skip
    entered = [_entered(one, clean) for one in warned]
    return table("rank", rank=list(range(1, len(warned) + 1)), of=[one.kind for one in warned],
                 group=[one.group for one in warned], phase=[one.phase or "all grades" for one in warned],
                 year=[clean.years[-1] + one.ahead for one in warned], short=[one.short for one in warned],
                 missing=[one.missing for one in warned], pupils=[one.pupils for one in warned],
                 places=[one.places for one in warned], cohort=[one.cohort or "-" for one in warned],
                 adds=[one.adds for one in warned], entered=entered)  # fmt: skip


def _entered(one: Gap, clean: Rolls) -> int:
    """The year in which the cohort that makes a group short entered, or will enter, the first grade."""
    return clean.years[-1] + one.ahead - (clean.grades.index(one.cohort) if one.cohort else 0)


def summary_table(clean: Rolls, made: Sequence[Gap], forecast: Table, ahead: Sequence[int], likely: float) -> Table:
    """By horizon: pupils of the district, schools that are likely short, pupils without a place, places left over."""
    rows = []
    for years in ahead:
        schools = [one for one in made if one.kind == "school" and one.ahead == years]
        at = forecast.row_of(("all schools", clean.years[-1] + years))
        value, low, high = (float(forecast[name][at]) for name in ("value", "low", "high"))
        short = {one.group for one in schools if one.short >= likely}
        may = {one.group for one in schools if one.short >= _LEAST_WARNED}
        rows.append((years, clean.years[-1] + years, value, low, high, len({one.group for one in schools}), len(short),
                     len(may), sum(one.missing for one in schools),
                     sum(max(one.places - one.pupils, 0.0) for one in schools)))  # fmt: skip
    names = ("ahead", "year", "pupils", "low", "high", "schools", "short", "may_be_short", "missing", "spare")
    return table("ahead", **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def foreseen(study: Study) -> list[Foreseen]:
    """The schools and planning areas that may be short, for the risk brief: the worst twenty."""
    warned = study.step("warnings").table
    rows = range(min(warned.rows, MOST_FORESEEN))
    column = {name: warned[name].tolist() for name in ("group", "phase", "year", "short", "missing", "places")}
    return [
        Foreseen(_called(column["group"][one], column["phase"][one]), "places", str(column["year"][one]),
                 float(column["short"][one]), float(column["missing"][one]), float(column["places"][one]))
        for one in rows
    ]  # fmt: skip


def _called(group: str, phase: str) -> str:
    return group if phase == "all grades" else f"{group}, {phase}"


MOST_FORESEEN = 20
