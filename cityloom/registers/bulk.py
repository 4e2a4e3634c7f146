"""Many rows into a table at once: one long statement on SQLite, binary COPY on PostgreSQL; and many keys asked for."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from django.db import connection, models, transaction
from numpy.typing import NDArray

Column = NDArray[np.generic] | Sequence[object]
"""Numbers as arrays, texts and WKB as arrays or lists of objects, fixed-length bytes as uint8 (n, length)."""

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
_COPY_TRAILER = struct.pack("!h", -1)
_ASKED_AT_ONCE = 10_000
_NULL = struct.pack("!i", -1)
_DAY = ">i4"
_BETWEEN = "\x1f"
"""Between texts in one text; where one has it inside, they are handed over one by one."""
_JSONB = b"\x01"
"""The version of its binary form."""
_COPY_ROWS = 100_000
_BESIDE = "beside"
_ROWS_A_STATEMENT = 20
"""On SQLite: the more, the less often the interpreter's lock goes to and fro."""
_LOADING_PRAGMAS = ("journal_mode=MEMORY", "synchronous=OFF", "cache_size=-262144", "analysis_limit=1000")
_SERVING_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "cache_size=-65536")
_SORTING_PRAGMAS = ("threads=2", "cache_size=-262144", "analysis_limit=1000")
_SORTING_SETTINGS = ("SET LOCAL maintenance_work_mem = '512MB'",)
"""On PostgreSQL, which sorts in 64 MB otherwise; it holds until the transaction's end."""
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
        for setting in [f"PRAGMA {pragma}" for pragma in _SORTING_PRAGMAS] if _sqlite() else _SORTING_SETTINGS:
            cursor.execute(setting)
        for index in table._meta.indexes:
            columns = ", ".join(table._meta.get_field(field).column for field in index.fields)
            cursor.execute(f"CREATE INDEX IF NOT EXISTS {connection.ops.quote_name(index.name)} ON {name} ({columns})")
        cursor.execute(f"ANALYZE {name}")
        if _sqlite():
            cursor.execute(f"PRAGMA {_SERVING_PRAGMAS[-1]}")


def write(table: type[models.Model], columns: Mapping[str, Column]) -> None:
    """Append rows, given as columns by field name; NaN in a nullable field becomes NULL."""
    if _sqlite():
        _insert(table, columns)
    else:
        _copy(table, columns)


def _insert(table: type[models.Model], columns: Mapping[str, Column]) -> None:
    """What all rows share stands in the statement; numbered bytes go in one piece, other rows some at a time."""
    same = {name: value for name, column in columns.items() if (value := _same(table, name, column)) is not None}
    if len(same) == len(columns):
        same.popitem()
    rest = {name: column for name, column in columns.items() if name not in same}
    head = f"INSERT INTO {connection.ops.quote_name(table._meta.db_table)} ({_named(table, (*rest, *same))})"
    connection.ensure_connection()
    link = connection.connection  # Django's own cursor would rewrite and copy each row
    if _is_numbered_bytes(rest):
        _insert_bytes(link, head, list(rest.values()), list(same.values()))
    else:
        _insert_rows(link, head, [_values(table, name, column) for name, column in rest.items()], list(same.values()))


def _named(table: type[models.Model], fields: Sequence[str]) -> str:
    """The columns of some fields, in quotes: a name may be a word of the database's."""
    return ", ".join(connection.ops.quote_name(table._meta.get_field(name).column) for name in fields)


def _same(table: type[models.Model], name: str, column: Column) -> int | None:
    """The whole number that a column has in every row."""
    if not isinstance(column, np.ndarray) or column.ndim > 1 or column.dtype.kind not in "iub" or len(column) < 2:
        return None
    is_key = table._meta.get_field(name).primary_key
    return int(column[0]) if not is_key and (column == column[0]).all() else None


def _is_numbered_bytes(rest: Mapping[str, Column]) -> bool:
    """Whether the columns are a number and bytes of one length."""
    if len(rest) != 2 or not all(isinstance(column, np.ndarray) for column in rest.values()):
        return False
    number, run = map(np.asarray, rest.values())
    return number.ndim == 1 and number.dtype.kind == "i" and run.ndim == 2 and len(run) > 0


