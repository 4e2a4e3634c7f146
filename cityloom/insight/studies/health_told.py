"""What a study of the kind `health` tells: beds that are needed and when they run short, months, what moves it most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.foreseen import Foreseen
from cityloom.insight.domain.study.study import Cell, Study

NOTES = {
    "how": _("Attendances are people times rates, times the level and season of the past, times growth; beds are "
             "admissions a day times the days of a stay, over the occupancy aimed at. Assumptions are drawn apart from "
             "each other, each within the interval that its owner gives."),
    "no_history": _("There are no past months, so no season and no noise: the range is that of the assumptions and of "
                    "the people alone, and the level is that of the rates."),
    "short_history": _("The history has {value} months; with fewer than {limit} the season is drawn towards none."),
    "people_certain": _("The people come without an interval, so the range leaves out how sure their number is."),
    "people_end": _("People are given up to {value}, and the months go on to {limit}; their number then stays."),
    "people_begin": _("People are given from {limit} on, and the history begins in {value}: what their number and ages "
                      "did before counts as growth."),
}  # fmt: skip
_MONTH = _("Month")
_BEDS = _("Beds")
_AVAILABLE = (Shown("available", _("Beds there are"), "whole"),
              Shown("chance_short", _("Chance of too few"), "percent", 0))  # fmt: skip


def tell(study: Study) -> Sequence[Block]:
    """The parts of the page."""
    answer = study.step("answer").table
    when = dict(zip(answer["what"].tolist(), answer["when"].tolist(), strict=True))
    told: list[Block] = [_beds(when), *_short(when), _attendances(when), *_most(study)]
    told += [
        ChartOf(_("Beds needed, and the range of 80 of 100"), "months", "line", "month", "beds_median", "beds_low80",
                "beds_high80", x_title=_MONTH, y_title=_BEDS, most=400),
        *([ChartOf(_("Chance of too few beds"), "months", "line", "month", "chance_short", x_title=_MONTH,
                   y_title=_("Chance"), most=400)] if "gap" in when else []),
        ChartOf(_("Attendances of each month"), "months", "line", "month", "attendances_median", "attendances_low80",
                "attendances_high80", x_title=_MONTH, y_title=_("Attendances"), most=400),
        TableOf(_("Month by month"), "months", (
            Shown("month", _MONTH, "word"), Shown("attendances_median", _("Attendances"), "whole"),
            Shown("admissions_median", _("Admissions"), "whole"), Shown("beds_median", _("Beds needed"), "whole"),
            Shown("beds_low80", _("80 %: from"), "whole"), Shown("beds_high80", _("80 %: to"), "whole"),
            *(_AVAILABLE if "gap" in when else ()),
        ), most=400),
        Heading(_("Which assumption moves the answer most")),
        TableOf(_("Beds in the fullest month, with each assumption at its low and its high end"), "tornado", (
            Shown("assumption", _("Assumption"), "word"), Shown("at_low", _("At its low end"), "whole"),
            Shown("at_high", _("At its high end"), "whole"), Shown("swing", _("Difference"), "whole"),
            Shown("owner", _("Whose it is"), "word"),
        ), "-swing"),
        TableOf(_("Assumptions and who answers for them"), "assumptions", (
            Shown("name", _("Assumption"), "word"), Shown("value", _("Value"), places=3),
            Shown("low", _("Low"), places=3), Shown("high", _("High"), places=3),
            Shown("owner", _("Whose it is"), "word"), Shown("date", _("Said on"), "word"),
        )),
        Heading(_("From people alone")),
        TableOf(_("What the number and ages of people make of it"), "demography", (
            Shown("district", _("District"), "word"), Shown("year", _("Year"), "word"),
            Shown("people", _("People"), "whole"), Shown("attendances", _("Attendances a year"), "whole"),
            Shown("change", _("Change since the first year"), "percent"),
        ), where={"district": "all"}),
    ]  # fmt: skip
    return [*told, *_past(study)]


def _beds(when: dict[str, str]) -> Says:
    return Says(_("{beds} beds are needed in {month}, the fullest month of the last year asked for: between {low} and "
                  "{high} in 80 of 100 cases."),
                {"beds": _whole("beds", "value"), "low": _whole("beds", "low80"), "high": _whole("beds", "high80")},
                {"month": when["beds"]}, "answer")  # fmt: skip


def _short(when: dict[str, str]) -> Sequence[Block]:
    if "gap" not in when:
        return []
    chance = Number(Cell("answer", ("chance_short",), "value"), "percent", 0)
    told = [Says(_("{available} beds there are then, {gap} too few ({low} to {high}); the chance that they are too few "
                   "is {chance}."),
                 {"available": _whole("available", "value"), "gap": _whole("gap", "value"),
                  "low": _whole("gap", "low80"), "high": _whole("gap", "high80"), "chance": chance},
                 {}, "answer")]  # fmt: skip
    if "first_short" in when:
        told.append(Says(_("Beds are likelier too few than enough from {month} on (chance {chance})."),
                         {"chance": Number(Cell("answer", ("first_short",), "value"), "percent", 0)},
                         {"month": when["first_short"]}, "doubt"))  # fmt: skip
    return told


def _attendances(when: dict[str, str]) -> Says:
    numbers = {f"{place}{end}": _whole(f"attendances_{place}", column) for place in ("first_year", "last_year")
               for end, column in (("", "value"), ("_low", "low80"), ("_high", "high80"))}  # fmt: skip
    return Says(_("{first_year} attendances in the first twelve months ({first_year_low} to {first_year_high}), "
                  "{last_year} in those up to {month} ({last_year_low} to {last_year_high})."),
                numbers, {"month": when["attendances_last_year"]})  # fmt: skip


def _most(study: Study) -> Sequence[Block]:
    table = study.step("tornado").table
    name = str(table["assumption"][0])
    return [Says(_("What moves the beds most is {assumption}: {low} at its low end, {high} at its high end."),
                 {"low": Number(Cell("tornado", (name,), "at_low"), "whole"),
                  "high": Number(Cell("tornado", (name,), "at_high"), "whole")}, {"assumption": name})]  # fmt: skip


def _past(study: Study) -> Sequence[Block]:
    steps = {one.name for one in study.steps}
    told: list[Block] = []
    if "trend" in steps:
        told.append(Heading(_("The past")))
        told.append(Says(_("Beyond what people make of it, the past grew by {growth} a year ({low} to {high})."), {
            "growth": Number(Cell("trend", ("past_growth",), "value"), "percent"),
            "low": Number(Cell("trend", ("past_growth",), "low80"), "percent"),
            "high": Number(Cell("trend", ("past_growth",), "high80"), "percent")}))  # fmt: skip
        told.append(ChartOf(_("Season: each month over the mean"), "season", "line", "month", "factor", x_title=_MONTH,
                            y_title=_("Over the mean")))  # fmt: skip
    if "backtest" in steps:
        told.append(TableOf(_("How the method did in the past, by months ahead"), "backtest", (
            Shown("horizon", _("Months ahead"), "whole"), Shown("forecasts", _("Forecasts"), "whole"),
            Shown("error", _("Mean error"), "percent"), Shown("bias", _("Too high (or low)"), "percent"),
            Shown("inside", _("Inside the range of 80 %"), "percent", 0),
            Shown("naive_error", _("Error of the same month a year before"), "percent"),
        ), most=12))  # fmt: skip
    return told


def _whole(what: str, column: str) -> Number:
    return Number(Cell("answer", (what,), column), "whole")


def foreseen(study: Study) -> list[Foreseen]:
    """The first month in which beds may run short, and the worst one, for the risk brief."""
    months = study.step("months").table
    chance = np.nan_to_num(months["chance_short"])
    missing = np.nan_to_num(months["beds_median"] - months["available"])
    over = np.flatnonzero(chance >= float(study.question.get("short_at", 0.5)))
    rows = dict.fromkeys([*over[:1].tolist(), *over[np.argsort(-missing[over], kind="stable")][:1].tolist()])
    names = months["month"].tolist()
    return [Foreseen("", "beds", str(names[row]), float(chance[row]), float(max(missing[row], 0.0)),
                     float(months["available"][row])) for row in rows]  # fmt: skip
