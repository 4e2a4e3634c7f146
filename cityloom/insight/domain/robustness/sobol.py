"""Variance-based sensitivity: how much of an outcome's variance each uncertain choice brings in, alone and in all.

A choice may use several columns of the unit cube (the weights of a level are one choice): its columns are exchanged
together, which gives the index of the group. A model is asked base x (choices + 2) times.

Source: A. Saltelli et al., Computer Physics Communications 181, 2010 (first order, table 2 b; design A, B, A with
columns of B); M. J. W. Jansen, Computer Physics Communications 117, 1999 (total); I. M. Sobol, 1993.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from cityloom.insight.domain.robustness.tree import Floats

_SMALL = 1e-12


@dataclass(frozen=True)
class Indices:
    """First-order and total indices [choices, outcomes] with 5 and 95 % limits of the bootstrap.

    They are nan for an outcome that does not vary. `variance` [outcomes] is what is shared out.
    """

    first: Floats
    first_low: Floats
    first_high: Floats
    total: Floats
    total_low: Floats
    total_high: Floats
    variance: Floats


def sample(rows: int, columns: int, rng: np.random.Generator, design: str = "sobol") -> Floats:
    """Points of the unit cube, [rows, columns], by scrambled Sobol sequence, Latin hypercube or plain chance.

    A Sobol sequence is balanced for a power of two as the number of rows.
    """
    if columns == 0:
        return np.zeros((rows, 0))
    if design == "random":
        return rng.random((rows, columns))
    engine = qmc.Sobol(columns, rng=rng) if design == "sobol" else qmc.LatinHypercube(columns, rng=rng)
    if design == "sobol":
        return engine.random_base2(max(int(np.ceil(np.log2(rows))), 0))[:rows]  # type: ignore[no-any-return]
    return engine.random(rows)  # type: ignore[no-any-return]


def saltelli(base: int, groups: Sequence[int], rng: np.random.Generator, design: str = "sobol") -> Floats:
    """The points at which to ask a model: [base x (choices + 2), columns], in blocks A, B, and A with each of B's.

    `groups` is the number of columns of each choice.
    """
    wide = int(sum(groups))
    both = sample(base, 2 * wide, rng, design)
    a, b = both[:, :wide], both[:, wide:]
    blocks, start = [a, b], 0
    for columns in groups:
        mixed = a.copy()
        mixed[:, start : start + columns] = b[:, start : start + columns]
        blocks.append(mixed)
        start += columns
    return np.concatenate(blocks)


def first_order(a: Floats, b: Floats, mixed: Floats) -> Floats:
    """First-order indices [choices, outcomes]: `a`, `b` [base, outcomes], `mixed` [choices, base, outcomes]."""
    return _of_terms(*_terms(a, b, mixed))[0]


def total(a: Floats, b: Floats, mixed: Floats) -> Floats:
    """Total indices [choices, outcomes], of the same arrays as `first_order`."""
    return _of_terms(*_terms(a, b, mixed))[1]


def indices(outcomes: Floats, choices: int, rng: np.random.Generator, replicates: int = 200) -> Indices:
    """Indices with bootstrap limits from the outcomes [base x (choices + 2), outcomes] at the points of `saltelli`.

    Replicates draw rows of the design anew, with all their blocks; limits are the 5 and 95 % points among them.
    """
    whole = np.asarray(outcomes, np.float64).reshape(choices + 2, -1, outcomes.shape[1])
    a, b, mixed = whole[0], whole[1], whole[2:]
    base = len(a)
    first, all_ = _of_terms(*_terms(a, b, mixed))
    drawn = rng.multinomial(base, np.full(base, 1 / base), replicates) / base
    mean, square, gained, moved = _rows(a, b, mixed)
    wide = (choices, replicates, a.shape[1])
    mixed_up = (drawn @ gained.transpose(1, 0, 2).reshape(base, -1)).reshape(replicates, choices, -1).transpose(1, 0, 2)
    moved_up = (drawn @ moved.transpose(1, 0, 2).reshape(base, -1)).reshape(replicates, choices, -1).transpose(1, 0, 2)
    again = _of_terms(drawn @ square - (drawn @ mean) ** 2, mixed_up.reshape(wide), moved_up.reshape(wide))
    limits = [np.quantile(one, (0.05, 0.95), axis=1) for one in again]
    return Indices(first, limits[0][0], limits[0][1], all_, limits[1][0], limits[1][1],
                   _terms(a, b, mixed)[0])  # fmt: skip


def _rows(a: Floats, b: Floats, mixed: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """For each row of the design its part in each mean; outcomes are centred first, which steadies the products."""
    centre = (a.mean(0) + b.mean(0)) / 2
    a, b, mixed = a - centre, b - centre, mixed - centre
    return (a + b) / 2, (a**2 + b**2) / 2, b * (mixed - a), (a - mixed) ** 2 / 2


def _terms(a: Floats, b: Floats, mixed: Floats) -> tuple[Floats, Floats, Floats]:
    mean, square, gained, moved = _rows(a, b, mixed)
    return square.mean(0) - mean.mean(0) ** 2, gained.mean(1), moved.mean(1)


def _of_terms(variance: Floats, gained: Floats, moved: Floats) -> tuple[Floats, Floats]:
    varies = variance > _SMALL
    held = np.where(varies, variance, 1.0)
    return np.where(varies, gained / held, np.nan), np.where(varies, moved / held, np.nan)
