"""A made-up city for benches of access and siting: a grid of streets with gaps, and places on it."""

from __future__ import annotations

import numpy as np

from cityloom.insight.domain.study.tables import Table, table

LON, LAT, STEP = 113.80, 22.45, 0.0035


def streets(edges: int, seed: int = 4) -> dict[str, Table]:
    """A square grid with about so many edges, one in ten of them missing."""
    rng = np.random.default_rng(seed)
    side = int(np.sqrt(edges / 1.8)) + 1
    row, column = (one.ravel() for one in np.indices((side, side)))
    number = np.arange(side * side)
    east, north = number[column < side - 1], number[row < side - 1]
    start, end = np.concatenate([east, north]), np.concatenate([east + 1, north + side])
    kept = rng.random(len(start)) >= 0.1
    kind = rng.choice(["primary", "secondary", "residential"], len(start), p=[0.1, 0.2, 0.7]).astype(object)
    return {
        "nodes": table("node", node=number, lon=LON + STEP * column, lat=LAT + STEP * row),
        "edges": table((), **{"from": start[kept], "to": end[kept]}, length_m=rng.uniform(340, 420, kept.sum()),
                       kind=kind[kept]),
    }  # fmt: skip


def spots(edges: int, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Places anywhere in the city of such a grid, denser in the middle: longitudes and latitudes."""
    wide = STEP * np.sqrt(edges / 1.8)
    at = np.clip(rng.normal(0.5, 0.22, (2, count)), 0.01, 0.99) * wide
    return LON + at[0], LAT + at[1]
