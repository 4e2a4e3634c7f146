"""Many rows into a table at once: one long statement on SQLite, binary COPY on PostgreSQL."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from itertools import repeat

import numpy as np
from django.db import connection, models, transaction
from numpy.typing import NDArray

Column = NDArray[np.generic] | Sequence[object]
"""Numbers as arrays, texts and WKB as arrays or lists of objects, fixed-length bytes as uint8 (n, length)."""

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)
_COPY_ROWS = 100_000
_LOADING_PRAGMAS = ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-262144", "analysis_limit=1000")
_SERVING_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536")
_WIDTHS = {
    "SmallIntegerField": ">i2", "IntegerField": ">i4", "BigIntegerField": ">i8", "FloatField": ">f8",
    "BooleanField": "u1",
}  # fmt: skip


@contextmanager
def emptied(tables: Sequence[type[models.Model]]) -> Iterator[None]:
    """Fill the tables anew in one transaction: without indexes while rows come in, as they were if anything fails.

    A file that is being built is not synced to disk until the end; nobody else may be using it.
    """
    with _fast_file(), transaction.atomic():
        with connection.cursor() as cursor:
            for table in tables:
                name = connection.ops.quote_name(table._meta.db_table)
                cursor.execute(f"DELETE FROM {name}" if _sqlite() else f"TRUNCATE {name}")  # noqa: S608 - a constant
                drop_indexes(table)
        yield


@contextmanager
def _fast_file() -> Iterator[None]:
    if not _sqlite() or connection.in_atomic_block:
        yield
        return
    _pragmas(_LOADING_PRAGMAS)
    try:
        yield
    finally:
        _pragmas(_SERVING_PRAGMAS)


def _pragmas(pragmas: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")


def _sqlite() -> bool:
    return connection.vendor == "sqlite"


def drop_indexes(table: type[models.Model]) -> None:
    """Take the indexes of a table away, before many rows come into it."""
    with connection.cursor() as cursor:
        for index in table._meta.indexes:
            cursor.execute(f"DROP INDEX IF EXISTS {connection.ops.quote_name(index.name)}")


def add_indexes(table: type[models.Model]) -> None:
    """Build the indexes of a table that is full, where they are not there."""
    name = connection.ops.quote_name(table._meta.db_table)
    with connection.cursor() as cursor:
        for index in table._meta.indexes:
            columns = ", ".join(table._meta.get_field(field).column for field in index.fields)
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {connection.ops.quote_name(index.name)} ON {name} ({columns})")
        cursor.execute(f"ANALYZE {name}")


def write(table: type[models.Model], columns: Mapping[str, Column]) -> None:
    """Append rows, given as columns by field name; NaN in a nullable field becomes NULL."""
    if _sqlite():
        _insert(table, columns)
    else:
        _copy(table, columns)


def _insert(table: type[models.Model], columns: Mapping[str, Column]) -> None:
    names = ", ".join(table._meta.get_field(name).column for name in columns)
    marks = ", ".join(repeat("?", len(columns)))
    connection.ensure_connection()
    connection.connection.executemany(  # Django's own cursor would rewrite and copy each row
        f"INSERT INTO {connection.ops.quote_name(table._meta.db_table)} ({names}) VALUES ({marks})",  # noqa: S608
        zip(*(_values(table, name, column) for name, column in columns.items()), strict=True),
    )


def _values(table: type[models.Model], name: str, column: Column) -> Sequence[object]:
    if not isinstance(column, np.ndarray):
        return _days(table, name, column)
    if column.ndim == 2:
        return np.ascontiguousarray(column).view(f"V{column.shape[1]}").reshape(-1).tolist()
    field = table._meta.get_field(name)
    if not field.null:
        return column.tolist()
    plain = float if isinstance(field, models.FloatField) else int
    return [None if value != value else plain(value) for value in column.tolist()]  # noqa: PLR0124 - NaN alone differs


def _days(table: type[models.Model], name: str, column: Sequence[object]) -> Sequence[object]:
    """Days come as texts (YYYY-MM-DD), which SQLite keeps and PostgreSQL's binary form does not know."""
    if _sqlite() or not isinstance(table._meta.get_field(name), models.DateField):
        return column
    return [date.fromisoformat(str(day)) if day else None for day in column]


def _copy(table: type[models.Model], columns: Mapping[str, Column]) -> None:
    names = ", ".join(table._meta.get_field(name).column for name in columns)
    statement = f"COPY {connection.ops.quote_name(table._meta.db_table)} ({names}) FROM STDIN (FORMAT BINARY)"
    fixed = all(_is_fixed(table, name, column) for name, column in columns.items())
    connection.ensure_connection()
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        if fixed:
            copy.write(_COPY_HEADER)
            for rows in _packed(table, columns):
                copy.write(rows)
            copy.write(_COPY_TRAILER)
            return
        copy.set_types([_pg_type(table, name) for name in columns])
        for row in zip(*(_values(table, name, column) for name, column in columns.items()), strict=True):
            copy.write_row(row)


def _is_fixed(table: type[models.Model], name: str, column: Column) -> bool:
    field = table._meta.get_field(name)
    if isinstance(column, np.ndarray) and column.ndim == 2:
        return True
    return isinstance(column, np.ndarray) and column.dtype != object and not field.null and _width(field) is not None


def _width(field: models.Field) -> str | None:
    return _WIDTHS.get(field.get_internal_type())


def _packed(table: type[models.Model], columns: Mapping[str, Column]) -> Iterator[bytes]:
    """Rows of COPY's binary form, laid out by numpy. Source: PostgreSQL manual, COPY, binary format."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, column in columns.items():
        array = np.asarray(column)
        layout.append((f"{name}_length", ">i4"))
        layout.append((name, f"V{array.shape[1]}" if array.ndim == 2 else _width(table._meta.get_field(name)) or ""))
    form = np.dtype(layout)
    count = len(next(iter(columns.values())))
    for first in range(0, count, _COPY_ROWS):
        rows = np.empty(min(_COPY_ROWS, count - first), form)
        rows["fields"] = len(columns)
        for name, column in columns.items():
            part = np.asarray(column)[first : first + _COPY_ROWS]
            rows[f"{name}_length"] = form[name].itemsize
            rows[name] = np.ascontiguousarray(part).view(form[name]).reshape(-1) if part.ndim == 2 else part
        yield rows.tobytes()


def _pg_type(table: type[models.Model], name: str) -> str:
    kind = table._meta.get_field(name).get_internal_type()
    return {
        "SmallIntegerField": "int2", "IntegerField": "int4", "BigIntegerField": "int8", "FloatField": "float8",
        "BooleanField": "bool", "BinaryField": "bytea", "CharField": "varchar", "DateField": "date",
    }[kind]  # fmt: skip