def _insert_bytes(link: Any, head: str, columns: Sequence[Column], same: Sequence[int]) -> None:
    """SQLite itself cuts the bytes to rows, so that other threads work meanwhile."""
    numbers, run = map(np.asarray, columns)
    width = run.shape[1]
    values = ", ".join(map(str, ("value", f"substr(?2, key * {width} + 1, {width})", *same)))
    link.execute(f"{head} SELECT {values} FROM json_each(?1)",  # noqa: S608 - names and whole numbers
                 (json.dumps(numbers.tolist()), memoryview(np.ascontiguousarray(run)).cast("B")))  # fmt: skip


def _insert_rows(link: Any, head: str, columns: Sequence[Sequence[object]], same: Sequence[int]) -> None:
    row = f"({', '.join(['?'] * len(columns) + list(map(str, same)))})"
    if not columns or len({len(column) for column in columns}) > 1:
        raise ValueError("Columns of different lengths, or none.")
    cells = np.empty((len(columns[0]), len(columns)), object)
    for place, column in enumerate(columns):
        cells[:, place] = column
    whole = len(cells) - len(cells) % _ROWS_A_STATEMENT
    if whole:
        run = cells[:whole].reshape(-1, _ROWS_A_STATEMENT * len(columns)).tolist()
        link.executemany(f"{head} VALUES {', '.join([row] * _ROWS_A_STATEMENT)}", run)
    link.executemany(f"{head} VALUES {row}", cells[whole:].tolist())


def _values(table: type[models.Model], name: str, column: Column) -> Sequence[object]:
    if not isinstance(column, np.ndarray):
        return column
    if column.ndim == 2:
        return np.ascontiguousarray(column).view(f"V{column.shape[1]}").reshape(-1).tolist()
    field = table._meta.get_field(name)
    if not field.null:
        return column.tolist()
    plain = float if isinstance(field, models.FloatField) else int
    return [None if value != value else plain(value) for value in column.tolist()]  # noqa: PLR0124 - NaN alone differs


def takes_databases() -> bool:
    """Whether records that another process made can be taken over: not within a transaction, where none is opened."""
    return _sqlite() and not connection.in_atomic_block


@contextmanager
def beside(database: bytes) -> Iterator[None]:
    """Have a database in memory at hand, as the bytes of its file, for `take_over`; nothing where there are none."""
    if not database:
        yield
        return
    connection.ensure_connection()
    link = connection.connection
    link.execute(f"ATTACH ':memory:' AS {_BESIDE}")
    try:
        link.deserialize(database, name=_BESIDE)
        yield
    finally:
        link.execute(f"DETACH {_BESIDE}")


def take_over(table: type[models.Model], same: Mapping[str, int], more: Mapping[str, Sequence[object]]) -> None:
    """Append the records of the database beside, in one statement, with what all share and, in their order, more."""
    connection.ensure_connection()
    link = connection.connection
    told = [row[1] for row in link.execute(f"PRAGMA {_BESIDE}.table_info(records)")]
    names = ", ".join(f'"{name}"' for name in (*told, *same, *more))
    values = [f'r."{name}"' for name in told] + list(map(str, same.values())) + [f'm."{name}"' for name in more]
    source = f"{_BESIDE}.records r"
    if more:
        _put_beside(link, more)
        source += f" LEFT JOIN {_BESIDE}.more m ON m.rowid = r.rowid"
    link.execute(f"INSERT INTO {connection.ops.quote_name(table._meta.db_table)} ({names})"  # noqa: S608 - names
                 f" SELECT {', '.join(values)} FROM {source} ORDER BY r.rowid")  # fmt: skip


