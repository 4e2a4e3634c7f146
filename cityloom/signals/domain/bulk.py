"""Readings in bulk: what a file holds, by the ending of its name, a block at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pyarrow as pa

from cityloom.kernel.refused import Refused
from cityloom.signals.domain import wire

MOST_BYTES = 2_000_000_000
ENDINGS = (".ndjson", ".jsonl", ".json", ".csv", ".parquet")
_ROWS = 100_000


def blocks(name: str, body: bytes) -> Iterator[wire.Arrived]:
    """The readings of a file.

    Raises: Refused `signals.readings_format`, `signals.readings_large`.
    """
    ending = next((one for one in ENDINGS if name.lower().endswith(one)), "")
    if not ending:
        raise Refused("signals.readings_format", "Readings come as {limit}; {value} is none of these.",
                      value=name[-40:], limit=", ".join(ENDINGS))  # fmt: skip
    if len(body) > MOST_BYTES:
        raise Refused("signals.readings_large", "{value} is larger than {limit} bytes; split it.", value=name[-40:],
                      limit=MOST_BYTES)  # fmt: skip
    if ending == ".parquet":
        yield from _of_parquet(name, body)
    elif ending == ".csv":
        try:
            yield wire.read_csv(body)
        except (pa.ArrowInvalid, KeyError, UnicodeDecodeError) as error:
            raise _unreadable(name) from error
    else:
        yield from wire.read_lines(body)


def _of_parquet(name: str, body: bytes) -> Iterator[wire.Arrived]:
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(io.BytesIO(body))
        for batch in file.iter_batches(_ROWS, columns=list(wire.NAMES)):
            yield wire.read_table(pa.Table.from_batches([batch]))
    except (pa.ArrowException, KeyError, OSError) as error:
        raise _unreadable(name) from error


def _unreadable(name: str) -> Refused:
    return Refused("signals.readings_format", "{value} cannot be read: it needs the columns {limit}, with numbers as "
                   "results.", value=name[-40:], limit=", ".join(wire.NAMES))  # fmt: skip
