"""What a study of queues tells, what has to be known of it, and its example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from django.utils.translation import gettext_noop as _

from cityloom.insight.domain.study.blocks import Block, ChartOf, Heading, Number, Says, Shown, TableOf
from cityloom.insight.domain.study.study import Cell, Study
from cityloom.insight.domain.study.tables import Table, table

NOTES = {
    "unstable": _("In {value} more comes than the open counters can serve: the queue grows until it is over. At "
                  "least {limit} "
                  "counters are needed then."),
    "overloaded": _("In {value} more comes than the open counters can serve; the queue is held only by those "
                    "who leave."),
    "fewer_days": _("{value} days were simulated instead of {limit}, since very many come."),
    "never_reached": _("No number of counters that was tried serves {value} of those who come within {limit} "
                       "minutes: no-shows, "
                       "lateness or those who leave are what keeps it below."),
    "one_class": _("The formulas take all {value} services as one, with their mean time and variation; the "
                   "simulated days keep "
                   "them apart."),
    "several_groups": _("There are {value} groups of counters with skills of their own; how many are needed in "
                        "each is found by "
                        "trying, as options."),
    "appointments_even": _("The formulas take appointments as if they came by chance, which asks for more "
                           "counters than they need; "
                           "the simulated days keep their times."),
    "steady": _("Formulas are for a queue that has settled; simulated days begin empty. Both hold if who comes "
                "does not depend on "
                "how long the queue is, but for those who leave."),
}  # fmt: skip
WORDS = (_("As it is"), _("As many as needed"), _("Period by period"))
"""Words that stand in the cells of its tables."""
_OPTIONS = 12
_NOBODY_CAME = _("{option}: nobody came on the days that were simulated.")
_NOBODY_SERVED = _("{option}: nobody is served.")
_SERVED = _(
    "{option}: {within} ({within_low} to {within_high}) are served within {minutes} minutes, the mean wait is "
    "{mean_wait} "
    "minutes."
)
_SERVED_AND_LEFT = _(
    "{option}: {within} ({within_low} to {within_high}) are served within {minutes} minutes, the mean wait is "
    "{mean_wait} "
    "minutes, {left} leave unserved."
)


def tell(study: Study) -> Sequence[Block]:
    """The answer first; then options, the day, what formulas say."""
    return [*_answer(study), *_options(study), *_formulas(study)]


def _answer(study: Study) -> list[Block]:
    answer, made = study.step("answer").table, study.step("simulated").table
    found: list[Block] = []
    at = {name: Number(Cell("answer", ("answer",), name), "whole") for name in ("needed", "minutes")}
    at["share"] = Number(Cell("answer", ("answer",), "share"), "percent", 0)
    options = made["option"].tolist()
    if int(answer["needed"][0]):
        sentence = _(
            "{needed} counters, open all day, serve at least {share} of those who come within {minutes} minutes: "
            "{within} ({within_low} to {within_high})."
        )
        found.append(Says(sentence, at | _shares("As many as needed"), {}, "answer"))
    tried = [name for name in options if name not in {"As many as needed", "Period by period"}]
    for name in tried[: _OPTIONS + 1]:
        weight = "answer" if name == "As it is" else "told"
        row = options.index(name)
        if not np.isfinite(made["mean_wait"][row]):  # then no other figure of it is known, either
            sentence = _NOBODY_CAME if not made["came"][row] else _NOBODY_SERVED
            found.append(Says(sentence, {}, {"option": name}, weight))
            continue
        sentence = _SERVED if float(made["left"][row]) <= 0 else _SERVED_AND_LEFT
        found.append(Says(sentence, at | _shares(name), {"option": name}, weight))
    return found


def _shares(option: str) -> dict[str, Number]:
    found = {
        name: Number(Cell("simulated", (option,), name), "percent", 0)
        for name in ("within", "within_low", "within_high")
    }
    return found | {"left": Number(Cell("simulated", (option,), "left"), "percent", 1),
                    "mean_wait": Number(Cell("simulated", (option,), "mean_wait"), places=1)}  # fmt: skip


def _options(study: Study) -> list[Block]:
    found: list[Block] = [
        ChartOf(
            _("Share served in time, by option"),
            "simulated",
            "intervals",
            "option",
            "within",
            "within_low",
            "within_high",
            x_title=_("Option"),
            y_title=_("Served in time"),
        ),
        TableOf(
            _("Options side by side (waits in minutes)"),
            "simulated",
            (
                Shown("option", _("Option"), "word"),
                Shown("counters", _("Counters"), "whole"),
                Shown("within", _("In time"), "percent", 0),
                Shown("mean_wait", _("Mean wait")),
                Shown("wait_90", _("Nine in ten wait at most")),
                Shown("left", _("Leave unserved"), "percent", 1),
                Shown("busy", _("Counters busy"), "percent", 0),
                Shown("longest", _("Longest queue"), "whole"),
                Shown("after_closing", _("Runs over by"), "whole"),
            ),
        ),
        ChartOf(
            _("Mean wait by time of coming"),
            "day",
            "line",
            "period",
            "mean_wait",
            by="option",
            x_title=_("Time"),
            y_title=_("Minutes"),
        ),
    ]
    if len(set(study.step("services").table["service"].tolist())) > 1:
        found.append(TableOf(_("By service"), "services", (
            Shown("option", _("Option"), "word"), Shown("service", _("Service"), "word"),
            Shown("within", _("In time"), "percent", 0), Shown("mean_wait", _("Mean wait")),
            Shown("left", _("Leave unserved"), "percent", 1),
        )))  # fmt: skip
    return found


def _formulas(study: Study) -> list[Block]:
    return [
        Heading(_("Counters by formula")),
        TableOf(
            _("Counters for each period"),
            "staffing",
            (
                Shown("period", _("Time"), "word"),
                Shown("open", _("Open now"), "whole"),
                Shown("least_stable", _("Fewest that keep up"), "whole"),
                Shown("needed", _("Needed"), "whole"),
                Shown("needed_lagged", _("Needed, with what came before"), "whole"),
                Shown("square_root", _("Few wait at all (square root)"), "whole"),
                Shown("within", _("Served in time now"), "percent", 0),
            ),
        ),
        TableOf(
            _("The busiest period, if it lasted"),
            "counters",
            (
                Shown("counters", _("Counters"), "whole"),
                Shown("busy", _("Counters busy"), "percent", 0),
                Shown("waits", _("Have to wait"), "percent", 0),
                Shown("mean_wait", _("Mean wait")),
                Shown("length", _("Waiting at a time")),
                Shown("abandon", _("Leave unserved"), "percent", 1),
                Shown("within", _("In time"), "percent", 0),
            ),
        ),
    ]


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """A made-up service hall: a morning peak of walk-ins, six counters, four appointments each quarter of an hour."""
    periods = [f"{hour:02d}:00" for hour in range(9, 17)]
    arrivals = [24, 44, 52, 30, 18, 34, 38, 16]
    question = {
        "service_minutes": 6,
        "service_cv": 0.8,
        "counters": 6,
        "target": {"share": 0.9, "minutes": 10},
        "days": 60,
        "seed": 1,
        "appointments": {"every_minutes": 15, "each": 4, "no_show": 0.05, "late_sd": 6},
        "what_if": [{"name": "one counter closes", "counters_change": -1}, {"name": "15 % no-shows", "no_show": 0.15}],
    }
    return question, {"arrivals": table((), period=periods, arrivals=[float(one) for one in arrivals])}
