"""The kind `trend`: a straight line through yearly figures, and the years to come with an interval."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Note, Step, Study, Told
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.domain.trends import FEWEST, linear_trend
from cityloom.insight.studies.kinds import InputSpec, Kind, Worked

_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "years_ahead": {"type": "integer", "minimum": 1, "maximum": 50, "default": 5},
        "level": {"type": "number", "minimum": 0.5, "maximum": 0.99, "default": 0.8},
        "unit": {"type": "string", "maxLength": 40, "default": ""},
    },
}


def _work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    given = {"level": float(question.get("level", 0.8)), "years_ahead": int(question.get("years_ahead", 5))}
    values = inputs["values"]
    names = [str(one) for one in values["series"].tolist()]
    lines: dict[str, list[Any]] = {name: [] for name in ("series", "slope", "low", "high", "residual_sd", "years")}
    years: dict[str, list[Any]] = {name: [] for name in ("series", "year", "measured", "line", "low", "high")}
    last = int(values["year"].max())
    short = []
    for done, name in enumerate(dict.fromkeys(names)):
        told(done / len(names), "trend")
        rows = np.flatnonzero([one == name for one in names])
        x, y = values["year"][rows], values["value"][rows].astype(float)
        if np.isfinite(y).sum() < FEWEST:
            short.append(name)
            continue
        found = linear_trend(x, y, given["level"])
        for key, value in zip(lines, (name, found.slope, found.slope_low, found.slope_high, found.residual_sd,
                                      found.years_used), strict=True):  # fmt: skip
            lines[key].append(value)
        every = np.arange(int(x.min()), last + given["years_ahead"] + 1)
        measured = dict(zip(x.tolist(), y.tolist(), strict=True))
        for year, *numbers in zip(every.tolist(), *found.at(every), strict=True):
            for key, value in zip(years, (name, year, measured.get(year, np.nan), *numbers), strict=True):
                years[key].append(value)
    if not lines["series"]:
        linear_trend([], [])  # says why there is none
    notes = [Note("one_line"), *([Note("left_out", ", ".join(short)[:200], FEWEST, "doubt")] if short else [])]
    return Worked((Step("trend", table("series", **lines), given),
                   Step("years", table(("series", "year"), **years), given)), notes)  # fmt: skip


def _tell(study: Study) -> Sequence[Block]:
    trend, years = study.step("trend").table, study.step("years").table
    unit = str(study.question.get("unit", ""))
    last = str(int(years["year"].max()))
    told: list[Block] = []
    for name in trend["series"].tolist()[:5]:
        row, end = (name,), (name, last)
        told.append(Says(
            _("{series}: {line} in {year}, between {low} and {high}; {slope} a year."),
            {"line": Number(Cell("years", end, "line"), unit=unit), "low": Number(Cell("years", end, "low")),
             "high": Number(Cell("years", end, "high")), "slope": Number(Cell("trend", row, "slope"), places=2)},
            {"series": name, "year": last}, "answer"))  # fmt: skip
    told += [
        ChartOf(_("Line, interval and what was measured"), "years", "line", "year", "line", "low", "high", "measured",
                "series", _("Year"), unit),
        Heading(_("The lines")),
        TableOf(_("Change a year"), "trend", (
            Shown("series", _("Series"), "word"), Shown("slope", _("Change a year"), places=2),
            Shown("low", _("At least"), places=2), Shown("high", _("At most"), places=2),
            Shown("residual_sd", _("Spread around the line"), places=2), Shown("years", _("Years used"), "whole"),
        ), sort="-slope"),
    ]  # fmt: skip
    return told


def _example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    chance = np.random.default_rng(8)
    years = list(range(2014, 2026))
    made_up = (("Library visits (thousand)", 310, 9, 12), ("Waste to landfill (kt)", 84, -3.1, 2.5))
    rows = [(name, year, round(start + slope * (year - 2014) + float(chance.normal(0, spread)), 1))
            for name, start, slope, spread in made_up for year in years]  # fmt: skip
    series, year, value = zip(*rows, strict=True)
    values = table(("series", "year"), series=series, year=year, value=value)
    return {"years_ahead": 5, "level": 0.8}, {"values": values}


KIND = Kind(
    "trend",
    _("Trend of yearly figures"),
    _("A straight line through the yearly figures of services or places, and what it says about the years to come."),
    (InputSpec("values", _("Yearly figures"), ("series", "year"), {"value": _("the figure of that year")}, {},
               words=frozenset({"series"})),),
    _SCHEMA,
    _work,
    _tell,
    notes={
        "one_line": _("One straight line is fitted for all years; a turn in them is not seen, and the interval holds "
                      "only as far as what made the past goes on."),
        "left_out": _("Left out, for they have fewer than {limit} known years: {value}."),
    },
    example=_example,
)  # fmt: skip
