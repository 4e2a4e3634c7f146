"""All stages of an index as one long table: stage, unit, year, item, value, as CSV line by line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any

from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table

HEAD = ("stage", "unit", "year", "item", "value")
WIDE = ("raw", "denominated", "filled", "treated", "directed", "normalised", "scores")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def lines(study: Study) -> Iterator[str]:
    """The lines of the file, each number with all its digits; what is not known stays empty."""
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(HEAD)
    for step in study.steps:
        if step.name in WIDE:
            for row in _wide(step.name, step.table):
                yield writer.writerow(row)
    yield from (writer.writerow(row) for row in _weights(study))
    yield from (writer.writerow(row) for row in _ranks(study))


class _Echo:
    """A file whose `write` gives back what was written."""

    def write(self, text: str) -> str:
        return text


def _wide(stage: str, table: Table) -> Iterator[list[Any]]:
    items = [name for name in table.columns if name not in table.key]
    years = table["year"].tolist() if "year" in table.key else [""] * table.rows
    columns = [table[name].tolist() for name in items]
    for at, (unit, year) in enumerate(zip(table["unit"].tolist(), years, strict=True)):
        for item, values in zip(items, columns, strict=True):
            yield [stage, _word(unit), year, item, _number(values[at])]


def _weights(study: Study) -> Iterator[list[Any]]:
    table = study.step("weights").table
    for name in ("weight", "share"):
        for item, value in zip(table["item"].tolist(), table[name].tolist(), strict=True):
            yield [name, "", "", item, _number(value)]


def _ranks(study: Study) -> Iterator[list[Any]]:
    table = study.step("ranking").table
    years = table["year"].tolist() if "year" in table.key else [""] * table.rows
    for unit, year, rank in zip(table["unit"].tolist(), years, table["rank"].tolist(), strict=True):
        yield ["rank", _word(unit), year, "", _number(rank)]


def _number(value: Any) -> str:
    return "" if value != value else repr(value) if isinstance(value, (int, float)) else _word(value)  # noqa: PLR0124


def _word(value: object) -> str:
    """Words that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
