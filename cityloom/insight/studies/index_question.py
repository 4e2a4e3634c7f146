"""The question of an index: a framework, what is changed of it, and its tables as the mathematics takes them."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cityloom.insight.domain import persons
from cityloom.insight.domain.indicators import reading
from cityloom.insight.domain.indicators.collecting import Data
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.insight.domain.study.tables import Column, Table
from cityloom.kernel.refused import Refused

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["framework"],
    "properties": {
        "framework": {"oneOf": [{"type": "string", "maxLength": 80}, {"type": "object"}]},
        "overrides": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "steps": {"type": "object"},
                "weights": {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
                "without": {"type": "array", "maxItems": 500, "items": {"type": "string", "maxLength": 80}},
            },
        },
        "year": {"type": "integer", "minimum": 1, "maximum": 9999},
    },
}
_NO_ITEM = "What is changed names the item {value}, which the framework does not have; it has {limit}."
_ONE_TABLE = "An index reads one table: units (of one year) or panel (of several); {value} were given."
_PERSONS = "The units look like persons; an index is of organisations, places or services: name those as units."
_YEAR = "The year {value} of the panel is no whole number; write years with four digits."
_LAST_YEAR = 10_000
_NO_YEAR = "The panel has no year {value}; it has {limit}."


def document_of(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """The framework that is asked for, by its name or as it stands, with what is changed.

    Raises: Refused `insight.no_framework`, `insight.index_no_item`.
    """
    asked = question["framework"]
    document = copy.deepcopy(dict(reading.shipped_document(asked) if isinstance(asked, str) else asked))
    overrides = question.get("overrides", {})
    if "steps" in overrides:
        document["steps"] = {**document.get("steps", {}), **overrides["steps"]}
    rows = document.get("items", [])
    codes = [row.get("code") for row in rows if isinstance(row, dict)]
    for code in (*overrides.get("weights", {}), *overrides.get("without", ())):
        if code not in codes:
            raise Refused("insight.index_no_item", _NO_ITEM, value=code, limit=", ".join(map(str, codes))[:300])
    if "without" in overrides:
        document["items"] = rows = [row for row in rows if row.get("code") not in overrides["without"]]
    for row in rows:
        if isinstance(row, dict) and row.get("code") in overrides.get("weights", {}):
            row["weight"] = overrides["weights"][row["code"]]
    return document


def framework_of(question: Mapping[str, Any]) -> Framework:
    """The framework of a question, checked.

    Raises: Refused, as `document_of` and `reading.framework_of`.
    """
    return reading.framework_of(document_of(question))


def units_of(inputs: Mapping[str, Table]) -> Table:
    """The table of units, of one year or of several, whose years are whole numbers.

    Raises: Refused `insight.index_one_table`, `insight.index_year`.
    """
    given = [name for name in ("units", "panel") if name in inputs]
    if len(given) != 1:
        raise Refused("insight.index_one_table", _ONE_TABLE, value=", ".join(given) or "0")
    table = inputs[given[0]]
    return Table({**table.columns, "year": _years(table["year"])}, table.key) if "year" in table.key else table


def data_of(framework: Framework, inputs: Mapping[str, Table]) -> Data:
    """The tables of a question as an index is made from them.

    Raises: Refused `insight.index_one_table`, `insight.index_persons`.
    """
    table = units_of(inputs)
    units = [str(one) for one in table["unit"].tolist()]
    if persons.look_like_persons(sorted(set(units))):
        raise Refused("insight.index_persons", _PERSONS)
    groups = {str(one["code"]): _words(table.columns[str(one["code"])]) for one in framework.groups
              if str(one["code"]) in table.columns}  # fmt: skip
    columns = {name: column.astype(float) for name, column in table.columns.items() if _is_number(column)}
    if "denominators" in inputs:
        columns.update(_matched(units, inputs["denominators"]))
    years = table["year"] if "year" in table.key else None
    experts = inputs["experts"].columns if "experts" in inputs else {}
    return Data(units, columns, years, groups,
                {name: column.astype(float) for name, column in experts.items() if _is_number(column)})  # fmt: skip


def year_of(question: Mapping[str, Any], data: Data) -> int | None:
    """The year that is told of: the one asked for, or the last of a panel.

    Raises: Refused `insight.index_no_year`.
    """
    if data.years is None:
        return None
    years = np.unique(data.years)
    year = question.get("year", int(years[-1]))
    if year not in years:
        raise Refused("insight.index_no_year", _NO_YEAR, value=year, limit=", ".join(map(str, years.tolist()))[:200])
    return int(year)


def _matched(units: Sequence[str], table: Table) -> dict[str, Floats]:
    """The columns of denominators beside the units; unknown for one that is not there."""
    places = {str(one): place for place, one in enumerate(table["unit"].tolist())}
    rows = np.array([places.get(unit, -1) for unit in units])
    return {name: np.where(rows >= 0, column.astype(float)[rows], np.nan) for name, column in table.columns.items()
            if name not in table.key and _is_number(column)}  # fmt: skip


def _years(column: Column) -> Column:
    """Years as whole numbers, where they are written as 2018 or 2018.0."""
    years = np.array([_number(one) for one in column.tolist()], float)
    wrong = np.flatnonzero(~((years == np.rint(years)) & (np.abs(years) < _LAST_YEAR)))
    if wrong.size:
        raise Refused("insight.index_year", _YEAR, value=str(column[wrong[0]])[:40])
    return years.astype(np.int64)


def _number(word: object) -> float:
    try:
        return float(str(word))
    except ValueError:
        return float("nan")


def _words(column: Column) -> list[str]:
    return [str(one) for one in column.tolist()]


def _is_number(column: Column) -> bool:
    return column.dtype.kind in "if"
