"""Who goes where when it is known which sites are open: to the nearest, or, with capacities, at the least cost in all.

With capacities it is the transport problem, a linear programme solved by HiGHS. Source: F. Hitchcock, 1941; Q. Huangfu
and J. Hall, Math. Program. Comput. 10, 2018 (HiGHS).
"""

from __future__ import annotations

import numpy as np
import scipy.optimize
import scipy.sparse

from cityloom.insight.domain.siting.problem import Flags, Floats, Problem, Served

_FEWEST = 8
"""Sites near a place that are looked at first; others when the duals say that they could be cheaper."""
_MORE = 4
"""How many for each place at once."""
_LEAST, _NEAR = 1e-9, 0.02


def stand_in(problem: Problem) -> float:
    """What a head counts whom nobody serves where all must be served: more than any way there is."""
    if np.isfinite(problem.unserved):
        return problem.unserved
    known = problem.costs[np.isfinite(problem.costs)]
    return 10 * float(known.max(initial=0.0)) + 1.0


def serve(problem: Problem, opened: Flags, people: Floats, known: Served | None = None) -> Served:
    """The cheapest way to serve `people` (n,) from the sites that are open (m,); some may be left.

    `known` is the outcome of a like problem, from whose pairs it begins; it changes nothing but the time.
    """
    if not np.isfinite(problem.capacity[opened]).any():
        return _to_nearest(problem, opened, people)
    return _transported(problem, np.flatnonzero(opened), people, known)


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


def _transported(problem: Problem, sites: np.ndarray, people: Floats, known: Served | None) -> Served:
    """The transport problem: over the cheapest sites of each place, then over those that its duals ask for besides."""
    offered, most = problem.costs[:, sites], stand_in(problem)
    usable = (offered < most) & (people > 0)[:, None]
    use = usable.copy()
    if len(sites) > _FEWEST:
        use[:] = False
        np.put_along_axis(use, np.argpartition(offered, _FEWEST - 1, axis=1)[:, :_FEWEST], values=True, axis=1)
        if known is not None and known.tried is not None:
            whole = np.zeros(problem.costs.shape, np.bool_)
            whole[known.tried] = True
            use |= whole[:, sites]
        use &= usable
    capacity = problem.capacity[sites]
    while True:
        place, column = np.nonzero(use)
        shares, left, total, value, room = _programme(offered[place, column], place, column, people, capacity, most)
        short = np.where(usable & ~use, offered - value[:, None] - room[None, :], 0.0)
        if not (short < -_LEAST * most).any():
            break
        few = min(_MORE, short.shape[1])
        best = np.argpartition(short, few - 1, axis=1)[:, :few]
        np.put_along_axis(use, best, np.take_along_axis(use | (short < -_LEAST * most), best, 1), axis=1)
    used = np.flatnonzero(shares > _LEAST)
    value = np.where(people > 0, np.clip(value, 0, most), most)
    needed = shares > _LEAST
    near = needed | (offered[place, column] <= (value[place] + room[column]) + _NEAR * most)
    tried = (place[near], sites[column[near]])
    return Served(place[used], sites[column[used]], shares[used], left, total, value, tried)


def _programme(cost: Floats, place: np.ndarray, column: np.ndarray, people: Floats, capacity: Floats, most: float
               ) -> tuple[Floats, Floats, float, Floats, Floats]:  # fmt: skip
    """People of each pair, people left, the total, and the duals of places and of sites."""
    n, count, ones = len(people), len(place), np.ones(len(place))
    demand = scipy.sparse.csr_array(
        (np.ones(count + n), (np.r_[place, np.arange(n)], np.arange(count + n))), shape=(n, count + n)
    )
    bounded = np.flatnonzero(np.isfinite(capacity))
    row = np.full(len(capacity), -1)
    row[bounded] = np.arange(len(bounded))
    within = row[column] >= 0
    supply = scipy.sparse.csr_array((ones[within], (row[column[within]], np.flatnonzero(within))),
                                    shape=(len(bounded), count + n))  # fmt: skip
    done = scipy.optimize.linprog(np.r_[cost, np.full(n, most)], supply, capacity[bounded], demand, people,
                                  method="highs-ds")  # fmt: skip
    room = np.zeros(len(capacity))
    room[bounded] = done.ineqlin.marginals
    return done.x[:count], done.x[count:], float(done.fun), done.eqlin.marginals, room
