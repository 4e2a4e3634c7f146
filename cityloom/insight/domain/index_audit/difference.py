"""Why one unit is above another: what each indicator contributes to the difference, adding up exactly.

At each group the difference of two units is a sum over its children, without a rest:
arithmetic: weight times difference; geometric: logarithmic mean of the two group values, times weight, times the
difference of logarithms (log-mean Divisia, LMDI I); harmonic: weight x Sa Sb / (xa xb) times difference;
Mazziotta-Pareto: 2 M - Q / M with the mean M and the mean square Q, the ratio split by its midpoint. Each contribution
is then shared out among the child's own children, down to the indicators. A child that only one of the two units has is
taken, for the other, as the group's own value, which leaves the group's value as it is.

Source: B. W. Ang, Energy Policy 33(7), 2005 (LMDI); L. S. Shapley, 1953, and J. Castro et al., Computers & Operations
Research 36, 2009 (`shapley`, `by_orders`, for any other rule).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import fsum

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.robustness.aggregating import aggregated, nominal
from cityloom.insight.domain.robustness.tree import Floats, Tree

EXACT = ("arithmetic", "geometric", "harmonic", "mazziotta-pareto", "mazziotta-pareto-up")


def contributions(one: Floats, other: Floats, tree: Tree, ways: Sequence[str]) -> Floats:
    """What each indicator contributes to index(one) - index(other); `ways` of the aggregates are among `EXACT`.

    `one`, `other` [indicators] are normalised values, nan where not known. Their sum (`math.fsum`) is the difference;
    all are nan where that is not known.
    """
    items = nominal(np.stack([one, other]), tree, ways)
    whole = float(items[0, -1] - items[1, -1])
    if not np.isfinite(whole):
        return np.full(len(one), np.nan)
    rate, amount = np.full(tree.items, np.nan), np.zeros(tree.items)
    rate[-1] = 1.0
    for place in range(tree.items - 1, tree.indicators - 1, -1):
        number = place - tree.indicators
        members = tree.children[number]
        weights, values = tree.weights[members], items[:, members]
        if np.isfinite(rate[place]):
            own, own_rates = _of_group(values, weights, items[:, place], ways[number])
            rate[members], amount[members] = rate[place] * own_rates, rate[place] * own
        elif amount[place]:
            present = weights * np.isfinite(values).any(0)
            amount[members] = amount[place] * present / present.sum()
    return adding_up(amount[: tree.indicators], whole)


def deciding(shares: Floats, most: int = 3) -> list[int]:
    """The indicators that decide a difference: those that contribute most towards its side, the largest first."""
    side = 1.0 if shares.sum() >= 0 else -1.0
    order = np.argsort(-side * shares, kind="stable")[:most]
    return [int(one) for one in order if side * shares[one] > 0]


def adding_up(shares: Floats, whole: float) -> Floats:
    """The same shares, the last bits of rounding put to the largest, so that `math.fsum` of them is the whole."""
    found = np.array(shares, np.float64)
    if not len(found) or not np.isfinite(found).all() or not np.isfinite(whole):
        return found
    largest = int(np.abs(found).argmax())
    for _ in range(4):
        found[largest] += whole - fsum(found.tolist())
    return found


def shapley(value: Callable[[NDArray[np.bool_]], Floats], players: int, rng: np.random.Generator, orders: int = 200
            ) -> Floats:  # fmt: skip
    """Shares of value(all) - value(none) for a rule of any kind: each player's mean step over drawn orders.

    `value(sets)` takes [sets, players] (true: as in one, false: as in the other) and gives [sets]. Each order is also
    gone backwards. Every order adds up exactly, so their mean does; single shares are estimates.
    """
    found = np.zeros(players)
    triangle = np.tri(players + 1, players, -1, dtype=bool)
    for _ in range(max(1, orders // 2)):
        order = rng.permutation(players)
        for way in (order, order[::-1]):
            sets = np.empty((players + 1, players), bool)
            sets[:, way] = triangle
            found[way] += np.diff(value(sets))
    return found / (2 * max(1, orders // 2))


def by_orders(values: Floats, pair: tuple[int, int], tree: Tree, ways: Sequence[str], rng: np.random.Generator,
              orders: int = 40) -> Floats:  # fmt: skip
    """What each indicator contributes to the difference of two units, for ways that are not among `EXACT`, too.

    The first unit begins as a copy of the second, among all others of `values` [units, indicators], and takes its own
    values one after another in drawn orders (`shapley`): shares are estimates, their sum is the difference.
    """
    one, other = pair

    def value(sets: NDArray[np.bool_]) -> Floats:
        made = np.full((len(sets), tree.items, len(values)), np.nan)
        made[:, : tree.indicators] = values.T[None]
        made[:, : tree.indicators, one] = np.where(sets, values[one], values[other])
        for number, members in enumerate(tree.children):
            by = np.repeat(tree.weights[members][None], len(sets), 0)
            made[:, tree.indicators + number] = aggregated(made[:, members], by, ways[number], tree.least(number))
        return made[:, -1, one] - made[:, -1, other]  # type: ignore[no-any-return]

    shares = shapley(value, tree.indicators, rng, orders)
    return adding_up(shares, float(value(np.ones((1, tree.indicators), bool))[0]))


def _of_group(values: Floats, weights: Floats, both: Floats, method: str) -> tuple[Floats, Floats]:
    """What each child adds to the group's difference, and per unit of its own difference (nan: one has no value)."""
    known = np.isfinite(values)
    use = known.any(0) & np.isfinite(both).all()
    share = np.where(use, weights, 0.0) / max(weights[use].sum(), 1e-300)
    a, b = (np.where(known[row], values[row], both[row]) for row in (0, 1))
    if method.startswith("mazziotta"):
        amount, rate = _mazziotta(values, weights, known, 1.0 if method == "mazziotta-pareto" else -1.0)
    else:
        rate = share * _rate(a, b, both, method)
        amount = rate * (a - b)
    return np.where(use, amount, 0.0), np.where(known.all(0) & use, rate, np.where(use, np.nan, 0.0))


