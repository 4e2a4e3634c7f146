"""Read Parquet with DuckDB, which reads that one file and nothing else: no extension, no network, bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.csv_file.reader import checked_header
from cityloom.registers.domain import shapes
from cityloom.registers.domain.kinds import SHAPE_WORDS
from cityloom.registers.domain.tables import Asked, Columns, Rows, Wanted, batch_for

MOST_ROWS = 200_000_000
_MOST_TIMES = 2_000
"""How many times its own size a file may unpack to; what codes long runs shortly stays far below."""
_SMALL = 1 << 30
_MOST_SIGNS = 1_000  # more than any field may have, so that it is noted
_THREADS = 2
_SETTINGS = {
    "autoinstall_known_extensions": "false", "autoload_known_extensions": "false", "memory_limit": "1GB",
    "temp_directory": "",
}  # fmt: skip
_PLAIN = ("CHAR", "INT", "DOUBLE", "FLOAT", "DECIMAL", "DATE", "TIME", "BOOL", "UUID", "ENUM", "REAL")


class ParquetTable:
    """An open Parquet file; its rows are numbered from 1."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self._path = path.resolve()
        if any(sign in str(self._path) for sign in "*?[]{}"):
            raise Refused("registers.file_name", "The name or folder of {value} has one of * ? [ ] { } in it; rename "
                          "it.", value=path.name)  # fmt: skip
        self._columns = self._described()
        self.how = replace(wanted, format="parquet")
        self.header = checked_header([name for name, _kind in self._columns], path.name)

    def batches(self) -> Iterator[Rows]:
        """The rows as texts."""
        with self._connection() as connection:
            texts = ", ".join(_as_text(name, kind) for name, kind in self._columns)
            try:
                found = connection.execute(f"SELECT {texts} FROM read_parquet(?)", [str(self._path)])  # noqa: S608
                number = 1
                while rows := found.fetchmany(batch_for(len(self._columns))):
                    yield Rows(list(range(number, number + len(rows))), list(map(list, rows)))
                    number += len(rows)
            except duckdb.Error as error:
                raise self._broken() from error

    def columns(self, asked: Asked) -> Iterator[Columns]:
        """The rows in columns; the texts of those that are not certain beside them."""
        with self._connection(threads=max(1, _THREADS // asked.turn[1])) as connection:
            try:
                if asked.doubtful is not None:
                    connection.execute("CREATE TEMP TABLE doubtful AS SELECT unnest(?::BIGINT[]) - 1 AS row",
                                       [asked.doubtful.tolist()])  # fmt: skip
                connection.execute(f"PREPARE rows AS {self._question(asked)}")
                place, count = asked.turn
                for first in range(asked.after + place * asked.at_once, self.count, count * asked.at_once):
                    last = min(first + asked.at_once, self.count)
                    yield _columns(connection.execute(f"EXECUTE rows({first}, {last})").fetchnumpy(), asked)
            except duckdb.Error as error:
                raise self._broken() from error

    def _question(self, asked: Asked) -> str:
        texts = ", ".join(f"{_as_text(name, kind)} AS t{place}" for place, (name, kind) in enumerate(self._columns))
        all_texts = ", ".join(f"t{place}" for place in range(len(self._columns)))
        parts = [f"{value} AS v{place}" for place, value in enumerate(asked.values.values())]
        parts += [f"{value} AS f{place}" for place, value in enumerate(asked.filled.values())]
        parts += [f"{asked.digest} AS said"] if asked.digest else []
        parts += ["file_row_number", "certain", f"CASE WHEN certain THEN NULL ELSE [{all_texts}] END AS texts"]
        rows = (f"SELECT file_row_number, {texts} FROM {self._file()}"  # noqa: S608
                " WHERE file_row_number >= $1 AND file_row_number < $2")  # fmt: skip
        if shared := ", ".join(f"{value} AS {name}" for name, value in asked.shared.items()):
            rows = f"SELECT *, {shared} FROM ({rows})"  # noqa: S608 - proofs, see above
        known = asked.doubtful is not None
        doubtful = "SELECT row FROM doubtful WHERE row >= $1 AND row < $2"
        certain = f"file_row_number NOT IN ({doubtful})" if known else asked.certain
        return f"SELECT {', '.join(parts)} FROM (SELECT *, {certain} AS certain FROM ({rows}))"  # noqa: S608

    def texts_of(self, numbers: Sequence[int]) -> list[list[str]]:
        """The texts of some rows, whose numbers rise."""
        with self._connection() as connection:
            try:
                return self._texts(connection, numbers)
            except duckdb.Error as error:
                raise self._broken() from error

    def _texts(self, connection: duckdb.DuckDBPyConnection, numbers: Sequence[int]) -> list[list[str]]:
        texts = ", ".join(_as_text(name, kind) for name, kind in self._columns)
        rows = connection.execute(
            f"SELECT {texts} FROM {self._file()} WHERE file_row_number BETWEEN ? AND ?"  # noqa: S608
            " AND file_row_number IN (SELECT unnest(?::BIGINT[]) - 1) ORDER BY file_row_number",
            [numbers[0] - 1, numbers[-1] - 1, list(numbers)],
        ).fetchall()
        return list(map(list, rows))

    def _file(self) -> str:
        path = str(self._path).replace("'", "''")
        return f"read_parquet('{path}', file_row_number = true)"

    def _connection(self, threads: int = _THREADS) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(":memory:", config=_SETTINGS | {"threads": str(threads)})
        allowed = str(self._path).replace("'", "''")
        connection.execute(f"SET allowed_paths = ['{allowed}']")
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        return connection

    def _described(self) -> list[tuple[str, str]]:
        with self._connection() as connection:
            try:
                rows = self._one(connection, "SELECT sum(num_rows) FROM parquet_file_metadata(?)")
                size = self._one(connection, "SELECT sum(total_uncompressed_size) FROM parquet_metadata(?)")
                self._check_size(rows, size)
                described = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(self._path)]).fetchall()
            except duckdb.Error as error:
                raise self._broken() from error
        self.count = rows
        return [(row[0], row[1]) for row in described]

    def _one(self, connection: duckdb.DuckDBPyConnection, question: str) -> int:
        row: tuple[Any, ...] | None = connection.execute(question, [str(self._path)]).fetchone()
        return int(row[0] or 0) if row else 0

    def _check_size(self, rows: int, size: int) -> None:
        if rows > MOST_ROWS or (size > _SMALL and size > _MOST_TIMES * self._path.stat().st_size):
            raise Refused("registers.file_bomb", "{value} would unpack to far more than any register holds; nothing of "
                          "it was read. Ask for it again in parts.", value=self._path.name)  # fmt: skip

    def _broken(self) -> Refused:
        return Refused("registers.file_broken", "{value} is damaged Parquet; ask for it again.", value=self._path.name)


def _as_text(name: str, kind: str) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    if kind.endswith("]") or not (kind.startswith(_PLAIN) or kind.endswith(_PLAIN)):
        return "''"  # lists, maps and bytes have no field here
    most = shapes.MOST_SIGNS if name.strip().casefold() in SHAPE_WORDS else _MOST_SIGNS
    return f"coalesce(left(CAST({quoted} AS VARCHAR), {most}), '')"


def _columns(found: dict[str, Any], asked: Asked) -> Columns:
    order = np.argsort(found["file_row_number"], kind="stable")  # no database promises one
    certain = np.asarray(found["certain"])[order]
    texts = {place: found["texts"][order[place]].tolist() for place in np.flatnonzero(~certain).tolist()}
    return Columns(
        (found["file_row_number"][order] + 1).tolist(), certain,
        {name: found[f"v{place}"][order].tolist() for place, name in enumerate(asked.values)},
        {name: np.asarray(found[f"f{place}"])[order] for place, name in enumerate(asked.filled)},
        found["said"][order].view(np.int64).tolist() if asked.digest else [], texts,
    )  # fmt: skip
