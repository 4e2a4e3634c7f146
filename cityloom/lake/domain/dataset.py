"""What a dataset of the lake is: its columns with unit, sensitivity and source, and how it may change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cityloom.kernel.refused import Refused

KINDS = ("integer", "number", "text", "instant", "flag", "bytes")
"""`integer` has 64 bits, `number` is a double, `instant` is UTC to the microsecond."""
SENSITIVITIES = ("open", "internal", "pseudonymous", "sealed")
THING, AT, CELL = "thing", "at", "cell"
"""The columns that every dataset begins with: what a fact is about, when, and its place (an H3 cell; 0 is unknown)."""
DAY, PLACE = "day", "place"
"""The partitions, which follow from `at` and `cell`."""
EACH = ("day", "month", "year")
_KIND_OF = {"pseudonymous": "integer", "sealed": "bytes"}


@dataclass(frozen=True)
class Column:
    """A column; one about people is `pseudonymous` (a keyed number) or `sealed` (bytes that only the keeper opens)."""

    name: str
    kind: str
    unit: str = ""
    sensitivity: str = "internal"
    source: str = ""
    is_personal: bool = False
    codes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dataset:
    """Facts about registered things: `thing`, `at` and `cell`, and the columns of its own.

    `register` is the one whose keys the things have, "" where they are not registered. `each` is the span of a
    partition: a day, or a month or a year where a day has few facts. Facts older than `keep_days` are let go; 0 keeps
    them. `counts_as` names a load of work zones that its facts are (`cases`).
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    register: str = ""
    each: str = "day"
    keep_days: int = 0
    counts_as: str = ""

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """With those that every dataset has."""
        first = Column(THING, "integer"), Column(AT, "instant"), Column(CELL, "integer")
        return (*first, *self.columns)

    def check(self) -> None:
        """Raise `Refused` where it says something that the lake cannot keep, or must not.

        Raises: Refused `lake.name`, `lake.column`, `lake.person_in_clear`.
        """
        if not self.name.isidentifier():
            sentence = "A dataset is named like a word of a program (`permits`), not {value}."
            raise Refused("lake.name", sentence, value=self.name)
        if self.each not in EACH:
            raise Refused("lake.each", "A partition is a {limit}, not {value}.", value=self.each,
                          limit=" or a ".join(EACH))  # fmt: skip
        names = [column.name for column in self.all_columns]
        for column in self.columns:
            if column.kind not in KINDS or column.sensitivity not in SENSITIVITIES or not column.name.isidentifier():
                raise Refused("lake.column", "Column {value} has a kind or sensitivity that there is not; kinds are "
                              "{limit}.", value=column.name, limit=", ".join(KINDS))  # fmt: skip
            if names.count(column.name) > 1 or column.name in (DAY, PLACE):
                raise Refused("lake.column", "Column {value} is there twice; name it differently.", value=column.name)
            if column.is_personal and column.kind != _KIND_OF.get(column.sensitivity):
                sentence = "Column {value} is about people: make it pseudonymous (an integer) or sealed (bytes)."
                raise Refused("lake.person_in_clear", sentence, value=column.name)


def added(known: Sequence[tuple[str, str]], dataset: Dataset) -> tuple[Column, ...]:
    """The columns that a dataset has and its table has not; `known` are the table's names and kinds.

    A table may only grow: what was written once keeps its name and kind, so that every reader of old days goes on.
    Raises: Refused `lake.schema`.
    """
    now = {column.name: column.kind for column in dataset.all_columns}
    for name, kind in known:
        if now.get(name) != kind:
            gone = "Column {value} ({limit}) is gone; put it back, it may stay empty."
            other = "Column {value} was {limit} and is another now; leave it and add a new column instead."
            sentence = other if name in now else gone
            raise Refused("lake.schema", sentence, value=f"{dataset.name}.{name}", limit=kind)
    old = {name for name, _ in known}
    return tuple(column for column in dataset.all_columns if column.name not in old)


@dataclass(frozen=True)
class Span:
    """Which facts are wanted: days from `first` until before `end` (ISO dates), near a cell, of one thing."""

    first: str = ""
    end: str = ""
    cell: int = 0
    thing: int | None = None

    def holds(self, day: str, place: int, wanted: int, each: str = "day") -> bool:
        """Whether a partition may have something, of a span and a place; `wanted` is the place meant, 0 all."""
        letters = {"day": 10, "month": 7, "year": 4}[each]
        after = not self.first or day[:letters] >= self.first[:letters]
        before = not self.end or day < self.end
        return after and before and (not wanted or place in (0, wanted))


EVERYTHING = Span()
