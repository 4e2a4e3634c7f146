"""Whether neighbours are alike: Moran's I of a whole map, and for each place Getis and Ord's Gi* and local Moran.

`values` have shape (n,). Where all are alike, or a place has no neighbour, nothing can be said: nan.
Sources: Moran (1950), Cliff and Ord (1981); Getis and Ord (1992), Ord and Getis (1995); Anselin (1995).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from cityloom.insight.domain.hotspots.weights import Weights

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
QUADRANTS = ("high-high", "low-high", "low-low", "high-low")
"""What a place is and what surrounds it."""
_CELLS = 4_000_000


@dataclass(frozen=True)
class Moran:
    """`index` with what it is and varies by without autocorrelation (randomisation), and both p-values (two-sided).

    `p_permutation` is the pseudo p-value of `permutations` maps with the values dealt out anew; nan: none.
    """

    index: float
    expected: float
    variance: float
    z: float
    p_value: float
    p_permutation: float
    permutations: int


@dataclass(frozen=True, eq=False)
class Local:
    """For each place a `statistic`, its `z` and two-sided `p_value`; `quadrant` (LISA) is an index of QUADRANTS."""

    statistic: Floats
    z: Floats
    p_value: Floats
    quadrant: Ints


def moran(values: Floats, weights: Weights, permutations: int = 999, seed: int = 0) -> Moran:
    """Moran's I, (n / S0) sum w_ij z_i z_j / sum z_i^2, with its moments under randomisation (Cliff and Ord 1981)."""
    z, matrix, n = values - values.mean(), weights.matrix, len(values)
    square, s0 = float(z @ z), float(matrix.sum())
    if square <= 1e-12 * max(1.0, float(np.square(values).sum())) or s0 == 0 or n < 4:
        return Moran(np.nan, -1 / (n - 1), np.nan, np.nan, np.nan, np.nan, 0)
    scale = n / (s0 * square)
    index = scale * float(z @ (matrix @ z))
    expected, variance = moran_moments(z, weights)
    score = (index - expected) / np.sqrt(variance)
    rng, found = np.random.default_rng(seed), np.zeros(0)
    if permutations:
        dealt = rng.permuted(np.broadcast_to(z, (permutations, n)), axis=1)
        found = scale * np.einsum("ij,ji->i", dealt, matrix @ dealt.T)
    return Moran(index, expected, variance, float(score), float(2 * stats.norm.sf(abs(score))),
                 _pseudo_p(np.array([index]), found[None, :])[0] if permutations else np.nan, permutations)  # fmt: skip


def moran_moments(z: Floats, weights: Weights, normal: bool = False) -> tuple[float, float]:
    """Mean and variance of I without autocorrelation, under randomisation or for `normal` values."""
    matrix, n = weights.matrix, len(z)
    s0 = float(matrix.sum())
    s1 = float((matrix + matrix.T).power(2).sum()) / 2
    s2 = float(np.square(matrix.sum(axis=0) + matrix.sum(axis=1)).sum())
    expected = -1 / (n - 1)
    if normal:
        return expected, (n * n * s1 - n * s2 + 3 * s0 * s0) / ((n * n - 1) * s0 * s0) - expected**2
    kurtosis = n * float((z**4).sum()) / float((z**2).sum()) ** 2
    first = n * ((n * n - 3 * n + 3) * s1 - n * s2 + 3 * s0 * s0)
    second = kurtosis * ((n * n - n) * s1 - 2 * n * s2 + 6 * s0 * s0)
    return expected, (first - second) / ((n - 1) * (n - 2) * (n - 3) * s0 * s0) - expected**2


