"""What a study of schools tells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.domain.study.tables import Table
from cityloom.insight.studies.schools_tested import quality, reasons

_TOLD_SCHOOLS = 5


def tell(study: Study) -> Sequence[Block]:
    """The answer first; then how good such forecasts were, where places are short, and why."""
    return [*_answer(study), *_district(study), *_places(study), *quality(study), *reasons(study)]


def _answer(study: Study) -> list[Block]:
    summary = study.step("summary").table
    found: list[Block] = []
    level = f"{100 * float(study.step('forecast').given['level']):.0f}"
    for row, ahead in enumerate(summary["ahead"].tolist()):
        key = (str(ahead),)
        whole = {name: Number(Cell("summary", key, name), "whole") for name in summary.columns}
        found.append(
            Says(
                _("In {year} the schools have {pupils} pupils ({level} %: {low} to {high})."),
                whole | {"year": Number(Cell("summary", key, "year"), "word")},
                {"level": level},
                "answer",
            )
        )
        if summary["schools"][row]:
            sentence = _(
                "In {year} likely to be short of places: {short} of {schools} schools (with at least one chance "
                "in five: "
                "{may_be_short}). To be expected without a place at their school: {missing} pupils; free "
                "elsewhere: {spare} "
                "places."
            )
            found.append(Says(sentence, whole | {"year": Number(Cell("summary", key, "year"), "word")}))
    return found


def _district(study: Study) -> list[Block]:
    return [ChartOf(_("Pupils of all schools"), "district", "line", "year", "expected", "low", "high", "counted",
                    x_title=_("Year"), y_title=_("Pupils"))]  # fmt: skip


def _places(study: Study) -> list[Block]:
    gaps, warned = study.step("gaps").table, study.step("warnings").table
    if not gaps.rows:
        return []
    phases = len(set(gaps["phase"].tolist()))
    phase = (Shown("phase", _("Grades"), "word"),) if phases > 1 else ()
    found: list[Block] = [Heading(_("Where places will be short"))]
    if not warned.rows:
        found.append(Says(_("No school and no area has a chance of one in five or more to be short of places.")))
    first = {
        str(name): row for row, name in reversed(list(enumerate(warned["group"].tolist())))
    }  # the worst year of each
    found += [_warning(warned, row) for row in sorted(first.values())[:_TOLD_SCHOOLS]]
    if warned.rows:
        found.append(
            TableOf(
                _("Early warning: the most pupils without a place first"),
                "warnings",
                (
                    Shown("group", _("School or area"), "word"),
                    *phase,
                    Shown("year", _("Year"), "word"),
                    Shown("short", _("Chance to be short"), "percent", 0),
                    Shown("missing", _("Without a place"), places=1),
                    Shown("pupils", _("Pupils"), "whole"),
                    Shown("places", _("Places at schools"), "whole"),
                    Shown("cohort", _("Grade that grows most"), "word"),
                    Shown("adds", _("Grows by"), "whole"),
                    Shown("entered", _("Its entry year"), "word"),
                ),
                sort="rank",
                most=40,
            )
        )
    last = str(int(gaps["ahead"].max()))
    at = {"of": "school", "ahead": last}
    found.append(
        ChartOf(
            _("Pupils with their interval, and places (circles), at the last horizon"),
            "gaps",
            "intervals",
            "group",
            "pupils",
            "low",
            "high",
            "places",
            x_title=_("School"),
            y_title=_("Pupils"),
            sort="-short",
            where=at,
            measured_title=_("Places at schools"),
        )
    )
    if (~np.isnan(gaps["lon"])).any():
        found.append(
            MapOf(_("Chance to be short"), "gaps", "short", "lon", "lat", label="group", size="missing", where=at)
        )
    found += _free(gaps, last)
    years = sorted({str(one) for one in gaps["year"].tolist()})
    for of, titles in _BY_YEAR.items():
        if of in gaps["of"].tolist():
            found += [
                TableOf(
                    title, "by_school", _columns(name, years, of, phase), sort=f"-short_{years[-1]}", where={"of": of}
                )
                for name, title in zip(("pupils", "short"), titles, strict=True)
            ]
    return found


_BY_YEAR = {
    "area": (_("Pupils by planning area and year"), _("Chance to be short by planning area and year")),
    "school": (_("Pupils by school and year"), _("Chance to be short by school and year")),
}


def _columns(name: str, years: Sequence[str], of: str, phase: Sequence[Shown]) -> tuple[Shown, ...]:
    """A column for each year, and the places of the last."""
    form: Literal["percent", "whole"] = "percent" if name == "short" else "whole"
    named = [Shown("group", _("School") if of == "school" else _("Planning area"), "word"), *phase]
    places = (Shown(f"places_{years[-1]}", _("Places at schools"), "whole"),) if name == "pupils" else ()
    return (*named, *(Shown(f"{name}_{year}", year, form, 0) for year in years), *places)


def _free(gaps: Table, last: str) -> list[Block]:
    """The school with most places left over, where that is a sixth of them or more: rolls fall, too."""
    rows = [row for row, of in enumerate(gaps["of"].tolist()) if of == "school" and str(gaps["ahead"][row]) == last]
    row = max(rows, key=lambda one: float(gaps["spare"][one]), default=-1)
    if row < 0 or float(gaps["spare"][row]) < float(gaps["places"][row]) / 6:
        return []
    key = tuple(str(gaps[name][row]) for name in gaps.key)
    numbers = {name: Number(Cell("gaps", key, name), "whole") for name in ("spare", "places")}
    return [
        Says(_("Most places are left over at {school}: {spare} of {places} in {year}."),
             numbers | {"year": Number(Cell("gaps", key, "year"), "word")}, {"school": str(gaps["group"][row])})
    ]  # fmt: skip


def _warning(warned: Table, row: int) -> Block:
    key = (str(warned["rank"][row]),)
    names = {"school": str(warned["group"][row]), "grade": str(warned["cohort"][row])}
    numbers = {name: Number(Cell("warnings", key, name), "whole") for name in ("pupils", "places", "adds")}
    numbers |= {name: Number(Cell("warnings", key, name), "word") for name in ("year", "entered")}
    numbers["short"] = Number(Cell("warnings", key, "short"), "percent", 0)
    if warned["cohort"][row] == "-":
        return Says(_("{school}: {pupils} pupils for {places} places in {year}, short with a probability of {short}."),
                    numbers, names)  # fmt: skip
    return Says(
        _(
            "{school}: {pupils} pupils for {places} places in {year}, short with a probability of "
            "{short}; most is added "
            "by grade {grade}, {adds} more than it has now: those of the entry year {entered}."
        ),
        numbers,
        names,
    )