def _put_beside(link: Any, more: Mapping[str, Sequence[object]]) -> None:
    link.execute(f"CREATE TABLE {_BESIDE}.more ({', '.join(more)})")
    marks = ", ".join("?" * (len(more) + 1))
    rows = zip(*more.values(), strict=True)
    link.executemany(f"INSERT INTO {_BESIDE}.more (rowid, {', '.join(more)}) VALUES ({marks})",  # noqa: S608 - names
                     ((place, *row) for place, row in enumerate(rows, 1) if any(value is not None for value in row)))


def _copy(table: type[models.Model], columns: Mapping[str, Column]) -> None:
    columns = {name: _shared(table, name, column) for name, column in columns.items()}
    fixed = [name for name, column in columns.items() if _is_fixed(table, name, column)]
    others = [name for name in columns if name not in fixed]
    names = _named(table, (*fixed, *others))
    statement = f"COPY {connection.ops.quote_name(table._meta.db_table)} ({names}) FROM STDIN (FORMAT BINARY)"
    connection.ensure_connection()
    with connection.connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(_COPY_HEADER)
        for first in range(0, len(next(iter(columns.values()))), _COPY_ROWS):
            some = {name: column[first : first + _COPY_ROWS] for name, column in columns.items()}
            copy.write(_packed(table, some, fixed, others))
        copy.write(_COPY_TRAILER)


def _shared(table: type[models.Model], name: str, column: Column) -> Column:
    """A column that says the same of every row, in the form of COPY; another one as it is."""
    if isinstance(column, np.ndarray) or not column or column.count(column[0]) < len(column):
        return column
    said = b"".join(piece[0] for piece in _pieces(table._meta.get_field(name), column[:1]))
    return np.full(len(column), np.void(said), f"V{len(said)}")


def _is_ready(column: NDArray[np.generic]) -> bool:
    """Whether a column is laid out already, its length before each value."""
    return column.dtype.kind == "V"


def _is_fixed(table: type[models.Model], name: str, column: Column) -> bool:
    field = table._meta.get_field(name)
    if isinstance(column, np.ndarray) and (column.ndim == 2 or _is_ready(column)):
        return True
    return isinstance(column, np.ndarray) and column.dtype != object and not field.null and _width(field) is not None


def _width(field: models.Field) -> str | None:
    return _WIDTHS.get(field.get_internal_type())


def _packed(
    table: type[models.Model], columns: Mapping[str, Column], fixed: Sequence[str], others: Sequence[str]
) -> bytes:  # fmt: skip
    """Rows of COPY's binary form: columns of one length laid out by numpy, the others strung between them.

    Source: PostgreSQL manual, COPY, binary format.
    """
    count = len(next(iter(columns.values())))
    heads = _laid_out(table, {name: np.asarray(columns[name]) for name in fixed}, count, len(columns))
    if not others:
        return heads.tobytes()
    pieces = [piece for name in others for piece in _pieces(table._meta.get_field(name), columns[name])]
    return b"".join(chain.from_iterable(zip(_each(heads), *pieces, strict=True)))


def _laid_out(
    table: type[models.Model], columns: Mapping[str, NDArray[np.generic]], count: int, width: int
) -> NDArray[np.void]:  # fmt: skip
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for name, column in columns.items():
        if _is_ready(column):
            layout.append((name, column.dtype.str))
            continue
        layout.append((f"{name}_length", ">i4"))
        layout.append((name, f"V{column.shape[1]}" if column.ndim == 2 else _width(table._meta.get_field(name)) or ""))
    form = np.dtype(layout)
    rows = np.empty(count, form)
    rows["fields"] = width
    for name, column in columns.items():
        if not _is_ready(column):
            rows[f"{name}_length"] = form[name].itemsize
        rows[name] = np.ascontiguousarray(column).view(form[name]).reshape(-1) if column.ndim == 2 else column
    return rows


