"""Readings by stretches of time, few enough to draw however many there are, from wherever they lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from cityloom.signals.domain.reading import instant_of

_IN = {"sqlite": "IN (SELECT value FROM json_each(%s))", "postgresql": "= ANY(%s::bigint[])"}
Ints, Floats = NDArray[np.int64], NDArray[np.float64]
Row = tuple[int, int, int, int, float, float, float]


@dataclass(frozen=True)
class Outline:
    """Columns by stream and stretch: the instant of its last reading, how many there are, lowest, mean, highest."""

    datastream_id: Ints
    at_us: Ints
    count: Ints
    low: Floats
    mean: Floats
    high: Floats

    def __len__(self) -> int:
        return len(self.at_us)

    def instants(self) -> list[datetime]:
        """When the last reading of each stretch was made."""
        return [instant_of(at_us) for at_us in self.at_us.tolist()]

    def of(self, datastream_id: int) -> Outline:
        """Those of one stream."""
        rows = slice(*np.searchsorted(self.datastream_id, (datastream_id, datastream_id + 1)).tolist())
        return Outline(self.datastream_id[rows], self.at_us[rows], self.count[rows], self.low[rows], self.mean[rows],
                       self.high[rows])  # fmt: skip


def outline(
    root: Path, datastream_ids: list[int], since_us: int, until_us: int, exercise_id: str, *, most: int
) -> Outline:  # fmt: skip
    """The readings from an instant until before another, in at most so many stretches of one length a stream."""
    width = max(-(-(until_us - since_us) // most), 1)
    rows = _recorded(datastream_ids, since_us, until_us, exercise_id, width)
    rows += _kept_in_bulk(root, datastream_ids, since_us, until_us, width)
    return _together(rows)


def _recorded(keys: list[int], since_us: int, until_us: int, exercise_id: str, width: int) -> list[Row]:
    sql = (
        "SELECT datastream_id, (phenomenon_us - %s) / %s AS stretch, MAX(phenomenon_us), COUNT(*), MIN(result),"  # noqa: S608 - constants
        f" SUM(result), MAX(result) FROM signals_observation WHERE exercise_id = %s AND datastream_id"
        f" {_IN[connection.vendor]} AND phenomenon_us >= %s AND phenomenon_us < %s AND result IS NOT NULL"
        " GROUP BY 1, 2"
    )
    with connection.cursor() as cursor:
        chosen = json.dumps(keys) if connection.vendor == "sqlite" else keys
        cursor.execute(sql, [since_us, width, exercise_id, chosen, since_us, until_us])
        return cursor.fetchall()


def _kept_in_bulk(root: Path, keys: list[int], since_us: int, until_us: int, width: int) -> list[Row]:
    """The same of what lies in columns, as readings, as observations or as hours, where any stream has some there."""
    if not (root / ".readings").is_dir():
        return []
    from cityloom.signals.readings import hourly, looking  # what reads the lake takes a while to import

    rows: list[Row] = []
    for who in (looking.WHO, looking.WEB):
        told = looking.tallies(root, who)
        wanted = np.intersect1d(told["id"][told["count"] > 0], np.array(keys, np.int64))
        rows += looking.stretches(root, wanted, since_us, until_us, width, who) if len(wanted) else []
    wanted = np.array(keys, np.int64)
    return rows + (hourly.stretches(root, wanted, since_us, until_us, width) if len(wanted) else [])


def _together(rows: list[Row]) -> Outline:
    """One line for each stream and stretch, where both roads have some."""
    columns = [np.array(column) for column in zip(*rows, strict=True)] if rows else [np.zeros(0)] * 7
    key, stretch, at_us, count = (column.astype(np.int64) for column in columns[:4])
    low, total, high = (column.astype(np.float64) for column in columns[4:])
    order = np.lexsort((stretch, key))
    first = np.flatnonzero(np.r_[True, (np.diff(key[order]) != 0) | (np.diff(stretch[order]) != 0)][: len(order)])
    counts = _by(np.add, count[order], first)
    return Outline(
        key[order][first], _by(np.maximum, at_us[order], first), counts, _by(np.minimum, low[order], first),
        _by(np.add, total[order], first) / np.maximum(counts, 1), _by(np.maximum, high[order], first),
    )  # fmt: skip


def _by(how: np.ufunc, values: NDArray, first: NDArray[np.intp]) -> NDArray:
    return how.reduceat(values, first) if len(first) else values
