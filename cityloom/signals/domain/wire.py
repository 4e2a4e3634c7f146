"""Readings as senders write them, one JSON object a line (or CSV with the same names), turned into columns.

Typical lines are read in columns; a block with anything odd in it is read again line by line, and only what is wrong is
set aside. The names are those of SensorThings: `datastream` (its name or its id), `result`, `phenomenonTime`.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

NAMES = ("datastream", "result", "phenomenonTime")
MOST_BYTES = 64_000_000
"""The most that is read at once; senders split what is larger."""
_BLOCK = 4_000_000
_LONGEST_LINE = 65_536
_TOO_LONG = b"!" * (_LONGEST_LINE + 1)
_SCHEMA = pa.schema([("datastream", pa.string()), ("result", pa.float64()), ("phenomenonTime", pa.string())])
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_TIME = np.iinfo(np.int64).min


class Stream(Protocol):
    """What is read from its beginning to its end."""

    def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True)
class Arrived:
    """Columns of what came, and by line what could not be read; `at_us` is microseconds since 1970 in UTC.

    `place` is the line of each reading, counted from 0, and `many` how many lines there were, where that is not plain.
    """

    datastream: pa.Array
    at_us: NDArray[np.int64]
    result: NDArray[np.float64]
    faults: dict[int, str] = field(default_factory=dict)
    place: NDArray[np.int64] | None = None
    many: int | None = None

    def __len__(self) -> int:
        return len(self.result)

    @property
    def places(self) -> NDArray[np.int64]:
        """The line of each reading."""
        return np.arange(len(self)) if self.place is None else self.place

    @property
    def lines(self) -> int:
        """How many lines there were."""
        return len(self) if self.many is None else self.many


class _Line(msgspec.Struct, gc=False):
    datastream: str | int
    result: Any
    phenomenonTime: str  # noqa: N815 - the name of the standard


_Found = tuple[str, float, int] | str
_decode = msgspec.json.Decoder(_Line).decode


def read_lines(body: bytes) -> Iterator[Arrived]:
    """Read one JSON object a line, a block of some megabytes at a time; `faults` count lines from 0 in their block."""
    for block in _blocks(body):
        yield _in_columns(block) or _line_by_line(block)


def read_csv(block: bytes, names: Sequence[str]) -> Arrived:
    """Read lines of CSV whose columns have these names, the three of a reading among them."""
    return _csv_in_columns(block, names) or _line_by_line(block, partial(_of_cells, names=names))


def pieces(stream: Stream) -> Iterator[bytes]:
    """What a stream holds, some megabytes at a time, cut behind ends of lines.

    Of a line that is longer than can be a reading a mark is left, as long as needed to be seen as such.
    """
    left, is_first = b"", True
    while got := stream.read(_BLOCK):
        whole = left + (got.removeprefix(b"\xef\xbb\xbf") if is_first else got)
        end, is_first = whole.rfind(b"\n") + 1, False
        if end:
            yield whole[:end]
        left = whole[end:] if len(whole) - end <= _LONGEST_LINE else _TOO_LONG
    if left:
        yield left


def read_table(table: pa.Table) -> Arrived:
    """Take three columns of a table as they are; instants may be texts or timestamps with a time zone."""
    table = table.combine_chunks()
    names, result, times = (_one(table[name]) for name in NAMES)
    faults: dict[int, str] = {}
    if pa.types.is_timestamp(times.type):
        zoned = times.type.tz is not None
        at_us = pc.fill_null(times.cast(pa.timestamp("us", times.type.tz)).cast(pa.int64()), _NO_TIME).to_numpy()
        faults |= {} if zoned else dict.fromkeys(range(len(times)), "no_time_zone")
    else:
        at_us, faults = _instants(times)
    value = pc.fill_null(result.cast(pa.float64()), math.nan).to_numpy(zero_copy_only=False)
    return _without(faults, pc.fill_null(names.cast(pa.string()), ""), at_us, value)


def joined(parts: Sequence[Arrived]) -> Arrived:
    """Several as one; what was set aside is left behind."""
    if len(parts) == 1:
        return parts[0]
    return Arrived(
        pa.concat_arrays([one.datastream for one in parts]), np.concatenate([one.at_us for one in parts]),
        np.concatenate([one.result for one in parts]),
    )  # fmt: skip


def _blocks(body: bytes) -> Iterator[bytes]:
    """The body cut behind ends of lines."""
    begin = 0
    while begin < len(body):
        end = len(body) if len(body) - begin <= _BLOCK else body.rfind(b"\n", begin, begin + _BLOCK) + 1
        if end <= begin:  # one line is longer than a block: it is a fault of its own
            end = body.find(b"\n", begin) + 1 or len(body)
        yield body[begin:end]
        begin = end


def _in_columns(block: bytes) -> Arrived | None:
    """The lines in columns; None where one of them is not as it usually is."""
    from pyarrow import json

    options = json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore")
    reading = json.ReadOptions(use_threads=False, block_size=len(block) + 1)
    try:
        table = json.read_json(pa.BufferReader(block), read_options=reading, parse_options=options)
        names, result, times = (_one(table[name]) for name in NAMES)
        names.validate(full=True)  # the reader lets bytes pass that are no UTF-8
        usual = not (names.null_count or result.null_count or times.null_count) and block.count(b"\n") <= len(names)
        if not usual or not pc.all(pc.ends_with(times, "Z")).as_py():
            return None
        at_us = times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    return Arrived(names, at_us, result.to_numpy())


def _csv_in_columns(block: bytes, names: Sequence[str]) -> Arrived | None:
    """The lines in columns; None where one of them is not as it usually is."""
    from pyarrow import csv as columns

    converting = columns.ConvertOptions(column_types=dict(zip(NAMES, _SCHEMA.types, strict=True)),
                                        include_columns=list(NAMES))  # fmt: skip
    reading = columns.ReadOptions(column_names=list(names), use_threads=False, block_size=len(block) + 1)
    try:
        table = columns.read_csv(pa.BufferReader(block), read_options=reading, convert_options=converting)
    except (pa.ArrowInvalid, UnicodeDecodeError):
        return None
    return read_table(table) if block.count(b"\n") <= len(table) else None


def _line_by_line(block: bytes, read: Callable[[bytes], _Found] | None = None) -> Arrived:
    names: list[str] = []
    values: list[float] = []
    times: list[int] = []
    places: list[int] = []
    faults: dict[int, str] = {}
    lines = block.splitlines()
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        found = "too_long" if len(line) > _LONGEST_LINE else (read or _of_line)(line)
        if isinstance(found, str):
            faults[number] = found
            continue
        name, value, at_us = found
        names.append(name)
        values.append(value)
        times.append(at_us)
        places.append(number)
    return Arrived(pa.array(names, pa.string()), np.array(times, np.int64), np.array(values, np.float64), faults,
                   np.array(places, np.int64), len(lines))  # fmt: skip


def _of_cells(line: bytes, names: Sequence[str]) -> _Found:
    try:
        cells = next(csv.reader([line.decode()]))
    except (csv.Error, UnicodeDecodeError, StopIteration):
        return "not_readable"
    if len(cells) != len(names):
        return "not_readable"
    name, text, time = (cells[names.index(one)] for one in NAMES)
    try:
        value = math.nan if "_" in text else float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        return "not_a_number"
    at_us = instant(time)
    return at_us if isinstance(at_us, str) else (name, value, at_us)


def _of_line(line: bytes) -> _Found:
    """Name, value and instant, or why not."""
    try:
        said = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "not_readable"
    value = said.result
    if type(value) not in (int, float) or not math.isfinite(value):
        return "not_a_number"
    at_us = instant(said.phenomenonTime)
    return at_us if isinstance(at_us, str) else (str(said.datastream), float(value), at_us)


def instant(text: str) -> int | str:
    """Microseconds since 1970 of an ISO 8601 instant with a time zone, or why it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return "no_instant"
    return (when - _EPOCH) // _MICROSECOND if when.tzinfo else "no_time_zone"


def _instants(times: pa.Array) -> tuple[NDArray[np.int64], dict[int, str]]:
    """Instants of texts, and the places of those that are none."""
    try:
        if not times.null_count and pc.all(pc.ends_with(times, "Z")).as_py():
            return times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy(), {}
    except pa.ArrowInvalid:
        pass
    found = [instant(text or "") for text in times.to_pylist()]
    faults = {place: one for place, one in enumerate(found) if isinstance(one, str)}
    return np.array([_NO_TIME if isinstance(one, str) else one for one in found], np.int64), faults


def _without(faults: dict[int, str], names: pa.Array, at_us: NDArray[np.int64], value: NDArray[np.float64]) -> Arrived:
    if not faults:
        return Arrived(names, at_us, value)
    good = np.setdiff1d(np.arange(len(value)), np.fromiter(faults, np.int64, len(faults)))
    return Arrived(names.take(pa.array(good)), at_us[good], value[good], faults, good, len(value))


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
