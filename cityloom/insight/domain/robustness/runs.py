"""Work an index thousands of times, each time as one point of the choices says.

Runs with the same values and methods are worked together: their indicators are one product of weights and values for
each group, in batches that bound the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.insight.domain.robustness import ranking, sobol
from cityloom.insight.domain.robustness.aggregating import METHODS, aggregated
from cityloom.insight.domain.robustness.choices import (
    Choice,
    Drawn,
    Uncertain,
    check_methods,
    choices_of,
    drawn,
)
from cityloom.insight.domain.robustness.tree import Floats, Ints, Tree
from cityloom.kernel.refused import Refused

MOST_CELLS = 50_000_000
_TOO_MANY = "{value} scores or weights would be worked and at most {limit} are; ask for fewer runs or fewer units."
_NOT_POSITIVE = ("The {value} mean is not defined for values at or below zero, and {limit} gives such; normalise to a "
                 "range above zero, or leave one of the two out.")  # fmt: skip
_BATCH = 1_000_000
Tick = Callable[[float], None]


@dataclass(frozen=True)
class Robust:
    """What an index does when its choices vary.

    `ranks` [runs, units] of the Monte Carlo runs; `nominal` [units] the ranks of the recipe as given; `shift` [runs]
    the mean absolute difference between the two. `probability` [one, other]: one is above the other. `sensitivity` has
    an outcome for each unit's rank, and the shift last.
    """

    choices: Sequence[Choice]
    nominal: Ints
    ranks: ranking.Ranks
    shift: Floats
    probability: Floats
    sensitivity: sobol.Indices


def scores(variants: Floats, tree: Tree, uncertain: Uncertain, what: Drawn, tick: Tick = lambda _share: None) -> Floats:
    """The index of each unit in each run, [runs, units].

    `variants` [variants, units, indicators] are the values after normalising, higher is better, in the order of the
    options of `uncertain.variants` (the last one varies fastest).
    """
    runs, units = len(what.variant), variants.shape[1]
    out = np.empty((runs, units))
    key = np.lexsort((*(what.methods[level] for level in sorted(what.methods, reverse=True)), what.variant))
    across = np.ascontiguousarray(variants.transpose(0, 2, 1))
    step = max(16, _BATCH // max(units * len(tree.children), 1))
    for start in range(0, runs, step):
        rows = key[start : start + step]
        out[rows] = _batch(across, tree, uncertain, what, rows)
        tick(min((start + step) / runs, 1.0))
    return out


def robust(variants: Floats, tree: Tree, uncertain: Uncertain, nominal_ranks: Ints, *, runs: int, base: int, seed: int,
           design: str = "sobol", tick: Tick = lambda _share: None) -> Robust:  # fmt: skip
    """Monte Carlo runs by chance, and sensitivity indices by a design of base x (choices + 2) further ones.

    Raises: Refused `insight.nothing_varies`, `insight.no_robust_method`, `insight.robust_not_positive`,
    `insight.robust_too_large`.
    """
    choices = choices_of(uncertain, tree)
    check(variants, tree, uncertain, runs + base * (len(choices) + 2))
    lots = [np.random.default_rng(one) for one in np.random.SeedSequence(seed).spawn(3)]
    groups = [one.columns for one in choices]
    simple = sobol.sample(runs, sum(groups), lots[0], "random")
    found = ranking.ranks_of(scores(variants, tree, uncertain, drawn(simple, uncertain, tree), lambda s: tick(s * 0.4)))
    outcomes = _outcomes(variants, tree, uncertain, nominal_ranks, sobol.saltelli(base, groups, lots[1], design), tick)
    sensitivity = sobol.indices(outcomes, len(choices), lots[2])
    return Robust(choices, nominal_ranks, found, shift_of(found, nominal_ranks), ranking.above(found), sensitivity)


def shift_of(ranks: ranking.Ranks, nominal_ranks: Ints) -> Floats:
    """The mean over units of how far ranks are from the nominal ones, for each run."""
    return np.abs(ranks - nominal_ranks[None]).mean(1)


def check(variants: Floats, tree: Tree, uncertain: Uncertain, runs: int) -> None:
    """Refuse what cannot be worked.

    Raises: Refused `insight.no_robust_method`, `insight.robust_not_positive`, `insight.robust_too_large`.
    """
    ways = [*uncertain.ways, *(one for options in uncertain.methods.values() for one in options)]
    check_methods(ways, METHODS)
    if (cells := runs * max(variants.shape[1], tree.items)) > MOST_CELLS:
        raise Refused("insight.robust_too_large", _TOO_MANY, value=cells, limit=MOST_CELLS)
    if delicate := [one for one in ways if one in ("geometric", "harmonic")]:
        for number, one in enumerate(variants):
            if np.nanmin(one) <= 0:
                raise Refused("insight.robust_not_positive", _NOT_POSITIVE, value=delicate[0],
                              limit=variant_name(uncertain, number))  # fmt: skip


def variant_name(uncertain: Uncertain, number: int) -> str:
    """The options that make a variant, in words."""
    at = np.unravel_index(number, [len(one) for one in uncertain.variants.values()]) if uncertain.variants else ()
    return ", ".join(options[place] for options, place in zip(uncertain.variants.values(), at, strict=True))


def _outcomes(variants: Floats, tree: Tree, uncertain: Uncertain, nominal_ranks: Ints, points: Floats, tick: Tick
              ) -> Floats:  # fmt: skip
    what = drawn(points, uncertain, tree)
    ranks = ranking.ranks_of(scores(variants, tree, uncertain, what, lambda share: tick(0.4 + share * 0.6)))
    return np.concatenate([ranks, shift_of(ranks, nominal_ranks)[:, None]], 1)


def _batch(across: Floats, tree: Tree, uncertain: Uncertain, what: Drawn, rows: Ints) -> Floats:
    """The index of some runs, [runs, units]: aggregate by aggregate, runs of the same way together."""
    made: dict[int, Floats] = {}
    for number, members in enumerate(tree.children):
        level = int(tree.level[tree.indicators + number])
        options = uncertain.options(number, level)
        chosen = what.methods[level][rows] if len(options) > 1 else np.zeros(len(rows), np.int64)
        lowest = bool((members < tree.indicators).all())
        kinds = what.variant[rows] * len(options) + chosen if lowest else chosen
        out = np.empty((len(rows), across.shape[2]))
        for kind in np.unique(kinds):
            own = np.flatnonzero(kinds == kind)
            variant, option = divmod(int(kind), len(options)) if lowest else (0, int(kind))
            of = across[variant][members][None] if lowest else _values(across, made, members, what.variant[rows], own)
            out[own] = aggregated(of, what.weights[np.ix_(rows[own], members)], options[option], tree.least(number))
        made[tree.indicators + number] = out
    return made[tree.items - 1]


def _values(across: Floats, made: dict[int, Floats], members: Ints, variant: Ints, own: Ints) -> Floats:
    """The values of children of which some are aggregates, [runs, children, units]."""
    return np.stack([made[one][own] if one in made else across[variant[own], one] for one in members.tolist()], 1)
