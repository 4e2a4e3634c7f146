"""The keeper's log: leaves in a Merkle tree, on the disk before anything opens, many requests in one commit."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cityloom.keeper import store, tiles
from cityloom.keeper.finder import Finder
from cityloom.keeper.leaf import SALT_BYTES, NewLeaf, entry_of, leaf, leaves, sixteens, texts_of
from cityloom.keeper.log_check import verify
from cityloom.keeper.store import Statement
from cityloom.keeper.tiles import LogBroken, Tiles
from cityloom.kernel.merkle import TILE_WIDTH, Edge, consistency_path, inclusion_path, root_of

__all__ = ["Log", "LogBroken", "LogFailed", "Logged", "NewLeaf", "leaf", "leaves", "verify"]

MOST_OF_ONE = 1000
_GROUP = 4096
_ROWS_AT_ONCE = 32
"""Rows that one statement writes: between statements other threads take the interpreter, and the log must wait."""
_logger = logging.getLogger(__name__)


class LogFailed(Exception):  # noqa: N818 - read as a fact
    """The leaves could not be made durable; nothing may be opened."""


@dataclass(frozen=True)
class Logged:
    """A leaf as it stands in the log, with the salt that lets its reader prove it."""

    index: int
    text: bytes
    salt: bytes

    @property
    def entry(self) -> bytes:
        """What the public log holds of it."""
        return entry_of(self.text, self.salt)


class _Request:
    """What one thread waits for: a bare lock that the log's thread lets go, as a Future costs several times that."""

    def __init__(self, leaves: Sequence[NewLeaf], changes: Sequence[Statement]) -> None:
        self.leaves, self.changes = leaves, changes
        self._outcome: int | LogFailed = LogFailed("The log has not answered.")
        self._waiting = threading.Lock()
        self._waiting.acquire()

    def end(self, outcome: int | LogFailed) -> None:
        """Tell the waiting thread: the first leaf's index, or why there is none."""
        self._outcome = outcome
        self._waiting.release()

    def first(self) -> int:
        """Wait. Raises: LogFailed."""
        with self._waiting:
            if isinstance(self._outcome, LogFailed):
                raise self._outcome
            return self._outcome


