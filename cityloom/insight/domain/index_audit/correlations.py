"""Correlations inside an index: indicators against their parents, groups that hold together, and double counting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from cityloom.insight.domain.robustness.tree import Floats, Ints, Tree

DOUBLE = 0.92
FEWEST = 4
"""Of fewer units with both values known no correlation is told."""


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of two columns, of how many units, and the two-sided p of "not correlated"; nan where not defined."""

    r: float
    units: int
    p: float


@dataclass(frozen=True)
class AgainstParent:
    """An item and its correlation with its own parent and with the index."""

    item: int
    parent: Correlation
    index: Correlation


@dataclass(frozen=True)
class Double:
    """Two indicators that say (nearly) the same; `same` where they hold the same values."""

    one: int
    other: int
    r: float
    units: int
    same: bool


def correlation(one: Floats, other: Floats) -> Correlation:
    """Pearson's correlation of the units with both values known; p by Student's t with n - 2 degrees of freedom."""
    known = np.isfinite(one) & np.isfinite(other)
    units = int(known.sum())
    x, y = one[known], other[known]
    if units < FEWEST or np.ptp(x) <= 0 or np.ptp(y) <= 0:
        return Correlation(np.nan, units, np.nan)
    x, y = (x - x.mean()) / x.std(), (y - y.mean()) / y.std()
    r = float(np.clip((x * y).mean(), -1.0, 1.0))
    if 1 - abs(r) < 1e-12:
        return Correlation(r, units, 0.0)
    t = abs(r) * np.sqrt((units - 2) / (1 - r * r))
    return Correlation(r, units, float(2 * stats.t.sf(t, units - 2)))


def against_parents(items: Floats, tree: Tree) -> list[AgainstParent]:
    """Each item but the index against its parent and the index; `items` are values [units, items], directed.

    Values are directed (higher is better), so a negative correlation says that an item works against what it is part
    of.
    """
    return [AgainstParent(place, correlation(items[:, place], items[:, tree.parent[place]]),
                          correlation(items[:, place], items[:, -1])) for place in range(tree.items - 1)]  # fmt: skip


def alpha(values: Floats) -> float:
    """Cronbach's alpha of columns [units, items], by the units with all values known; nan where not defined.

    Source: L. J. Cronbach, Psychometrika 16, 1951: k / (k - 1) (1 - sum of variances / variance of the sum).
    """
    whole = values[np.isfinite(values).all(1)]
    items = values.shape[1]
    if items < 2 or len(whole) < 2 or not (among := float(whole.sum(1).var(ddof=1))) > 0:
        return np.nan
    return items / (items - 1) * (1 - float(whole.var(0, ddof=1).sum()) / among)


def alphas(items: Floats, tree: Tree) -> list[float]:
    """The alpha of the children of each aggregate."""
    return [alpha(items[:, members]) for members in tree.children]


def correlations(values: Floats) -> tuple[Floats, Ints]:
    """Pearson's r of all pairs of columns, [columns, columns], by the units with both known, and how many those are."""
    known = np.isfinite(values).astype(np.float64)
    centre = np.nanmean(np.where(known.any(0), values, 0.0), axis=0)
    spread = np.nanstd(np.where(known.any(0), values, 0.0), axis=0)
    held = np.where(known > 0, (values - centre) / np.where(spread > 0, spread, 1.0), 0.0)
    units = known.T @ known
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (held.T @ known) / units  # of the one, among units where the other is known too
        cross = held.T @ held / units - mean * mean.T
        square = (held**2).T @ known / units - mean**2
        r = cross / np.sqrt(square * square.T)
    r = np.where((units >= FEWEST) & (square > 1e-18) & (square.T > 1e-18), np.clip(r, -1, 1), np.nan)
    return r, units.astype(np.int64)


def doubles(values: Floats, limit: float = DOUBLE, raw: Floats | None = None) -> list[Double]:
    """Pairs with |r| above `limit`, and columns that are there twice (in `values` or `raw`), the strongest first."""
    r, units = correlations(values)
    source = values if raw is None else raw
    found = []
    for one in range(values.shape[1]):
        for other in range(one + 1, values.shape[1]):
            same = bool(np.array_equal(source[:, one], source[:, other], equal_nan=True))
            if same or abs(r[one, other]) > limit:
                found.append(Double(one, other, float(r[one, other]), int(units[one, other]), same))
    return sorted(found, key=lambda pair: (not pair.same, -abs(np.nan_to_num(pair.r))))
