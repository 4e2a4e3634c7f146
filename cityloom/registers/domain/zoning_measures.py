"""What a division into zones is worth: load, area and shape of each zone, and what changes from one to another."""

from __future__ import annotations

from dataclasses import dataclass

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Flags, Floats, Ints, Texts
from cityloom.registers.domain.zoning import Zones, means
from cityloom.registers.domain.zoning_cells import CellGraph, pieces_of
from cityloom.registers.domain.zoning_moves import BAND

HEAVY_CELL, PIECES, LEFT_OVER, ROUNDING = "heavy_cell", "pieces", "left_over", "rounding"
"""Why a zone is not even: one cell is too heavy; its subdistrict lies in pieces; heavy cells elsewhere in it leave the
others too little; whole cells do not add up."""


@dataclass(frozen=True)
class ZoneMeasures:
    """One row for each zone 0, 1, ...: `share` is its load in shares of its subdistrict's mean.

    `compactness` is 4 pi area / perimeter squared (Polsby and Popper, 1991), along the sides of its cells: a circle
    would have 1, one cell has 0.91, and a straight row of 20 cells 0.15. `reason` is "" for an even zone.
    """

    cells: Ints
    load: Floats
    share: Floats
    area_m2: Floats
    compactness: Floats
    heaviest: Floats
    subdistrict: Ints
    community: Ints
    reason: Texts

    @property
    def is_even(self) -> Flags:
        """Which zones are within a tenth of their subdistrict's mean."""
        return np.abs(self.share - 1) <= BAND

    def __len__(self) -> int:
        return len(self.cells)


def measured(graph: CellGraph, zone: Zones) -> ZoneMeasures:
    """Measure each zone of a division; its numbers run from 0 without a gap."""
    count = int(zone.max()) + 1
    cells, load = np.bincount(zone, minlength=count), np.bincount(zone, graph.load, minlength=count)
    mean, heaviest = np.ones(count), np.zeros(count)
    mean[zone] = means(graph, zone)
    np.maximum.at(heaviest, zone, graph.load)
    share = np.divide(load, mean, out=np.ones(count), where=mean > 0)
    subdistrict = np.zeros(count, np.int64)
    subdistrict[zone] = graph.subdistrict
    area, perimeter = _area_and_perimeter(graph, zone, count)
    even = np.abs(share - 1) <= BAND
    return ZoneMeasures(
        cells, load, share, area, 4 * np.pi * area / perimeter**2,
        np.divide(heaviest, mean, out=np.zeros(count), where=mean > 0), subdistrict, _main(graph, zone, count),
        np.where(even, "", _reasons(graph, zone, mean, heaviest)),
    )  # fmt: skip


def _area_and_perimeter(graph: CellGraph, zone: Zones, count: int) -> tuple[Floats, Floats]:
    """Square metres, and metres along the sides of cells, taken as regular hexagons of their area."""
    areas = np.fromiter((h3.cell_area(cell, "m^2") for cell in graph.cell.tolist()), np.float64, len(graph))
    side = np.sqrt(areas * 2 / (3 * np.sqrt(3)))
    outer = ((graph.near < 0) | (zone[graph.near] != zone[:, None])).sum(axis=1)
    return np.bincount(zone, areas, minlength=count), np.bincount(zone, side * outer, minlength=count)


def _main(graph: CellGraph, zone: Zones, count: int) -> Ints:
    """The community with most of each zone's load, the smallest number among equals."""
    pairs, of_cell = np.unique(np.stack([zone, graph.community], axis=1), axis=0, return_inverse=True)
    load = np.bincount(of_cell.reshape(-1), graph.load + 1e-9)
    order = np.lexsort((pairs[:, 1], -load, pairs[:, 0]))
    lead = np.concatenate([[True], pairs[order][1:, 0] != pairs[order][:-1, 0]])
    main = np.zeros(count, np.int64)
    main[pairs[order][lead, 0]] = pairs[order][lead, 1]
    return main


def _reasons(graph: CellGraph, zone: Zones, mean: Floats, heaviest: Floats) -> Texts:
    """The first reason that holds for each zone."""
    count = len(mean)
    pieces, piece = pieces_of(graph.near, graph.subdistrict)
    of_zone = np.zeros(count, np.int64)
    of_zone[zone] = piece
    load = np.bincount(zone, graph.load, minlength=count)
    heavy = heaviest > (1 + BAND) * mean
    zones = np.bincount(of_zone, minlength=pieces)
    own = np.bincount(of_zone, load, minlength=pieces) / np.maximum(zones, 1)
    others = zones - np.bincount(of_zone, heavy, minlength=pieces)
    light = np.bincount(of_zone, load * ~heavy, minlength=pieces) / np.maximum(others, 1)
    number = np.unique(graph.subdistrict, return_inverse=True)[1].reshape(-1)
    parts = np.bincount(np.unique(np.stack([number, piece], axis=1), axis=0)[:, 0])
    in_parts = np.zeros(count, np.int64)
    in_parts[zone] = parts[number]
    reason = np.full(count, ROUNDING, dtype=object)
    reason[light[of_zone] < (1 - BAND) * mean] = LEFT_OVER
    reason[(in_parts > 1) & (np.abs(own[of_zone] / np.where(mean > 0, mean, 1) - 1) > BAND)] = PIECES
    reason[heavy] = HEAVY_CELL
    return reason


@dataclass(frozen=True)
class Difference:
    """What changes from one division of the same cells to another: `moved` cells, and the spread of loads in both."""

    moved: NDArray[np.bool_]
    spread_before: float
    spread_after: float
    uneven_before: int
    uneven_after: int
    compactness_before: float
    compactness_after: float

    @property
    def moved_share(self) -> float:
        """The share of all cells that change zones."""
        return float(self.moved.mean()) if len(self.moved) else 0.0


def difference(graph: CellGraph, before: Zones, after: Zones) -> Difference:
    """Compare two divisions whose zones have the same numbers; -1 before is a new cell, which is not moved."""
    old = measured(graph, _numbered(np.where(before < 0, after, before)))
    new = measured(graph, _numbered(after))
    return Difference(
        (before >= 0) & (before != after), spread(old.share), spread(new.share), int((~old.is_even).sum()),
        int((~new.is_even).sum()), float(old.compactness.mean()), float(new.compactness.mean()),
    )  # fmt: skip


def spread(share: Floats) -> float:
    """The standard deviation of zones' loads, in shares of their subdistricts' means."""
    return float(np.sqrt(np.mean((share - 1) ** 2)))


def _numbered(zone: Zones) -> Zones:
    return np.unique(zone, return_inverse=True)[1].reshape(-1).astype(np.int32)


def border_cost(graph: CellGraph, zone: Zones) -> float:
    """What all borders inside subdistricts cost: the fewer, and the more along roads and water, the less."""
    near = graph.near
    inner = (near >= 0) & (zone[near] != zone[:, None]) & (graph.subdistrict[near] == graph.subdistrict[:, None])
    return float(graph.border[inner].sum() / 2)