def _pieces(field: models.Field, column: Column) -> Iterator[Sequence[bytes]]:
    """A column's values, each behind its length in bytes; nothing has the length -1."""
    kind = field.get_internal_type()
    if kind in _WIDTHS or kind == "DateField":
        yield _numbers(_DAY if kind == "DateField" else _WIDTHS[kind], *_plain(kind, column))
        return
    values = column.tolist() if isinstance(column, np.ndarray) else column
    kept = _encoded(values)
    if kind == "JSONField":
        kept = [said and _JSONB + said for said in kept]
    lengths: list[bytes] = _lengths(max(map(len, kept), default=0))
    yield ([_NULL if value is None else lengths[len(said)] for value, said in zip(values, kept, strict=True)]
           if None in values else [lengths[len(said)] for said in kept])  # fmt: skip
    yield kept


def _encoded(values: Sequence[Any]) -> list[bytes]:
    """Texts in UTF-8, all of them by one conversion; bytes as they are."""
    try:
        kept = "\0".join(["" if value is None else value for value in values]).encode().split(b"\0")
    except TypeError:
        kept = []
    if len(kept) == len(values):
        return kept
    return [b"" if value is None else value.encode() if isinstance(value, str) else bytes(value) for value in values]


def _plain(kind: str, column: Column) -> tuple[NDArray[np.generic], NDArray[np.bool_]]:
    """Numbers, and where there are none; days count from the year 2000."""
    if kind == "DateField":
        days = np.array([day or None for day in column], "datetime64[D]")
        return (days - np.datetime64("2000-01-01")).astype(np.int64), np.isnat(days)
    values = column.tolist() if isinstance(column, np.ndarray) else column
    nothing = np.array([value is None or value != value for value in values], np.bool_)  # noqa: PLR0124 - NaN alone
    plain = float if kind == "FloatField" else int
    return np.array([0 if empty else plain(value) for value, empty in zip(values, nothing.tolist(), strict=True)],
                    np.float64 if kind == "FloatField" else np.int64), nothing  # fmt: skip


def _numbers(form: str, values: NDArray[np.generic], nothing: NDArray[np.bool_]) -> list[bytes]:
    rows = np.empty(len(values), [("length", ">i4"), ("value", form)])
    rows["length"], rows["value"] = rows.dtype["value"].itemsize, values
    out = _each(rows)
    for place in np.flatnonzero(nothing).tolist():
        out[place] = _NULL
    return out


def _each(rows: NDArray[np.void]) -> list[bytes]:
    """Each row as its bytes."""
    return rows.view(f"V{rows.dtype.itemsize}").tolist()


@lru_cache(maxsize=8)
def _lengths(longest: int) -> list[bytes]:
    return [struct.pack("!i", length) for length in range(longest + 1)]


