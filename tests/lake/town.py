"""Facts of a small town that do not exist: readings of meters, the same each time."""

from __future__ import annotations

from typing import Any

import numpy as np

from cityloom.kernel.cells import cell_of
from cityloom.lake.domain.dataset import Column, Dataset

DAY_US = 86_400_000_000
START_US = 1_780_272_000_000_000  # 2026-06-01, UTC
METERS = Dataset(
    "meters", "Readings of meters (synthetic)",
    (Column("litres", "number", unit="l", source="synthetic"), Column("kind", "text"), Column("is_late", "flag")),
)  # fmt: skip
HERE, THERE = cell_of(114.05, 22.50), cell_of(114.60, 22.80)


def readings(count: int, seed: int = 1, days: int = 3, things: int = 40) -> dict[str, Any]:
    """So many readings, in no order; meters with an even number stand here, the others there."""
    chance = np.random.default_rng(seed)
    thing = chance.integers(1, things + 1, count)
    return {
        "thing": thing, "at": START_US + chance.integers(0, days * DAY_US, count),
        "cell": np.where(thing % 2, THERE, HERE), "litres": (chance.normal(120, 30, count) * 4).round() / 4,
        "kind": np.array(["cold", "warm"], object)[thing % 2], "is_late": chance.random(count) < 0.1,
    }  # fmt: skip
