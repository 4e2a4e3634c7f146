"""A department's file as rows of texts, whatever its format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain import shapes
from cityloom.registers.domain.kinds import SHAPE_WORDS

MOST_COLUMNS = 1_000
MOST_SIGNS = 10_000
"""Signs of one value; what is longer is no value, unless its column holds geometries."""
BATCH = 10_000
_CELLS = 400_000


def most_signs_of(header: Iterable[str]) -> int:
    """How long a value may be in a file with these columns."""
    return shapes.MOST_SIGNS if any(name.strip().casefold() in SHAPE_WORDS for name in header) else MOST_SIGNS


def batch_for(columns: int) -> int:
    """How many rows are read at once: fewer where they are wide."""
    return max(1, min(BATCH, _CELLS // max(columns, 1)))


@dataclass(frozen=True)
class Wanted:
    """How a file is to be read; what is empty is found out."""

    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    place: str = ""


@dataclass(frozen=True)
class Connected:
    """A table or a query of a department's database: the name of the connection, never its address.

    `order` names the columns whose values tell rows apart, so that every reading has the same order. `most` rows are
    read, whichever the database has at hand; all where it is 0.
    """

    connection: str
    table: str = ""
    query: str = ""
    timeout_s: int = 600
    order: tuple[str, ...] = ()
    most: int = 0

    @property
    def told(self) -> str:
        """What it is called in the book of loads and in sentences."""
        return f"{self.table or 'query'} at {self.connection}"


@dataclass
class Rows:
    """A batch of rows: their numbers in the file, their texts, and by place what was wrong when they were read."""

    numbers: list[int] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    faults: dict[int, str] = field(default_factory=dict)

    def add(self, number: int, row: list[str], fault: str = "") -> None:
        """Add a row."""
        if fault:
            self.faults[len(self.numbers)] = fault
        self.numbers.append(number)
        self.texts.append(row)

    def behind(self, row: int) -> Rows:
        """The rows whose numbers are above one."""
        kept = [place for place, number in enumerate(self.numbers) if number > row]
        if len(kept) == len(self.numbers):
            return self
        again = {place: now for now, place in enumerate(kept)}
        faults = {again[place]: rule for place, rule in self.faults.items() if place in again}
        return Rows([self.numbers[place] for place in kept], [self.texts[place] for place in kept], faults)


OFFERED = {"geojson": frozenset({"lon", "lat", "geometry"})}
"""By format the columns that its reader makes of what is no column in the file."""


class Table(Protocol):
    """An open file: its columns, how it was read, and its rows, as often as they are asked for."""

    header: tuple[str, ...]
    how: Wanted

    def batches(self) -> Iterator[Rows]:
        """The rows, in order."""
        ...


class ConnectedTable(Table, Protocol):
    """An open table of a database, in one snapshot: what it is called, SHA-256 of what it says, and how large it is."""

    name: str

    @property
    def digest(self) -> str: ...
    @property
    def bytes(self) -> int: ...


@dataclass(frozen=True)
class Asked:
    """What is asked of rows in SQL, where the texts of the columns are called t0, t1 and so on, and `shared` more.

    `certain` tells whether a row is beyond doubt good; `values` are the values of such rows by field, `filled` whether
    a field holds anything, `digest` an unsigned number, or nothing. Only rows behind the number `after` are wanted,
    `at_once` of them in a batch; where several processes read, this one takes a `turn`: its place among how many, and
    every so-manieth batch from there. `doubtful` are the numbers of rows that are not certain, rising, where known.
    """

    certain: str
    values: Mapping[str, str]
    filled: Mapping[str, str]
    digest: str = ""
    after: int = 0
    at_once: int = 50_000
    turn: tuple[int, int] = (0, 1)
    shared: Mapping[str, str] = field(default_factory=dict)
    doubtful: NDArray[np.int64] | None = None


@dataclass
class Columns:
    """A batch of rows in columns: their numbers, which are certain, and the values and digests of those.

    What stands there of the others means nothing; their texts are in `texts`, by place.
    """

    numbers: list[int]
    certain: NDArray[np.bool_]
    values: dict[str, list[Any]]
    filled: dict[str, NDArray[np.bool_]]
    said: list[int]
    texts: dict[int, list[str]]


@runtime_checkable
class ColumnTable(Protocol):
    """A table that also answers in columns, many rows at a time; `count` is how many it has.

    It can be handed to another process, which then reads for itself.
    """

    header: tuple[str, ...]
    how: Wanted
    count: int

    def batches(self) -> Iterator[Rows]:
        """The rows, in order."""
        ...

    def columns(self, asked: Asked) -> Iterator[Columns]:
        """The rows in columns, in order."""
        ...

    def texts_of(self, numbers: Sequence[int]) -> list[list[str]]:
        """The texts of some rows, whose numbers rise."""
        ...
