"""The fewest sites from which all are within reach, and the shortest reach that so many sites can give.

Set covering is a mixed-integer programme; the p-centre looks by bisection for the least reach with which the sites that
may be opened cover all. Sources: C. Toregas, R. Swain, C. ReVelle and L. Bergman, Oper. Res. 19, 1971; E. Minieka, SIAM
Rev. 12, 1970.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import scipy.optimize
import scipy.sparse

from cityloom.insight.domain.siting import exact
from cityloom.insight.domain.siting.problem import Flags, Problem, Solution

NODES, SECONDS = 5_000, 60.0


def fewest(problem: Problem, by_price: bool = False, seconds: float = SECONDS) -> Solution | None:
    """The fewest new sites (or the cheapest, `by_price`) that serve everybody; None where even all together cannot.

    Of a problem of one period; its budget is left aside, and its number too unless it goes `by_price`. `total` is the
    number (or the price).
    """
    if problem.limited:
        return _fewest_with_room(problem, by_price, seconds)
    costs = np.isfinite(problem.costs) & (problem.people[0] > 0)[:, None]
    open_anyway = problem.existing
    waiting = np.flatnonzero((problem.people[0] > 0) & ~(costs & open_anyway).any(1))
    free = np.flatnonzero(~open_anyway)
    covers = costs[np.ix_(waiting, free)]
    if not covers.any(1).all():
        return None
    opened = open_anyway.copy()
    if not len(waiting):
        return Solution(opened[None], 0.0, 0.0, proved=True)
    price = problem.price[free] if by_price else np.ones(len(free))
    alike = np.unique(covers, axis=0)  # places covered by the same sites count once
    rows = [scipy.optimize.LinearConstraint(scipy.sparse.csr_array(alike.astype(np.float64)), 1, np.inf)]
    if by_price:
        rows.append(scipy.optimize.LinearConstraint(np.ones((1, len(free))), 0, int(problem.new[0])))
    done = scipy.optimize.milp(price, constraints=rows, integrality=np.ones(len(free)),
                               bounds=scipy.optimize.Bounds(0, 1),
                               options={"node_limit": NODES, "time_limit": seconds})  # fmt: skip
    if done.x is None:
        return None
    opened[free[done.x > 0.5]] = True
    return _told(opened, done, by_price)


def _fewest_with_room(problem: Problem, by_price: bool, seconds: float) -> Solution | None:
    """The same with capacities: the opening of sites is what costs, the way to them nothing."""
    one = replace(problem, costs=np.where(np.isfinite(problem.costs), 0.0, np.inf), unserved=np.inf,
                  new=np.array([len(problem.capacity)]), budget=np.array([np.inf]))  # fmt: skip
    columns = exact.columns_of(one)
    price = problem.price if by_price else np.ones(columns.m)
    cost = np.concatenate([np.where(problem.existing, 0.0, price), np.zeros(columns.width - columns.m)])
    low, high, whole = exact.bounds_of(one, columns)
    rows = [exact.served_rows(one, columns), exact.open_rows(one, columns), exact.capacity_rows(one, columns)]
    done = scipy.optimize.milp(
        cost, constraints=[row for row in rows if row.A.shape[0]], integrality=whole,
        bounds=scipy.optimize.Bounds(low, high), options={"node_limit": NODES, "time_limit": seconds},
    )  # fmt: skip
    return None if done.x is None else _told(done.x[: columns.m] > 0.5, done, by_price)


def _told(opened: Flags, done: scipy.optimize.OptimizeResult, by_price: bool) -> Solution:
    bound = float(done.mip_dual_bound) if done.mip_dual_bound is not None else 0.0
    bound = bound if by_price else float(np.ceil(bound - 1e-6))
    return Solution(opened[None], float(done.fun), min(bound, float(done.fun)), done.status == 0, done.status == 1)


def centre(problem: Problem, seconds: float = SECONDS) -> Solution | None:
    """The sites that make the longest way of anybody as short as can be; `total` is that way.

    Of a problem of one period. None where the sites that may be opened cannot serve all, however far they go.
    """
    reach = np.unique(problem.costs[(problem.people[0] > 0)][:, :])
    reach = reach[np.isfinite(reach)]
    low, high, best, exactly = 0, len(reach) - 1, None, True
    while low <= high:
        middle = (low + high) // 2
        tried = fewest(_up_to(problem, reach[middle]), bool(np.isfinite(problem.budget[0])), seconds)
        fits = tried is not None and _fits(problem, tried)
        exactly &= tried is None or tried.proved or fits
        if fits:
            best, high = (tried, reach[middle]), middle - 1
        else:
            low = middle + 1
    if best is None:
        return None
    return Solution(best[0].open, float(best[1]), float(best[1]) if exactly else 0.0, exactly, not exactly)


def _up_to(problem: Problem, reach: float) -> Problem:
    return replace(problem, costs=np.where(problem.costs <= reach, problem.costs, np.inf))


def _fits(problem: Problem, tried: Solution) -> bool:
    new = tried.open[0] & ~problem.existing
    return int(new.sum()) <= int(problem.new[0]) and float(problem.price[new].sum()) <= float(problem.budget[0]) + 1e-9
