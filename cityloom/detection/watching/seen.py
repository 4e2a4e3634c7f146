"""What the process that watches readings knows of each stream, in a file that others map; and where its files lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

NAME = "streams.now"
ROW = np.dtype([
    ("id", np.int64), ("at_us", np.int64), ("value", np.float64), ("count", np.int64), ("expected", np.float64),
    ("spread", np.float64), ("state", np.int64), ("found", np.float64), ("limit", np.float64),
])  # fmt: skip
"""A stream's last reading, what is usual of it now and its spread, and its sensor's state (`health.STATES`)."""


def folder_of(exercise_id: str = "") -> Path:
    """Where what was learnt from readings lies."""
    lake = Path(settings.CITYLOOM["LAKE_DIR"])
    return (lake.parent / "exercises" / exercise_id if exercise_id else lake) / ".watching"


def tell(folder: Path, rows: NDArray[np.void]) -> None:
    """Let others see these rows, all of them at once."""
    path = folder / NAME
    if path.exists() and path.stat().st_size == rows.nbytes:
        np.memmap(path, ROW, "r+", shape=rows.shape)[:] = rows
        return
    fresh = folder / f".{NAME}"
    rows.tofile(fresh)
    fresh.replace(path)


def seen(folder: Path) -> NDArray[np.void]:
    """What was told last, by stream."""
    path = folder / NAME
    if not path.exists() or not path.stat().st_size:
        return np.zeros(0, ROW)
    return np.fromfile(path, ROW)
