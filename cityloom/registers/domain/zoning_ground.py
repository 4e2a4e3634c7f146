"""The unit cells of a registered city: which there are, which community each is in, what lies between two of them."""

from __future__ import annotations

from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
import shapely
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Flags, Floats, Ints, Shapes
from cityloom.registers.domain.zoning_cells import (
    RESOLUTION,
    CellGraph,
    borders,
    neighbours_of,
    pieces_of,
    spread_groups,
)

_BLOCK = 8
"""A community of a city whose source names none is a cell of this resolution, so a city is made of whole ones."""
_CRUMB = 4
"""A piece of a subdistrict of at most so many cells is where buildings beside a border were counted, not an exclave."""


@dataclass(frozen=True)
class Communities:
    """The communities (`city/d01/s02/c03`), and the number of each one's subdistrict."""

    ids: tuple[str, ...]
    subdistrict: Ints

    @classmethod
    def of(cls, ids: list[str]) -> Communities:
        """Communities by their ids."""
        above = [unit.rpartition("/")[0] for unit in ids]
        return cls(tuple(ids), np.unique(np.array(above or [""]), return_inverse=True)[1].astype(np.int64)[: len(ids)])


def cells_of_city(built: Ints) -> Ints:
    """All unit cells of the blocks in which something is built, ascending."""
    blocks = {h3.cell_to_parent(cell, _BLOCK) for cell in np.unique(built).tolist()}
    children = [np.array(h3.cell_to_children(block, RESOLUTION), np.int64) for block in sorted(blocks)]
    return np.sort(np.concatenate(children)) if children else np.empty(0, np.int64)


def community_of(cells: Ints, near: NDArray[np.int32], built: Ints, unit: Ints, weight: Ints) -> Ints:
    """The community of each cell: that of most buildings in it, else of its block where there is one only, else the
    nearest one's. `built`, `unit` and `weight` say how many buildings of a unit stand in a cell."""
    found = np.full(len(cells), -1, np.int64)
    _fill(found, np.searchsorted(cells, built), unit, weight)
    block_of, blocks = _blocks(cells), _blocks(built)
    names, at = np.unique(blocks, return_inverse=True)
    usual = np.full(len(names), -1, np.int64)
    _fill(usual, at, unit, weight)
    several = np.bincount(np.unique(np.stack([at, unit], axis=1), axis=0)[:, 0], minlength=len(names)) > 1
    usual[several] = -1
    place = np.searchsorted(names, block_of)
    found = np.where(found < 0, usual[np.minimum(place, len(names) - 1)], found)
    return spread_groups(near, found)


def _fill(found: Ints, row: Ints, unit: Ints, weight: Ints) -> None:
    """Put the heaviest unit into each row, the smallest number among equals."""
    order = np.lexsort((-unit, weight))
    found[row[order]] = unit[order]


def _blocks(cells: Ints) -> Ints:
    return np.fromiter((h3.cell_to_parent(cell, _BLOCK) for cell in cells.tolist()), np.int64, len(cells))


def without_crumbs(near: NDArray[np.int32], community: Ints, subdistrict: Ints) -> Ints:
    """Give the small pieces beside the largest one of a subdistrict to the community that most of their sides touch."""
    community = community.copy()
    for _ in range(3):
        group = subdistrict[community]
        count, piece = pieces_of(near, group)
        size = np.bincount(piece, minlength=count)
        largest = np.zeros(int(subdistrict.max()) + 1, np.int64)
        np.maximum.at(largest, group, size[piece])
        crumb = (size[piece] <= _CRUMB) & (size[piece] < largest[group])
        outside = (near >= 0) & (group[near] != group[:, None])
        for number in np.unique(piece[crumb & outside.any(axis=1)]).tolist():
            rows = np.flatnonzero(piece == number)
            around = community[near[rows][outside[rows]]]
            community[rows] = np.bincount(around).argmax()
        if not crumb.any():
            break
    return community


def between(cells: Ints, near: NDArray[np.int32], roads: Shapes, water: Shapes) -> tuple[Flags, Flags]:
    """Whether a main road, or water, lies between a cell and each neighbour (n, 6): their centres' line crosses it.

    The line from one cell of a lake to the next one crosses nothing.
    """
    centre = np.array([h3.cell_to_latlng(cell) for cell in cells.tolist()])[:, ::-1].reshape(-1, 2)
    row, side = np.nonzero(near > np.arange(len(cells))[:, None])
    other = near[row, side]
    steps = shapely.linestrings(np.stack([centre[row], centre[other]], axis=1))
    crosses_road, crosses_water = (_hit(steps, shapes) for shapes in (roads, water))
    wet = _hit(shapely.points(centre), water)
    crosses_water &= ~(wet[row] & wet[other])
    found = []
    for crosses in (crosses_road, crosses_water):
        flags = np.zeros(near.shape, bool)
        flags[row, side] = crosses
        flags[other, (side + 3) % 6] = crosses
        found.append(flags)
    return found[0], found[1]


def _hit(shapes: Shapes, others: Shapes) -> Flags:
    """Which shapes meet any of the others."""
    hit = np.zeros(len(shapes), bool)
    if len(others) and len(shapes):
        hit[np.unique(shapely.STRtree(shapes).query(others, predicate="intersects")[1])] = True
    return hit


def graph_of(cells: Ints, community: Ints, subdistrict: Ints, load: Floats, roads: Shapes, water: Shapes) -> CellGraph:
    """The cells as a graph; `subdistrict` is by community."""
    near = neighbours_of(cells)
    road, wet = between(cells, near, roads, water)
    return CellGraph(cells, near, borders(near, community, road, wet), load, subdistrict[community], community)
