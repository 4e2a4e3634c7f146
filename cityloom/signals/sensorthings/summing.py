"""Sums of observations by spans of time and by datastream: `$apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.kernel import timezones
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import spans
from cityloom.signals.domain.sensorthings.applying import Applied
from cityloom.signals.domain.sensorthings.spans import Spans
from cityloom.signals.sensorthings.reading import Budget, Wanted
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.united import OBSERVATIONS

if TYPE_CHECKING:
    from cityloom.signals.readings.earlier import Rows

MOST = 20_000_000


def summed(wanted: Wanted, applied: Applied, zone: str, budget: Budget) -> list[dict[str, Any]]:
    """One row for each span of time and datastream that has numbers; results that are none are left out.

    Raises: Refused `city.timezone_unknown`, `signals.sta_many`.
    """
    where = timezones.zone_of(timezones.checked(zone))
    rows = OBSERVATIONS.numbers(replace(wanted, filter=applied.filter), budget, MOST)
    times = spans.spans(rows.at_us, applied.unit, applied.every, where) if applied.unit else None
    if not len(rows.thing):
        return []
    return _rows(rows, times, applied)


def _rows(rows: Rows, times: Spans | None, applied: Applied) -> list[dict[str, Any]]:
    number = np.zeros(len(rows.thing), np.int64) if times is None else times.number
    thing = rows.thing if applied.by_stream else np.zeros(len(number), np.int64)
    result = rows.result
    if ((thing[1:] < thing[:-1]) | ((thing[1:] == thing[:-1]) & (number[1:] < number[:-1]))).any():
        order = np.lexsort((number, thing))
        number, thing, result = number[order], thing[order], result[order]
    begin = np.flatnonzero(np.r_[True, (number[1:] != number[:-1]) | (thing[1:] != thing[:-1])])
    columns = {name: _figures(method, result, begin) for method, name in applied.items}
    out = []
    for at, place in enumerate(begin.tolist()):
        row: dict[str, Any] = {}
        if times is not None:
            row["phenomenonTime"] = times.text[number[place]]
        if applied.by_stream:
            row["Datastream"] = {KEY: int(thing[place])}
        out.append(row | {name: figures[at] for name, figures in columns.items()})
    return out


def _figures(method: str, result: Any, begin: Any) -> list[Any]:
    count = np.diff(np.r_[begin, len(result)])
    if method == "count":
        return list(count.tolist())
    if method in ("min", "max"):
        return list({"min": np.minimum, "max": np.maximum}[method].reduceat(result, begin).tolist())
    with np.errstate(over="ignore"):
        total = np.add.reduceat(result, begin)
        figures = total / count if method == "average" else total
    if not np.isfinite(figures).all():
        raise Refused("signals.sta_impossible", "The database cannot work that out; check that numbers and times in the"
                      " request are of a usual size.")  # fmt: skip
    return list(figures.tolist())
