"""Good choices of sites for large problems: greedy, then exchanges, each judged by what it really costs.

Without capacities all exchanges of one open site for one closed are weighed at once (the fast interchange); with them
the Lagrangian bound's own choices are tried too, and exchanges in the order of worth. It proves nothing itself: the
bound says how far from the least the outcome may be. Sources: M. Teitz and P. Bart, Oper. Res. 16, 1968; R. Whitaker,
INFOR 21, 1983; M. Resende and R. Werneck, Eur. J. Oper. Res. 174, 2006.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse

from cityloom.insight.domain.siting import bounds
from cityloom.insight.domain.siting.problem import Flags, Floats, Problem, Served
from cityloom.insight.domain.siting.serving import serve, stand_in

_EXCHANGES = 200
_TRIES, _FEW_TRIES, _SMALL, _FEW_ROUNDS = 40, 4, 50_000, 90
"""Transport problems that exchanges may cost, and rounds of the bound: fewer with more pairs than `_SMALL`."""
_WIDE = 6
"""Of how many open and closed sites all exchanges are listed."""
_AT_ONCE = 5
_LEAST = 1e-9


@dataclass(frozen=True)
class Found:
    """A choice (m,), who goes where, and the least that any choice could cost."""

    open: Flags
    served: Served
    bound: float


def searched(problem: Problem, start: Flags | None = None) -> Found:
    """A choice for a problem of one period, with its bound."""
    people = problem.people[0]
    opened = (problem.existing | start) if start is not None else problem.existing.copy()
    opened = _grown(problem, _closed(problem, opened, people), people)
    if problem.limited:
        return _priced(problem, opened, people)
    opened = _exchanged(problem, opened, people)
    now = serve(problem, opened, people)
    return Found(opened, now, min(bounds.lower_bound(problem, now.value, now.total), now.total))


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
    """Open the candidate that saves most (for its price, where there is a budget), until none may be or none saves.

    With capacities people are served anew only after every few; between, those whom a new site takes cost what it does.
    """
    opened, value, since, now = opened.copy(), np.zeros(0), 0, None
    while (free := np.flatnonzero(may_open(problem, opened))).size:
        if since == 0:
            now = serve(problem, opened, people, now)
            value = np.minimum(now.value, stand_in(problem))
        gains = bounds.site_worth(problem, people, value, free)
        best = int(np.argmax(gains / np.maximum(problem.price[free], 1e-12)
                             if np.isfinite(problem.budget[0]) else gains))  # fmt: skip
        if not gains[best] > _LEAST and since == 0:
            break
        if gains[best] > _LEAST:
            opened[free[best]] = True
        since = (since + 1) % _AT_ONCE if problem.limited and gains[best] > _LEAST else 0
        if since:
            share = bounds.taken_by(problem, people, value, int(free[best])) / np.maximum(people, 1e-12)
            lower = np.minimum(problem.costs[:, free[best]], value)
            value = value - np.clip(share, 0, 1) * (value - lower)
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


def _priced(problem: Problem, opened: Flags, people: Floats) -> Found:
    """With capacities: the choices of the Lagrangian bound, each filled up and served; then exchanges, by worth."""
    now = serve(problem, opened, people)
    rounds = bounds.ROUNDS if problem.costs.size <= _SMALL else _FEW_ROUNDS
    known = bounds.relaxed(problem, now.value, now.total, rounds)
    worth = bounds.site_worth(problem, people, known.price)
    for chosen in known.chosen:
        tried = _filled(problem, chosen, worth)
        if np.array_equal(tried, opened) or (problem.existing & ~tried).sum() != problem.close[0]:
            continue
        then = serve(problem, tried, people, now)
        if then.total < now.total:
            opened, now = tried, then
    opened, now = _tried(problem, opened, now, people, worth)
    return Found(opened, now, min(known.bound, now.total))


def _filled(problem: Problem, opened: Flags, worth: Floats) -> Flags:
    """Open what number and budget still allow, by worth for price."""
    opened = opened.copy()
    while (free := np.flatnonzero(may_open(problem, opened))).size:
        price = problem.price[free] if np.isfinite(problem.budget[0]) else 1.0
        opened[free[int(np.argmax(worth[free] / np.maximum(price, 1e-12)))]] = True
    return opened


def _tried(problem: Problem, opened: Flags, now: Served, people: Floats, worth: Floats) -> tuple[Flags, Served]:
    """Exchanges with capacities: the open site of least worth for the closed one of most, as long as that saves."""
    tries = _TRIES if problem.costs.size <= _SMALL else _FEW_TRIES
    into = [one for one in np.argsort(-worth, kind="stable").tolist() if not opened[one] and not problem.existing[one]]
    out = sorted(_movable(problem, opened).tolist(), key=lambda one: worth[one])
    pairs = sorted(((worth[b] - worth[a], a, b) for a in out[:_WIDE] for b in into[:_WIDE]), reverse=True)
    for _, a, b in pairs:
        if tries == 0:
            break
        if not opened[a] or opened[b]:
            continue
        then = opened.copy()
        then[a], then[b] = False, True
        if float(problem.price[then & ~problem.existing].sum()) > problem.budget[0] + _LEAST:
            continue
        there, tries = serve(problem, then, people, now), tries - 1
        if there.total < now.total * (1 - 1e-9):
            opened, now = then, there
    return opened, now
