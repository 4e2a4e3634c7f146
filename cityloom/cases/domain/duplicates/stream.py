"""A city's own reports, with the matters that people found them to be about, as they are compared."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.domain.duplicates.sketch import sketch_of
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

USUAL_ERROR_M = 15.0
_ROW = "Row {limit} of the reports cannot be read: {value} is no time, place or number as it is wanted there."


def stream_of(rows: Sequence[Mapping[str, str]], idf: NDArray[np.float32]
              ) -> tuple[list[Report], list[int], list[float]]:  # fmt: skip
    """Reports in the order of their times, the numbers of their matters, and until when each is open.

    Columns: `at`, `lon`, `lat`, `category`, `text`, `matter`; where known `error_m` and `closed_at`.

    Raises: Refused `cases.report_row`.
    """
    numbers: dict[str, int] = {}
    read = [_row(row, number, idf) for number, row in enumerate(rows, start=2)]
    order = sorted(range(len(read)), key=lambda at: read[at][0].at_s)
    matters = [numbers.setdefault(rows[at]["matter"], len(numbers)) for at in order]
    return [read[at][0] for at in order], matters, [read[at][1] for at in order]


def _row(row: Mapping[str, str], number: int, idf: NDArray[np.float32]) -> tuple[Report, float]:
    try:
        lon, lat, error = float(row["lon"]), float(row["lat"]), float(row.get("error_m") or USUAL_ERROR_M)
        at = clock.from_text(row["at"]).timestamp()
        ends = clock.from_text(row["closed_at"]).timestamp() if row.get("closed_at") else math.inf
    except (ValueError, TypeError, OverflowError) as error:
        raise Refused("cases.report_row", _ROW, value=f"{error}"[:80], limit=number) from error
    if not (-180 <= lon <= 180 and -90 <= lat <= 90 and 0 <= error <= 10_000):
        raise Refused("cases.report_row", _ROW, value=f"{lon} {lat} {error}", limit=number)
    return Report(lon, lat, error, at, row["category"] or "", sketch_of(row["text"] or "", idf)), ends