def getis_ord(values: Floats, weights: Weights, star: bool = True) -> Local:
    """Gi* (or, without `star`, Gi) and its z-score: high where large values lie together, low where small ones do.

    `weights` are binary or others, without a place itself; Gi* counts it in. Source: Ord and Getis (1995).
    """
    matrix, n = (weights.with_self() if star else weights).matrix, len(values)
    total, lag = float(values.sum()), matrix @ values
    weight, squares = matrix.sum(axis=1), matrix.power(2).sum(axis=1)
    if star:
        of, mean, deviation = n, np.full(n, total / n), np.full(n, values.std())
    else:
        of, mean = n - 1, (total - values) / (n - 1)
        deviation = np.sqrt(np.maximum((float(values @ values) - values**2) / (n - 1) - mean**2, 0))
    spread = deviation * np.sqrt(np.maximum((of * squares - weight**2) / (of - 1), 0))
    known = (spread > 1e-12 * max(1.0, float(np.abs(values).max()))) & (np.diff(weights.matrix.indptr) > 0)
    z = np.divide(lag - weight * mean, spread, out=np.full(n, np.nan), where=known)
    below = total if star else total - values
    share = np.divide(lag, below, out=np.full(n, np.nan), where=np.broadcast_to(below, (n,)) != 0)
    return Local(share, z, 2 * stats.norm.sf(np.abs(z)), np.full(n, -1))


def local_moran(
    values: Floats, weights: Weights, permutations: int = 999, seed: int = 0, unbiased: bool = False
) -> Local:
    """Local Moran: I_i = z_i sum_j w_ij z_j / m2 with row-standardised weights, its p by conditional permutation.

    Each place keeps its value, and the others' are dealt out among its neighbours. m2 is sum z^2 / n as Anselin (1995)
    has it, / (n - 1) where `unbiased` (as PySAL). `z` is against the permuted mean and deviation.
    """
    standard, n = weights.row_standardised(), len(values)
    z = values - values.mean()
    m2 = float(z @ z) / (n - 1 if unbiased else n)
    unknown = np.full(n, np.nan)
    if m2 <= 1e-12 * max(1.0, float(np.square(values).max())) or n < 3:
        return Local(unknown, unknown, unknown, np.full(n, -1))
    lag = standard.matrix @ z
    islands = np.diff(standard.matrix.indptr) == 0
    found = np.where(islands, np.nan, z * lag / m2)
    quadrant = np.where(z > 0, np.where(lag > 0, 0, 3), np.where(lag > 0, 1, 2))
    if not permutations:
        return Local(found, unknown, unknown, np.where(islands, -1, quadrant))
    p_value, score = _conditional(z, lag, standard, permutations, seed)
    return Local(found, np.where(islands, np.nan, score), np.where(islands, np.nan, p_value),
                 np.where(islands, -1, quadrant))  # fmt: skip


def _conditional(z: Floats, lag: Floats, weights: Weights, permutations: int, seed: int) -> tuple[Floats, Floats]:
    """The two-sided pseudo p-value and z-score of each place's lag among lags of values dealt out without its own."""
    matrix, n = weights.matrix, len(z)
    counts = np.diff(matrix.indptr)
    widest = int(counts.max())
    rng = np.random.default_rng(seed)
    dealt = np.argsort(rng.random((permutations, n - 1), np.float32), axis=1)[:, :widest]  # of the n - 1 others
    weight = np.zeros((n, widest))
    weight[np.repeat(np.arange(n), counts), np.arange(len(matrix.data)) - np.repeat(matrix.indptr[:-1], counts)] = (
        matrix.data)  # fmt: skip
    p_value, score = np.empty(n), np.empty(n)
    size = max(1, _CELLS // (permutations * widest))
    for first in range(0, n, size):
        rows = np.arange(first, min(first + size, n))
        others = dealt[None] + (dealt[None] >= rows[:, None, None])
        lags = np.einsum("ipk,ik->ip", z[others], weight[rows])
        p_value[rows] = _pseudo_p(lag[rows], lags)
        spread = lags.std(axis=1)
        score[rows] = np.divide(lag[rows] - lags.mean(axis=1), spread, out=np.full(len(rows), np.nan),
                                where=spread > 0) * np.sign(z[rows])  # fmt: skip
    return p_value, score


def _pseudo_p(observed: Floats, simulated: Floats) -> Floats:
    """Twice the smaller tail, each with the observed one counted in; at most 1."""
    above = (simulated >= observed[:, None] - 1e-12).sum(axis=1)
    below = (simulated <= observed[:, None] + 1e-12).sum(axis=1)
    return np.minimum(1.0, 2 * (1 + np.minimum(above, below)) / (1 + simulated.shape[1]))
