"""Tables in files of CSV, Parquet and Excel, as columns: bounded, and with the line of each row."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from cityloom.kernel.refused import Detail, Refused

MOST_ROWS, MOST_COLUMNS, MOST_BYTES = 5_000_000, 2_000, 2_000_000_000
ENDINGS = (".csv", ".tsv", ".parquet", ".xlsx")
_HEAD = 1 << 16
_SIGNS = (",", ";", "\t", "|")
_EMPTY = "The table {value} has no rows; send one with a first line of names and a line for each row."
_BROKEN = "The table {value} cannot be read ({limit}); write it anew as CSV, Parquet or Excel."
_ENDING = "The table {value} is no file that is read here; send one that ends with {limit}."
_LARGE = "The table {value} is larger than {limit}; take fewer rows or columns."
_GONE = "There is no file {value}; it is looked for beside the question."
_ROW = "{limit} has another number of columns than its first line; {value} are wanted."
_HEADER = "The first line of {value} does not name its columns: {limit}."
LINE = "{value}, line {limit}"
"""Where something stands in a file; shown inside refusals."""


def read(path: Path) -> dict[str, pa.Array]:
    """The columns of a table by name, in its order: texts as they stand, numbers where the file has them as such.

    Raises: Refused `insight.input_*`.
    """
    if not path.is_file():
        raise Refused("insight.input_gone", _GONE, value=path.name[:120])
    if path.stat().st_size > MOST_BYTES:
        raise _large(path, f"{MOST_BYTES:,} B")
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise Refused("insight.input_form", _ENDING, value=path.name[:120], limit=", ".join(ENDINGS))
    try:
        found = {".parquet": _parquet, ".xlsx": _excel}.get(ending, _csv)(path)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, zipfile.BadZipFile, KeyError, OSError, csv.Error) as error:
        raise Refused("insight.input_broken", _BROKEN, value=path.name[:120],
                      limit=str(error).partition("\n")[0][:120]) from error  # fmt: skip
    if not found or not len(next(iter(found.values()))):
        raise Refused("insight.input_empty", _EMPTY, value=path.name[:120])
    return found


def line(path: Path, row: int) -> Detail:
    """Where a row of a table stands; the first is 0."""
    return Detail(LINE, path.name[:120], row + 2)


def _large(path: Path, most: str) -> Refused:
    return Refused("insight.input_large", _LARGE, value=path.name[:120], limit=most)


def _named(path: Path, header: list[str]) -> list[str]:
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    if len(names) > MOST_COLUMNS:
        raise _large(path, Detail("{limit} columns", limit=f"{MOST_COLUMNS:,}"))  # type: ignore[arg-type]
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if not names or "" in names or twice is not None:
        why = Detail("{value} stands here twice", twice[:80]) if twice else Detail("it is empty")
        raise Refused("insight.input_header", _HEADER, value=path.name[:120], limit=why)
    return names


def _check_rows(path: Path, rows: int) -> None:
    if rows > MOST_ROWS:
        raise _large(path, Detail("{limit} rows", limit=f"{MOST_ROWS:,}"))  # type: ignore[arg-type]


def _csv(path: Path) -> dict[str, pa.Array]:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    encoding = _encoding(head)
    first = head.decode(encoding, "replace").partition("\n")[0].rstrip("\r").lstrip("\ufeff")
    sign = max(_SIGNS, key=first.count)
    names = _named(path, next(csv.reader(io.StringIO(first), delimiter=sign), []))
    bad: list[int] = []

    def note(row: Any) -> str:
        bad.append(row.number or 0)
        return "skip"

    with closing(pacsv.open_csv(
        path,
        pacsv.ReadOptions(column_names=names, skip_rows=1, encoding="utf8" if "utf" in encoding else encoding,
                          block_size=8 << 20, use_threads=False),
        pacsv.ParseOptions(delimiter=sign, invalid_row_handler=note, newlines_in_values=True),
        pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )) as reader:  # fmt: skip
        batches, rows = [], 0
        for batch in _batches(reader):
            rows += batch.num_rows
            _check_rows(path, rows)
            batches.append(batch)
    if bad:
        where = Detail(LINE, path.name[:120], min(bad) or "?")
        raise Refused("insight.input_row", _ROW, value=len(names), limit=where)
    whole = pa.Table.from_batches(batches, pa.schema([(name, pa.string()) for name in names]))
    return {name: _one(whole.column(at)) for at, name in enumerate(names)}


def _batches(reader: Any) -> Iterator[pa.RecordBatch]:
    while True:
        try:
            yield reader.read_next_batch()
        except StopIteration:
            return


def _encoding(head: bytes) -> str:
    whole = head[: head.rfind(b"\n") + 1 or None]
    try:
        whole.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"


def _one(column: pa.ChunkedArray) -> pa.Array:
    found = column.combine_chunks()
    found = pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
    return pc.utf8_trim_whitespace(found) if pa.types.is_string(found.type) else found


def _parquet(path: Path) -> dict[str, pa.Array]:
    with pq.ParquetFile(path) as file:
        names = _named(path, list(file.schema_arrow.names))
        _check_rows(path, file.metadata.num_rows)
        size = sum(file.metadata.row_group(at).total_byte_size for at in range(file.metadata.num_row_groups))
        if size > MOST_BYTES:
            raise _large(path, f"{MOST_BYTES:,} B")
        whole = file.read()
    return {name: _one(_plain(whole.column(at))) for at, name in enumerate(names)}


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Whole numbers, numbers and texts stay; days and the like become texts."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.cast(kind.value_type))
    if pa.types.is_boolean(kind):
        return column.cast(pa.int64())
    if pa.types.is_integer(kind):
        return column.cast(pa.int64())
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return column.cast(pa.float64())
    return column.cast(pa.string())


def _excel(path: Path) -> dict[str, pa.Array]:
    from openpyxl import load_workbook  # takes a while to import

    with zipfile.ZipFile(path) as packed:
        if sum(one.file_size for one in packed.infolist()) > MOST_BYTES:
            raise _large(path, f"{MOST_BYTES:,} B")
    book = load_workbook(path, read_only=True, data_only=True)
    try:
        rows = book.worksheets[0].iter_rows(values_only=True, max_col=MOST_COLUMNS + 1)
        names = _named(path, [_text(cell) for cell in next(rows, ())])
        listed: list[list[str]] = []
        for row in rows:
            texts = [_text(cell) for cell in row[: len(names)]]
            listed.append(texts + [""] * (len(names) - len(texts)))
            _check_rows(path, len(listed))
    finally:
        book.close()
    while listed and not any(listed[-1]):
        listed.pop()
    return {name: pa.array([row[at].strip() for row in listed], pa.string()) for at, name in enumerate(names)}


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(int(cell))
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == datetime.min.time() else cell.isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)
