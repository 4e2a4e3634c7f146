"""Readings in bulk: what a file or a body holds, a block at a time, in memory that does not grow with it."""

from __future__ import annotations

import csv
import io
import struct
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from cityloom.kernel.refused import Refused
from cityloom.signals.domain import record_batches, wire

MOST_BYTES = 2_000_000_000
"""Of a file, and of a body when it is unpacked."""
MOST_ROWS = 50_000_000
KINDS = {".ndjson": "lines", ".jsonl": "lines", ".json": "lines", ".csv": "csv", ".parquet": "parquet",
         ".arrow": "arrow"}  # fmt: skip
"""What a file is, by the ending of its name."""
_ROWS = 100_000
_MOST_UNPACKED = 512_000_000
"""Of a group of rows in Parquet, by what its own index says."""
_LONGEST_NAME = 255


def blocks(name: str, body: bytes | IO[bytes]) -> Iterator[wire.Arrived]:
    """The readings of a file.

    Raises: Refused `signals.readings_format`, `signals.readings_large`.
    """
    ending = next((one for one in KINDS if name.lower().endswith(one)), "")
    if not ending:
        raise Refused("signals.readings_format", "Readings come as {limit}; {value} is none of these.",
                      value=name[-40:], limit=", ".join(KINDS))  # fmt: skip
    if isinstance(body, bytes) and len(body) > MOST_BYTES:
        raise Refused("signals.readings_large", "{value} is larger than {limit} bytes; split it.", value=name[-40:],
                      limit=MOST_BYTES)  # fmt: skip
    yield from read(KINDS[ending], io.BytesIO(body) if isinstance(body, bytes) else body, name)


def read(kind: str, stream: Any, name: str) -> Iterator[wire.Arrived]:
    """The readings of a stream of a kind; Parquet has to be one that can be gone back in. `name` is for refusals.

    Raises: Refused `signals.readings_format`, `signals.readings_large`, `signals.readings_packed`.
    """
    rows = 0
    try:
        for block in _READERS[kind](stream):
            rows += block.lines
            if rows > MOST_ROWS:
                raise Refused("signals.readings_large", "{value} has more than {limit} rows; split it.",
                              value=name[-40:], limit=MOST_ROWS)  # fmt: skip
            yield block
    except (pa.ArrowException, KeyError, ValueError, OSError, struct.error, csv.Error) as error:
        raise Refused("signals.readings_format", "{value} cannot be read: it needs the columns {limit}, with numbers as"
                      " results.", value=name[-40:], limit=", ".join(wire.NAMES)) from error  # fmt: skip


def _of_lines(stream: wire.Stream) -> Iterator[wire.Arrived]:
    for piece in wire.pieces(stream):
        yield from wire.read_lines(piece)


def _of_csv(stream: wire.Stream) -> Iterator[wire.Arrived]:
    pieces = wire.pieces(stream)
    head, _, rest = next(pieces, b"").partition(b"\n")
    names = _columns(head)
    for piece in chain([rest] if rest else [], pieces):
        yield wire.read_csv(piece, names)


def _columns(head: bytes) -> list[str]:
    """What the first line calls the columns. Raises: ValueError where those of a reading are not among them."""
    names = next(csv.reader([head[:10_000].decode().strip()]), [])
    if not set(wire.NAMES) <= set(names) or len(set(names)) != len(names):
        raise ValueError("no columns of readings")
    return names


def _of_parquet(stream: IO[bytes]) -> Iterator[wire.Arrived]:
    from pyarrow import parquet

    file = parquet.ParquetFile(stream, read_dictionary=["datastream"], thrift_string_size_limit=10_000_000,
                               thrift_container_size_limit=1_000_000)  # fmt: skip
    for number in range(file.num_row_groups):
        if file.metadata.row_group(number).total_byte_size > _MOST_UNPACKED:
            raise Refused("signals.readings_large", "A group of rows is larger than {limit} bytes when it is unpacked;"
                          " write smaller ones.", limit=_MOST_UNPACKED)  # fmt: skip
    for batch in file.iter_batches(_ROWS, columns=list(wire.NAMES), use_threads=False):
        yield _of_batch(batch)


def _of_arrow(stream: wire.Stream) -> Iterator[wire.Arrived]:
    for batch in record_batches.read(stream):
        for start in range(0, batch.num_rows, _ROWS):
            yield _of_batch(batch.slice(start, _ROWS))


def _of_batch(batch: pa.RecordBatch) -> wire.Arrived:
    """A name that a dictionary says once is not written out a hundred thousand times before its length is known."""
    names = batch.column("datastream")
    if pa.types.is_dictionary(names.type):
        words = names.dictionary.cast(pa.string())
        usual = pc.if_else(pc.greater(pc.binary_length(words), _LONGEST_NAME), "", words)
        names = pa.DictionaryArray.from_arrays(names.indices, usual).cast(pa.string())
    columns = {"datastream": names} | {name: batch.column(name) for name in wire.NAMES[1:]}
    return wire.read_table(pa.table(columns))


_READERS: Mapping[str, Callable[[Any], Iterator[wire.Arrived]]] = {
    "lines": _of_lines, "csv": _of_csv, "parquet": _of_parquet, "arrow": _of_arrow,
}  # fmt: skip
