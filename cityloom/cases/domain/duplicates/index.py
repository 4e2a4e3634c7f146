"""Open reports in memory, by cell and top category: found in a millisecond among a million, changed one by one."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.forest import Forest
from cityloom.cases.domain.duplicates.joining import RESOLUTION, best_matter, cells_around
from cityloom.cases.domain.duplicates.pairs import Floats, Others, Report, search_m
from cityloom.cases.domain.duplicates.sketch import MOST_NUMBERS, WIDTH
from cityloom.cases.domain.routing.categories import shipped
from cityloom.kernel import cells
from cityloom.kernel.geometry import LocalProjection

MOST_COMPARED = 400
"""Of more reports than this around a place, the newest are compared."""
_FIRST_ROOM = 1_024
_COLUMNS: dict[str, tuple[Any, int]] = {
    "lon": (np.float64, 0), "lat": (np.float64, 0), "error_m": (np.float32, 0), "at_s": (np.float64, 0),
    "kind": (np.int16, 0), "matter": (np.int64, 0), "words": (np.int8, WIDTH), "numbers": (np.int32, MOST_NUMBERS),
    "script": (np.int8, 0), "is_open": (np.bool_, 0),
}  # fmt: skip


class OpenReports:
    """Open reports as columns that grow, and which of them lie in a cell; rows are numbered as they come."""

    def __init__(self) -> None:
        self.count = 0
        self._kinds = list(shipped())
        self._kind = {key: number for number, key in enumerate(self._kinds)}
        self._top = {key: one.path[0] for key, one in shipped().items()}
        self._rows: dict[tuple[int, str], list[int]] = defaultdict(list)
        self._held = {name: np.zeros((_FIRST_ROOM, width) if width else _FIRST_ROOM, kind)
                      for name, (kind, width) in _COLUMNS.items()}  # fmt: skip

    def add(self, report: Report, matter: int) -> int:
        """Keep a report that belongs to a matter; return its row."""
        row, self.count = self.count, self.count + 1
        if self.count > len(self._held["lon"]):
            self._held = {name: np.concatenate([column, np.zeros_like(column)]) for name, column in self._held.items()}
        said = (report.lon, report.lat, report.error_m, report.at_s, self._kind.get(report.category, -1), matter,
                report.sketch.words, report.sketch.numbers, report.sketch.script, True)  # fmt: skip
        for name, value in zip(_COLUMNS, said, strict=True):
            self._held[name][row] = value
        cell = cells.cell_of(report.lon, report.lat, RESOLUTION)
        self._rows[cell, self._top.get(report.category, "")].append(row)
        return row

    def close(self, row: int) -> None:
        """Leave out a report whose matter is settled."""
        self._held["is_open"][row] = False
        cell = cells.cell_of(float(self._held["lon"][row]), float(self._held["lat"][row]), RESOLUTION)
        kind = int(self._held["kind"][row])
        rows = self._rows[cell, self._top[self._kinds[kind]] if kind >= 0 else ""]
        if row in rows:
            rows.remove(row)

    def move(self, row: int, matter: int) -> None:
        """Let a report belong to another matter: somebody split or merged."""
        self._held["matter"][row] = matter

    def around(self, report: Report) -> tuple[Others, NDArray[np.int64], NDArray[np.int64]]:
        """The open reports that may be about the same, their matters and their rows."""
        radius, top = search_m(report), self._top.get(report.category, "")
        cell = cells.cell_of(report.lon, report.lat, RESOLUTION)
        rows = np.array([row for one in cells_around(cell, radius) for row in self._rows.get((one, top), ())],
                        dtype=np.int64)  # fmt: skip
        held = self._held
        metres = LocalProjection(report.lon, report.lat).xy(held["lon"][rows], held["lat"][rows])
        is_near = np.hypot(metres[:, 0], metres[:, 1]) <= radius
        rows, metres = rows[is_near][-MOST_COMPARED:], metres[is_near][-MOST_COMPARED:]
        kinds = [self._kinds[kind] if kind >= 0 else "" for kind in held["kind"][rows].tolist()]
        others = Others(metres[:, 0], metres[:, 1], held["error_m"][rows].astype(float), held["at_s"][rows], kinds,
                        held["words"][rows], held["numbers"][rows], held["script"][rows].astype(np.int64))  # fmt: skip
        return others, held["matter"][rows], rows

    def best(self, report: Report, fitted: Floats, trees: Forest) -> tuple[int, float]:
        """The likeliest open matter and its probability; -1 and 0 where there is none."""
        others, matters, _ = self.around(report)
        return best_matter(report, others, matters, fitted, trees)