def rows_with(
    table: type[models.Model], columns: str, name: str, values: Sequence[Any], more: str = "", known: Sequence[Any] = ()
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Columns of the rows where a column has one of the values; `more` is a condition with `known` for its marks."""
    out: list[tuple[Any, ...]] = []
    beyond = f" AND {more}" if more else ""
    with connection.cursor() as cursor:
        for first in range(0, len(values), _ASKED_AT_ONCE):
            among, some = _among(values[first : first + _ASKED_AT_ONCE])
            cursor.execute(f"SELECT {columns} FROM {table._meta.db_table} WHERE {name} {among}{beyond}",  # noqa: S608
                           [some, *known])  # fmt: skip
            out += cursor.fetchall()
    return out


def missing(
    table: type[models.Model], name: str, values: Sequence[str], more: str, known: Sequence[Any]
) -> set[str]:  # fmt: skip
    """Which of these values no row has in a column, of the rows for which `more` holds with `known` for its marks."""
    question = (f"SELECT value FROM json_each(%s) WHERE NOT EXISTS"  # noqa: S608 - names are constants
                f" (SELECT 1 FROM {table._meta.db_table} WHERE {name} = value AND {more})")  # fmt: skip
    out: set[str] = set()
    for first in range(0, len(values), _ASKED_AT_ONCE):
        some = list(values[first : first + _ASKED_AT_ONCE])
        if _sqlite():
            with connection.cursor() as cursor:
                cursor.execute(question, [json.dumps(some), *known])
                out.update(value for (value,) in cursor.fetchall())
        else:
            out |= set(some) - {value for (value,) in rows_with(table, name, name, some, more, known)}
    return out


def overwrite(
    table: type[models.Model], columns: Sequence[str], source: type[models.Model], shared: str, ids: Sequence[int]
) -> None:  # fmt: skip
    """Let columns be as in the rows of another table with these ids, where both have the same in a shared column."""
    name, other = table._meta.db_table, source._meta.db_table
    values = ", ".join(f"{column} = {other}.{column}" for column in columns)
    with connection.cursor() as cursor:
        for first in range(0, len(ids), _ASKED_AT_ONCE):
            among, some = _among(ids[first : first + _ASKED_AT_ONCE])
            cursor.execute(f"UPDATE {name} SET {values} FROM {other} WHERE {other}.id {among}"  # noqa: S608
                           f" AND {name}.{shared} = {other}.{shared}", [some])  # fmt: skip


def change(table: type[models.Model], column: str, value: int, ids: Sequence[int]) -> None:
    """Let a column have a value in the rows with these ids."""
    with connection.cursor() as cursor:
        for first in range(0, len(ids), _ASKED_AT_ONCE):
            among, some = _among(ids[first : first + _ASKED_AT_ONCE])
            cursor.execute(f"UPDATE {table._meta.db_table} SET {column} = %s WHERE id {among}", [value, some])  # noqa: S608


def rewrite(table: type[models.Model], rows: Sequence[models.Model], names: Sequence[str]) -> None:
    """Let the rows in the database have what these have in some columns."""
    fields = [table._meta.get_field(name) for name in names]
    values = [[*(one.get_db_prep_save(getattr(row, one.attname), connection) for one in fields), row.pk]
              for row in rows]  # fmt: skip
    columns = ", ".join(f"{connection.ops.quote_name(one.column)} = %s" for one in fields)
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(f"UPDATE {table._meta.db_table} SET {columns} WHERE id = %s", values)  # noqa: S608


def change_bytes(table: type[models.Model], column: str, values: Mapping[int, bytes]) -> None:
    """Let a column of the rows with these keys be bytes, all of one length."""
    if not values:
        return
    name, key, width = table._meta.db_table, table._meta.pk.column, len(next(iter(values.values())))
    numbers, run = list(values), list(values.values())
    with connection.cursor() as cursor:
        if _sqlite():
            cursor.execute(f"UPDATE {name} SET {column} = substr(%s, told.key * {width} + 1, {width})"  # noqa: S608
                           f" FROM json_each(%s) told WHERE {name}.{key} = told.value",
                           [b"".join(run), json.dumps(numbers)])  # fmt: skip
        else:
            cursor.execute(f"UPDATE {name} SET {column} = told.run FROM unnest(%s::bigint[], %s::bytea[])"  # noqa: S608
                           f" told (number, run) WHERE {name}.{key} = told.number", [numbers, run])  # fmt: skip


def _among(values: Sequence[Any]) -> tuple[str, object]:
    """What asks whether a column has one of the values, in a statement that does not grow with them, and its argument.

    One text for all of them, since psycopg would quote each by itself.
    """
    if _sqlite():
        return "IN (SELECT value FROM json_each(%s))", json.dumps(list(values))
    if not isinstance(values[0], str):
        return "= ANY(%s::bigint[])", f"{{{','.join(map(str, values))}}}"
    run = _BETWEEN.join(values)
    if len(values) < 2 or run.count(_BETWEEN) >= len(values):
        return "= ANY(%s)", list(values)
    return "= ANY(string_to_array(%s, chr(31)))", run


def rows_between(
    table: type[models.Model], columns: str, name: str, values: Sequence[str], most: int, below: int
) -> list[tuple[Any, ...]]:  # fmt: skip
    """Columns of all rows from the least of the values to the greatest, and with an id below one; cut off at `most`.

    Only where the database orders texts by code points, as SQLite does: elsewhere the least is another.
    """
    condition = f"{name} >= %s AND {name} <= %s AND id < %s"
    question = f"SELECT {columns} FROM {table._meta.db_table} WHERE {condition} LIMIT %s"  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(question, [min(values), max(values), below, most])
        return cursor.fetchall()
