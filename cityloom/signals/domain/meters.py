"""Meters as a utility lists them: what each is called, what it measures, and at which part of the network."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.kinds import KINDS

MOST = 100_000
LARGEST_BYTES = 16 << 20
_COLUMNS = ("name", "kind", "at")
_HEAD = "The list of meters needs the columns {limit}; {value} is missing."
_ROW = "Line {limit} of the list of meters does not fit: {value}. Correct it there."
_NAME = re.compile(r"[^\x00-\x1f]{1,120}")


@dataclass(frozen=True)
class Meter:
    """A meter; `at` is the node or link of the network where it sits."""

    name: str
    kind: str
    at: str


@dataclass(frozen=True)
class NamedSites:
    """Where named sensors stand, as columns."""

    name: NDArray[np.object_]
    kind: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    street: NDArray[np.object_]
    made_up: NDArray[np.int64]

    @classmethod
    def of(cls, placed: Sequence[tuple[Meter, tuple[float, float]]]) -> NamedSites:
        """Meters with their longitudes and latitudes."""
        name, kind = (np.array([getattr(meter, what) for meter, _ in placed], object) for what in ("name", "kind"))
        lon, lat = np.array([place for _, place in placed]).T
        street = np.array([""] * len(placed), object)
        return cls(name, kind, lon, lat, street, np.zeros(len(placed), np.int64))


def read_meters(content: bytes) -> list[Meter]:
    """The meters of a CSV list with name, kind and at, in UTF-8 or GB18030; other columns are let go.

    Raises: Refused `signals.meters_unfit`, `signals.meters_columns`, `signals.meters_large`.
    """
    if len(content) > LARGEST_BYTES:
        raise Refused("signals.meters_large", "The list of meters has more than {limit} bytes; send it in parts.",
                      limit=LARGEST_BYTES)  # fmt: skip
    rows = csv.reader(io.StringIO(_text(content), newline=""))
    try:
        header = [name.strip().casefold() for name in next(rows, [])]
        if lacks := [name for name in _COLUMNS if name not in header]:
            raise Refused("signals.meters_columns", _HEAD, value=lacks[0], limit=", ".join(_COLUMNS))
        found = [_meter(dict(zip(header, row, strict=False)), rows.line_num) for row in rows if any(row)]
    except csv.Error as error:
        raise _unfit(rows.line_num, "a quotation mark is never closed") from error
    seen: set[str] = set()
    for number, meter in enumerate(found, 2):
        if meter.name in seen or len(seen) >= MOST:
            raise _unfit(number, f"the name {meter.name} stands there twice, or there are more than {MOST}")
        seen.add(meter.name)
    return found


def _meter(row: dict[str, str], line: int) -> Meter:
    meter = Meter(*(row.get(name, "").strip() for name in _COLUMNS))
    if not _NAME.fullmatch(meter.name) or not meter.at:
        raise _unfit(line, "a meter has a name of at most 120 signs, and a node or link where it sits")
    if meter.kind not in KINDS:
        raise _unfit(line, f"there are no sensors of kind {meter.kind[:40]}; use one of {', '.join(KINDS)}")
    return meter


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("gb18030", errors="replace")


def _unfit(line: int, what: str) -> Refused:
    return Refused("signals.meters_unfit", _ROW, value=what, limit=line)
