"""Decision tables: inputs and outputs with their types, a hit policy, and rules whose cells have been read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from cityloom.cases.domain.decisions import regions, sfeel
from cityloom.cases.domain.decisions.regions import Region
from cityloom.cases.domain.decisions.values import TYPES, Typed, Wrong, typed
from cityloom.kernel.refused import Detail, Refused

MOST_RULES, MOST_INPUTS, MOST_OUTPUTS = 2_000, 30, 10
LARGEST_BYTES = 2 * 1024 * 1024
NAME = re.compile(r"[^\W\d]\w{0,59}")
_LONGEST_WORDS = 500


class Hit(StrEnum):
    """What becomes of the rules that match."""

    UNIQUE, ANY, FIRST, PRIORITY = "UNIQUE", "ANY", "FIRST", "PRIORITY"
    RULE_ORDER, OUTPUT_ORDER, COLLECT = "RULE ORDER", "OUTPUT ORDER", "COLLECT"

    @property
    def is_one(self) -> bool:
        """Whether there is at most one result."""
        return self in (Hit.UNIQUE, Hit.ANY, Hit.FIRST, Hit.PRIORITY)


AGGREGATIONS = ("SUM", "MIN", "MAX", "COUNT")


@dataclass(frozen=True)
class Column:
    """An input or output: its name, its type, its label, and the values that it can have, as written."""

    name: str
    type: Typed
    label: str = ""
    values: str = ""

    @property
    def universe(self) -> Region:
        """The values that it can have."""
        return regions.intersection(sfeel.tests_of(self.values, self.type), self.type.universe)


@dataclass(frozen=True)
class Rule:
    """One row: cells as they are written and as they are meant; `because` is the reason in words."""

    when: tuple[str, ...]
    then: tuple[str, ...]
    because: str = ""
    regions: tuple[Region, ...] = field(default=(), compare=False, repr=False)
    outcome: tuple[Any, ...] = field(default=(), compare=False, repr=False)

    def matches(self, given: Sequence[Any]) -> bool:
        """Whether it fires; what is not known (None) fits a dash alone."""
        return all(
            region == regions.EVERYTHING or (value is not None and regions.contains(region, value))
            for region, value in zip(self.regions, given, strict=True)
        )


@dataclass(frozen=True)
class Table:
    """A table; `priorities` ranks the values of its outputs where the policy needs it."""

    name: str
    title: str
    hit: Hit
    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...]
    rules: tuple[Rule, ...]
    aggregation: str = ""
    priorities: tuple[tuple[Any, ...], ...] = field(default=(), compare=False, repr=False)

    def rank(self, rule: Rule) -> tuple[int, ...]:
        """Where its outcome stands in the order of values: less is sooner."""
        return tuple(order.index(value) for order, value in zip(self.priorities, rule.outcome, strict=True))


def column_of(name: str, kind: str, label: str, values: str, where: Detail) -> Column:
    """An input or output.

    Raises: Refused `cases.table_column`.
    """
    if not NAME.fullmatch(name):
        said = Detail("{value} is no name; it begins with a letter and has letters, digits and _", name[:60] or "…")
        raise _wrong_column(where, said)
    found = typed(kind)
    if found is None:
        unknown = Detail("there is no type {value} (there are: {limit})", kind[:40] or "…", ", ".join(TYPES))
        raise _wrong_column(where, unknown)
    try:
        sfeel.tests_of(values, found)
    except Wrong as wrong:
        raise _wrong_column(where, wrong.words) from wrong
    return Column(name, found, label[:_LONGEST_WORDS], values)


def _wrong_column(where: Detail, words: Detail) -> Refused:
    return Refused("cases.table_column", "{value}: {limit}.", value=where, limit=words)


def table_of(
    name: str, title: str, hit: str, aggregation: str, inputs: Sequence[Column], outputs: Sequence[Column],
    rows: Sequence[tuple[Sequence[str], Sequence[str], str]],
) -> Table:  # fmt: skip
    """A table whose cells are all understood.

    Raises: Refused `cases.table_*`, with the row and column of a cell.
    """
    policy = _policy(hit, aggregation)
    _check_size(inputs, outputs, rows)
    table = Table(name, title, policy, tuple(inputs), tuple(outputs), (), aggregation.upper())
    _check_aggregation(table)
    rules = tuple(_rule(table, number, *row) for number, row in enumerate(rows, 1))
    return Table(name, title, policy, table.inputs, table.outputs, rules, table.aggregation, _priorities(table))


def _policy(hit: str, aggregation: str) -> Hit:
    plain = " ".join(hit.upper().split()) or Hit.UNIQUE
    if plain not in list(Hit):
        raise Refused("cases.table_policy", "There is no hit policy {value}; there are: {limit}.",
                      value=hit[:40], limit=", ".join(Hit))  # fmt: skip
    if aggregation and aggregation.upper() not in AGGREGATIONS:
        raise Refused("cases.table_policy", "There is no aggregation {value}; there are: {limit}.",
                      value=aggregation[:40], limit=", ".join(AGGREGATIONS))  # fmt: skip
    return Hit(plain)


def _check_aggregation(table: Table) -> None:
    if not table.aggregation:
        return
    if table.hit is not Hit.COLLECT or len(table.outputs) != 1:
        raise Refused("cases.table_policy", "{value} is for COLLECT with one output; take it away.",
                      value=table.aggregation)  # fmt: skip
    if table.aggregation != "COUNT" and table.outputs[0].type.name != "number":
        raise Refused("cases.table_policy", "{value} is taken of numbers, and {limit} is none.",
                      value=table.aggregation, limit=table.outputs[0].name)  # fmt: skip


def _check_size(inputs: Sequence[Column], outputs: Sequence[Column], rows: Sequence[Any]) -> None:
    for found, most, what in ((inputs, MOST_INPUTS, "inputs"), (outputs, MOST_OUTPUTS, "outputs"),
                              (rows, MOST_RULES, "rules")):  # fmt: skip
        if not found:
            raise Refused("cases.table_empty", "A table has {value}, and this one has none.", value=what)
        if len(found) > most:
            raise Refused("cases.table_too_large", "A table has at most {limit}; this one has {value}.",
                          value=len(found), limit=f"{most} {what}")  # fmt: skip
    names = [column.name for column in (*inputs, *outputs)]
    for name in names:
        if names.count(name) > 1:
            raise Refused(
                "cases.table_column", "Two columns are named {value}; each has a name of its own.", value=name
            )


def _rule(table: Table, number: int, when: Sequence[str], then: Sequence[str], because: str) -> Rule:
    if (len(when), len(then)) != (len(table.inputs), len(table.outputs)):
        raise Refused("cases.table_row", "Row {value} has more or fewer cells than the table has columns ({limit}).",
                      value=number, limit=len(table.inputs) + len(table.outputs))  # fmt: skip
    meant = tuple(_read(sfeel.tests_of, number, column, text) for column, text in zip(table.inputs, when, strict=True))
    outcomes = zip(table.outputs, then, strict=True)
    outcome = tuple(_read(sfeel.literal_of, number, column, text) for column, text in outcomes)
    for column, value, text in zip(table.outputs, outcome, then, strict=True):
        if not regions.contains(column.universe, value):
            other = Detail("{value} is not one of its values ({limit})", text[:40], column.values[:80])
            raise cell(number, column, other)
    return Rule(tuple(when), tuple(then), because[:_LONGEST_WORDS], meant, outcome)


def _read(read: Any, number: int, column: Column, text: str) -> Any:
    try:
        return read(text, column.type)
    except Wrong as wrong:
        raise cell(number, column, wrong.words) from wrong


def cell(number: int, column: Column, words: Detail) -> Refused:
    """What is wrong in a cell, with its row and column."""
    where = Detail("Row {value}, column {limit}", number, column.name)
    return Refused("cases.table_cell", "{value}: {limit}.", value=where, limit=words)


def _priorities(table: Table) -> tuple[tuple[Any, ...], ...]:
    """The values of each output in the order in which they are written."""
    if table.hit not in (Hit.PRIORITY, Hit.OUTPUT_ORDER):
        return ()
    return tuple(_ordered(column, table.hit) for column in table.outputs)


def _ordered(column: Column, hit: Hit) -> tuple[Any, ...]:
    where = Detail("The column {value}", column.name)
    if not column.values.strip():
        raise _wrong_column(where, Detail("{value} needs its values in their order, the first one foremost", hit))
    try:
        return sfeel.literals_of(column.values, column.type)
    except Wrong as wrong:
        raise _wrong_column(where, wrong.words) from wrong


def given_of(table: Table, facts: Mapping[str, Any]) -> list[Any]:
    """The inputs of a case as they are compared; what is not there is None.

    Raises: Refused `cases.input_wrong`.
    """
    return [None if facts.get(column.name) is None else _given(column, facts[column.name]) for column in table.inputs]


def _given(column: Column, value: Any) -> Any:
    try:
        found = column.type.inside(value)
    except Wrong as wrong:
        raise Refused("cases.input_wrong", "The input {value} does not fit: {limit}.",
                      value=column.name, limit=wrong.words) from wrong  # fmt: skip
    if not regions.contains(column.universe, found):
        raise Refused("cases.input_wrong", "The input {value} does not fit: {limit}.", value=column.name,
                      limit=Detail("it is not one of its values ({limit})", limit=column.values[:80]))  # fmt: skip
    return found
