"""The tally on disk: one that grows live, for whoever wants to know, and one for each journal that went to the lake."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cityloom.lake import log
from cityloom.signals.domain import tally

if TYPE_CHECKING:
    from cityloom.lake.table import Table

LIVE = "tallies.live"
INGEST, WEB = "ingest", "web"
"""Who keeps readings: of files and brokers, and of SensorThings."""
_MOST_TRIES = 20
ROW = np.dtype([("id", np.int64), *[(name, tally.RECORD[name]) for name in tally.RECORD.names or ()]])


def folder_of(root: Path, who: str = INGEST) -> Path:
    """Where a store keeps its tallies."""
    return root / ".readings" / who


def load(folder: Path, number: int, ids: NDArray[np.int64], table: Table) -> NDArray[np.void]:
    """The tally of these streams behind the journal of that number; where a backup has none, counted in the lake."""
    out = tally.empty(len(ids))
    path = folder / f"{number}.npy"
    if number < 0 or not len(ids):
        return out
    rows = np.load(path, allow_pickle=False) if path.exists() else None
    if rows is None or rows.dtype != ROW:  # an older version kept less
        rows = _counted(table)
    at = np.searchsorted(ids, rows["id"], sorter=(order := np.argsort(ids)))
    slots = order[np.minimum(at, len(ids) - 1)]
    here = ids[slots] == rows["id"]
    for name in tally.RECORD.names or ():
        out[name][slots[here]] = rows[name][here]
    return out


def save(folder: Path, number: int, ids: NDArray[np.int64], counted: NDArray[np.void]) -> None:
    """Keep the tally as it is behind a journal, durably; the two before it stay until then."""
    fresh = folder / f".{number}.npy"
    with fresh.open("wb") as stream:
        np.save(stream, _rows(ids, counted), allow_pickle=False)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.replace(folder / f"{number}.npy")
    log.synced(folder)
    for path in folder.glob("*.npy"):
        if path.stem.isdigit() and int(path.stem) < number - 1:
            path.unlink()


def live(folder: Path, ids: NDArray[np.int64], counted: NDArray[np.void]) -> np.memmap:
    """A file in which others see the tally grow; what it holds can be made anew from the journals."""
    fresh = folder / f".{LIVE}"
    _rows(ids, counted).tofile(fresh)
    fresh.replace(folder / LIVE)
    return np.memmap(folder / LIVE, ROW, "r+")


def seen(folder: Path) -> NDArray[np.void]:
    """What the live tally says now: two looks at it that say the same."""
    path = folder / LIVE
    if not path.exists() or not path.stat().st_size:
        return np.zeros(0, ROW)
    before = np.fromfile(path, ROW)
    for _ in range(_MOST_TRIES):
        now = np.fromfile(path, ROW)
        if now.tobytes() == before.tobytes():
            break
        before = now
    return before


def _counted(table: Table) -> NDArray[np.void]:
    """The tally of everything that a table has; takes seconds for a billion readings."""
    from cityloom.lake.engines import bare

    files = [str(table.folder / one.path) for one in table.files()]
    if not files:
        return np.zeros(0, ROW)
    found = bare().execute(
        'SELECT thing AS id, count(*) AS count, epoch_us(min("at")) AS first_us, epoch_us(max("at")) AS last_us,'
        ' arg_max(result, "at") AS last'
        " FROM read_parquet(?, hive_partitioning = false) GROUP BY thing", [files]
    ).fetchnumpy()  # fmt: skip
    rows = np.zeros(len(found["id"]), ROW)
    for name in ROW.names or ():
        rows[name] = found[name]
    return rows


def _rows(ids: NDArray[np.int64], counted: NDArray[np.void]) -> NDArray[np.void]:
    rows = np.zeros(len(ids), ROW)
    rows["id"] = ids
    for name in tally.RECORD.names or ():
        rows[name] = counted[name]
    return rows
