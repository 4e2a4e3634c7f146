"""What a study of the kind `forecast` tells: the answer, the course with its band, and how forecasts did before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.series.hierarchy import TOTAL
from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study

_SCORES = (Shown("mase", _("Error (1: mean seasonal difference)"), places=2),
           Shown("naive_mase", _("Error of the seasonal naive"), places=2), Shown("bias", _("Bias"), places=2),
           Shown("coverage", _("Inside the interval"), "percent", 0))  # fmt: skip
MOST_ANSWERS = 5


def tell(study: Study) -> Sequence[Block]:
    """The parts, the answer first."""
    ahead = study.step("reconciled").table
    has_test = any(one.name == "backtest" for one in study.steps)
    told = _answers(study)
    told += _against_naive(study) if has_test else []
    told.append(ChartOf(
        _("What was measured, and what is forecast"), "course", "line", "period", "value", "low", "high", "measured",
        "series", _("Period"), str(study.question.get("unit", ""))))  # fmt: skip
    if has_test:
        told += _scorecard()
    told += [
        Heading(_("The forecast")),
        TableOf(_("Forecast, by series and period"), "reconciled", (
            Shown("series", _("Series"), "word"), Shown("period", _("Period"), "word"), Shown("value", _("Forecast")),
            Shown("low", _("At least")), Shown("high", _("At most")),
        ), most=100 if ahead.rows > 100 else ahead.rows),
        TableOf(_("The model of each series"), "fitted", (
            Shown("series", _("Series"), "word"), Shown("model", _("Model"), "word"),
            Shown("periods", _("Known periods"), "whole"),
        )),
    ]  # fmt: skip
    return told


def _answers(study: Study) -> list[Block]:
    """A sentence for the total, or for the first series, at the end of the horizon."""
    ahead = study.step("reconciled").table
    names = list(dict.fromkeys(ahead["series"].tolist()))
    unit = str(study.question.get("unit", ""))
    shown = [TOTAL] if TOTAL in names else names[:MOST_ANSWERS]
    last = str(ahead["period"][-1])
    level = float(ahead["level"][0])
    return [Says(
        _("{series}: {value} in {period}, between {low} and {high} in {share} of 100 cases."),
        {"value": Number(Cell("reconciled", (name, last), "value"), unit=unit),
         "low": Number(Cell("reconciled", (name, last), "low")),
         "high": Number(Cell("reconciled", (name, last), "high"))},
        {"series": name, "period": last, "share": f"{100 * level:.0f}"}, "answer") for name in shown]  # fmt: skip


def _against_naive(study: Study) -> list[Block]:
    """How the forecast did one period and the whole horizon ahead, against last season's value."""
    scores = study.step("backtest").table
    rows = [(str(h),) for h in dict.fromkeys((int(scores["horizon"][0]), int(scores["horizon"][-1])))]
    told: list[Block] = []
    for (row,) in rows:
        at = scores.row_of((row,))
        if np.isnan(scores["mase"][at]) or np.isnan(scores["naive_mase"][at]):
            continue
        worse = scores["mase"][at] > scores["naive_mase"][at]
        told.append(Says(
            _("Tried at earlier times, {periods} ahead: an error of {mase} mean seasonal differences; to take last "
              "season's value again would have had {naive}."),
            {"mase": Number(Cell("backtest", (row,), "mase"), places=2),
             "naive": Number(Cell("backtest", (row,), "naive_mase"), places=2)}, {"periods": row},
            "doubt" if worse else "told"))  # fmt: skip
    return told


def _scorecard() -> list[Block]:
    of_series = (Shown("series", _("Series"), "word"), *_SCORES)
    return [
        Heading(_("How such forecasts did before")),
        TableOf(_("Error by horizon, at earlier times"), "backtest",
                (Shown("horizon", _("Periods ahead"), "whole"), *_SCORES)),
        TableOf(_("The series that were hardest to forecast"), "accuracy", of_series, sort="-mase", most=10),
        TableOf(_("The series that were easiest to forecast"), "accuracy", of_series, sort="mase", most=10),
    ]  # fmt: skip
