"""The tables of a study of schools as its mathematics takes them, and what has to be said of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cityloom.insight.domain.schools import births as born
from cityloom.insight.domain.schools import grades as graded
from cityloom.insight.domain.schools import moves
from cityloom.insight.domain.schools.panel import Floats, Rolls, panel
from cityloom.insight.domain.study.study import Note
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.sheets import Sheet
from cityloom.kernel.refused import Refused

USUAL: Mapping[str, Mapping[str, Sequence[str]]] = {
    "rolls": {
        "school": ("school_name", "schools", "学校", "学校名称"),
        "grade": ("year_group", "class", "grade_level", "年级"),
        "year": ("school_year", "academic_year", "学年", "年份", "年"),
        "pupils": ("students", "enrolment", "enrollment", "roll", "headcount", "学生数", "在校生数", "在校生"),
        "area": ("planning_area", "district", "学区", "片区", "区域"),
    },
    "births": {"year": ("birth_year", "年份", "年"), "births": ("live_births", "born", "number", "出生人数", "出生数"),
               "area": ("planning_area", "district", "学区", "片区")},
    "places": {"school": ("school_name", "学校", "学校名称"), "year": ("school_year", "学年", "年份", "年"),
               "places": ("capacity", "seats", "学位", "学位数"), "phase": ("grade_phase", "学段"),
               "area": ("planning_area", "district", "学区", "片区"), "lon": ("longitude", "lng", "经度"),
               "lat": ("latitude", "纬度")},
    "housing": {"school": ("area", "school_or_area", "学校", "片区"), "year": ("completed", "年份", "年"),
                "dwellings": ("homes", "units", "套数"), "yield": ("pupils_per_dwelling", "每套学生数")},
    "changes": {"school": ("学校",), "year": ("年份", "年"), "change": ("kind", "what", "变动"),
                "other": ("receiving", "from", "to", "对方学校"), "share": ("比例",), "grade": ("年级",)},
}  # fmt: skip
_NEGATIVE = "There are {value} places at {limit}; places cannot be below zero. Correct the row, or leave it out."
_NO_YIELD = "New dwellings at {value} have no yield; say how many pupils one brings, in the column yield or as {limit}."
_NO_PHASE = "The places name the phase {value}, which the question's phases do not; it has {limit}."
_NOWHERE = "The table {limit} names {value}, which is neither a school nor an area of the rolls."
_BIRTHS = "There are {value} births in {limit}; births cannot be below zero. Correct the row, or leave it out."


@dataclass(frozen=True)
class Given:
    """What a study of schools is worked from. `places` are by school (place in the rolls), phase and year."""

    rolls: Rolls
    births: Mapping[int, float]
    lags: Mapping[int, float]
    places: Mapping[tuple[int, str], Mapping[int, float]]
    phases: Mapping[str, tuple[int, ...]]
    changes: Sequence[moves.Change]
    housing: tuple[list[str], list[int], list[float], list[float]] | None
    where: Mapping[str, tuple[float, float]]
    notes: list[Note] = field(default_factory=list)


def given(question: Mapping[str, Any], inputs: Mapping[str, Table]) -> Given:
    """Read and check the tables.

    Raises: Refused, as the tables and the mathematics say.
    """
    sheets = {name: Sheet(name, inputs[name], USUAL[name], dict(question.get("columns", {})).get(name, {}))
              for name in USUAL if name in inputs}  # fmt: skip
    notes: list[Note] = []
    rolls = _rolls(sheets["rolls"], question, notes)
    births = _births(sheets.get("births"))
    lags = _lags(question, rolls, births, notes)
    phases = _phases(question, rolls)
    areas = _areas(sheets.get("places"))
    changes = _changes(sheets.get("changes"))
    rolls = moves.with_opened(_named(rolls, areas), changes, areas)
    places = _places(sheets.get("places"), rolls, phases, notes)
    housing = _housing(sheets.get("housing"), rolls, question)
    return Given(rolls, births, lags, places, phases, changes, housing, _where(sheets.get("places")), notes)


def _rolls(sheet: Sheet, question: Mapping[str, Any], notes: list[Note]) -> Rolls:
    school, grade, pupils = sheet.words("school"), sheet.words("grade"), sheet.numbers("pupils")
    order, guessed = graded.in_order(grade, tuple(str(one) for one in question.get("grades", ())))
    if guessed:
        notes.append(Note("grades_guessed", ", ".join(order)))
    areas = dict(zip(school, sheet.words("area"), strict=True)) if "area" in sheet else {}
    return panel(school, grade, sheet.wholes("year"), pupils.tolist(), order, areas)


def _phases(question: Mapping[str, Any], rolls: Rolls) -> dict[str, tuple[int, ...]]:
    said = dict(question.get("phases", {})).items()
    return {name: tuple(rolls.grades.index(one) for one in own if one in rolls.grades) for name, own in said}


def _births(sheet: Sheet | None) -> dict[int, float]:
    found: dict[int, float] = {}
    if sheet is None:
        return found
    for year, count in zip(sheet.wholes("year"), sheet.numbers("births").tolist(), strict=True):
        if count < 0 or np.isinf(count):
            raise Refused("insight.births_negative", _BIRTHS, value=count, limit=year)
        if not np.isnan(count):
            found[year] = found.get(year, 0.0) + count  # of several areas: all together
    return found


def _lags(
    question: Mapping[str, Any], rolls: Rolls, births: Mapping[int, float], notes: list[Note]
) -> dict[int, float]:
    if not births:
        notes.append(Note("no_births", weight="doubt"))
        return {}
    if said := question.get("lags"):
        total = sum(float(one) for one in said.values())
        return {int(lag): float(share) / total for lag, share in said.items()} if total > 0 else {}
    age = int(question.get("entry_age") or graded.entry_age(rolls.grades[0]))
    month = int(question.get("entry_month", 9))
    if not question.get("entry_age"):
        notes.append(Note("age_guessed", age, rolls.grades[0]))
    lags = born.lags_of(age, month)
    first = rolls.years[-1] - max(lags)
    if min(births) > first - 1 or max(births) < rolls.years[-1] - max(lags):
        notes.append(Note("births_short", f"{min(births)}-{max(births)}", max(lags), "doubt"))
    return lags


def _areas(sheet: Sheet | None) -> dict[str, str]:
    if sheet is None or "area" not in sheet:
        return {}
    return {school: area for school, area in zip(sheet.words("school"), sheet.words("area"), strict=True) if area}


def _named(rolls: Rolls, areas: Mapping[str, str]) -> Rolls:
    named = tuple(own or areas.get(school, "") for own, school in zip(rolls.areas, rolls.schools, strict=True))
    return Rolls(rolls.pupils, rolls.schools, rolls.grades, rolls.years, named, rolls.doubtful, rolls.notes)


def _places(sheet: Sheet | None, rolls: Rolls, phases: Mapping[str, tuple[int, ...]], notes: list[Note]
            ) -> dict[tuple[int, str], dict[int, float]]:  # fmt: skip
    found: dict[tuple[int, str], dict[int, float]] = {}
    if sheet is None:
        notes.append(Note("no_places", weight="doubt"))
        return found
    count = sheet.numbers("places")
    years = sheet.numbers("year") if "year" in sheet else np.full(len(count), np.nan)
    named = sheet.words("phase") if "phase" in sheet else [""] * len(count)
    unknown = set()
    for school, phase, year, many in zip(sheet.words("school"), named, years.tolist(), count.tolist(), strict=True):
        if many < 0 or np.isinf(many):
            raise Refused("insight.places_negative", _NEGATIVE, value=many, limit=school[:80])
        if phase and phase not in phases:
            raise Refused(
                "insight.phase_unknown", _NO_PHASE, value=phase[:40], limit=", ".join(filter(None, phases)) or "-"
            )
        if school not in rolls.schools:
            unknown.add(school)
        elif not np.isnan(many):
            when = rolls.years[-1] if np.isnan(year) else int(year)
            found.setdefault((rolls.schools.index(school), phase), {})[when] = many
    if unknown:
        notes.append(Note("places_unknown", ", ".join(sorted(unknown))[:200], weight="doubt"))
    still = ~np.isnan(rolls.pupils[:, :, -1]).all(1)
    without = [
        name for place, name in enumerate(rolls.schools) if still[place] and not any(key[0] == place for key in found)
    ]
    if without:
        notes.append(Note("without_places", ", ".join(without)[:200], weight="doubt"))
    return found


def _changes(sheet: Sheet | None) -> list[moves.Change]:
    if sheet is None:
        return []
    many = len(sheet.words("school"))
    others, grades = (sheet.words(name) if name in sheet else [""] * many for name in ("other", "grade"))
    share = sheet.numbers("share") if "share" in sheet else np.ones(many)
    share = np.where(np.isnan(share), 1.0, share)
    rows = zip(sheet.words("school"), sheet.wholes("year"), sheet.words("change"), others, share.tolist(), grades,
               strict=True)  # fmt: skip
    return [moves.Change(*one) for one in rows]


def _housing(sheet: Sheet | None, rolls: Rolls, question: Mapping[str, Any]
             ) -> tuple[list[str], list[int], list[float], list[float]] | None:  # fmt: skip
    if sheet is None:
        return None
    names, built = sheet.words("school"), sheet.numbers("dwellings")
    usual = question.get("pupils_per_dwelling")
    each = sheet.numbers("yield") if "yield" in sheet else np.full(len(names), np.nan)
    each = np.where(np.isnan(each), np.nan if usual is None else float(usual), each)
    for name, pupils in zip(names, each.tolist(), strict=True):
        if name not in rolls.schools and name not in rolls.areas:
            raise Refused("insight.place_unknown", _NOWHERE, value=name[:80], limit=sheet.name)
        if np.isnan(pupils):
            raise Refused("insight.yield_missing", _NO_YIELD, value=name[:80], limit="pupils_per_dwelling")
    return names, sheet.wholes("year"), np.nan_to_num(built).tolist(), each.tolist()


def arrivals_of(found: Given, years: Sequence[int]) -> Floats | None:
    """Pupils of new dwellings in these years, if dwellings are given."""
    return None if found.housing is None else moves.arrivals(found.rolls, *found.housing, years)


def _where(sheet: Sheet | None) -> dict[str, tuple[float, float]]:
    if sheet is None or "lon" not in sheet or "lat" not in sheet:
        return {}
    every = zip(sheet.words("school"), sheet.numbers("lon").tolist(), sheet.numbers("lat").tolist(), strict=True)
    return {name: (lon, lat) for name, lon, lat in every if not np.isnan(lon + lat)}
