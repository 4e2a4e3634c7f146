"""A first division: how many zones each piece of a subdistrict gets, and halves of halves that are put together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.registers.domain.draft import Floats, Ints
from cityloom.registers.domain.zoning_cells import CellGraph, pieces_of


def shares(load: Floats, most: Ints, zones: int) -> Ints:
    """How many zones each group gets: at least one, at most `most`, else by load, the largest averages first.

    Source: the method of Webster and Sainte-Lague, which is not biased towards large groups.
    """
    given = np.ones(len(load), np.int64)
    free = zones - len(load)
    if free <= 0 or not load.sum():
        return given
    quota = load * (zones / load.sum())
    given = np.clip(np.floor(quota), 1, most).astype(np.int64)
    while (left := zones - int(given.sum())) != 0:
        average = load / (2 * given + 1) if left > 0 else -load / np.maximum(2 * given - 1, 1)
        average[given >= most if left > 0 else given <= 1] = -np.inf
        chosen = np.argsort(-average, kind="stable")[: max(1, min(abs(left), len(load)) // 2)]
        chosen = chosen[np.isfinite(average[chosen])]
        if not len(chosen):
            break
        given[chosen] += 1 if left > 0 else -1
    return given


def halves(xy: Floats, load: Floats, zones: int) -> NDArray[np.int32]:
    """Cut across the longer side so that each part gets its share of the load, and again, until there are so many."""
    zone = np.zeros(len(load), np.int32)
    parts = [(np.arange(len(load)), 0, zones)]
    while parts:
        rows, first, count = parts.pop()
        if count == 1:
            zone[rows] = first
            continue
        left = count // 2
        extent = np.ptp(xy[rows], axis=0)
        order = rows[np.argsort(xy[rows, int(extent[1] > extent[0])], kind="stable")]
        total = np.cumsum(load[order])
        cut = int(np.searchsorted(total - load[order] / 2, total[-1] * left / count))
        cut = min(max(cut, left), len(order) - (count - left))
        parts += [(order[:cut], first, left), (order[cut:], first + left, count - left)]
    return zone


def in_one_piece(graph: CellGraph, zone: NDArray[np.int32]) -> NDArray[np.int32]:
    """Give what lies apart from the heaviest part of its zone to neighbours in the same subdistrict.

    A part that has no such neighbour stays, which happens only where the zone is the whole piece of a subdistrict.
    """
    zone = zone.copy()
    for _ in range(_MOST_ROUNDS):
        loose = apart(graph, zone)
        if not len(loose):
            break
        near = graph.near[loose]
        other = (near >= 0) & (graph.subdistrict[near] == graph.subdistrict[loose][:, None])
        other &= zone[near] != zone[loose][:, None]
        settled = np.ones(len(graph), bool)
        settled[loose] = False
        better = other & settled[near]
        row = np.flatnonzero(better.any(axis=1))
        if not len(row):
            row, better = np.flatnonzero(other.any(axis=1))[:1], other
        if not len(row):
            break
        zone[loose[row]] = zone[near[row, better[row].argmax(axis=1)]]
    return zone


_MOST_ROUNDS = 500


def apart(graph: CellGraph, zone: NDArray[np.int32]) -> Ints:
    """The cells outside the heaviest piece of their zone; those without a zone (-1) as they come."""
    count, piece = pieces_of(graph.near, zone)
    size = np.bincount(piece, graph.load + 1e-9, minlength=count)
    home = np.zeros(count, np.int64)
    home[piece] = zone
    order = np.lexsort((-size, home))
    lead = np.zeros(count, bool)
    lead[order] = np.concatenate([[True], home[order][1:] != home[order][:-1]])
    return np.flatnonzero(~lead[piece])
