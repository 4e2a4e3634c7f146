"""The unit cells of a city as a graph: who is next to whom, what each one weighs, and what lies between two."""

from __future__ import annotations

from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Flags, Floats, Ints

RESOLUTION = 10
"""About 15,000 m2: the unit grid of GB/T 30428.2, which asks for about 10,000."""
SIDES = 6
_AROUND = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))  # once around a hexagon, in H3's local coordinates

PLAIN, ROAD, WATER = 1.0, 0.35, 0.2
"""What it costs to draw a border between two cells: where a main road or water lies between them it belongs there."""
COMMUNITY_SHARE = 0.6
"""A border that is one of communities already costs this much of it."""


@dataclass(frozen=True)
class CellGraph:
    """Unit cells, ascending; `near` (n, 6) holds the rows of their neighbours once around, -1 where there is none.

    `border` (n, 6) is what a border towards that neighbour costs; `load` is in points; `subdistrict` and `community`
    are numbers that mean the same within one graph.
    """

    cell: Ints
    near: NDArray[np.int32]
    border: Floats
    load: Floats
    subdistrict: Ints
    community: Ints

    def __len__(self) -> int:
        return len(self.cell)

    def part(self, rows: Ints) -> CellGraph:
        """Some of the cells (ascending rows) as a graph of their own: what lies outside is nobody's neighbour."""
        local = np.full(len(self) + 1, -1, np.int32)
        local[rows] = np.arange(len(rows), dtype=np.int32)
        return CellGraph(
            self.cell[rows], local[self.near[rows]], self.border[rows], self.load[rows], self.subdistrict[rows],
            self.community[rows],
        )  # fmt: skip


def neighbours_of(cells: Ints) -> NDArray[np.int32]:
    """The rows of each cell's six neighbours, once around, -1 where one is not among the cells."""
    if not len(cells):
        return np.empty((0, SIDES), np.int32)
    at = _local(cells)
    low = at.min(axis=0) - 1
    at -= low
    size = at.max(axis=0) + 2
    row_at = np.full(size, -1, np.int32)
    row_at[at[:, 0], at[:, 1]] = np.arange(len(cells), dtype=np.int32)
    return np.stack([row_at[at[:, 0] + i, at[:, 1] + j] for i, j in _AROUND], axis=1)


def places_of(cells: Ints) -> Floats:
    """Where cells lie to each other (n, 2): neighbours are one apart."""
    at = _local(cells)
    return np.stack([at[:, 0] - at[:, 1] / 2, at[:, 1] * np.sqrt(0.75)], axis=1)


def _local(cells: Ints) -> Ints:
    """Places (n, 2) on the two axes of H3's local coordinates, which are the same all over a city."""
    origin, place = int(cells[len(cells) // 2]), h3.cell_to_local_ij
    return np.array([place(origin, cell) for cell in cells.tolist()], np.int64).reshape(-1, 2)


def at_resolution(prefix: Ints, resolution: int) -> Ints:
    """Cells of a resolution from cells whose further digits are 0, whatever resolution these say.

    Source: H3, "H3Index representations": the resolution stands in bits 52 to 55, digits that a cell lacks are 7.
    """
    spare = (1 << 3 * (15 - resolution)) - 1
    return (prefix & ~np.int64(0xF << 52)) | np.int64(resolution << 52) | np.int64(spare)


def borders(near: NDArray[np.int32], community: Ints, road: Flags, water: Flags) -> Floats:
    """What each border costs, from what lies between the two cells (n, 6)."""
    cost = np.where(water, WATER, np.where(road, ROAD, PLAIN))
    changes = (near >= 0) & (community[near] != community[:, None])
    return np.where(changes, cost * COMMUNITY_SHARE, cost)


def pieces_of(near: NDArray[np.int32], group: Ints) -> tuple[int, NDArray[np.int32]]:
    """The connected pieces that the cells of each group fall into: how many, and each cell's."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    inside = (near >= 0) & (group[near] == group[:, None])
    start, side = np.nonzero(inside)
    link = coo_array((np.ones(len(start), np.int8), (start, near[start, side])), shape=(len(group), len(group)))
    return connected_components(link, directed=False)


def spread_groups(near: NDArray[np.int32], group: Ints) -> Ints:
    """Give cells without a group (-1) that of a neighbour, ring by ring; what nothing reaches stays without one."""
    group = group.copy()
    while (bare := np.flatnonzero(group < 0)).size:
        offered = np.where(near[bare] >= 0, group[near[bare]], -1).max(axis=1)
        if (offered < 0).all():
            break
        group[bare] = offered
    return group
