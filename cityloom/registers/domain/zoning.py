"""Divide a city into zones that fit the work: whole cells, in one piece, inside a subdistrict, evenly loaded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel import ids
from cityloom.registers.domain import zoning_start as start
from cityloom.registers.domain.draft import Floats, Ints
from cityloom.registers.domain.zoning_cells import CellGraph, pieces_of, places_of
from cityloom.registers.domain.zoning_moves import BAND, Piece, Terms, anneal, polish

Zones = NDArray[np.int32]
"""The zone of each cell: numbers from 0 that rise from piece to piece."""


@dataclass(frozen=True)
class Task:
    """A connected piece of a subdistrict to divide; arrays as in `CellGraph`, rows and zones within the piece.

    `share` is each cell's load in shares of the mean of the subdistrict's zones.
    """

    near: NDArray[np.int32]
    border: Floats
    share: Floats
    zone: Ints
    seed: tuple[int, str, int]
    most_moved: int = 0


Across = Callable[[Callable[[Task], Ints], Iterable[Task]], Iterable[Ints]]
"""How tasks are worked off: `map`, or that of a pool of processes; answers come in the order of the tasks."""

TRIES_A_CELL = 60
YEARLY_SHARE = 0.05
"""At most so many of the cells change zones in a yearly rebalance."""
_HEAT = (0.4, 0.02)
_PLAN, _POLISH = Terms(), Terms(border=0.05)
_REBALANCE = Terms(square=6.0, border=0.05, moved=0.35)
_POLISH_ROUNDS, _REBALANCE_ROUNDS = 10, 16


def plan(graph: CellGraph, zones: int, *, seed: int, across: Across = map) -> Zones:
    """Divide the cells into about so many zones; the same for the same graph and seed."""
    piece = pieces_of(graph.near, graph.subdistrict)[1].astype(np.int64)
    zone = start_of(graph, piece, zones_of_pieces(graph, piece, zones))
    return _worked_off(zone, _tasks(graph, piece, zone, (seed, "zones")), _divide, across)


def rebalance(graph: CellGraph, before: Zones, *, seed: int, across: Across = map, most: float = YEARLY_SHARE) -> Zones:
    """Even last year's zones (-1 for a new cell) under new loads, with at most this share of the cells moved.

    Zones keep their numbers; a piece of a subdistrict in which there was none gets a new one. Cells that a border of
    subdistricts, or a cell that is gone, took from their zone are moved first, and count.
    """
    piece = pieces_of(graph.near, graph.subdistrict)[1].astype(np.int64)
    zone = settled(graph, before)
    known = before >= 0
    left = int(most * known.sum()) - int((zone != before)[known].sum())
    limit = np.floor(np.bincount(piece) * max(left, 0) / max(len(graph), 1)).astype(np.int64)
    tasks = _uneven(_tasks(graph, piece, zone, (seed, "rebalance"), limit))
    found = _worked_off(zone, tasks, _even, across)
    left -= int((found != zone).sum())
    again = _uneven(_tasks(graph, piece, found, (seed, "rebalance again"), np.zeros_like(limit)))
    allowed = max(left, 0) // max(len(again), 1)
    return _worked_off(found, [(rows, replace(task, most_moved=allowed)) for rows, task in again], _even, across)


def settled(graph: CellGraph, before: Zones) -> Zones:
    """Last year's zones as far as they are still whole and inside a subdistrict; all other cells join a neighbour."""
    zone = np.where(_at_home(graph, before), before, -1).astype(np.int32)
    zone[start.apart(graph, zone)] = -1
    while (bare := np.flatnonzero(zone < 0)).size:
        near = graph.near[bare]
        there = np.where((near >= 0) & (graph.subdistrict[near] == graph.subdistrict[bare][:, None]), zone[near], -1)
        offered = there.max(axis=1)
        if (offered < 0).all():
            break
        zone[bare] = offered
    bare = np.flatnonzero(zone < 0)
    if len(bare):
        new = np.unique(pieces_of(graph.near, graph.subdistrict)[1][bare], return_inverse=True)[1]
        zone[bare] = max(int(before.max(initial=-1)), -1) + 1 + new
    return zone


def _at_home(graph: CellGraph, zone: Zones) -> NDArray[np.bool_]:
    """Whether a cell is in the subdistrict that most cells of its zone are in."""
    pairs, of_cell, count = np.unique(
        np.stack([zone, graph.subdistrict], axis=1), axis=0, return_inverse=True, return_counts=True
    )
    order = np.lexsort((-count, pairs[:, 0]))
    main = np.zeros(len(pairs), bool)
    main[order] = np.concatenate([[True], pairs[order][1:, 0] != pairs[order][:-1, 0]])
    return main[of_cell.reshape(-1)] & (zone >= 0)


