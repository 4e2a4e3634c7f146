"""The whole log recomputed from its leaves: every tile, who each leaf is about, the counts, and the root."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

from cityloom.keeper import store
from cityloom.keeper.finder import indexed_of
from cityloom.keeper.leaf import SALT_BYTES, again, sixteens
from cityloom.keeper.tiles import LogBroken, stored_head, tile_id
from cityloom.kernel.merkle import TILE_HEIGHT, Edge


def verify(folder: Path) -> tuple[int, bytes]:
    """Recompute the whole log from its leaves; return its size and root. Raises: LogBroken at the first difference."""
    database = store.connect(folder)
    try:
        database.execute("BEGIN")  # one moment of a log that may be growing
        return _Check(database).run()
    except (sqlite3.Error, ValueError, TypeError, AttributeError) as error:  # a changed file may hold anything anywhere
        raise LogBroken("The log cannot be read whole.") from error
    finally:
        database.close()


class _Check:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._edge = Edge()
        self._tiles = 0
        self._indexed = indexed_of(database)
        self._about = 0  # a sum of digests: equal for equal sets of (person, leaf), in whatever order they come
        self._flows: dict[tuple[object, ...], tuple[int, int]] = {}

    def run(self) -> tuple[int, bytes]:
        rows = self._database.execute("SELECT first, count, facts, cut, salts, subjects FROM leaves ORDER BY first")
        for first, count, *stored in rows:
            self._take(first, count, *stored)
        self._check_edge()
        self._check_about()
        self._check_flows()
        head = self._edge.size, self._edge.root()
        if stored_head(self._database) != head:
            raise LogBroken("The leaves do not give the stored root.")
        return head

    def _take(self, first: int, count: int, facts: str, cut: int, salts: bytes, subjects: bytes) -> None:
        if first != self._edge.size or len(salts) != count * SALT_BYTES or len(subjects) not in (0, len(salts)):
            raise LogBroken(f"Leaf {self._edge.size} is not what was logged.")
        found = again(facts.encode(), cut, salts, subjects)
        for at, who in enumerate(sixteens(subjects), first):
            if at < self._indexed:
                self._about += _digest(who, at)
        for key, (leaves, people) in store.flows_of([found]).items():
            counted = self._flows.get(key, (0, 0))
            self._flows[key] = counted[0] + leaves, counted[1] + people
        for level, index, hashes in self._edge.extend(found.hashes):
            self._compare(level, index, hashes)

    def _compare(self, level: int, index: int, hashes: bytes) -> None:
        row = self._database.execute("SELECT hashes FROM tile WHERE id = ?", (tile_id(level, index),)).fetchone()
        if row is None or row[0] != hashes:
            raise LogBroken(f"Tile {index} of level {level} is not what its leaves give.")
        self._tiles += 1

    def _check_edge(self) -> None:
        for level, partial in enumerate(self._edge.partial):
            if level and partial:
                self._compare(level, self._edge.size >> TILE_HEIGHT * (level + 1), b"".join(partial))
        if self._database.execute("SELECT count(*) FROM tile").fetchone()[0] != self._tiles:
            raise LogBroken("There are tiles that no leaves stand under.")

    def _check_about(self) -> None:
        found = sum(_digest(who, at) for who, at in self._database.execute("SELECT subject, i FROM about"))
        if found != self._about:
            raise LogBroken("The list of whom the leaves are about is not what the leaves say.")

    def _check_flows(self) -> None:
        rows = self._database.execute("SELECT * FROM flow")
        if {tuple(key): (leaves, people) for *key, leaves, people in rows} != self._flows:
            raise LogBroken("The counts by unit and purpose are not what the leaves say.")


def _digest(who: bytes, at: int) -> int:
    return int.from_bytes(hashlib.sha256(who + at.to_bytes(8, "big")).digest(), "big")
