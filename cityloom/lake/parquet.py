"""Facts as Parquet files: checked, turned to Arrow, put in order, and on the disk before they are named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cityloom.kernel import disk, ids
from cityloom.kernel.refused import Refused
from cityloom.lake import log
from cityloom.lake.domain import partition
from cityloom.lake.domain.dataset import AT, CELL, DAY, PLACE, THING, Column, Dataset

ARROW = {
    "integer": pa.int64(), "number": pa.float64(), "text": pa.string(), "instant": pa.timestamp("us", "UTC"),
    "flag": pa.bool_(), "bytes": pa.binary(),
}  # fmt: skip
ROW_GROUP = 250_000
"""Rows that a question for one thing has to take apart; halves of it gain little, and cost room."""
MOST_A_FILE = 32_000_000
_FEWEST_REPEATS = 4
_MOST_IN_DICTIONARY = 100_000
"""Of 8 bytes each; a dictionary of more than 1 MB is given up by the writer in the middle of a column."""
_EPOCH = np.datetime64("1970-01-01", "D")


@dataclass(frozen=True)
class File:
    """A file of a table: its day and coarse place, rows and bytes; `least` and `most` of the columns that tell."""

    path: str
    day: str
    place: int
    rows: int
    size: int
    least: dict[str, Any] = field(default_factory=dict)
    most: dict[str, Any] = field(default_factory=dict)


def arrow_of(dataset: Dataset, columns: Mapping[str, Any]) -> pa.Table:
    """The facts as Arrow, checked.

    Raises: Refused `lake.columns`.
    """
    names = [column.name for column in dataset.all_columns]
    unknown = sorted(set(columns) - set(names))
    missing = [name for name in (THING, AT) if name not in columns]
    if unknown:
        raise Refused("lake.columns", "Dataset {limit} has no column {value}; its declaration says which it has.",
                      value=unknown[0], limit=dataset.name)  # fmt: skip
    if missing:
        raise Refused("lake.columns", "Facts of {limit} need a column {value}.", value=missing[0], limit=dataset.name)
    count = len(columns[THING])
    uneven = [name for name, values in columns.items() if len(values) != count]
    if uneven:
        raise Refused("lake.columns", "Column {value} of {limit} is not as long as `thing`.", value=uneven[0],
                      limit=dataset.name)  # fmt: skip
    return pa.table([_column(dataset, one, columns.get(one.name), count) for one in dataset.all_columns], names=names)


def _column(dataset: Dataset, column: Column, values: Any, count: int) -> pa.Array:
    if values is None:
        return pa.array(np.zeros(count, np.int64)) if column.name == CELL else pa.nulls(count, ARROW[column.kind])
    try:
        if column.kind == "instant":
            values = np.asarray(values)
            micros = values if values.dtype.kind in "iu" else values.astype("datetime64[us]").astype(np.int64)
            return pa.array(micros, pa.int64()).cast(pa.timestamp("us")).cast(ARROW["instant"])
        return pa.array(values, type=ARROW[column.kind])
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError, ValueError, OverflowError) as error:
        sentence = "Column {value} must be {limit}; correct the source, nothing was written."
        raise Refused("lake.columns", sentence, value=f"{dataset.name}.{column.name}", limit=column.kind) from error


def parts_of(table: pa.Table, each: str = "day") -> Iterator[tuple[pa.Table, str, int]]:
    """The facts of each span (a day, month or year) and place, in order, with the span's first day and the place."""
    thing, cells, at = table[THING].to_numpy(), _one(table[CELL]), table[AT].cast(pa.int64()).to_numpy()
    order, bounds = partition.order_of(thing, at, _places(cells), each)
    if len(order) and not (np.diff(order) == 1).all():
        table = table.take(pa.array(order))
    for begin, end in pairwise(bounds.tolist()) if len(order) else ():
        day = str(_EPOCH + partition.first_days_of(at[order[begin : begin + 1]], each)[0])
        place = partition.place_of(cells[int(order[begin])].as_py())
        for start in range(begin, end, MOST_A_FILE):
            yield table.slice(start, min(end - start, MOST_A_FILE)), day, place


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)


def _places(cells: pa.Array) -> NDArray[np.int64]:
    """A small number for the coarse place of each cell."""
    found = cells.dictionary_encode()
    _, small = np.unique([partition.place_of(cell) for cell in found.dictionary.to_pylist()], return_inverse=True)
    return small.astype(np.int64)[found.indices.to_numpy()]


def write(folder: Path, dataset: Dataset, part: pa.Table, day: str, place: int) -> File:
    """Write one file, durably.

    Raises: Refused `lake.disk_full`.
    """
    name = f"part-{ids.random_token()}"  # readers pass over names that begin with _ or a dot, without a word
    path = f"{DAY}={day}/{PLACE}={place}/{name}.parquet"
    whole = folder / path
    try:
        log.make_folder(whole.parent)
        _write_table(whole, dataset, part)
        log.synced(whole)
        log.synced(whole.parent)
    except OSError as error:
        whole.unlink(missing_ok=True)
        raise full(error) from error
    least, most = _bounds(part)
    return File(path, day, place, part.num_rows, whole.stat().st_size, least, most)


def full(error: OSError) -> Exception:
    """What to say where a disk is full; any other error as it is."""
    sentence = "The disk of the lake is full, so nothing was written; free some space, and write the same again."
    return Refused("lake.disk_full", sentence) if disk.is_full(error) else error


def _write_table(whole: Path, dataset: Dataset, part: pa.Table) -> None:
    packed = {one.name: "DELTA_BINARY_PACKED" for one in dataset.all_columns if one.kind in ("integer", "instant")}
    for name in (THING, CELL):
        # engines group a dictionary's numbers instead of the values, which takes two thirds of the time
        if _is_repeated(part[name]):
            del packed[name]
    pq.write_table(
        part, whole, row_group_size=ROW_GROUP, compression="zstd", data_page_version="2.0", column_encoding=packed,
        use_dictionary=[one.name for one in dataset.all_columns if one.name not in packed],
    )  # fmt: skip


def _is_repeated(column: pa.ChunkedArray) -> bool:
    """Whether equal values stand together often enough, in the order of things, for a dictionary to be small."""
    values = column.to_numpy()
    return np.count_nonzero(np.diff(values)) < min(len(values) / _FEWEST_REPEATS, _MOST_IN_DICTIONARY)


def _bounds(part: pa.Table) -> tuple[dict[str, Any], dict[str, Any]]:
    """The least and the greatest thing and instant; the facts stand in the order of things."""
    things = part[THING]
    at = part[AT].cast(pa.int64()).to_numpy()
    low, high = (str(np.datetime64(int(value), "us")) + "Z" for value in (at.min(), at.max()))
    return {THING: things[0].as_py(), AT: low}, {THING: things[-1].as_py(), AT: high}
