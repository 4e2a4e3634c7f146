"""Good rows become records, ready to be taken over by a database; it knows no Django, so that any process can do it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.checks import Checked
from cityloom.registers.domain.tables import Rows
from cityloom.registers.domain.whereabouts import Following
from cityloom.registers.loading.reading import Batch, some

RECORDS = "records"
"""The one table of a database of made records; what all of them share is not in it."""
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True)
class Parts:
    """What rows tell about people, to be sealed: the places of the rows that do, and the parts in one run."""

    places: NDArray[np.int64]
    lengths: NDArray[np.int64]
    run: bytes

    def each(self) -> list[bytes]:
        """The parts one by one."""
        ends = accumulate(self.lengths.tolist(), initial=0)
        return [self.run[first:last] for first, last in pairwise(ends)]


@dataclass(frozen=True)
class Made:
    """A batch whose good rows are all new: a database with their records, how many, and what is sealed of them.

    `bad` are the other rows, with what was found of them; `last` is the number of the batch's last row.
    """

    records: bytes
    count: int
    parts: Parts
    bad: tuple[Rows, Checked]
    last: int


@dataclass(frozen=True)
class Recording:
    """How rows of one load become records: by field its value where the file has none."""

    load: int
    key: str
    fields: Mapping[str, str | None]
    personal: tuple[str, ...]
    as_of: str
    valid_from: str
    following: Following

    def __call__(self, batch: Batch) -> Made:
        """Make the records of a batch that says nothing that was said before; it needs digests."""
        rows, found = batch
        good, said = found.good, found.said
        if said is None:
            raise ValueError("Without digests nothing is told of later rows.")
        columns = self.columns(rows, found, said, good)
        wrong = sorted(found.faults)
        bad = Rows([rows.numbers[place] for place in wrong], [rows.texts[place] for place in wrong])
        faults = {at: found.faults[place] for at, place in enumerate(wrong)}
        return Made(_written(columns), len(good), self.parts(found, good),
                    (bad, Checked({}, faults, found.notes, len(wrong))), rows.numbers[-1])  # fmt: skip

    def columns(self, rows: Rows, found: Checked, said: list[int], places: list[int]) -> dict[str, Any]:
        """The columns that differ from record to record; what no column of the file becomes is empty."""
        count, numbers = len(places), np.array(rows.numbers, np.int64)
        columns: dict[str, Any] = {
            "id": self.load << 32 | numbers[places], "key": some(found.values[self.key], places),
            "valid_from": self._since(found, places), "digest": some(said, places),
        }  # fmt: skip
        for name, empty in self.fields.items():
            values = found.values.get(name)
            columns[name] = [empty] * count if values is None else some(values, places)
        return columns | self.following.of(columns)

    def _since(self, found: Checked, places: list[int]) -> list[str]:
        if not self.valid_from:
            return [self.as_of] * len(places)
        return [day or self.as_of for day in some(found.values[self.valid_from], places)]

    def parts(self, found: Checked, places: list[int]) -> Parts:
        """What rows tell about people, a part for each that tells something."""
        told, parts = [], []
        rows = zip(*(some(found.values[name], places) for name in self.personal), strict=True)
        for place, row in enumerate(rows):
            if any(row):
                told.append(place)
                parts.append(_encode({name: value for name, value in zip(self.personal, row, strict=True) if value}))
        return Parts(np.array(told, np.int64), np.array(list(map(len, parts)), np.int64), b"".join(parts))


def _written(columns: Mapping[str, Any]) -> bytes:
    """A database in memory, as the bytes that its file would have."""
    link = sqlite3.connect(":memory:", isolation_level=None)
    link.execute("PRAGMA page_size=65536")
    link.execute("PRAGMA journal_mode=OFF")
    names = ", ".join([f'"{name}"' for name in columns])
    link.execute(f"CREATE TABLE {RECORDS} ({names})")
    link.execute("BEGIN")
    marks = ", ".join("?" * len(columns))
    listed = [column.tolist() if isinstance(column, np.ndarray) else column for column in columns.values()]
    link.executemany(f"INSERT INTO {RECORDS} VALUES ({marks})", zip(*listed, strict=True))  # noqa: S608 - a constant
    link.execute("COMMIT")
    return link.serialize()
