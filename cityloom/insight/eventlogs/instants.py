"""Instants as logs write them become microseconds of UTC, in columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.insight.domain.eventlog import UNKNOWN, Instants

FORMATS = (
    "ISO8601", "%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y/%m/%d", "%d/%m/%Y %H:%M:%S.%f",
    "%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%Y",
    "%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %I:%M %p", "%d-%m-%Y %H:%M:%S", "%d-%m-%Y %H:%M", "%d-%m-%Y",
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y", "%Y年%m月%d日 %H:%M:%S", "%Y年%m月%d日 %H:%M", "%Y年%m月%d日",
    "seconds", "milliseconds",
)  # fmt: skip
"""What is tried, the first first; `seconds` and `milliseconds` are since 1970. Days go before months where both fit."""
_SAMPLE = 2_000
_OFFSET = r"(?i)\d:?\d{2}([.,]\d+)?\s*(Z|[+-]\d{2}(:?\d{2})?)$"
_DATE_ONLY = r"^\d{1,4}-\d{1,2}-\d{1,4}$"


@dataclass(frozen=True)
class Times:
    """`at` is `UNKNOWN` where there is nothing, or nothing that can be read; the counts are of texts."""

    at: Instants
    style: str = ""
    unreadable: int = 0
    without_zone: int = 0
    offsets: tuple[str, ...] = ()


def instants(texts: Sequence[str] | pa.Array | pa.ChunkedArray, zone: str = "UTC", style: str = "") -> Times:
    """Read texts; what has no offset is meant in `zone`. `style` is one of `FORMATS`, guessed where it is empty."""
    column = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else pa.array(texts, pa.string())
    column = pc.utf8_trim_whitespace(column)
    given = pc.fill_null(pc.not_equal(column, ""), False)
    chosen = style or _style_of(column.filter(given))
    if chosen in ("seconds", "milliseconds"):
        return _since_1970(column, given, chosen)
    zoned = _is_zoned(column)
    at = np.full(len(column), UNKNOWN)
    aware, naive = (pc.and_(given, one).to_numpy(zero_copy_only=False) for one in (zoned, pc.invert(zoned)))
    for flags, where in ((aware, "UTC"), (naive, zone)):
        if flags.any():
            at[flags] = _parsed(column.filter(pa.array(flags)), chosen, where, is_aware=flags is aware)
    known = given.to_numpy(zero_copy_only=False)
    return Times(
        at, chosen, int((known & (at == UNKNOWN)).sum()), int((naive & (at != UNKNOWN)).sum()), _offsets(column, zoned)
    )


def _style_of(given: pa.ChunkedArray) -> str:
    """The first format that reads most of a sample, taken from all over the column."""
    if not len(given):
        return FORMATS[0]
    sample = given.take(np.unique(np.linspace(0, len(given) - 1, min(len(given), _SAMPLE)).astype(np.int64)))
    digits = pc.all(pc.match_substring_regex(sample, r"^\d{9,13}(\.\d+)?$")).as_py()
    if digits:
        return "milliseconds" if pc.max(pc.utf8_length(sample)).as_py() >= 13 else "seconds"
    if pc.any(pc.match_substring_regex(sample, r"^\d{4}-\d{2}-\d{2}")).as_py():
        return FORMATS[0]
    read = {one: int((_parsed(sample, one, "UTC", is_aware=False) != UNKNOWN).sum()) for one in FORMATS[:-2]}
    best = max(read.values())
    return next(one for one, count in read.items() if count == best)


def _is_zoned(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Which texts end in an offset; the year of a date alone is none."""
    ends = pc.and_(pc.match_substring_regex(column, _OFFSET), pc.invert(pc.match_substring_regex(column, _DATE_ONLY)))
    return pc.fill_null(ends, False)


def _parsed(texts: pa.Array, style: str, zone: str, *, is_aware: bool) -> Instants:
    """An hour that comes twice is meant as the second one, one that never comes as the next that does."""
    as_utc = is_aware or style == "ISO8601"
    read = pd.to_datetime(pd.Series(texts.to_pandas()), format=style, errors="coerce", utc=as_utc)
    if not is_aware:
        plain = read.dt.tz_localize(None) if read.dt.tz is not None else read
        later = np.zeros(len(plain), bool)
        read = plain.dt.tz_localize(zone, ambiguous=later, nonexistent="shift_forward").dt.tz_convert("UTC")
    micros = read.dt.tz_localize(None).to_numpy().astype("datetime64[us]").astype(np.int64)
    return np.where(read.isna().to_numpy(), UNKNOWN, micros)


def _since_1970(column: pa.ChunkedArray, given: pa.Array, style: str) -> Times:
    numbers = pd.to_numeric(column.to_pandas(), errors="coerce").to_numpy(np.float64)
    fits = np.isfinite(numbers) & (np.abs(numbers) < 1e15)
    micros = np.round(np.where(fits, numbers, 0) * (1_000_000 if style == "seconds" else 1_000)).astype(np.int64)
    known = given.to_numpy(zero_copy_only=False)
    return Times(np.where(fits, micros, UNKNOWN), style, int((known & ~fits).sum()))


def _offsets(column: pa.ChunkedArray, zoned: pa.Array) -> tuple[str, ...]:
    """The different offsets that were written, `Z` as +00:00."""
    ends = pc.utf8_slice_codeunits(column.filter(zoned), start=-6)
    found = {_offset(one) for one in pc.unique(ends).to_pylist()}
    return tuple(sorted(found - {""}))


def _offset(end: str) -> str:
    if end[-1:] in "zZ":
        return "+00:00"
    digits = end.replace(":", "")[-5:]
    return f"{digits[:3]}:{digits[3:]}" if digits[:1] in "+-" else ""
