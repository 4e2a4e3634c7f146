"""Where the people on duty in the field start from: spread over the communities by the homes in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from cityloom.kernel import ids
from cityloom.registers.domain.draft import Draft


@dataclass(frozen=True)
class Post:
    """The starting point of one worker of a unit, in WGS 84."""

    unit_id: str
    lon: float
    lat: float


def worker_posts(draft: Draft, dwellings_a_worker: int, seed: int) -> list[Post]:
    """One post for each so many dwellings of a unit, at least one where anybody lives, each at a home there."""
    rng = ids.seeded(seed, "posts")
    dwellings = np.nan_to_num(draft.buildings.dwellings)
    order = np.argsort(draft.unit_of_building, kind="stable")
    units, starts = np.unique(draft.unit_of_building[order], return_index=True)
    chosen: list[tuple[int, int]] = []
    for unit, rows in zip(units.tolist(), np.split(order, starts[1:]), strict=True):
        homes = rows[dwellings[rows] > 0]
        count = min(len(homes), int(np.ceil(dwellings[homes].sum() / dwellings_a_worker)))
        chosen += [(unit, row) for row in np.sort(rng.choice(homes, count, replace=False)).tolist()] if count else []
    points = shapely.centroid(draft.buildings.footprint[[row for _, row in chosen]])
    return [
        Post(draft.units[unit].id, round(float(point.x), 7), round(float(point.y), 7))
        for (unit, _), point in zip(chosen, points, strict=True)
    ]
