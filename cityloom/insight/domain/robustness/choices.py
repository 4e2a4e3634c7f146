"""The choices of a recipe that are held uncertain, and what a point of the unit cube means for each of them.

Every choice takes its own columns of the unit cube: one for a method, as many as there are nodes for the weights of a
level. The same points serve Monte Carlo runs and sensitivity indices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import gammaincinv

from cityloom.insight.domain.robustness.tree import Floats, Ints, Tree
from cityloom.kernel.refused import Refused

_NO_METHOD = "There is no way of aggregating that is called {value} here; there are {limit}."
_NOTHING = "No choice is held uncertain, so nothing would vary; name at least one under {value}: {limit}."
NAMES = ("impute", "treat", "normalise", "aggregate", "weights", "leave_out")


@dataclass(frozen=True)
class Weights:
    """How the weights of the items of one level (1: indicators) are drawn: times 1 +- `spread`, or by Dirichlet.

    A Dirichlet draw of siblings has their nominal shares as its mean and `concentration` as the sum of its parameters.
    """

    level: int
    spread: float = 0.0
    concentration: float = 0.0


@dataclass(frozen=True)
class Uncertain:
    """What is held uncertain.

    `ways` is how each aggregate is made by the recipe, and `methods` the options for those of a level (2: made of
    indicators), but for the aggregates that are `kept` (their number). `variants` names, for each choice that is made
    before aggregating (impute, treat, normalise), its options in order; `weights` the levels whose weights are drawn;
    `leave_out` whether one indicator, or none, is left out.
    """

    ways: Sequence[str]
    methods: Mapping[int, Sequence[str]] = field(default_factory=dict)
    variants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    weights: Sequence[Weights] = ()
    leave_out: bool = False
    kept: frozenset[int] = frozenset()

    def options(self, aggregate: int, level: int) -> Sequence[str]:
        """The ways in which an aggregate is made in some run."""
        return (self.ways[aggregate],) if aggregate in self.kept else self.methods.get(level, (self.ways[aggregate],))


@dataclass(frozen=True)
class Choice:
    """A choice that varies: its name (`normalise`, `aggregate 2`, `weights 1`), its columns and its options."""

    name: str
    columns: int
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Drawn:
    """What each run does: the variant of the values, the option of each level, and the weights [runs, items].

    `left_out` is the indicator that is left out, -1 for none.
    """

    variant: Ints
    methods: Mapping[int, Ints]
    weights: Floats
    left_out: Ints


def choices_of(uncertain: Uncertain, tree: Tree) -> list[Choice]:
    """The choices that vary, in the order of their columns.

    Raises: Refused `insight.nothing_varies`.
    """
    found = [Choice(name, 1, tuple(options)) for name, options in uncertain.variants.items() if len(options) > 1]
    found += [Choice(f"aggregate {level}", 1, tuple(options)) for level, options in sorted(uncertain.methods.items())
              if len(options) > 1]  # fmt: skip
    found += [Choice(f"weights {one.level}", int((tree.level == one.level).sum())) for one in uncertain.weights]
    if uncertain.leave_out:
        found.append(Choice("leave_out", 1))
    if not found:
        raise Refused("insight.nothing_varies", _NOTHING, value="vary", limit=", ".join(NAMES))
    return found


def drawn(points: Floats, uncertain: Uncertain, tree: Tree) -> Drawn:
    """Read points of the unit cube [runs, columns] as what each run does."""
    runs, columns = len(points), iter(range(points.shape[1]))
    variant, methods = np.zeros(runs, np.int64), {}
    for options in uncertain.variants.values():
        variant = variant * len(options) + (_option(points[:, next(columns)], len(options)) if len(options) > 1 else 0)
    for level, options in sorted(uncertain.methods.items()):
        varies = len(options) > 1
        methods[level] = _option(points[:, next(columns)], len(options)) if varies else np.zeros(runs, np.int64)
    weights = np.repeat(tree.weights[None], runs, 0)
    for one in uncertain.weights:
        at = np.flatnonzero(tree.level == one.level)
        weights[:, at] = _drawn_weights(points[:, [next(columns) for _ in at]], one, at, tree)
    left_out = np.full(runs, -1, np.int64)
    if uncertain.leave_out:
        left_out = _option(points[:, next(columns)], tree.indicators + 1) - 1
        out = np.flatnonzero(left_out >= 0)
        weights[out, left_out[out]] = 0.0
    return Drawn(variant, methods, weights, left_out)


def check_methods(ways: Iterable[str], known: Sequence[str]) -> None:
    """Refuse a way of aggregating that is not known.

    Raises: Refused `insight.no_robust_method`.
    """
    for one in ways:
        if one not in known:
            raise Refused("insight.no_robust_method", _NO_METHOD, value=str(one)[:80], limit=", ".join(known))


def _option(column: Floats, options: int) -> Ints:
    return np.minimum((column * options).astype(np.int64), options - 1)


def _drawn_weights(points: Floats, how: Weights, at: Ints, tree: Tree) -> Floats:
    nominal = tree.weights[at]
    if not how.concentration:
        return nominal * (1.0 + how.spread * (2.0 * points - 1.0))
    whole = np.array([tree.weights[tree.parent == tree.parent[one]].sum() for one in at])
    shape = how.concentration * np.divide(nominal, whole, out=np.zeros_like(nominal), where=whole > 0)
    held = np.clip(points, 1e-12, 1 - 1e-12)
    return np.where(shape > 0, gammaincinv(np.maximum(shape, 1e-9), held), 0.0)