def _tasks(
    graph: CellGraph, piece: Ints, zone: Zones, seed: tuple[int, str], limit: Ints | None = None
) -> list[tuple[Ints, Task]]:
    """Each piece with more than one zone, and its rows; large ones first, so that processes end at about one time."""
    mean = means(graph, zone)
    local = np.empty(len(graph) + 1, np.int32)
    tasks = []
    for number, rows in enumerate(rows_of(piece)):
        inside = np.unique(zone[rows], return_inverse=True)[1].astype(np.int64)
        if not inside.any():
            continue
        local[:] = -1
        local[rows] = np.arange(len(rows))
        most = 0 if limit is None else int(limit[number])
        share = graph.load[rows] / (mean[rows[0]] or 1.0)
        tasks.append((rows, Task(local[graph.near[rows]], graph.border[rows], share, inside, (*seed, number), most)))
    return sorted(tasks, key=lambda pair: -len(pair[0]))


def means(graph: CellGraph, zone: Zones) -> Floats:
    """For each cell the mean load of the zones of its subdistrict."""
    number = np.unique(graph.subdistrict, return_inverse=True)[1].reshape(-1)
    zones = np.bincount(np.unique(np.stack([number, zone], axis=1), axis=0)[:, 0])
    return (np.bincount(number, graph.load) / zones)[number]


def _uneven(tasks: list[tuple[Ints, Task]]) -> list[tuple[Ints, Task]]:
    return [(rows, task) for rows, task in tasks if (np.abs(np.bincount(task.zone, task.share) - 1) > BAND).any()]


def _worked_off(zone: Zones, tasks: list[tuple[Ints, Task]], work: Callable[[Task], Ints], across: Across) -> Zones:
    """The zones after all tasks."""
    zone = zone.copy()
    for (rows, _), found in zip(tasks, across(work, [task for _, task in tasks]), strict=True):
        zone[rows] = np.unique(zone[rows])[found]
    return zone


def _divide(task: Task) -> Ints:
    """Even the loads and shorten the borders of one piece."""
    rng = ids.seeded(*task.seed)
    piece = Piece.of(task.near, task.border, task.share, task.zone, 0)
    anneal(piece, _PLAN, _HEAT, TRIES_A_CELL * len(task.zone), rng)
    polish(piece, _POLISH, rng, _POLISH_ROUNDS)
    return np.array(piece.zone[:-1], np.int64)


def _even(task: Task) -> Ints:
    """Even the loads of one piece around the zones that are uneven, and leave the others as they are."""
    piece = Piece.of(task.near, task.border, task.share, task.zone, task.most_moved)
    polish(piece, _REBALANCE, ids.seeded(*task.seed), _REBALANCE_ROUNDS)
    return np.array(piece.zone[:-1], np.int64)


def zones_of_pieces(graph: CellGraph, piece: Ints, zones: int) -> Ints:
    """How many zones each piece gets: by subdistrict first, since each one's mean is what its zones are held to."""
    count = int(piece.max()) + 1
    load, full = np.bincount(piece, graph.load), np.bincount(piece, graph.load > 0).astype(np.int64)
    full = np.maximum(full, 1)
    subdistrict = np.zeros(count, np.int64)
    subdistrict[piece] = np.unique(graph.subdistrict, return_inverse=True)[1]
    given = start.shares(np.bincount(subdistrict, load), np.bincount(subdistrict, full).astype(np.int64), zones)
    wanted = np.ones(count, np.int64)
    for number in range(len(given)):
        rows = np.flatnonzero(subdistrict == number)
        wanted[rows] = start.shares(load[rows], full[rows], int(given[number]))
    return wanted


def start_of(graph: CellGraph, piece: Ints, wanted: Ints) -> Zones:
    """Halves of halves in each piece, each zone in one piece."""
    at = places_of(graph.cell)
    zone = np.zeros(len(graph), np.int32)
    base = np.concatenate([[0], np.cumsum(wanted)])
    for number, rows in enumerate(rows_of(piece)):
        zone[rows] = base[number] + start.halves(at[rows], graph.load[rows], int(wanted[number]))
    return start.in_one_piece(graph, zone)


def rows_of(group: Ints) -> Iterator[Ints]:
    """The rows of each group 0, 1, ..., ascending."""
    order = np.argsort(group, kind="stable")
    yield from np.split(order, np.cumsum(np.bincount(group))[:-1])
