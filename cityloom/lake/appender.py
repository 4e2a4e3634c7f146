"""Small writes are gathered in a journal on the disk, and go to the table as one commit now and then."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.lake import log, parquet
from cityloom.lake.table import Once, Table

JOURNALS = ".journals"
_WHO = "appender"
_HEAD = 12  # bytes before each record: its length and its CRC-32


class Appender:
    """Takes a few facts at a time; what `add` has returned for is on the disk, and reaches the table exactly once.

    A commit is made when `rows` wait, or when the first of them has waited `seconds` and `add` or `tick` is called.
    One process at a time; after a kill the next one goes on with the journal that it finds.
    Raises: Refused `lake.appender_taken`.
    """

    def __init__(self, table: Table, rows: int = 50_000, seconds: float = 30.0) -> None:
        self._table, self._rows, self._seconds = table, rows, seconds
        self._folder = table.folder.parent / JOURNALS / table.dataset.name
        log.make_folder(self._folder)
        self._lock = _taken(self._folder)
        self._waiting: list[pa.Table] = []
        self._since = 0.0
        self._number = table.written_up_to(_WHO) + 1
        self._recover()
        self._stream = self._path().open("ab")
        log.synced(self._folder)

    def add(self, columns: Mapping[str, Any]) -> None:
        """Keep some facts. Raises: Refused `lake.columns`, `lake.disk_full`."""
        facts = parquet.arrow_of(self._table.dataset, columns)
        if not facts.num_rows:
            return
        if not self._waiting:
            self._since = clock.steady()
        self._write(facts)
        self._waiting.append(facts)
        self.tick()

    def tick(self) -> None:
        """Commit where it is time to."""
        if self._waiting and (self.waiting >= self._rows or clock.steady() - self._since >= self._seconds):
            self.flush()

    @property
    def waiting(self) -> int:
        """How many facts are in the journal, and not in the table yet."""
        return sum(one.num_rows for one in self._waiting)

    def flush(self) -> int:
        """Commit what waits; return how many facts."""
        count = self.waiting
        if count:
            self._table.append(_columns(pa.concat_tables(self._waiting)), Once(_WHO, self._number))
            self._next()
        return count

    def close(self) -> None:
        """Commit what waits, and let others take over."""
        self.flush()
        self._stream.close()
        self._lock.close()

    def _write(self, facts: pa.Table) -> None:
        """Put a record behind the journal, on the disk before this returns; a torn one is cut off again."""
        body = _packed(facts)
        begin = self._stream.tell()
        try:
            self._stream.write(len(body).to_bytes(8, "little") + zlib.crc32(body).to_bytes(4, "little") + body)
            self._stream.flush()
            os.fsync(self._stream.fileno())
        except OSError as error:
            os.ftruncate(self._stream.fileno(), begin)
            self._stream = self._path().open("ab")
            raise parquet.full(error) from error

    def _next(self) -> None:
        """Begin a journal, and let go of the one whose facts are in the table."""
        old = self._path()
        self._stream.close()
        self._waiting, self._number = [], self._number + 1
        self._stream = self._path().open("ab")
        log.synced(self._folder)
        old.unlink()

    def _recover(self) -> None:
        """Take up what a process that ended left, and let go of what is in the table already."""
        for path in self._folder.glob("*.journal"):
            if int(path.stem) < self._number:
                path.unlink()
        whole = 0
        for body in _records(self._path()):
            self._waiting.append(pa.ipc.open_stream(body).read_all())
            whole += _HEAD + len(body)
        if self._path().exists():
            os.truncate(self._path(), whole)
        self._since = clock.steady()

    def _path(self) -> Path:
        return self._folder / f"{self._number}.journal"


def _records(path: Path) -> Iterator[bytes]:
    """The whole records of a journal; behind the first torn one nothing was promised to anybody."""
    content = path.read_bytes() if path.exists() else b""
    place = 0
    while len(head := content[place : place + _HEAD]) == _HEAD:
        length = int.from_bytes(head[:8], "little")
        body = content[place + _HEAD : place + _HEAD + length]
        if len(body) != length or zlib.crc32(body).to_bytes(4, "little") != head[8:]:
            return
        yield body
        place += _HEAD + length


def _packed(facts: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, facts.schema) as stream:
        stream.write_table(facts)
    return bytes(sink.getvalue())


def _columns(facts: pa.Table) -> dict[str, Any]:
    return {name: facts[name].cast(pa.int64()).to_numpy() if pa.types.is_timestamp(facts[name].type) else facts[name]
            for name in facts.column_names}  # fmt: skip


def _taken(folder: Path) -> Any:
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Refused("lake.appender_taken", "Another process gathers facts of {value} already; let it write these, "
                      "too.", value=folder.name) from error  # fmt: skip
    return lock