def _rate(a: Floats, b: Floats, both: Floats, method: str) -> Floats:
    if method == "geometric":
        return logarithmic_mean(both[0], both[1]) / logarithmic_mean(a, b)
    if method == "harmonic":
        return both[0] * both[1] / (a * b)  # type: ignore[no-any-return]
    return np.ones_like(a)


def logarithmic_mean(a: Floats, b: Floats) -> Floats:
    """(a - b) / (ln a - ln b), and a where both are the same."""
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    ratio = a / b - 1
    small = np.abs(ratio) < 1e-7
    safe = np.where(small, 1.0, ratio)
    return np.where(small, b * (1 + ratio / 2), b * safe / np.log1p(safe))


def _mazziotta(values: Floats, weights: Floats, known: NDArray[np.bool_], sign: float) -> tuple[Floats, Floats]:
    """Of M - sign (Q - M M) / M = (1 + sign) M - sign Q / M, the ratio split by its midpoint."""
    by = known * weights
    by = by / by.sum(1, keepdims=True)
    mean, square = ((by * np.where(known, values**power, 0.0)).sum(1) for power in (1, 2))
    share = weights * known.any(0) / (weights * known.any(0)).sum()
    a, b = (np.where(known[row], values[row], mean[row]) for row in (0, 1))
    a2, b2 = (np.where(known[row], values[row] ** 2, square[row]) for row in (0, 1))
    inverse, middle = (1 / mean).mean(), square.mean() / (mean[0] * mean[1])
    amount = share * ((1 + sign) * (a - b) - sign * (inverse * (a2 - b2) - middle * (a - b)))
    rate = share * ((1 + sign) - sign * (inverse * (a + b) - middle))
    return amount, rate
