"""The kind `forecast`: many series and their sums some periods ahead, with intervals and a trial at earlier times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.series.methods import METHODS
from cityloom.insight.domain.series.periods import SEASONS
from cityloom.insight.domain.series.reconcile import WAYS
from cityloom.insight.domain.series.taking import LONGEST_SEASON, MOST_HORIZON
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.forecast_steps import DEFAULTS, work
from cityloom.insight.studies.forecast_told import tell
from cityloom.insight.studies.kinds import InputSpec, Kind

_NAME = {"type": "string", "minLength": 1, "maxLength": 80}
_NAMES = {"type": "array", "maxItems": 6, "uniqueItems": True, "items": _NAME}


def _with_defaults(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {name: says | ({} if DEFAULTS[name] is None else {"default": DEFAULTS[name]})
            for name, says in properties.items()}  # fmt: skip


_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": _with_defaults({
        "series": _NAMES | {"description": "the columns that together say which series a row is of"},
        "period": _NAME | {"description": "the column of the period or date"},
        "value": _NAME | {"description": "the column of the value"},
        "unit": {"type": "string", "maxLength": 40},
        "frequency": {"enum": list(SEASONS)},
        "season": {"type": "integer", "minimum": 0, "maximum": LONGEST_SEASON,
                   "description": "periods of a season; 0 takes that of the frequency"},
        "horizon": {"type": "integer", "minimum": 1, "maximum": MOST_HORIZON},
        "hierarchy": {"type": "array", "maxItems": 12, "items": _NAMES,
                      "description": "the levels of sums, each by its columns; by default all that the columns make"},
        "methods": {"type": "array", "minItems": 1, "maxItems": 6, "uniqueItems": True,
                    "items": {"enum": list(METHODS)}},
        "combination": {"enum": ["mean", "median", "weighted"]},
        "level": {"type": "number", "minimum": 0.5, "maximum": 0.99},
        "intervals": {"enum": ["simulated", "conformal"]},
        "reconciliation": {"enum": [*WAYS, "none"]},
        "non_negative": {"type": "boolean"},
        "duplicates": {"enum": ["refuse", "sum", "mean"]},
        "origins": {"type": "integer", "minimum": 0, "maximum": 40,
                    "description": "at how many earlier times the whole is tried"},
        "draws": {"type": "integer", "minimum": 50, "maximum": 2000},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**31},
    }),
}  # fmt: skip


def _example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """Loans of three libraries by kind of medium, monthly; made up."""
    chance = np.random.default_rng(118)
    months = np.arange(60)
    rows: list[tuple[str, str, str, float]] = []
    for library, size in (("Harbour", 900), ("Hill", 500), ("Old Town", 1400)):
        for medium, share, growth in (("books", 0.7, -0.001), ("audio", 0.3, 0.006)):
            wave = 1 + 0.15 * np.cos(2 * np.pi * (months - 1) / 12)
            loans = size * share * np.exp(growth * months) * wave * chance.lognormal(0, 0.06, 60)
            rows += [(library, medium, f"{2020 + t // 12}-{t % 12 + 1:02d}", float(round(one)))
                     for t, one in zip(months.tolist(), loans.tolist(), strict=True)]  # fmt: skip
    library, medium, period, value = zip(*rows, strict=True)
    question = {"series": ["library", "medium"], "frequency": "month", "horizon": 12, "unit": "loans", "origins": 2,
                "seed": 1}  # fmt: skip
    return question, {"series": table((), library=library, medium=medium, period=period, value=value)}


KIND = Kind(
    "forecast",
    _("Forecast of series"),
    _("Many series and their sums some periods ahead: exponential smoothing and Theta combined, made to add up, with "
      "intervals, and tried at earlier times."),
    (InputSpec("series", _("Values by series and period"), (), {}, {
        "period": _("the period or date; another column where the question says so"),
        "value": _("the value; another column where the question says so"),
    }, words=frozenset({"period"})),),
    _SCHEMA,
    work,
    tell,
    notes={
        "simulated": _("Intervals are drawn from what the models missed by in the past, all series at the same times; "
                       "the trial at {value} earlier times says whether {limit} of outcomes lie inside."),
        "conformal": _("Intervals come from the errors at {value} earlier times, for all series together; they hold "
                       "{limit} of outcomes if what comes is as unlike the forecasts as what came."),
        "not_conformal": _("Intervals are simulated: those from earlier errors need at least {value} earlier times."),
        "no_backtest": _("{value} periods are too few to try a forecast of {limit} periods at an earlier time: how "
                         "good it is, is not known."),
        "overlapping": _("The earlier times lie closer together than {value} periods, so their errors are not "
                         "independent."),
        "structural_instead": _("The history is too short to reconcile by {value}; sums are weighed by how many series "
                                "they hold."),
        "filled": _("{value} values inside the series were missing; each was taken from the season before."),
        "late": _("{value} values are not known because series begin later; sums begin where all of their parts do."),
        "ended": _("{value} series end before the last period; they are carried on with last season's values. Leave "
                   "out what was closed."),
        "empty": _("{value} series have fewer than three values and are held at their mean: {limit}."),
        "short": _("{value} series are shorter than two seasons and are forecast without one: {limit}."),
        "constant": _("{value} series never change: {limit}."),
        "zeros": _("{value} series are often zero; a mean is all that can be told of them, and their intervals are "
                   "rough: {limit}."),
    },
    example=_example,
)  # fmt: skip
