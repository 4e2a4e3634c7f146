"""Recorded readings, as a file has them, for rules to be tried on."""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from cityloom.detection.domain.firing import Recorded
from cityloom.kernel.refused import Refused

LARGEST_ROWS = 20_000_000
LARGEST_BYTES = 2_000_000_000
_NEEDED = ("time", "stream", "value")
_OFFERED = ("kind", "unit", "lon", "lat")
_COLUMNS = "The file needs the columns {limit}, and may have kind, unit, lon and lat; {value} is missing."
_NO_FILE = "The file {value} cannot be read as {limit}; give CSV with a header, or Parquet."
_LONG = "The file has {value} readings, and rules are tried on at most {limit}; take a shorter time."
_LARGE = "The file has {value} bytes, and rules are tried on files of at most {limit}; take a shorter time."
_EMPTY = "The file has no reading with a time in it, so there is nothing to try rules on."
_ZONE = "The time {value} has no zone, so nobody knows when that was; write it as in {limit}."


def recorded_of(path: Path) -> Recorded:
    """The readings of a CSV or Parquet file by stream and time; of equal instants of a stream the last counts.

    Raises: Refused `detection.recording_*`.
    """
    size = path.stat().st_size
    if size > LARGEST_BYTES:
        raise Refused("detection.recording_long", _LARGE, value=size, limit=LARGEST_BYTES)
    return _recorded(path.name, path)


def recorded_in(name: str, content: bytes) -> Recorded:
    """The same of what was sent; the ending of its name tells what it is.

    Raises: Refused `detection.recording_*`.
    """
    return _recorded(name, io.BytesIO(content))


def _recorded(file: str, source: Path | io.BytesIO) -> Recorded:
    table = _table(file, source)
    names = set(table.column_names)
    if lacks := [name for name in _NEEDED if name not in names]:
        raise Refused("detection.recording_columns", _COLUMNS, value=lacks[0], limit=", ".join(_NEEDED))
    if table.num_rows > LARGEST_ROWS:
        raise Refused("detection.recording_long", _LONG, value=table.num_rows, limit=LARGEST_ROWS)
    at_s, value = _instants(table["time"]), _numbers(table["value"])
    words, stream = np.unique(np.array(table["stream"].cast("string").to_pylist(), dtype=object).astype(str),
                               return_inverse=True)  # fmt: skip
    kept = np.flatnonzero(np.isfinite(at_s) & np.isfinite(value))
    if len(kept) == 0:
        raise Refused("detection.recording_empty", _EMPTY)
    kept = kept[np.lexsort((at_s[kept], stream[kept]))]
    same = (stream[kept][1:] == stream[kept][:-1]) & (at_s[kept][1:] == at_s[kept][:-1])
    kept = kept[np.append(~same, True)]
    first = np.unique(stream, return_index=True)[1]
    facts = {name: _fact(table, name, first) for name in _OFFERED}
    return Recorded(stream[kept].astype(np.int64), at_s[kept], value[kept], words.astype(object), **facts)


def _table(file: str, source: Path | io.BytesIO) -> Any:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if file.lower().endswith(".parquet"):
            return parquet.read_table(source)
        text = csv.ConvertOptions(column_types={"time": pa.string(), "stream": pa.string()})
        return csv.read_csv(source, convert_options=text)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        kind = "Parquet" if file.lower().endswith(".parquet") else "CSV"
        raise Refused("detection.recording_unreadable", _NO_FILE, value=file[:80], limit=kind) from error


def _instants(column: Any) -> np.ndarray:
    import pyarrow as pa
    from pyarrow import compute

    if pa.types.is_timestamp(column.type) and column.type.tz:
        moments = column
    else:
        texts = column.cast("string")
        bare = compute.filter(texts, compute.invert(compute.match_substring_regex(texts, r"(Z|[+-]\d\d:?\d\d)$")))
        if len(bare):
            raise Refused("detection.recording_zone", _ZONE, value=str(bare[0])[:40], limit="2026-05-01T12:00:00Z")
        try:
            moments = texts.cast(pa.timestamp("us", tz="UTC"))
        except pa.ArrowInvalid as error:
            raise Refused("detection.recording_zone", _ZONE, value=str(texts[0])[:40],
                          limit="2026-05-01T12:00:00Z") from error  # fmt: skip
    micros = moments.cast(pa.timestamp("us", tz="UTC")).cast("int64").combine_chunks()
    return micros.to_numpy(zero_copy_only=False).astype(np.float64) / 1e6


def _numbers(column: Any) -> np.ndarray:
    import pyarrow as pa

    try:
        return column.cast("float64").combine_chunks().to_numpy(zero_copy_only=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise Refused("detection.recording_columns", _COLUMNS, value="a value that is a number",
                      limit=", ".join(_NEEDED)) from error  # fmt: skip


def _fact(table: Any, name: str, first: np.ndarray) -> np.ndarray:
    """What a column says of each stream, by its first row."""
    number = name in ("lon", "lat")
    if name not in table.column_names:
        return np.full(len(first), math.nan) if number else np.full(len(first), "", dtype=object)
    values = table[name].take(first)
    return _numbers(values) if number else np.array([each or "" for each in values.cast("string").to_pylist()], object)
