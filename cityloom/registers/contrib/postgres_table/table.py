"""An open table of PostgreSQL: every pass over it reads the same snapshot, in the same order, a batch at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from itertools import count
from typing import Any

import psycopg
from psycopg import sql

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.csv_file.reader import checked_header
from cityloom.registers.domain.tables import MOST_SIGNS, Connected, ConnectedTable, Rows, Wanted, batch_for

MOST_ROWS = 200_000_000
_CONNECT_S = 10
_PARTS, _ROWS = b"\x1f", b"\x1e"
_NO_FIELD = frozenset({17, 114, 3802, 142})  # bytea, json, jsonb and xml have no field in a register
_SETTINGS = "-c default_transaction_read_only=on -c datestyle=ISO -c timezone=UTC -c extra_float_digits=1"


@contextmanager
def opened(wanted: Connected, address: str) -> Iterator[ConnectedTable]:
    """A table in a read-only snapshot.

    Raises: Refused `registers.connection_down`, `registers.table_missing`, `registers.table_broken`.
    """
    try:
        link = psycopg.connect(address, connect_timeout=_CONNECT_S, application_name="cityloom registers",
                               client_encoding="utf8", options=f"{_SETTINGS} -c statement_timeout={wanted.timeout_s}s",
                               autocommit=False)  # fmt: skip
    except (psycopg.Error, ValueError, UnicodeError):
        # the library's own words may hold the address, and with it the password
        raise _down(wanted) from None
    with closing(link):  # which ends the transaction, too
        link.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        link.read_only = True
        yield PostgresRows(link, wanted)


class PostgresRows:
    """A table's rows as texts, numbered from 1, in the order of its columns, the first first."""

    def __init__(self, link: psycopg.Connection[Any], wanted: Connected) -> None:
        self._link, self._wanted, self._numbers = link, wanted, count(1)
        self.name = wanted.told
        self.how = Wanted()
        with _spoken_of(wanted):
            self._columns = self._described()
        self.header = checked_header([name for name, _kind, _is_list in self._columns], self.name)

    @property
    def _from(self) -> sql.Composable:
        if not self._wanted.most:
            return self._whole
        return sql.SQL("(SELECT * FROM {} LIMIT {}) AS looked_at").format(self._whole, self._wanted.most)

    @property
    def _whole(self) -> sql.Composable:
        if self._wanted.query:
            return sql.SQL("(\n{}\n) AS asked").format(sql.SQL(self._wanted.query))  # type: ignore[arg-type]
        return sql.Identifier(*self._wanted.table.split("."))

    def _described(self) -> list[tuple[str, int, bool]]:
        """Name and type of each column, and whether it is a list or a row of its own."""
        with self._link.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(self._from))
            columns = [(column.name, column.type_code) for column in cursor.description or ()]
            kinds = [kind for _name, kind in columns]
            cursor.execute("SELECT oid FROM pg_type WHERE oid = ANY(%s) AND typcategory IN ('A', 'C')", [kinds])
            several = {oid for (oid,) in cursor.fetchall()}
        return [(name, kind, kind in several) for name, kind in columns]

    @property
    def _question(self) -> sql.Composed:
        texts = [
            sql.SQL("''") if is_list or kind in _NO_FIELD
            else sql.SQL("coalesce(left(CAST({} AS text), {}), '')").format(sql.Identifier(name), MOST_SIGNS + 1)
            for name, kind, is_list in self._columns
        ]  # fmt: skip
        order = sql.SQL(", ").join(sql.SQL('{} COLLATE "C"').format(text) for text in self._ordered(texts))
        return sql.SQL("SELECT {} FROM {} ORDER BY {}").format(sql.SQL(", ").join(texts), self._from, order)

    def _ordered(self, texts: list[sql.Composable]) -> list[sql.Composable]:
        """The key first: the rest is looked at only where a key is there twice."""
        names = [name for name, _kind, _is_list in self._columns]
        first = [texts[names.index(name)] for name in self._wanted.order if name in names]
        return [*first, *(text for text in texts if text not in first)]

    def batches(self) -> Iterator[Rows]:
        """The rows, from a cursor of the server."""
        number = 1
        with self._link.cursor(name=f"cityloom_{next(self._numbers)}") as cursor:
            with _spoken_of(self._wanted):
                cursor.execute(self._question)
            while rows := self._some(cursor):
                yield Rows(list(range(number, number + len(rows))), list(map(list, rows)))
                number += len(rows)
                if number > MOST_ROWS:
                    raise Refused("registers.table_too_large", "{value} has more than {limit} rows; ask for it in "
                                  "parts.", value=self.name, limit=MOST_ROWS)  # fmt: skip

    def _some(self, cursor: psycopg.ServerCursor[Any]) -> list[tuple[str, ...]]:
        with _spoken_of(self._wanted):
            return cursor.fetchmany(batch_for(len(self._columns)))

    @cached_property
    def _summed(self) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        digest.update(_PARTS.join(name.encode() for name in self.header) + _ROWS)
        for batch in self.batches():
            said = _ROWS.join("\x1f".join(row).encode() for row in batch.texts) + _ROWS
            digest.update(said)
            size += len(said)
        return digest.hexdigest(), size

    @property
    def digest(self) -> str:
        """SHA-256 over the columns' names and all rows: the same table again has the same."""
        return self._summed[0]

    @property
    def bytes(self) -> int:
        """How large all rows are, as UTF-8."""
        return self._summed[1]


@contextmanager
def _spoken_of(wanted: Connected) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _told(error, wanted) from None


def _down(wanted: Connected) -> Refused:
    return Refused("registers.connection_down", "The database of the connection {value} does not let us in: it does "
                   "not answer, or its address, account or password is not right. Nothing was loaded; look at its "
                   "address, and at the server's log.", value=wanted.connection)  # fmt: skip


def _told(error: psycopg.Error, wanted: Connected) -> Refused:
    """A database's error without its words, which may hold values or an address."""
    state = error.sqlstate or ""
    if state[:2] in ("42", "3F"):
        return Refused("registers.table_missing", "{value} cannot be read: there is no such table or column, the query "
                       "is wrong, or the account may not read it (SQLSTATE {limit}). Nothing was loaded.",
                       value=wanted.told, limit=state)  # fmt: skip
    if state == "57014":
        return Refused("registers.table_slow", "{value} took longer than {limit} s to answer, so nothing was loaded; "
                       "ask for an index on its key, or raise timeout_s.", value=wanted.told, limit=wanted.timeout_s)
    if state == "25006":
        return Refused("registers.table_writes", "The query of {value} wants to write; a source is only read.",
                       value=wanted.told)  # fmt: skip
    if not state or state[:2] in ("08", "57", "53"):
        return _down(wanted)
    return Refused("registers.table_broken", "{value} could not be read to its end (SQLSTATE {limit}), so nothing was "
                   "loaded; the server's log says why.", value=wanted.told, limit=state)  # fmt: skip
