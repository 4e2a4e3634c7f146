"""Hours that readings have become, by stretches of time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cityloom.lake.domain.dataset import Span
from cityloom.lake.engines import bare
from cityloom.lake.table import Table
from cityloom.signals.readings.thinning import HOURLY

HOUR_US = 3_600_000_000
_DAY_US = 24 * HOUR_US


def stretches(root: Path, things: NDArray[np.int64], since_us: int, until_us: int, width_us: int) -> list[tuple]:
    """By stream and stretch of so long: number of the stretch, last instant, count, lowest, sum and highest.

    An hour counts where its middle is, and is told as of then.
    """
    files = _files(root, since_us, until_us)
    if not files:
        return []
    connection = bare()
    connection.register("wanted", pa.table({"thing": things}))
    return connection.execute(
        "WITH hours AS (SELECT thing, epoch_us(\"at\") + 1800000000 AS us, mean, low, high, count"
        " FROM read_parquet(?, hive_partitioning = false) WHERE thing IN (SELECT thing FROM wanted)"
        " AND thing BETWEEN ? AND ?) SELECT thing, (us - ?::BIGINT) // ?::BIGINT, max(us), sum(count)::BIGINT,"
        " min(low), sum(mean * count), max(high) FROM hours WHERE us >= ? AND us < ? GROUP BY 1, 2",
        [files, int(things.min()), int(things.max()), since_us, width_us, since_us, until_us],
    ).fetchall()  # fmt: skip


def last_us(root: Path, thing: int, since_us: int, until_us: int) -> int | None:
    """When the last hour of a stream ends that is kept as such; None where there is none."""
    found = stretches(root, np.array([thing], np.int64), since_us, until_us, max(until_us - since_us, 1))
    return max((int(row[2]) for row in found), default=None) if found else None


def _files(root: Path, since_us: int, until_us: int) -> list[str]:
    table = Table(root, HOURLY)
    if not table.folder.is_dir():
        return []
    first, last = (str(np.datetime64(instant // _DAY_US, "D")) for instant in (since_us - HOUR_US, until_us))
    end = str(np.datetime64(last) + 1)
    return [str(table.folder / one.path) for one in table.files(Span(first=first, end=end))]
