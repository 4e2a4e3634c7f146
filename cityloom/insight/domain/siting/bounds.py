"""The least that any choice of sites could cost: the Lagrangian bound, by subgradient steps.

Each place's demand is priced by u; a site is then worth what it can earn by serving the places with u above the cost,
the best first, up to its capacity; the best that may be opened are taken. Any u gives a bound, and better ones are
looked for. Sources: G. Cornuejols, M. Fisher and G. Nemhauser, Manag. Sci. 23, 1977; J. Beasley, Eur. J. Oper. Res. 65,
1993.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.siting.problem import Flags, Floats, Problem

ROUNDS = 150
_PATIENCE = 8
_KEPT = 3


@dataclass(frozen=True)
class Relaxed:
    """The best bound, the prices (n,) that gave it, and the sites that those choose, the best bound's first."""

    bound: float
    price: Floats
    chosen: tuple[Flags, ...]


def lower_bound(problem: Problem, start: Floats, known: float, rounds: int = ROUNDS) -> float:
    """The best bound found for a problem of one period, from prices `start` (n,) and a `known` total."""
    return relaxed(problem, start, known, rounds).bound


def relaxed(problem: Problem, start: Floats, known: float, rounds: int = ROUNDS) -> Relaxed:
    """The bound of a problem of one period, with what gave it, from prices `start` (n,) and a `known` total."""
    people, price = problem.people[0], np.minimum(start, problem.unserved)
    best, step, waited, best_price, kept = -np.inf, 1.0, 0, price, [problem.fixed]
    for _ in range(rounds):
        worth, taken = _worth(problem, people, price)
        chosen, earned = _chosen(problem, worth)
        bound = float(people @ price) - earned
        if bound > best + 1e-9 * abs(known):
            best, best_price, waited = bound, price, 0
            kept = [chosen, *(one for one in kept if not np.array_equal(one, chosen))][:_KEPT]
        else:
            waited += 1
        if known - best <= 1e-7 * max(1.0, abs(known)) or step < 1e-4:
            break
        if waited >= _PATIENCE:
            step, waited, price = step / 2, 0, best_price
            continue
        slope = people - taken[:, chosen].sum(1)
        size = float(slope @ slope)
        if not size > 0:
            break
        price = np.clip(price + step * max(known - bound, 1e-6 * abs(known)) / size * slope, 0, problem.unserved)
    return Relaxed(max(best, 0.0), best_price, tuple(kept))


def _worth(problem: Problem, people: Floats, price: Floats) -> tuple[Floats, Floats]:
    """What each site could earn (m,), and how many people of each place it would take (n, m)."""
    margin = np.maximum(price[:, None] - problem.costs, 0.0)
    limited = np.flatnonzero(np.isfinite(problem.capacity))
    taken = np.where(margin > 0, people[:, None], 0.0)
    if len(limited):
        taken[:, limited] = _filled(margin[:, limited], taken[:, limited], problem.capacity[limited])
    return (margin * taken).sum(0), taken


def _filled(margin: Floats, taken: Floats, capacity: Floats) -> Floats:
    """People taken by each site, those with the largest margin first, up to its capacity."""
    over = np.flatnonzero(taken.sum(0) > capacity)
    if not len(over):
        return taken
    some = taken[:, over]
    order = np.argsort(-margin[:, over], axis=0, kind="stable")
    ranked = np.take_along_axis(some, order, 0)
    before = np.cumsum(ranked, 0) - ranked
    kept = np.clip(capacity[over] - before, 0.0, ranked)
    np.put_along_axis(some, order, kept, 0)
    taken[:, over] = some
    return taken


def site_worth(problem: Problem, people: Floats, value: Floats, sites: NDArray[np.int64] | None = None) -> Floats:
    """At most how much opening each site (or each of `sites`) would save, a head at each place costing `value` now."""
    some = problem
    if sites is not None:
        some = replace(problem, costs=problem.costs[:, sites], capacity=problem.capacity[sites])
    return _worth(some, people, np.minimum(value, problem.unserved))[0]


def taken_by(problem: Problem, people: Floats, value: Floats, site: int) -> Floats:
    """How many people of each place (n,) a site would take first, when a head there costs `value` now."""
    one = replace(problem, costs=problem.costs[:, [site]], capacity=problem.capacity[[site]])
    return _worth(one, people, value)[1][:, 0]


def _chosen(problem: Problem, worth: Floats) -> tuple[Flags, float]:
    """The sites that earn most within the limits; with a budget, parts of sites may be bought, which is a bound still.

    Closing: all but `close` of the closable sites stay, the best.
    """
    chosen = problem.fixed.copy()
    earned = float(worth[chosen].sum())
    closable = np.flatnonzero(problem.existing & ~chosen)
    stay = closable[np.argsort(-worth[closable], kind="stable")][: max(0, len(closable) - int(problem.close[0]))]
    chosen[stay] = True
    earned += float(worth[stay].sum())
    free = np.flatnonzero(~problem.existing)
    by_number = free[np.argsort(-worth[free], kind="stable")][: int(problem.new[0])]
    if not np.isfinite(problem.budget[0]):
        chosen[by_number] = True
        return chosen, earned + float(worth[by_number].sum())
    cost = problem.price[free]
    order = np.argsort(-worth[free] / np.maximum(cost, 1e-12), kind="stable")
    part = np.clip((problem.budget[0] - (np.cumsum(cost[order]) - cost[order])) / np.maximum(cost[order], 1e-12), 0, 1)
    by_budget, wealth = free[order[part >= 1]], float((part * worth[free[order]]).sum())
    if wealth <= float(worth[by_number].sum()):
        chosen[by_budget] = True
        return chosen, earned + wealth
    chosen[by_number] = True
    return chosen, earned + float(worth[by_number].sum())
