"""From the columns of a table to indicators: what each item reads, checked for what no step can bear."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators.framework import Framework, Item
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.kernel.refused import Refused

MOST_CELLS = 5_000_000
_NO_COLUMN = "The table of units has no column {value}, which the item {limit} needs: add it, or drop the item."
_INFINITE = "The indicator {value} is infinite for {limit}; correct it, or leave it unknown."
_TOO_MANY = "An index has at most {limit} values, units times indicators; this one has {value}: take fewer units."
_NO_UNITS = "There are no units left to compare: the table is empty, or all units are below the minimum size."


@dataclass(frozen=True, eq=False)
class Data:
    """What an index is made from: one row for a unit, or for a unit and a year.

    `columns` are numbers (indicators, denominators, parts of formulas), nan being unknown; `groups` are words.
    `experts` are points by item, one row for an expert.
    """

    units: Sequence[str]
    columns: Mapping[str, Floats]
    years: NDArray[np.int64] | None = None
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    experts: Mapping[str, Floats] = field(default_factory=dict)

    def of(self, rows: NDArray[np.int64]) -> Data:
        """Some of the rows."""
        columns = {name: column[rows] for name, column in self.columns.items()}
        groups = {name: [column[row] for row in rows] for name, column in self.groups.items()}
        years = None if self.years is None else self.years[rows]
        return Data([self.units[row] for row in rows], columns, years, groups, self.experts)

    def row_names(self) -> list[str]:
        """What a row is called in a sentence: its unit, with the year if there are several."""
        if self.years is None:
            return list(self.units)
        return [f"{unit} {year}" for unit, year in zip(self.units, self.years.tolist(), strict=True)]


def collected(framework: Framework, data: Data) -> Floats:
    """The values of the indicators, (rows, indicators), in the tree's order.

    Raises: Refused `insight.index_empty`, `insight.index_large`, `insight.index_no_column`, `insight.index_infinite`.
    """
    size = len(data.units) * len(framework.indicators)
    if not len(data.units):
        raise Refused("insight.index_empty", _NO_UNITS)
    if size > MOST_CELLS:
        raise Refused("insight.index_large", _TOO_MANY, value=size, limit=MOST_CELLS)
    values = np.column_stack([_value(item, data) for item in framework.indicators])
    infinite = np.argwhere(np.isinf(values))
    if len(infinite):
        row, place = infinite[0]
        raise Refused("insight.index_infinite", _INFINITE, value=framework.indicators[place].code,
                      limit=data.row_names()[row])  # fmt: skip
    return values


def _value(item: Item, data: Data) -> Floats:
    source = item.source
    if source is None:
        return _column(item.code, item.code, data)
    over = [_column(name, item.code, data) for name in source.over]
    if source.form == "column":
        return over[0] * source.times
    if source.form == "checklist":
        return np.column_stack(over) @ np.array(source.points)
    if source.form == "mean":
        return np.column_stack(over).mean(1) * source.times
    above = np.column_stack(over).sum(1)
    if source.form == "sum":
        return above * source.times
    below = np.column_stack([_column(name, item.code, data) for name in source.under]).sum(1)
    with np.errstate(all="ignore"):
        return np.where(below > 0, above / below * source.times, np.nan)  # nothing of nothing is unknown


def _column(name: str, item: str, data: Data) -> Floats:
    if name not in data.columns:
        raise Refused("insight.index_no_column", _NO_COLUMN, value=name, limit=item)
    return np.asarray(data.columns[name], float)
