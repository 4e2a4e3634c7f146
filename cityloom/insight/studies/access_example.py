"""A made-up city for examples: areas on a grid of streets with a river, facilities, and candidates for new ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cityloom.insight.domain.study.tables import Table, table

_LON, _LAT, _STEP = 113.90, 22.50, 0.005


def example() -> tuple[Mapping[str, Any], Mapping[str, Table]]:
    """Clinics of a synthetic town: two banks of a river, one bridge."""
    return {"method": "2sfca", "catchment": 30, "mode": "walk", "per": 1_000}, city(5)


def city(seed: int, side: int = 10) -> dict[str, Table]:
    """Synthetic demand, supply and roads, side x side areas; the east bank is poorer served."""
    rng = np.random.default_rng(seed)
    row, column = (one.ravel() for one in np.indices((side, side)))
    n = side * side
    west = column < side // 2
    people = rng.gamma(4, 300, n).round()
    demand = table("area", area=[f"A{one:03d}" for one in range(n)], name=[f"Synthetic area {one}" for one in range(n)],
                   lon=_LON + _STEP * column, lat=_LAT + _STEP * row, people=people,
                   group=["west bank" if one else "east bank" for one in west])  # fmt: skip
    at = np.concatenate([rng.choice(np.flatnonzero(west), 5, replace=False),
                         rng.choice(np.flatnonzero(~west), 2, replace=False)])  # fmt: skip
    supply = table("facility", facility=[f"F{one}" for one in range(len(at))],
                   name=[f"Synthetic clinic {one}" for one in range(len(at))], lon=_LON + _STEP * column[at],
                   lat=_LAT + _STEP * row[at], capacity=rng.integers(8, 25, len(at)))  # fmt: skip
    return {"demand": demand, "supply": supply, **_streets(side, row, column)}


def _streets(side: int, row: np.ndarray, column: np.ndarray) -> dict[str, Table]:
    """A street between neighbours, the river between the banks crossed in one row alone."""
    number = np.arange(side * side)
    east = number[(column < side - 1) & ((column != side // 2 - 1) | (row == side // 2))]
    north = number[row < side - 1]
    start, end = np.concatenate([east, north]), np.concatenate([east + 1, north + side])
    metres = np.where(end - start == 1, _STEP * 102_850, _STEP * 110_750)
    return {
        "nodes": table("node", node=number, lon=_LON + _STEP * column, lat=_LAT + _STEP * row),
        "edges": table((), **{"from": [str(one) for one in start], "to": [str(one) for one in end]}, length_m=metres,
                       kind=["residential"] * len(start)),
    }  # fmt: skip
