"""Measure the division of a city into zones, and its yearly rebalance, with METIS beside it in the same run.

Run: python -m bench.zones [--seed N] [--only SMALL|LARGE] [--processes N]
The ground is drawn: centres as in the synthetic city, a river, parks, main roads, 1,850 cells a subdistrict. METIS gets
each subdistrict with the same loads, border costs and number of zones, asked for contiguous parts.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace

import h3.api.basic_int as h3
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from cityloom.registers.domain import zoning
from cityloom.registers.domain import zoning_cells as cells
from cityloom.registers.domain import zoning_measures as measures

SIZES = {"small": (137_000, 5_000, 15.0), "large": (360_000, 16_000, 30.0)}
"""Cells, zones, the goal in seconds."""
LAT, LON = 22.62, 114.05
CELLS_A_SUBDISTRICT, COMMUNITIES = 1_850, 8


def ground(count: int, seed: int) -> cells.CellGraph:
    """Draw so many cells around a place, with loads that are skewed as in a city: most are light, few are heavy."""
    rng = np.random.default_rng(seed)
    number, xy = _disk(count)
    radius = float(np.hypot(*xy.T).max())
    density = np.full(count, 0.05)
    for _ in range(60):
        away = ((xy - rng.uniform(-0.8, 0.8, 2) * radius) ** 2).sum(axis=1)
        density += rng.uniform(0.35, 0.8) * np.exp(-away / 2 / rng.uniform(500, 2600) ** 2)
    river = np.abs(xy[:, 1] + 0.2 * radius - 0.1 * radius * np.sin(xy[:, 0] / (0.3 * radius))) < 150
    empty = river | (rng.random(count) < 0.1)
    load = rng.poisson(density * 300 * rng.lognormal(0, 0.6, count)) * ~empty
    seats = max(1, count // CELLS_A_SUBDISTRICT)
    subdistrict = cKDTree(rng.uniform(-0.8, 0.8, (seats, 2)) * radius).query(xy)[1]
    within = cKDTree(rng.uniform(-1, 1, (seats * COMMUNITIES, 2)) * radius).query(xy)[1]
    community = subdistrict * seats * COMMUNITIES + within
    near = cells.neighbours_of(number)
    block = np.floor(xy / 800)
    road = (block[near] != block[:, None]).any(axis=2)
    cost = cells.borders(near, community, road, river[near] != river[:, None])
    return cells.CellGraph(number, near, cost, load.astype(float), subdistrict.astype(np.int64), community)


def _disk(count: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    number = np.array(h3.grid_disk(h3.latlng_to_cell(LAT, LON, cells.RESOLUTION), int((count / 3) ** 0.5) + 4))
    lat, lon = np.array([h3.cell_to_latlng(cell) for cell in number.tolist()]).T
    xy = np.stack([(lon - LON) * 111_320 * np.cos(np.radians(lat)), (lat - LAT) * 110_574], axis=1)
    chosen = np.argsort((xy**2).sum(axis=1), kind="stable")[:count]
    chosen = chosen[np.argsort(number[chosen])]
    return number[chosen], xy[chosen]


def a_year_later(graph: cells.CellGraph, seed: int) -> cells.CellGraph:
    """The same cells with other loads: 12 % noise in each, and 60 places of 400 m that grew by 30 to 150 %."""
    rng = np.random.default_rng(seed + 1)
    at = cells.places_of(graph.cell)
    factor = rng.lognormal(0, 0.12, len(graph))
    for centre in rng.integers(len(graph), size=60):
        factor[np.hypot(*(at - at[centre]).T) < 3] *= rng.uniform(1.3, 2.5)
    return replace(graph, load=graph.load * factor)


def metis(graph: cells.CellGraph, zones: int, seed: int) -> zoning.Zones:
    """What METIS makes of each piece of a subdistrict."""
    import pymetis

    piece = cells.pieces_of(graph.near, graph.subdistrict)[1].astype(np.int64)
    wanted = zoning.zones_of_pieces(graph, piece, zones)
    zone, base = np.zeros(len(graph), np.int32), 0
    for number, rows in enumerate(zoning.rows_of(piece)):
        local = np.full(len(graph) + 1, -1)
        local[rows] = np.arange(len(rows))
        near = local[graph.near[rows]]
        inside = near >= 0
        adjacency = pymetis.CSRAdjacency(
            np.concatenate([[0], np.cumsum(inside.sum(axis=1))]).tolist(), near[inside].tolist()
        )
        if wanted[number] > 1:
            _, part = pymetis.part_graph(
                int(wanted[number]), adjacency, vweights=graph.load[rows].astype(int).tolist(),
                eweights=(graph.border[rows][inside] * 100).astype(int).tolist(), recursive=False,
                options=pymetis.Options(seed=seed, contig=1),
            )  # fmt: skip
            zone[rows] = base + np.array(part)
        else:
            zone[rows] = base
        base += int(wanted[number])
    return zone


def told(graph: cells.CellGraph, zone: zoning.Zones) -> dict[str, object]:
    """How good a division is."""
    numbered = np.unique(zone, return_inverse=True)[1].reshape(-1).astype(np.int32)
    of = measures.measured(graph, numbered)
    uneven = ~of.is_even
    return {
        "zones": len(of), "smallest": round(float(of.share.min()), 3), "largest": round(float(of.share.max()), 3),
        "uneven": int(uneven.sum()),
        "why": dict(zip(*(c.tolist() for c in np.unique(of.reason[uneven].astype(str), return_counts=True)),
                        strict=True)),
        "spread": round(measures.spread(of.share), 4), "compactness": round(float(of.compactness.mean()), 3),
        "border_cost": round(measures.border_cost(graph, numbered)),
        "broken": cells.pieces_of(graph.near, numbered)[0] - len(of),
    }  # fmt: skip


def timed(work: Callable[[], zoning.Zones]) -> tuple[zoning.Zones, dict[str, float]]:
    """A division, and the wall's and the processors' seconds that it took, those of other processes included."""
    wall, used = time.perf_counter(), _used()
    zone = work()
    return zone, {"wall_s": round(time.perf_counter() - wall, 1), "cpu_s": round(_used() - used, 1)}


def _used() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def measure(size: str, seed: int, processes: int) -> bool:
    """Print what one size takes; whether all goals are met."""
    count, zones, goal = SIZES[size]
    graph = ground(count, seed)
    print(json.dumps({"size": size, "cells": count, "wanted": zones, "goal_s": goal}))
    zone, taken = timed(lambda: zoning.plan(graph, zones, seed=seed))
    print(json.dumps({"what": "plan, one process"} | taken | told(graph, zone)), flush=True)

    def shared() -> zoning.Zones:
        with ProcessPoolExecutor(processes) as pool:
            return zoning.plan(graph, zones, seed=seed, across=pool.map)

    same, taken_shared = timed(shared)
    assert (same == zone).all()
    print(json.dumps({"what": f"plan, {processes} processes"} | taken_shared), flush=True)
    peer, taken_peer = timed(lambda: metis(graph, zones, seed))
    print(json.dumps({"what": "METIS by subdistrict"} | taken_peer | told(graph, peer)), flush=True)
    later = a_year_later(graph, seed)
    print(json.dumps({"what": "the plan a year later"} | told(later, zone)))
    after, taken_year = timed(lambda: zoning.rebalance(later, zone, seed=seed))
    moved = float((after != zone).mean())
    print(json.dumps({"what": "rebalance, one process", "moved": round(moved, 4)} | taken_year | told(later, after)))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"memory_mb": round(memory)}), flush=True)
    return min(taken["wall_s"], taken_shared["wall_s"]) <= goal and moved <= zoning.YEARLY_SHARE


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=list(SIZES))
    parser.add_argument("--processes", type=int, default=2)
    chosen = parser.parse_args()
    met = [measure(size, chosen.seed, chosen.processes) for size in SIZES if chosen.only in (None, size)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
