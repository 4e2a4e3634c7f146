"""What a study of the kind `people` tells: the answer with its range, ages, districts, births, where change is from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, MapOf, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.studies.people_steps import ALL

NOTES = {
    "how": _("Each figure is a projection, not a forecast of what will be decided: it says what follows if rates go on "
             "as given, and the range in which 80 or 95 of 100 futures lie if they vary as given."),
    "unknown_cells": _("{value} cells of people at the start are not known, as small counts are withheld; they count "
                       "as 0, so that the figures are a little too low."),
    "estimated": _("{value} % of the cells at the start were estimated from broader age groups; figures by single "
                   "year are no finer than that."),
    "assumed_spread": _("How much these vary is assumed, and not fitted to the city's own past: {value}. Give past "
                        "years to have the range from them."),
    "no_migration": _("No migration is given, so none is assumed; only its uncertainty is in the range."),
    "raked": _("In {value} of {limit} steps all districts are scaled to the city's own projection; the range is scaled "
               "with them."),
    "without_room": _("{value} people are without room in {limit} in the central projection: more live in some "
                      "districts than there are dwellings for."),
}  # fmt: skip
_PEOPLE = _("People")
_YEAR = _("Year")
_DISTRICT = _("District")


def tell(study: Study) -> Sequence[Block]:
    """The parts of the page."""
    projection = study.step("projection").table
    years = sorted({int(one) for one in projection["year"].tolist()})
    first, last = str(years[0]), str(years[-1])
    told: list[Block] = [_answer(first, last), *_groups(study, first, last)]
    told += [
        ChartOf(_("People of the city, and the range of 80 of 100 futures"), "projection", "line", "year", "median",
                "low80", "high80", x_title=_YEAR, y_title=_PEOPLE, where={"district": ALL, "group": ALL}),
        ChartOf(_("People by age in the last year"), "ages", "line", "age", "median", "low80", "high80", by="sex",
                x_title=_("Age"), y_title=_PEOPLE, where={"year": last}, most=250),
        ChartOf(_("Births of the city"), "births", "line", "year", "median", "low80", "high80", x_title=_YEAR,
                y_title=_("Births in the step"), where={"district": ALL}),
        Heading(_("Districts")),
        ChartOf(_("Districts in the last year"), "projection", "intervals", "district", "median", "low80", "high80",
                x_title=_DISTRICT, y_title=_PEOPLE, sort="-median", where={"year": last, "group": ALL}),
        TableOf(_("Districts in the last year"), "projection", (
            Shown("district", _DISTRICT, "word"), Shown("median", _("Median"), "whole"),
            Shown("low80", _("80 %: from"), "whole"), Shown("high80", _("80 %: to"), "whole"),
            Shown("low95", _("95 %: from"), "whole"), Shown("high95", _("95 %: to"), "whole"),
        ), "-median", where={"year": last, "group": ALL}),
    ]  # fmt: skip
    if study.question.get("areas"):
        told.append(MapOf(_("People by district in the last year"), "projection", "median", area="district",
                          label="district", where={"year": last, "group": ALL}))  # fmt: skip
    return [*told, *_whole_change(study), *_housing(study), *_rates()]


def _answer(first: str, last: str) -> Says:
    now, then = (ALL, first, ALL), (ALL, last, ALL)
    return Says(
        _("{people} people are to be expected in {year}, between {low} and {high} in 80 of 100 futures; in {first} "
          "there were {now}."),
        {"people": _whole("projection", then, "median"), "low": _whole("projection", then, "low80"),
         "high": _whole("projection", then, "high80"), "now": _whole("projection", now, "central")},
        {"year": last, "first": first}, "answer")  # fmt: skip


def _groups(study: Study, first: str, last: str) -> Sequence[Block]:
    """The broader group that grows most and the one that shrinks most, if any does."""
    table = study.step("projection").table
    names = [one for one in dict.fromkeys(table["group"].tolist()) if one != ALL]
    if len(names) < 2:
        return []
    growth = [float(table.at((ALL, last, one), "median")) - float(table.at((ALL, first, one), "central"))
              for one in names]  # fmt: skip
    said = [(int(np.argmax(growth)), _("Most is added at ages {group}: {now} in {first}, {then} in {year}"
                                       " ({low} to {high})."))]  # fmt: skip
    if min(growth) < 0:
        said.append((int(np.argmin(growth)), _("Most is lost at ages {group}: {now} in {first}, {then} in {year}"
                                               " ({low} to {high}).")))  # fmt: skip
    return [Says(words, {"now": _whole("projection", (ALL, first, names[place]), "central"),
                         "then": _whole("projection", (ALL, last, names[place]), "median"),
                         "low": _whole("projection", (ALL, last, names[place]), "low80"),
                         "high": _whole("projection", (ALL, last, names[place]), "high80")},
                 {"group": names[place], "first": first, "year": last}) for place, words in said]  # fmt: skip


def _whole_change(study: Study) -> Sequence[Block]:
    columns = [Shown("year", _("Step from"), "word"), Shown("start", _("At its start"), "whole"),
               Shown("births", _("Births"), "whole"), Shown("deaths", _("Deaths"), "whole"),
               Shown("migration", _("Net migration"), "whole")]  # fmt: skip
    if "total" in study.inputs:
        columns.append(Shown("adjustment", _("Scaled to the total"), "whole"))
    columns.append(Shown("end", _("At its end"), "whole"))
    return [Heading(_("Where change is from")),
            TableOf(_("Components of change of the city, central projection"), "change", tuple(columns),
                    where={"district": ALL}, most=100)]  # fmt: skip


def _housing(study: Study) -> Sequence[Block]:
    if not any(one.name == "housing" for one in study.steps):
        return []
    return [Heading(_("Room in housing")),
            TableOf(_("Districts with most people without room"), "housing", (
                Shown("district", _DISTRICT, "word"), Shown("year", _YEAR, "word"), Shown("people", _PEOPLE, "whole"),
                Shown("room", _("Room for"), "whole"), Shown("moved", _("Moved in, less out"), "whole"),
                Shown("unmet", _("Without room"), "whole"),
            ), "-unmet", 20)]  # fmt: skip


def _rates() -> Sequence[Block]:
    return [
        Heading(_("What is assumed")),
        TableOf(_("Rates of each step, of the whole city"), "rates", (
            Shown("year", _("Step from"), "word"), Shown("tfr", _("Children a woman"), places=2),
            Shown("e0_female", _("Life expectancy, women")), Shown("e0_male", _("Life expectancy, men")),
            Shown("net_migration", _("Net migrants a year"), "whole"),
        ), most=100),
        TableOf(_("How much rates vary"), "spread", (
            Shown("parameter", _("What varies"), "word"), Shown("value", _("Spread a year"), places=4),
            Shown("source", _("Where it is from"), "word"), Shown("years", _("Years used"), "whole"),
        )),
    ]  # fmt: skip


def _whole(step: str, row: tuple[str, ...], column: str) -> Number:
    return Number(Cell(step, row, column), "whole")
