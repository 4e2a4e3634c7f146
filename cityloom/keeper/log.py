"""The keeper's log: leaves in a Merkle tree, on the disk before anything opens, many requests in one commit."""

from __future__ import annotations

import logging
import queue
import sqlite3
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cityloom.keeper import store
from cityloom.keeper.store import Statement
from cityloom.kernel import ids
from cityloom.kernel.merkle import EMPTY_ROOT, Tree, leaf_hash

_GROUP = 4096
_encoder = msgspec.json.Encoder(order="sorted")
_logger = logging.getLogger(__name__)


class LogFailed(Exception):  # noqa: N818 - read as a fact
    """The leaves could not be made durable; nothing may be opened."""


class LogBroken(Exception):  # noqa: N818 - read as a fact
    """The log on the disk is not the one that its head describes."""


@dataclass(frozen=True)
class NewLeaf:
    """A leaf on its way into the log: its canonical JSON, and what it can be found by."""

    entry: bytes
    kind: str
    subject: bytes | None = None
    incident_id: str = ""
    exercise_id: str = ""


def leaf(kind: str, facts: dict[str, object], subject: bytes | None = None) -> NewLeaf:
    """A salted leaf; `facts` holds strings, integers and lists of strings only.

    Sorted keys without spaces are then RFC 8785's canonical form.
    """
    body = {"version": 1, "kind": kind, "salt": ids.random_bytes(16).hex(), **facts}
    if subject is not None:
        body["subject"] = subject.hex()
    incident, exercise = str(facts.get("incident_id", "")), str(facts.get("exercise_id", ""))
    return NewLeaf(_encoder.encode(body), kind, subject, incident, exercise)


@dataclass
class _Request:
    leaves: Sequence[NewLeaf]
    changes: Sequence[Statement]
    done: Future[int] = field(default_factory=Future)


class Log:
    """The only writer of the keeper's database: one thread that commits what many requests brought together."""

    def __init__(self, folder: Path) -> None:
        self._database = store.connect(folder)
        self._tree = read_tree(self._database)
        self._published = (len(self._tree), self._tree.root())
        self._lock = threading.Lock()
        self._broken = False
        self._waiting: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    @property
    def head(self) -> tuple[int, bytes]:
        """Size and root of what is on the disk."""
        return self._published

    def append(self, leaves: Sequence[NewLeaf], changes: Sequence[Statement] = ()) -> int:
        """Put leaves and the changes that belong to them on the disk; return the first leaf's index.

        Raises: LogFailed; then neither the leaves nor the changes were made.
        """
        request = _Request(leaves, changes)
        self._waiting.put(request)
        return request.done.result()

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` leaves."""
        with self._lock:
            return self._tree.root(self._known(size))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of a leaf."""
        with self._lock:
            return self._tree.inclusion_proof(index, self._known(size))

    def consistency(self, old: int, size: int) -> list[bytes]:
        """Proof that an older tree is a prefix."""
        with self._lock:
            return self._tree.consistency_proof(old, self._known(size))

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._waiting.put(None)
        self._thread.join()
        self._database.close()

    def _known(self, size: int) -> int:
        if size > self._published[0]:
            raise ValueError("The log is not that long.")
        return size

    def _write(self) -> None:
        while (request := self._waiting.get()) is not None:
            group, count = [request], len(request.leaves)
            while count < _GROUP and not self._waiting.empty():
                following = self._waiting.get()
                if following is None:
                    self._waiting.put(None)
                    break
                group.append(following)
                count += len(following.leaves)
            self._commit(group)

    def _commit(self, group: list[_Request]) -> None:
        firsts = []
        try:
            if self._broken:
                raise LogFailed("The log stopped at an earlier failure; start the keeper again.")
            with self._lock:
                self._database.execute("BEGIN IMMEDIATE")
                for request in group:
                    firsts.append(len(self._tree))
                    self._insert(request)
                head = len(self._tree), self._tree.root()
                self._database.execute("INSERT OR REPLACE INTO head VALUES (1, ?, ?)", head)
                self._database.execute("COMMIT")
                self._published = head
        except Exception as error:  # every waiter must hear of it, whatever it was
            self._recover()
            _logger.error("the log could not be written: %s", type(error).__name__)
            failure = LogFailed("The log could not be written.")
            failure.__cause__ = error
            for request in group:
                request.done.set_exception(failure)
            return
        for request, first in zip(group, firsts, strict=True):
            request.done.set_result(first)

    def _insert(self, request: _Request) -> None:
        rows = []
        for each in request.leaves:
            hashed = leaf_hash(each.entry)
            index = self._tree.append(hashed)
            rows.append((index, each.entry, hashed, each.kind, each.subject, each.incident_id, each.exercise_id))
        self._database.executemany("INSERT INTO leaf VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        for sql, values in request.changes:
            self._database.execute(sql, values)

    def _recover(self) -> None:
        """Go back to what the disk holds; where that cannot be told, write nothing more."""
        try:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            with self._lock:
                self._tree = read_tree(self._database)
                self._published = (len(self._tree), self._tree.root())
        except (sqlite3.Error, LogBroken):
            self._broken = True


def read_tree(database: sqlite3.Connection) -> Tree:
    """The tree of the stored leaf hashes. Raises: LogBroken where it is not the one that the head names."""
    tree = Tree([row[0] for row in database.execute("SELECT hash FROM leaf ORDER BY i")])
    if _stored_head(database) != (len(tree), tree.root()):
        raise LogBroken("The stored leaves do not give the stored root.")
    return tree


def verify(folder: Path) -> tuple[int, bytes]:
    """Recompute the whole log from its entries; return its size and root. Raises: LogBroken at the first difference."""
    database = store.connect(folder)
    try:
        tree = Tree()
        for index, entry, hashed in database.execute("SELECT i, entry, hash FROM leaf ORDER BY i"):
            if index != len(tree) or leaf_hash(entry) != hashed:
                raise LogBroken(f"Leaf {index} is not what was logged.")
            tree.append(hashed)
        head = _stored_head(database)
    finally:
        database.close()
    if head != (len(tree), tree.root()):
        raise LogBroken("The leaves do not give the stored root.")
    return head


def _stored_head(database: sqlite3.Connection) -> tuple[int, bytes]:
    return database.execute("SELECT size, root FROM head").fetchone() or (0, EMPTY_ROOT)
