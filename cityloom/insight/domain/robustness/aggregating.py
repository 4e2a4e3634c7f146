"""Aggregate many runs at once: weighted means of what each method makes of the values, as matrix products.

Every method here is a function of one or two weighted means of transformed values, so a level of a thousand runs is one
product of weights and values for each group. Weights are renormalised over the children that are present: a value that
is not known (nan) leaves its weight to its siblings, and a group with no child present is not known itself.

Source: OECD/JRC, Handbook on Constructing Composite Indicators, 2008, step 6; M. Mazziotta and A. Pareto,
Social Indicators Research 127(3), 2016 (the penalty is subtracted: positive polarity, S / M with the weighted S).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from cityloom.insight.domain.robustness.tree import Floats, Tree

METHODS = ("arithmetic", "geometric", "harmonic", "mazziotta-pareto", "mazziotta-pareto-up", "copeland")
_FORWARD: dict[str, Sequence[Callable[[Floats], Floats]]] = {
    "arithmetic": (lambda x: x,),
    "geometric": (np.log,),
    "harmonic": (np.reciprocal,),
    "mazziotta-pareto": (lambda x: x, np.square),
    "mazziotta-pareto-up": (lambda x: x, np.square),
}


def nominal(values: Floats, tree: Tree, ways: Sequence[str]) -> Floats:
    """The values of all items, [units, items], by the tree's own weights; `values` [units, indicators] normalised.

    `ways` is how each aggregate is made, in their order.
    """
    found = np.full((len(values), tree.items), np.nan)
    found[:, : tree.indicators] = values
    for number, members in enumerate(tree.children):
        found[:, tree.indicators + number] = aggregated(
            found[:, members].T[None], tree.weights[members][None], ways[number], tree.least(number)
        )[0]
    return found


def aggregated(of: Floats, by: Floats, way: str, least: float = 0.0) -> Floats:
    """One aggregate in a batch of runs, [runs, units].

    `of` are its children's values, [runs or 1, children, units], `by` their weights, [runs, children]. Values that are
    the same in all runs (1) make it one matrix product.
    """
    holes = bool(np.isnan(of).any())
    out = _copeland(of, by) if way == "copeland" else _mean(of, by, way, holes)
    if holes and least > 0:
        with np.errstate(invalid="ignore"):
            share = _product((~np.isnan(of)).astype(np.float64), by) / by.sum(1, keepdims=True)
        out[share < least - 1e-12] = np.nan
    return out


def _mean(of: Floats, by: Floats, method: str, holes: bool) -> Floats:
    known = ~np.isnan(of) if holes else None
    whole = by.sum(1, keepdims=True) if known is None else _product(known.astype(np.float64), by)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = []
        for forward in _FORWARD[method]:
            seen = forward(of)
            means.append(_product(seen if known is None else np.where(known, seen, 0.0), by) / whole)
        return _back(means, method)


def _product(of: Floats, by: Floats) -> Floats:
    """Sum over children of weight times value: [runs, units]."""
    if len(of) == 1:
        return by @ of[0]
    total = by[:, 0, None] * of[:, 0]
    for child in range(1, of.shape[1]):
        total += by[:, child, None] * of[:, child]
    return total


def _back(means: Sequence[Floats], method: str) -> Floats:
    first = means[0]
    if method == "geometric":
        return np.exp(first)
    if method == "harmonic":
        return np.reciprocal(first)
    if method.startswith("mazziotta"):
        penalty = np.maximum(means[1] - first**2, 0.0) / first
        return first - penalty if method == "mazziotta-pareto" else first + penalty
    return first


def _copeland(of: Floats, by: Floats) -> Floats:
    """Wins minus losses of each unit against each other by weighted majority of the children: [runs, units].

    Source: A. H. Copeland, 1951; as an aggregation G. Munda and M. Nardo, 2009. In -(units - 1) to units - 1.
    """
    runs, units = len(by), of.shape[2]
    out = np.empty((runs, units))
    step = max(1, 4_000_000 // max(units * units, 1))
    signs = _signs(of[0]).reshape(of.shape[1], -1) if len(of) == 1 else None
    for start in range(0, runs, step):
        part = slice(start, min(runs, start + step))
        if signs is not None:
            margin = (by[part] @ signs).reshape(-1, units, units)
        else:
            margin = np.zeros((part.stop - part.start, units, units))
            for child in range(of.shape[1]):
                margin += by[part, child, None, None] * _signs(of[part, child])
        margin[np.abs(margin) < 1e-12 * by[part].sum(1)[:, None, None]] = 0.0
        out[part] = np.sign(margin).sum(2)
    known = (~np.isnan(of) & (by[:, :, None] > 0)).any(1)
    return np.where(known, out, np.nan)


def _signs(values: Floats) -> Floats:
    """1 where a unit is above another, -1 below, 0 where equal or one of them is not known."""
    return np.nan_to_num(np.sign(values[..., :, None] - values[..., None, :]))
