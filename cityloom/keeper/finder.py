"""Finding the leaves about a person among very many.

The newest are kept in memory and go to the disk in sorted runs, one subtree of the table for each era of leaves: a
random insert for every leaf would write a page of 4 KiB for 25 bytes. What is not on the disk yet is in the leaves
themselves, so a crash loses nothing.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

from cityloom.keeper.leaf import sixteens

_ERA_SHIFT = 18
_RUN = 1 << 14


class Finder:
    """Which leaves are about whom. Written by the log's thread, read by any."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._lock = threading.Lock()
        self.restart(database)

    def restart(self, database: sqlite3.Connection) -> None:
        """Forget what is in memory, and read what the disk has not sorted yet."""
        self._indexed = indexed_of(database)
        young: dict[bytes, list[int]] = {}
        rows = database.execute("SELECT first, subjects FROM leaves WHERE first >= ? ORDER BY first", (self._indexed,))
        for first, subjects in rows:
            _note(young, first, subjects)
        with self._lock:
            self._young = young
        self._count = sum(map(len, young.values()))

    def write(self, database: sqlite3.Connection, size: int) -> int | None:
        """In the commit before leaf `size`: sort what waits, if it is enough; return the new mark for `note`."""
        if self._count < _RUN:
            return None
        rows = sorted((at >> _ERA_SHIFT, who, at) for who, places in self._young.items() for at in places)
        database.executemany("INSERT INTO about VALUES (?, ?, ?)", rows)
        database.execute("INSERT OR REPLACE INTO indexed VALUES (1, ?)", (size,))
        return size

    def note(self, rows: Sequence[tuple[int, bytes]], sorted_up_to: int | None) -> None:
        """After the commit: remember these leaves (first index, people), and forget what was sorted."""
        with self._lock:
            if sorted_up_to is not None:
                self._young, self._count = {}, 0
            for first, subjects in rows:
                self._count += _note(self._young, first, subjects)

    def find(self, database: sqlite3.Connection, who: bytes, before: int, limit: int) -> list[int]:
        """The newest leaves about a person below an index, newest first."""
        with self._lock:  # before the disk is read: what is sorted in between is then found twice, not never
            found = {at for at in self._young.get(who, ()) if at < before}
        era = max(before - 1, 0) >> _ERA_SHIFT
        ask = "SELECT i FROM about WHERE era = ? AND subject = ? AND i < ? ORDER BY i DESC LIMIT ?"
        while era >= 0 and len(found) < limit:
            found.update(row[0] for row in database.execute(ask, (era, who, before, limit)))
            era -= 1
        return sorted(found, reverse=True)[:limit]


def indexed_of(database: sqlite3.Connection) -> int:
    """The leaves below this index are in the sorted table."""
    row = database.execute("SELECT up_to FROM indexed").fetchone()
    return row[0] if row else 0


def _note(young: dict[bytes, list[int]], first: int, subjects: bytes) -> int:
    people = sixteens(subjects)
    for at, who in enumerate(people, first):
        young.setdefault(who, []).append(at)
    return len(people)
