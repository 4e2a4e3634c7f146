"""Who goes where when it is known which sites are open: to the nearest, or, with capacities, at the least cost in all.

With capacities it is the transport problem, a linear programme solved by HiGHS. Source: F. Hitchcock, 1941; Q. Huangfu
and J. Hall, Math. Program. Comput. 10, 2018 (HiGHS).
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.sparse

from cityloom.insight.domain.siting.problem import Flags, Floats, Problem, Served

_FEWEST = 24
"""Sites near a place that are looked at first; all the others, where these do not do."""


def stand_in(problem: Problem) -> float:
    """What a head counts whom nobody serves where all must be served: more than any way there is."""
    if np.isfinite(problem.unserved):
        return problem.unserved
    known = problem.costs[np.isfinite(problem.costs)]
    return 10 * float(known.max(initial=0.0)) + 1.0


def serve(problem: Problem, opened: Flags, people: Floats) -> Served:
    """The cheapest way to serve `people` (n,) from the sites that are open (m,); some may be left."""
    if not np.isfinite(problem.capacity[opened]).any():
        return _to_nearest(problem, opened, people)
    sites = np.flatnonzero(opened)
    for near in (_FEWEST, len(sites)):
        found = _transported(problem, sites, people, near)
        if near >= len(sites) or _is_best(problem, sites, found, near):
            return found
    return found


def _to_nearest(problem: Problem, opened: Flags, people: Floats) -> Served:
    sites, most = np.flatnonzero(opened), stand_in(problem)
    if not len(sites):
        return Served(*(np.zeros(0, np.int64),) * 2, np.zeros(0), people, float(people.sum() * most),
                      np.full(len(people), most))  # fmt: skip
    offered = problem.costs[:, sites]
    best = offered.argmin(1)
    least = offered[np.arange(len(people)), best]
    goes = least <= most
    value = np.where(goes, least, most)
    place = np.flatnonzero(goes & (people > 0))
    return Served(place, sites[best[place]], people[place], np.where(goes, 0.0, people), float(people @ value), value)


def _transported(problem: Problem, sites: np.ndarray, people: Floats, near: int) -> Served:
    """The transport problem over the `near` cheapest open sites of each place."""
    offered, most, n = problem.costs[:, sites], stand_in(problem), len(people)
    if near < len(sites):
        nearest = np.argpartition(offered, near - 1, axis=1)[:, :near]
        place, column = np.repeat(np.arange(n), near), nearest.ravel()
    else:
        place, column = (one.ravel() for one in np.indices(offered.shape))
    cost = offered[place, column]
    keep = (cost < most) & (people[place] > 0)
    place, column, cost = place[keep], column[keep], cost[keep]
    count, ones = len(place), np.ones(len(place))
    demand = scipy.sparse.csr_array(
        (np.r_[ones, np.ones(n)], (np.r_[place, np.arange(n)], np.arange(count + n))), shape=(n, count + n)
    )
    capacity = problem.capacity[sites]
    bounded = np.flatnonzero(np.isfinite(capacity))
    row = np.full(len(sites), -1)
    row[bounded] = np.arange(len(bounded))
    within = row[column] >= 0
    supply = scipy.sparse.csr_array((ones[within], (row[column[within]], np.flatnonzero(within))),
                                    shape=(len(bounded), count + n))  # fmt: skip
    done = scipy.optimize.linprog(np.r_[cost, np.full(n, most)], supply, capacity[bounded], demand, people,
                                  method="highs-ds")  # fmt: skip
    used = np.flatnonzero(done.x[:count] > 1e-9)
    value = np.where(people > 0, np.clip(done.eqlin.marginals, 0, most), most)
    return Served(place[used], sites[column[used]], done.x[used], done.x[count:], float(done.fun), value)


def _is_best(problem: Problem, sites: np.ndarray, found: Served, near: int) -> bool:
    """Whether no open site that was not looked at could lower the total: its cost is above the place's value."""
    offered = problem.costs[:, sites]
    edge = np.partition(offered, near - 1, axis=1)[:, near - 1]
    return bool((edge >= found.value - 1e-9).all())
