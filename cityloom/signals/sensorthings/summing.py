"""Sums of observations by spans of time and by datastream: `$apply`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from cityloom.kernel import timezones
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import spans
from cityloom.signals.domain.sensorthings.applying import Applied
from cityloom.signals.domain.sensorthings.spans import Spans
from cityloom.signals.sensorthings.parts import Parts
from cityloom.signals.sensorthings.reading import Budget, Wanted
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.united import OBSERVATIONS, Into

MOST = 20_000_000
_MOST_SPANS = 1_000


def summed(wanted: Wanted, applied: Applied, zone: str, budget: Budget) -> list[dict[str, Any]]:
    """One row for each span of time and datastream that has numbers; results that are none are left out.

    Raises: Refused `city.timezone_unknown`, `signals.sta_many`.
    """
    where = timezones.zone_of(timezones.checked(zone))

    def edges(first_us: int, last_us: int) -> list[int] | None:
        if not applied.unit:
            return [first_us, last_us + 1]
        return spans.edges(first_us, last_us, applied.unit, where, _MOST_SPANS)

    into = Into(edges, frozenset(method for method, _ in applied.items))
    parts = OBSERVATIONS.numbers(replace(wanted, filter=applied.filter), budget, MOST, into)
    times = spans.spans(parts.at_us, applied.unit, applied.every, where) if applied.unit else None
    return _rows(parts, times, applied) if len(parts.thing) else []


def _rows(parts: Parts, times: Spans | None, applied: Applied) -> list[dict[str, Any]]:
    number = np.zeros(len(parts.thing), np.int64) if times is None else times.number
    thing = parts.thing if applied.by_stream else np.zeros(len(number), np.int64)
    if ((thing[1:] < thing[:-1]) | ((thing[1:] == thing[:-1]) & (number[1:] < number[:-1]))).any():
        order = np.lexsort((number, thing))
        number, thing, parts = number[order], thing[order], parts.in_(order)
    begin = np.flatnonzero(np.r_[True, (number[1:] != number[:-1]) | (thing[1:] != thing[:-1])])
    columns = {name: _figures(method, parts, begin) for method, name in applied.items}
    out = []
    for at, place in enumerate(begin.tolist()):
        row: dict[str, Any] = {}
        if times is not None:
            row["phenomenonTime"] = times.text[number[place]]
        if applied.by_stream:
            row["Datastream"] = {KEY: int(thing[place])}
        out.append(row | {name: figures[at] for name, figures in columns.items()})
    return out


def _figures(method: str, parts: Parts, begin: Any) -> list[Any]:
    if method == "min":
        return list(np.minimum.reduceat(parts.least, begin).tolist())
    if method == "max":
        return list(np.maximum.reduceat(parts.most, begin).tolist())
    count = np.add.reduceat(parts.count, begin)
    if method == "count":
        return list(count.tolist())
    with np.errstate(over="ignore"):
        total = np.add.reduceat(parts.total, begin)
        figures = total / count if method == "average" else total
    if not np.isfinite(figures).all():
        raise Refused("signals.sta_impossible", "The database cannot work that out; check that numbers and times in the"
                      " request are of a usual size.")  # fmt: skip
    return list(figures.tolist())
