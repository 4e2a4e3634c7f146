"""Weights as a framework asks for them, aggregate by aggregate from below, and how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from cityloom.insight.domain.indicators import aggregating, influence, pairwise, weighting
from cityloom.insight.domain.indicators.framework import Framework
from cityloom.insight.domain.indicators.influence import Optimised
from cityloom.insight.domain.indicators.moments import Floats
from cityloom.insight.domain.indicators.pairwise import Compared
from cityloom.kernel.refused import Refused

_NO_EXPERTS = "Weights by experts' points need the table experts with a column {value}; add it, or give weights."


@dataclass(frozen=True, eq=False)
class Weights:
    """The weight of each item of the tree, (items,), among its siblings summing to 1 (the index itself: 1).

    `comparisons` and `influences` are by aggregate, where these methods were used.
    """

    values: Floats
    comparisons: Mapping[str, Compared] = field(default_factory=dict)
    influences: Mapping[str, Optimised] = field(default_factory=dict)


def weights_of(framework: Framework, normalised: Floats, experts: Mapping[str, Floats] | None = None) -> Weights:
    """The weights by the recipe's method; `normalised` is (rows, indicators).

    Raises: Refused `insight.index_experts`, `insight.index_points`, `insight.index_components`, and as `aggregating`.
    """
    tree, rule = framework.tree, framework.recipe.weight
    weights = framework.given_weights.copy()
    asked = rule.below or (tuple(rule.matrices) if rule.method == "ahp" else tree.aggregates)
    comparisons, influences = dict[str, Compared](), dict[str, Optimised]()
    made: list[Floats] = []
    needs_values = rule.method.startswith("pca") or rule.method == "influence"
    for number, (code, children) in enumerate(zip(tree.aggregates, tree.children, strict=True)):
        names = [tree.codes[one] for one in children]
        values = np.column_stack([normalised[:, one] if one < tree.indicators else made[one - tree.indicators]
                                  for one in children]) if needs_values else normalised[:, :0]  # fmt: skip
        if code in asked:
            match rule.method:
                case "equal":
                    weights[children] = weighting.equal(len(children))
                case "pca-loadings":
                    weights[children] = weighting.first_component(values, code)
                case "pca-variance":
                    weights[children] = weighting.variance_explained(values, code)
                case "budget":
                    weights[children] = weighting.budget(_points(names, experts or {}))
                case "ahp":
                    comparisons[code] = pairwise.compared(rule.matrices[code])
                    weights[children] = comparisons[code].weights
                case "influence":
                    influences[code] = _optimised(framework, number, values, names, weights[children])
                    weights[children] = influences[code].weights
        weights[children] = weights[children] / weights[children].sum()
        if needs_values:
            made.append(aggregating.aggregated(values, weights[children], framework.ways[number],
                                               framework.leasts[number], code))  # fmt: skip
    weights[tree.parent < 0] = 1.0
    return Weights(weights, comparisons, influences)


def _points(names: list[str], experts: Mapping[str, Floats]) -> Floats:
    for name in names:
        if name not in experts:
            raise Refused("insight.index_experts", _NO_EXPERTS, value=name)
    return np.column_stack([experts[name] for name in names])


def _optimised(framework: Framework, number: int, values: Floats, names: list[str], given: Floats) -> Optimised:
    """Weights of one aggregate's children by their influence on it; the given weights are wanted where none are."""
    rule = framework.recipe.weight
    wanted = np.array([rule.wanted.get(name, weight) for name, weight in zip(names, given, strict=True)], float)
    measure = (influence.correlation_ratios if rule.measure == "correlation-ratio" else influence.squared_correlations)
    way, name = framework.ways[number], framework.tree.aggregates[number]
    return influence.optimised(lambda weights: measure(values, aggregating.aggregated(values, weights, way, 0, name)),
                               np.maximum(wanted, 1e-6))  # fmt: skip
