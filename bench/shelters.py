"""Measure households to shelters: time at full size, and distance beside linear programming on small cases.

Run: python -m bench.shelters [--seed N] [--cases N]
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_array

from cityloom.emergency.domain import routing, shelters
from cityloom.kernel.geometry import LocalProjection, circle

PLANE = LocalProjection(114.05, 22.54)


@dataclass(frozen=True)
class Case:
    """A drawn town: a street grid with gaps, a hazard in its middle, households and shelters at random nodes."""

    roads: routing.Network
    homes: routing.Access
    persons: NDArray[np.int64]
    doors: routing.Access
    places: NDArray[np.int64]


def town(seed: int, side: int, households: int, count: int, load: float, addresses: int = 0) -> Case:
    """Draw a town of side x side crossings, 60 m apart, whose shelters' places are people / load.

    With `addresses` the households live at that many nodes in the middle, as in a zone; else anywhere.
    """
    rng = np.random.default_rng(seed)
    xy = np.stack(np.meshgrid(np.arange(side), np.arange(side), indexing="ij"), axis=-1).reshape(-1, 2) * 60.0
    xy += rng.uniform(-15, 15, xy.shape) - side * 30.0
    number = np.arange(side * side).reshape(side, side)
    start = np.concatenate([number[:-1].ravel(), number[:, :-1].ravel()])
    end = np.concatenate([number[1:].ravel(), number[:, 1:].ravel()])
    keep = rng.random(len(start)) < 0.97
    start, end = start[keep], end[keep]
    lonlat = PLANE.lonlat(xy)
    lines = shapely.linestrings(np.stack([lonlat[start], lonlat[end]], axis=1))
    length = np.hypot(*(xy[start] - xy[end]).T) * rng.uniform(1.0, 1.2, len(start))
    hazard = circle(PLANE.lon, PLANE.lat, 50.0)
    walkable = np.ones(len(start), dtype=bool)
    roads = routing.network(lonlat[:, 0], lonlat[:, 1], start, end, length, lines, walkable, hazard)
    usable = np.flatnonzero(roads.usable)
    near = usable[np.argsort(np.hypot(*roads.xy[usable].T))[:addresses]] if addresses else usable
    persons = rng.choice([1, 2, 3, 4, 5, 6], households, p=[0.25, 0.3, 0.21, 0.13, 0.07, 0.04]).astype(np.int64)
    share = rng.dirichlet(np.full(count, 2.0))
    places = np.ceil(persons.sum() / load * share).astype(np.int64)
    doors = _at(rng.choice(usable, count, replace=False))
    return Case(roads, _at(rng.choice(near, households)), persons, doors, places)


def optimum(case: Case) -> float:
    """Least person-metres with households divisible: the whole problem as one linear program (HiGHS)."""
    nodes, group = np.unique(case.homes.node, return_inverse=True)
    demand = np.bincount(group, weights=case.persons)
    metres = routing.distances(case.roads, case.doors.node)[:, nodes].T
    rows, columns = np.nonzero(np.isfinite(metres))
    index, ones = np.arange(len(rows)), np.ones(len(rows))
    answer = linprog(
        metres[rows, columns],
        A_eq=csr_array((ones, (rows, index)), shape=(len(nodes), len(rows))), b_eq=demand,
        A_ub=csr_array((ones, (columns, index)), shape=(len(case.places), len(rows))), b_ub=case.places,
        method="highs",
    )  # fmt: skip
    return float(answer.fun) if answer.status == 0 else float("nan")


def run(case: Case) -> tuple[shelters.Placement, float]:
    """Place everyone; return the answer and the seconds."""
    began = time.perf_counter()
    answer = shelters.place(case.roads, case.homes, case.persons, case.doors, case.places)
    seconds = time.perf_counter() - began
    load = np.bincount(answer.shelter[answer.placed], weights=case.persons[answer.placed], minlength=len(case.places))
    if (load > case.places).any():
        raise SystemExit("A shelter is over its capacity.")
    return answer, seconds


def small(seed: int, cases: int) -> list[dict[str, float]]:
    """Cases that HiGHS solves whole, from roomy to almost full."""
    found = []
    for number in range(cases):
        load = (0.5, 0.8, 0.9, 0.95)[number % 4]
        addresses = 60 if number % 2 else 0
        case = town(seed + number, 40, 700, 20, load, addresses)
        answer, seconds = run(case)
        best = optimum(case)
        found.append({"load": load, "addresses": addresses, "seconds": round(seconds, 4),
                      "over_optimum": round(answer.metre_persons / best - 1, 5),
                      "unplaced": int((~answer.placed).sum())})  # fmt: skip
    return found


def large(seed: int) -> list[dict[str, float]]:
    """100,000 households, 500 shelters, 200,000 edges; the gap is to the dual bound, which no placement undercuts."""
    found = []
    for load in (0.5, 0.7, 0.9):
        began = time.perf_counter()
        case = town(seed, 321, 100_000, 500, load)
        drawn = time.perf_counter() - began
        answer, seconds = run(case)
        found.append({"load": load, "edges": len(case.roads.start), "seconds": round(seconds, 3),
                      "over_bound": round(answer.metre_persons / answer.bound - 1, 5),
                      "unplaced": int((~answer.placed).sum()), "drawing_s": round(drawn, 2)})  # fmt: skip
    return found


def _at(nodes: NDArray[np.int64]) -> routing.Access:
    return routing.Access(nodes, np.zeros(len(nodes)), np.zeros(len(nodes), dtype=bool))


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=24)
    given = parser.parse_args()
    print(json.dumps({"small": small(given.seed, given.cases), "large": large(given.seed)}, indent=1))


if __name__ == "__main__":
    main()
