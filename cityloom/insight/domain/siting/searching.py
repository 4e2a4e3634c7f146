"""Good choices of sites for large problems: greedy, then exchanges, each judged by what it really costs.

Without capacities all exchanges of one open site for one closed are weighed at once (the fast interchange); with them a
site's price comes from the transport problem's duals and is then tried. It proves nothing itself: `bounds` says how far
from the least the outcome may be. Sources: M. Teitz and P. Bart, Oper. Res. 16, 1968; R. Whitaker, INFOR 21, 1983; M.
Resende and R. Werneck, Eur. J. Oper. Res. 174, 2006.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from cityloom.insight.domain.siting.bounds import site_worth
from cityloom.insight.domain.siting.problem import Flags, Floats, Problem, Served
from cityloom.insight.domain.siting.serving import serve, stand_in

_EXCHANGES = 200
_TRIES = 40
"""Transport problems that exchanges may cost."""
_LEAST = 1e-9


def searched(problem: Problem, start: Flags | None = None) -> tuple[Flags, Served]:
    """A choice for a problem of one period, and who goes where."""
    people = problem.people[0]
    opened = (problem.existing | start) if start is not None else problem.existing.copy()
    opened = _closed(problem, opened, people)
    opened = _grown(problem, opened, people)
    if problem.limited:
        return _tried(problem, opened, people)
    opened = _exchanged(problem, opened, people)
    return opened, serve(problem, opened, people)


def _closed(problem: Problem, opened: Flags, people: Floats) -> Flags:
    """Close as many existing sites as must be closed, each time the one that is missed least."""
    opened = opened.copy()
    for _ in range(int(problem.close[0]) - int((problem.existing & ~opened).sum())):
        held = np.flatnonzero(opened & problem.existing & ~problem.fixed)
        if not len(held):
            break
        lost = _losses(problem, opened, held, people)
        opened[held[int(np.argmin(lost))]] = False
    return opened


def _losses(problem: Problem, opened: Flags, held: np.ndarray, people: Floats) -> Floats:
    """What the total grows by without each of the sites `held`: exact without capacities, else what they carry now."""
    if problem.limited:
        load = np.bincount((now := serve(problem, opened, people)).site, now.people, len(opened))
        return load[held]
    offered = np.minimum(np.where(opened, problem.costs, np.inf), stand_in(problem))
    first, second, nearest = _two_nearest(offered)
    return np.bincount(nearest, people * (second - first), len(opened))[held]


def may_open(problem: Problem, opened: Flags) -> Flags:
    """The closed candidates that number and budget still allow."""
    new = opened & ~problem.existing
    if int(new.sum()) >= int(problem.new[0]):
        return np.zeros(len(opened), np.bool_)
    left = problem.budget[0] - float(problem.price[new].sum())
    return ~opened & ~problem.existing & (problem.price <= left + _LEAST)


def _grown(problem: Problem, opened: Flags, people: Floats) -> Flags:
    """Open the candidate that saves most (for its price, where there is a budget), until none may be or none saves."""
    opened = opened.copy()
    while (free := np.flatnonzero(may_open(problem, opened))).size:
        gains = site_worth(problem, people, np.minimum(serve(problem, opened, people).value, stand_in(problem)))[free]
        ranked = gains / np.maximum(problem.price[free], 1e-12) if np.isfinite(problem.budget[0]) else gains
        best = int(np.argmax(ranked))
        if not gains[best] > _LEAST:
            break
        opened[free[best]] = True
    return opened


def _exchanged(problem: Problem, opened: Flags, people: Floats) -> Flags:
    """Exchange one open site for one closed as long as that saves, the best exchange first."""
    opened, costs = opened.copy(), np.minimum(problem.costs, stand_in(problem))
    for _ in range(_EXCHANGES):
        out, into = _movable(problem, opened), np.flatnonzero(~opened & ~problem.existing)
        if not len(out) or not len(into):
            break
        saved = _savings(costs, opened, people, out, into)
        saved[~_affordable(problem, opened, out, into)] = -np.inf
        best = np.unravel_index(int(np.argmax(saved)), saved.shape)
        if not saved[best] > _LEAST * max(1.0, float(people.sum())):
            break
        opened[out[best[0]]], opened[into[best[1]]] = False, True
    return opened


def _movable(problem: Problem, opened: Flags) -> np.ndarray:
    return np.flatnonzero(opened & ~problem.existing)


def _affordable(problem: Problem, opened: Flags, out: np.ndarray, into: np.ndarray) -> Flags:
    left = problem.budget[0] - float(problem.price[opened & ~problem.existing].sum())
    return problem.price[into][None, :] - problem.price[out][:, None] <= left + _LEAST


def _savings(costs: Floats, opened: Flags, people: Floats, out: np.ndarray, into: np.ndarray) -> Floats:
    """What each exchange saves, (out, into): gain of the new site, less the loss of the old, more where both meet."""
    first, second, nearest = _two_nearest(np.where(opened, costs, costs.max(initial=0.0)))
    offered = costs[:, into]
    gain = people @ np.maximum(first[:, None] - offered, 0.0)
    row = np.full(len(opened), -1)
    row[out] = np.arange(len(out))
    of_out = np.flatnonzero(row[nearest] >= 0)
    loss = np.bincount(row[nearest[of_out]], (people * (second - first))[of_out], len(out))
    extra = people[of_out, None] * np.maximum(
        second[of_out, None] - np.maximum(offered[of_out], first[of_out, None]), 0.0
    )
    sums = scipy.sparse.csr_array((np.ones(len(of_out)), (row[nearest[of_out]], np.arange(len(of_out)))),
                                  shape=(len(out), len(of_out)))  # fmt: skip
    return gain[None, :] - loss[:, None] + sums @ extra


def _two_nearest(offered: Floats) -> tuple[Floats, Floats, np.ndarray]:
    nearest = offered.argmin(1)
    rows = np.arange(len(offered))
    first = offered[rows, nearest]
    if offered.shape[1] < 2:
        return first, first, nearest
    return first, np.partition(offered, 1, axis=1)[:, 1], nearest


def _tried(problem: Problem, opened: Flags, people: Floats) -> tuple[Flags, Served]:
    """Exchanges with capacities: each open site is left out in turn, and the dearest missed one put in its stead."""
    now, tries = serve(problem, opened, people), 0
    settled: set[int] = set()
    while tries < _TRIES:
        load = np.bincount(now.site, now.people, len(opened))
        out = [one for one in _movable(problem, opened).tolist() if one not in settled]
        if not out:
            break
        worst = min(out, key=lambda one: load[one])
        settled.add(worst)
        without = opened.copy()
        without[worst] = False
        there, tries = serve(problem, without, people), tries + 2
        gains = site_worth(problem, people, there.value)
        into = np.flatnonzero(may_open(problem, without))
        into = into[into != worst]
        if not len(into):
            continue
        without[into[int(np.argmax(gains[into]))]] = True
        then = serve(problem, without, people)
        if then.total < now.total * (1 - 1e-9):
            opened, now, settled = without, then, set()
    return opened, now
