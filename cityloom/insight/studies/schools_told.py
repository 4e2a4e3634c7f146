"""What a study of schools tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.domain.study.tables import Table

_TOLD_SCHOOLS = 5


def tell(study: Study) -> Sequence[Block]:
    """The answer first; then how good such forecasts were, where places are short, and why."""
    return [*_answer(study), *_district(study), *_places(study), *_quality(study), *_why(study)]


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
            found.append(Says(
                _("Likely to be short of places then: {short} of {schools} schools (with at least one chance in five: "
                  "{may_be_short}). To be expected without a place at their school: {missing} pupils; free "
                  "elsewhere: {spare} "
                  "places."), whole))  # fmt: skip
    return found


def _district(study: Study) -> list[Block]:
    return [ChartOf(_("Pupils of all schools"), "district", "line", "year", "expected", "low", "high", "counted",
                    x_title=_("Year"), y_title=_("Pupils"))]  # fmt: skip


def _places(study: Study) -> list[Block]:
    gaps, warned = study.step("gaps").table, study.step("warnings").table
    if not gaps.rows:
        return []
    found: list[Block] = [Heading(_("Where places will be short"))]
    if not warned.rows:
        found.append(Says(_("No school and no area has a chance of one in five or more to be short of places.")))
    found += [_warning(warned, row) for row in range(min(warned.rows, _TOLD_SCHOOLS))]
    if warned.rows:
        found.append(
            TableOf(
                _("Early warning: the most pupils without a place first"),
                "warnings",
                (
                    Shown("group", _("School or area"), "word"),
                    Shown("phase", _("Grades"), "word"),
                    Shown("year", _("Year"), "word"),
                    Shown("short", _("Chance to be short"), "percent", 0),
                    Shown("missing", _("Pupils without a place"), places=1),
                    Shown("pupils", _("Pupils"), "whole"),
                    Shown("places", _("Places"), "whole"),
                    Shown("cohort", _("Grade that adds most"), "word"),
                    Shown("adds", _("It adds"), "whole"),
                    Shown("entered", _("That cohort enters in"), "word"),
                ),
                sort="rank",
                most=40,
            )
        )
    last = str(int(gaps["ahead"].max()))
    found.append(
        ChartOf(
            _("Pupils beside places at the last horizon"),
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
            where={"of": "school", "ahead": last},
        )
    )
    if (~np.isnan(gaps["lon"])).any():
        found.append(MapOf(_("Chance to be short"), "gaps", "short", "lon", "lat", label="group", size="missing",
                           where={"of": "school", "ahead": last}))  # fmt: skip
    if any(one == "area" for one in gaps["of"].tolist()):
        found.append(TableOf(_("Places against pupils by planning area"), "gaps", _COLUMNS, where={"of": "area"}))
    found.append(TableOf(_("Places against pupils by school"), "gaps", _COLUMNS, sort="-short", where={"of": "school"}))
    return found


_COLUMNS = (
    Shown("group", _("School or area"), "word"), Shown("phase", _("Grades"), "word"), Shown("year", _("Year"), "word"),
    Shown("pupils", _("Pupils"), "whole"), Shown("low", _("At least"), "whole"), Shown("high", _("At most"), "whole"),
    Shown("places", _("Places"), "whole"), Shown("spare", _("Places left over"), "whole"),
    Shown("short", _("Chance to be short"), "percent", 0),
)  # fmt: skip


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


def _quality(study: Study) -> list[Block]:
    tested = study.step("backtest").table
    if not tested.rows:
        return []
    found: list[Block] = [Heading(_("How far off such forecasts were"))]
    for ahead in sorted({int(one) for one in study.question.get("horizons", (1, 3, 6))}):
        key = ("this forecast", "district", str(ahead))
        if key not in tested.names():
            continue
        at = {name: Number(Cell("backtest", key, name), places=1, unit="%") for name in ("error_pct", "bias_pct")}
        found.append(
            Says(
                _(
                    "{ahead} year(s) ahead, made from {origins} earlier years: the total was off by {error_pct} on "
                    "average (bias "
                    "{bias_pct}); the interval held the count in {covered} of them."
                ),
                at
                | {
                    "origins": Number(Cell("backtest", key, "origins"), "whole"),
                    "covered": Number(Cell("backtest", key, "covered"), "percent", 0),
                },
                {"ahead": str(ahead)},
            )
        )
    found.append(TableOf(_("Errors of forecasts from earlier years, beside plain methods"), "backtest", (
        Shown("method", _("Method"), "word"), Shown("ahead", _("Years ahead"), "whole"),
        Shown("origins", _("Origins"), "whole"), Shown("error_pct", _("Mean error, %"), places=2),
        Shown("bias_pct", _("Bias, %"), places=2), Shown("covered", _("Inside the interval"), "percent", 0),
    ), sort="ahead", where={"of": "district"}))  # fmt: skip
    found.append(
        TableOf(
            _("Errors by grade, school and grade of a school"),
            "backtest",
            (
                Shown("of", _("Of"), "word"),
                Shown("ahead", _("Years ahead"), "whole"),
                Shown("judged", _("Forecasts"), "whole"),
                Shown("error_pct", _("Mean error, %"), places=2),
                Shown("covered", _("Inside the interval"), "percent", 0),
            ),
            where={"method": "this forecast"},
        )
    )
    return found


def _why(study: Study) -> list[Block]:
    return [
        Heading(_("What it rests on")),
        ChartOf(
            _("Births and entries"),
            "entry",
            "line",
            "year",
            "births",
            measured="entered",
            x_title=_("Year of entry"),
            y_title=_("Births and pupils"),
        ),
        TableOf(
            _("How grades move on"),
            "ratios",
            (
                Shown("grade", _("Grade"), "word"),
                Shown("after", _("Comes from"), "word"),
                Shown("last_year", _("Ratio of the last year"), places=3),
                Shown("used", _("Ratio that is used"), places=3),
                Shown("drift", _("Drift a year"), places=4),
                Shown("spread", _("Spread of years"), places=3),
            ),
        ),
        TableOf(
            _("Forecast by school"),
            "forecast",
            (
                Shown("series", _("School"), "word"),
                Shown("period", _("Year"), "word"),
                Shown("value", _("Pupils"), "whole"),
                Shown("low", _("At least"), "whole"),
                Shown("high", _("At most"), "whole"),
            ),
            most=120,
            where={"of": "school"},
        ),
    ]
