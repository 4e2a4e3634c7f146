"""Measure siting: 1,000 areas, 500 existing sites, 300 candidates, beside a plain programme for HiGHS in one run.

Run: python -m bench.siting [--people N] [--small]
p-median, covering, p-centre, set covering; with existing sites, from nothing, and with capacities, over a road graph.
The peer is the textbook programme written out whole (all pairs, x <= y), solved by scipy's milp,
on a problem of 200 areas and 60 sites, where it ends. Times are of the processor.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
import scipy.sparse

from bench import _made_up_streets as made_up
from cityloom.insight.domain.access import places, roads, speeds
from cityloom.insight.domain.siting import solving
from cityloom.insight.domain.siting.solving import Sited

EDGES, LIMIT = 50_000, 40.0


def main() -> int:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", type=int, default=20_000_000)
    arguments.add_argument("--small", action="store_true", help="only the problem that the peer is given, too")
    chosen = arguments.parse_args()
    minutes, people = _city(1_000, 800, chosen.people * 0.07)
    _beside(minutes[:200, :60], people[:200])
    if chosen.small:
        return 0
    there = np.arange(800) < 500
    rng = np.random.default_rng(2)
    room = rng.uniform(0.6, 1.4, 800) * people.sum() / 500 * 0.96
    room[there] *= 1.0
    near = np.isfinite(minutes).any(1)
    minutes, people = minutes[near], people[near]
    given: dict[str, Any] = {"existing": there}
    _told("p-median, 20 more beside 500", lambda: solving.p_median(people, minutes, 20, **given))
    _told("p-median, 20 more, capacities", lambda: solving.p_median(people, minutes, 20, capacity=room, unserved=80.0,
                                                                   **given))  # fmt: skip
    _told("p-median, 60 from nothing", lambda: solving.p_median(people, minutes, 60, unserved=80.0))
    _told("covering in 10, 20 more", lambda: solving.maximal_covering(people, minutes, 20, 10, **given))
    _told("covering in 10, 60 from nothing", lambda: solving.maximal_covering(people, minutes, 60, 10))
    _told("covering in 10, 20 more, capacities",
          lambda: solving.maximal_covering(people, minutes, 20, 10, capacity=room, **given))  # fmt: skip
    _told("p-median, 5, 10, 20 more in three periods",
          lambda: solving.p_median(people, minutes, [5, 10, 20], **given))  # fmt: skip
    print(f"at the most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")
    return 0


def _city(areas: int, sites: int, demand: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    tables = made_up.streets(EDGES)
    nodes, edges = tables["nodes"], tables["edges"]
    minutes = speeds.edge_minutes(edges["kind"], edges["length_m"], "drive")
    graph = roads.graph(places.in_space(nodes["lon"], nodes["lat"]), edges["from"], edges["to"], minutes)
    at = [roads.snap(graph, places.in_space(*made_up.spots(EDGES, count, rng))) for count in (areas, sites)]
    found = roads.travel_minutes(graph, *at, limit=LIMIT)
    dense = np.full(found.shape, np.inf)
    dense[np.repeat(np.arange(areas), np.diff(found.indptr)), found.indices] = found.data
    people = rng.gamma(2, 1, areas)
    return dense, people / people.sum() * demand


def _told(name: str, do: Callable[[], Sited]) -> None:
    begun = time.process_time()
    found = do()
    cpu, people = time.process_time() - begun, found.problem.people[-1].sum()
    spent = found.solution.total / found.problem.people.sum()
    print(f"  {name}: {cpu:.1f} s, {spent:.4f} a head, gap {100 * found.solution.gap:.2f} %, "
          f"{'proved' if found.solution.proved else 'bounded'}, {people:,.0f} people", flush=True)  # fmt: skip


def _beside(minutes: np.ndarray, people: np.ndarray) -> None:
    known = np.isfinite(minutes).any(1)
    minutes, people = minutes[known], people[known]
    p = 12
    begun = time.process_time()
    try:
        ours = solving.p_median(people, minutes, p, unserved=80.0)
    finally:
        cpu = time.process_time() - begun
    begun = time.process_time()
    theirs = _plain(people, np.minimum(minutes, 80.0), p)
    peer = time.process_time() - begun
    print(f"p-median of {len(people)} areas and {minutes.shape[1]} sites, p {p}: ours {cpu:.2f} s, the plain programme "
          f"{peer:.2f} s ({cpu / peer:.2f} times); totals {ours.solution.total:.6g} and {theirs:.6g}")  # fmt: skip


def _plain(people: np.ndarray, costs: np.ndarray, p: int) -> float:
    n, m = costs.shape
    pairs = np.arange(n * m)
    i, j = np.divmod(pairs, m)
    once = scipy.sparse.csr_array((np.ones(n * m), (i, m + pairs)), shape=(n, m + n * m))
    data, row = np.r_[np.ones(n * m), -np.ones(n * m)], np.r_[pairs, pairs]
    is_open = scipy.sparse.csr_array((data, (row, np.r_[m + pairs, j])),
                                     shape=(n * m, m + n * m))  # fmt: skip
    number = scipy.sparse.csr_array((np.ones(m), (np.zeros(m, int), np.arange(m))), shape=(1, m + n * m))
    limits = [scipy.optimize.LinearConstraint(once, 1, 1), scipy.optimize.LinearConstraint(is_open, -np.inf, 0),
              scipy.optimize.LinearConstraint(number, 0, p)]  # fmt: skip
    done = scipy.optimize.milp(np.r_[np.zeros(m), (people[:, None] * costs).ravel()], constraints=limits,
                               integrality=np.r_[np.ones(m), np.zeros(n * m)], bounds=scipy.optimize.Bounds(0, 1),
                               options={"time_limit": 120})  # fmt: skip
    return float(done.fun)


if __name__ == "__main__":
    raise SystemExit(main())