class Log:
    """The only writer of the keeper's database: one thread that commits what many requests brought together.

    In memory it keeps the right edge of the tree; all else is read from the disk.
    """

    def __init__(self, folder: Path) -> None:
        self._database = store.connect(folder)
        self._reading = store.connect(folder)
        self._edge = tiles.read_edge(self._database)
        self._head = self._edge.size, self._edge.root()
        self._tiles = Tiles(self._reading)
        self._finder = Finder(self._database)
        self._lock = threading.Lock()
        self._broken = False
        self._waiting: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    @property
    def head(self) -> tuple[int, bytes]:
        """Size and root of what is on the disk."""
        return self._head

    def append(self, leaves: Sequence[NewLeaf], changes: Sequence[Statement] = ()) -> int:
        """Put leaves and the changes that belong to them on the disk; return the first leaf's index.

        Raises: LogFailed; then neither the leaves nor the changes were made.
        """
        request = _Request(leaves, changes)
        self._waiting.put(request)
        return request.first()

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` leaves. Raises: ValueError."""
        edge = self._edge
        return root_of(self._tiles.node(edge), _known(edge, size))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of a leaf. Raises: ValueError."""
        edge = self._edge
        return inclusion_path(self._tiles.node(edge), index, _known(edge, size))

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Proof that an older tree is a prefix. Raises: ValueError."""
        edge = self._edge
        return consistency_path(self._tiles.node(edge), old, _known(edge, size))

    def tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes:
        """The hashes of a tile. Raises: ValueError."""
        return self._tiles.tile(self._edge, level, index, width)

    def entries(self, index: int, width: int = TILE_WIDTH) -> list[bytes]:
        """The entries that a tile of level 0 stands on. Raises: ValueError."""
        begin = index * TILE_WIDTH
        if not (0 < width <= TILE_WIDTH and 0 <= begin <= self._edge.size - width):
            raise ValueError("The log is not that long.")
        return [logged.entry for logged in self._between(begin, begin + width)]

    def read(self, index: int) -> Logged:
        """One leaf. Raises: ValueError."""
        if not 0 <= index < self._edge.size:
            raise ValueError("The log is not that long.")
        return self._between(index, index + 1)[0]

    def about(self, subjects: Sequence[bytes], before: int | None = None, limit: int = 100) -> list[Logged]:
        """The newest leaves about a person (under any of these pseudonyms) below an index, newest first."""
        before, limit = self._edge.size if before is None else before, min(limit, MOST_OF_ONE)
        with self._lock:
            found = {at for who in subjects for at in self._finder.find(self._reading, who, before, limit)}
        return [self.read(index) for index in sorted(found, reverse=True)[:limit]]

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()
        self._reading.close()
        self._database.close()

    def _between(self, begin: int, end: int) -> list[Logged]:
        ask = (
            "SELECT first, facts, cut, salts, subjects FROM leaves WHERE first >="
            " (SELECT max(first) FROM leaves WHERE first <= ?) AND first < ? ORDER BY first"
        )
        with self._lock:
            rows = self._reading.execute(ask, (begin, end)).fetchall()
        found: list[Logged] = []
        for first, facts, cut, salts, subjects in rows:
            here = slice(max(0, begin - first), end - first)
            run = slice(here.start * SALT_BYTES, here.stop * SALT_BYTES)
            texts = texts_of(facts.encode(), cut, subjects[run])
            pairs = zip(texts, sixteens(salts[run]), strict=True)
            found += [Logged(first + at, *pair) for at, pair in enumerate(pairs, here.start)]
        return found

    def _write(self) -> None:
        while (request := self._waiting.get()) is not None:
            group, count = [request], sum(map(len, request.leaves))
            while count < _GROUP and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                group.append(following)
                count += sum(map(len, following.leaves))
            self._commit(group)

    def _commit(self, group: list[_Request]) -> None:
        try:
            if self._broken:
                raise LogFailed("The log stopped at an earlier failure; start the keeper again.")
            edge = self._edge.copy()
            self._database.execute("BEGIN IMMEDIATE")
            firsts, found = self._insert(group, edge)
            head = edge.size, edge.root()
            self._database.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", head)
            marked = self._finder.write(self._database, self._edge.size)
            self._database.execute("COMMIT")
            self._edge, self._head = edge, head
            self._finder.note(found, marked)
        except Exception as error:  # every waiter must hear of it, whatever it was
            self._recover()
            _logger.error("the log could not be written: %s", type(error).__name__)
            failure = LogFailed("The log could not be written.")
            failure.__cause__ = error
            for request in group:
                request.end(failure)
            return
        for request, first in zip(group, firsts, strict=True):
            request.end(first)

    def _insert(self, group: list[_Request], edge: Edge) -> tuple[list[int], list[tuple[int, bytes]]]:
        """Write leaves, tiles, counts and changes; return each request's first index, and whom leaves are about."""
        firsts, index, rows = [], edge.size, []
        for request in group:
            firsts.append(index)
            for each in request.leaves:
                rows.append((index, len(each), each.facts.decode(), each.cut, each.salts, each.subjects))
                index += len(each)
        fresh = [each for request in group for each in request.leaves]
        for at in range(0, len(rows), _ROWS_AT_ONCE):
            run = rows[at : at + _ROWS_AT_ONCE]
            places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(run))
            self._database.execute(f"INSERT INTO leaves VALUES {places}", [value for row in run for value in row])  # noqa: S608
        tiles.write(self._database, edge, edge.extend([hashed for each in fresh for hashed in each.hashes]))
        store.count_flows(self._database, fresh)
        for request in group:
            for sql, values in request.changes:
                self._database.execute(sql, values)
        return firsts, [(row[0], row[-1]) for row in rows if row[-1]]

    def _recover(self) -> None:
        """Go back to what the disk holds; where that cannot be told, write nothing more."""
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            edge = tiles.read_edge(self._database)
            self._edge, self._head = edge, (edge.size, edge.root())
            self._finder.restart(self._database)
        except (sqlite3.Error, LogBroken):
            self._broken = True


def _known(edge: Edge, size: int) -> int:
    if size > edge.size:
        raise ValueError("The log is not that long.")
    return size
