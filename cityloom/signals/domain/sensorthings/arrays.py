"""Read the dataArray of one datastream in columns: instants and numbers together, anything else row by row.

Source: OGC 18-088, clause 12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings import times

TIME, RESULT = "phenomenonTime", "result"
FEATURES = ("FeatureOfInterest/id", "FeatureOfInterest/@iot.id")
_NUMBERS = {int, float}


@dataclass(frozen=True)
class Numbers:
    """Rows that are an instant and a number: their places, microseconds since 1970, results."""

    place: NDArray[np.int64]
    at_us: NDArray[np.int64]
    result: NDArray[np.float64]


NOTHING = Numbers(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))


def numbers(names: Sequence[Any], rows: Sequence[Any], feature: int | None) -> Numbers:
    """Those rows that say nothing but when and how much; `feature` is what all are of, named or not."""
    if TIME not in names or RESULT not in names or len(set(names)) < len(names) or not rows:
        return NOTHING
    place = np.arange(len(rows))
    if set(map(type, rows)) != {list} or set(map(len, rows)) != {len(names)}:
        good = [at for at, row in enumerate(rows) if type(row) is list and len(row) == len(names)]
        place, rows = np.array(good, np.int64), [rows[at] for at in good]
        if not rows:
            return NOTHING
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    values, are_numbers = _values(columns.pop(RESULT))
    at_us, are_instants = _instants(columns.pop(TIME))
    usual = are_numbers & are_instants
    for name, column in columns.items():
        given = feature if name in FEATURES else None
        usual &= np.array([one is None or (type(one) is int and one == given) for one in column], dtype=bool)
    return Numbers(place[usual], at_us[usual], values[usual])


def _values(column: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    kinds = set(map(type, column))
    if not kinds <= _NUMBERS:
        column = [one if type(one) in _NUMBERS else math.nan for one in column]
    try:
        values = np.array(column, np.float64)
    except OverflowError:
        values = np.array([one if abs(one) < 1e300 else math.nan for one in column], np.float64)
    return values, np.isfinite(values)


def _instants(column: Sequence[Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Microseconds since 1970 of texts, and which are instants."""
    if set(map(type, column)) == {str}:
        texts = pa.array(column, pa.string())
        try:
            if pc.all(pc.equal(pc.utf8_slice_codeunits(texts, 10, 11), "T")).as_py():
                at_us = texts.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
                return at_us, np.ones(len(at_us), np.bool_)
        except pa.ArrowInvalid:
            pass
    found = [_instant(one) for one in column]
    good = np.array([one is not None for one in found], dtype=bool)
    return np.array([one or 0 for one in found], np.int64), good


def _instant(text: Any) -> int | None:
    try:
        return times.microseconds_of(text)
    except Refused:
        return None
