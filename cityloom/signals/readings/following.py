"""What a store keeps, seen from any process: the files of the lake and what still lies in its journals.

Both are read anew only where something came: a commit makes a new entry in the table's log, a record makes its journal
longer. One look is of one state, so that nothing is seen twice or missed while a journal goes to the lake.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cityloom.lake import appender
from cityloom.lake.domain.dataset import Dataset
from cityloom.lake.parquet import File
from cityloom.lake.table import Table

_MOST_TRIES = 20
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Part:
    """The readings of one record of a journal, as columns; instants are microseconds since 1970."""

    thing: Ints
    at_us: Ints
    result: NDArray[np.float64]
    known_us: Ints | None
    least: int
    most: int


@dataclass(frozen=True)
class State:
    """Files of the lake, and readings that are not there yet."""

    files: list[File]
    parts: list[Part]


@dataclass
class _Journal:
    """How far a journal has been read, and what was in it."""

    read: int = 0
    parts: list[Part] = field(default_factory=list)


class Following:
    """Looks at the store of a dataset that `who` writes."""

    def __init__(self, root: Path, dataset: Dataset, who: str) -> None:
        self.table = Table(root, dataset)
        self._who = who
        self._journals: dict[Path, _Journal] = {}
        self._seen: tuple[int, list[File], int] = (-2, [], -1)
        self._turn = threading.Lock()

    def look(self) -> State:
        """The state now."""
        with self._turn:
            for _ in range(_MOST_TRIES):
                if self._seen[0] < -1 or self.table.has_version(self._seen[0] + 1):
                    self._seen = self.table.seen(self._who)
                version, files, done = self._seen
                parts = self._waiting(done)
                if not self.table.has_version(version + 1):  # otherwise a journal went to the lake between two looks
                    break
            return State(files, parts)

    def _waiting(self, done: int) -> list[Part]:
        folder = appender.folder_of(self.table, self._who)
        numbers = {int(path.stem): path for path in folder.glob("*.journal")}
        wanted = [path for number, path in sorted(numbers.items()) if number > done]
        self._journals = {path: self._journals.get(path, _Journal()) for path in wanted}
        for path, journal in self._journals.items():
            facts, journal.read = appender.records_from(path, journal.read)
            journal.parts += [_part(one) for one in facts if one.num_rows]
        return [part for journal in self._journals.values() for part in journal.parts]


def _part(facts: pa.Table) -> Part:
    thing = facts["thing"].to_numpy()
    known = facts["known_at"].cast(pa.int64()).to_numpy() if "known_at" in facts.column_names else None
    at_us = facts["at"].cast(pa.int64()).to_numpy()
    return Part(thing, at_us, facts["result"].to_numpy(), known, int(thing.min()), int(thing.max()))
