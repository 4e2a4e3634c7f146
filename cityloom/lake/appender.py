"""Small writes are gathered in a journal on the disk, and go to the table as one commit now and then."""

from __future__ import annotations

import fcntl
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
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

    A commit is made when `rows` wait, or when the first of them has waited `seconds` and `add` or `tick` is called;
    with `aside` in a thread, while the next journal fills. `before` is told of a journal's number and facts before
    their commit (again after a kill), `after` of its number behind it. One process at a time for each `who`; after a
    kill the next one goes on with the journals that it finds.
    Raises: Refused `lake.appender_taken`.
    """

    def __init__(
        self, table: Table, rows: int = 50_000, seconds: float = 30.0, *, who: str = _WHO, aside: bool = False,
        before: Callable[[int, list[pa.Table]], None] = lambda number, facts: None,
        after: Callable[[int], None] = lambda number: None,
    ) -> None:  # fmt: skip
        self._table, self._rows, self._seconds, self._who = table, rows, seconds, who
        self._before, self._after = before, after
        self._folder = folder_of(table, who)
        log.make_folder(self._folder)
        self._lock = _taken(self._folder)
        self._mover = ThreadPoolExecutor(1) if aside else None
        self._moving: tuple[int, list[pa.Table], Future[int]] | None = None
        self._waiting: list[pa.Table] = []
        self._since = 0.0
        self._number = table.written_up_to(who) + 1
        self._recover()
        self._stream = self._path(self._number).open("ab")
        log.synced(self._folder)

    def add(self, columns: Mapping[str, Any] | pa.Table) -> None:
        """Keep some facts; a table of Arrow has the dataset's columns and kinds already.

        Raises: Refused `lake.columns`, `lake.disk_full`.
        """
        facts = columns if isinstance(columns, pa.Table) else parquet.arrow_of(self._table.dataset, columns)
        if not facts.num_rows:
            return
        if self._mover:
            self.tick()  # what an earlier journal could not do is said before these facts are taken
        if not self._waiting:
            self._since = clock.steady()
        self._write(facts)
        self._waiting.append(facts)
        if not self._mover:
            self.tick()

    def tick(self) -> None:
        """Commit where it is time to."""
        if self._waiting and (self.waiting >= self._rows or clock.steady() - self._since >= self._seconds):
            if self._mover:
                self._move_aside(self._mover)
            else:
                self.flush()

    @property
    def number(self) -> int:
        """The number of the journal that is written now."""
        return self._number

    @property
    def waiting(self) -> int:
        """How many facts are in the journal, and not in the table or on their way to it yet."""
        return sum(one.num_rows for one in self._waiting)

    @property
    def unmoved(self) -> list[pa.Table]:
        """The facts that may not be in the table yet, in the order in which they came."""
        return [*(self._moving[1] if self._moving else []), *self._waiting]

    def flush(self) -> int:
        """Commit what waits; return how many facts."""
        self._settle()
        count = self.waiting
        if count:
            self._move(self._number, self._waiting)
            self._next()
        return count

    def close(self) -> None:
        """Commit what waits, and let others take over."""
        self.flush()
        if self._mover:
            self._mover.shutdown()
        self._stream.close()
        self._lock.close()

    def _move_aside(self, mover: ThreadPoolExecutor) -> None:
        """Have a thread commit what waits; where it still is at the journal before, that comes first."""
        self._settle()
        number, facts = self._number, self._waiting
        self._stream.close()
        self._begin_next()
        self._moving = number, facts, mover.submit(self._move, number, facts)

    def _settle(self) -> None:
        """Wait for the thread; what it could not commit is tried once more here, and said to whoever adds."""
        if self._moving is None:
            return
        number, facts, done = self._moving
        if done.exception():
            self._move(number, facts)
        self._moving = None

    def _move(self, number: int, facts: list[pa.Table]) -> int:
        self._before(number, facts)
        whole = pa.concat_tables(facts)
        self._table.commit(self._table.stage(whole), Once(self._who, number))
        self._path(number).unlink(missing_ok=True)
        self._after(number)
        return whole.num_rows

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
            self._stream = self._path(self._number).open("ab")
            raise parquet.full(error) from error

    def _next(self) -> None:
        """Begin a journal behind the one whose facts are in the table."""
        self._stream.close()
        self._begin_next()

    def _begin_next(self) -> None:
        self._waiting, self._number = [], self._number + 1
        self._stream = self._path(self._number).open("ab")
        log.synced(self._folder)

    def _recover(self) -> None:
        """Take up what a process that ended left, and let go of what is in the table already."""
        found = sorted(int(path.stem) for path in self._folder.glob("*.journal"))
        for number in found:
            if number < self._number:
                self._path(number).unlink()
        for number in [one for one in found if one >= self._number][:-1]:  # one was on its way to the table
            if facts := list(_facts(self._path(number))):
                self._move(number, facts)
            self._number = number + 1
        whole = 0
        for body in _records(self._path(self._number)):
            self._waiting.append(pa.ipc.open_stream(body).read_all())
            whole += _HEAD + len(body)
        if self._path(self._number).exists():
            os.truncate(self._path(self._number), whole)
        self._since = clock.steady()

    def _path(self, number: int) -> Path:
        return self._folder / f"{number}.journal"


def folder_of(table: Table, who: str = _WHO) -> Path:
    """Where the journals of a table's appender lie."""
    folder = table.folder.parent / JOURNALS / table.dataset.name
    return folder if who == _WHO else folder / who


def unmoved(table: Table, who: str = _WHO) -> list[pa.Table]:
    """The facts that another process keeps in journals; ask for the table's files before, and leave none out.

    A journal that reaches the table meanwhile may be missing here: ask for its files again, where `written_up_to` rose.
    """
    done = table.written_up_to(who)
    numbers = sorted(int(path.stem) for path in folder_of(table, who).glob("*.journal"))
    return [one for number in numbers if number > done for one in _facts(folder_of(table, who) / f"{number}.journal")]


def records_from(path: Path, place: int) -> tuple[list[pa.Table], int]:
    """The whole records of a journal behind a place in it, and the place behind the last of them."""
    facts = []
    for body in _records(path, place):
        facts.append(pa.ipc.open_stream(body).read_all())
        place += _HEAD + len(body)
    return facts, place


def _facts(path: Path) -> Iterator[pa.Table]:
    for body in _records(path):
        yield pa.ipc.open_stream(body).read_all()


def _records(path: Path, begin: int = 0) -> Iterator[bytes]:
    """The whole records of a journal; behind the first torn one nothing was promised to anybody."""
    try:
        with path.open("rb") as stream:
            stream.seek(begin)
            content = stream.read()
    except FileNotFoundError:
        return
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


def _taken(folder: Path) -> Any:
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise Refused("lake.appender_taken", "Another process gathers facts of {value} already; let it write these, "
                      "too.", value=folder.name) from error  # fmt: skip
    return lock
