"""How unequally something is spread over people: Lorenz curve, Gini, Palma, Theil, concentration.

All functions take the values of places (n,), such as access for each head, and how many people have each (`weights`,
1 each where left out). Places with nobody, or with an unknown value, count for nothing. Where there is nothing to
compare (nobody, or all values 0) the answer is nan. Sources: C. Gini, 1912; H. Theil, Economics and Information
Theory, 1967; J. G. Palma, Development and Change 42, 2011; N. Kakwani, A. Wagstaff and E. van Doorslaer, J.
Econometrics 77, 1997.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
_NEGATIVE = ("How unequal something is can be said of amounts that are not negative; the least is {value}. Leave such "
             "rows out, or take a measure that is not negative.")  # fmt: skip


@dataclass(frozen=True)
class Theil:
    """Theil's T and its parts: `total` = `between` + `within`; by group its own T and its share of all there is."""

    total: float
    between: float
    within: float
    groups: tuple[str, ...]
    of_group: Floats
    share: Floats


def lorenz(values: Floats, weights: Floats | None = None, rank_by: Floats | None = None) -> tuple[Floats, Floats]:
    """The shares of people and of the amount up to each place, the worst-off first, both from 0 to 1.

    With `rank_by` people stand in the order of that (the curve of concentration); those alike in it share alike.
    Raises: Refused `insight.inequality_negative`.
    """
    values, weights, rank = _counted(values, weights, rank_by)
    groups, place = np.unique(rank, return_inverse=True)
    people = np.bincount(place, weights, len(groups))
    amount = np.bincount(place, values * weights, len(groups))
    if not amount.sum() > 0:
        return np.array([0.0, 1.0]), np.full(2, np.nan)
    people, amount = (np.append(0.0, np.cumsum(one) / one.sum()) for one in (people, amount))
    return people, amount


def gini(values: Floats, weights: Floats | None = None) -> float:
    """1 minus twice the area under the Lorenz curve: 0 where all have alike, towards 1 where one has all."""
    return concentration(values, weights, None)


def concentration(values: Floats, weights: Floats | None, rank_by: Floats | None) -> float:
    """The concentration index: above 0 where those who rank high in `rank_by` have more, below 0 where less."""
    people, amount = lorenz(values, weights, rank_by)
    return float(1 - (np.diff(people) * (amount[1:] + amount[:-1])).sum())


def palma(values: Floats, weights: Floats | None = None) -> float:
    """What the tenth with the most has, over what the four tenths with the least have (shares of the amount).

    People of one place are divided where a tenth ends inside it. nan where the four tenths have nothing.
    """
    people, amount = lorenz(values, weights)
    low, high = np.interp([0.4, 0.9], people, amount)
    return float((1 - high) / low) if low > 0 else float("nan")


def palma_ratio(values: Floats, weights: Floats | None, income: Floats) -> float:
    """The mean of the tenth with the highest income over that of the four tenths with the lowest.

    The form of studies of access: places as wholes, those up to the 40 % weighted quantile of income, and those above
    the 90 % one. Source: D. Herszenhut et al., R package accessibility; quantiles as Hmisc's wtd.quantile.
    """
    values, weights, rank = _counted(values, weights, income)
    if not len(values):
        return float("nan")
    low, high = _quantiles(rank, weights, (0.4, 0.9))
    poor, rich = rank <= low, rank > high
    if not (weights[poor].sum() > 0 and weights[rich].sum() > 0):
        return float("nan")
    bottom, top = (float(np.average(values[some], weights=weights[some])) for some in (poor, rich))
    return top / bottom if bottom > 0 else float("nan")


def theil(values: Floats, weights: Floats | None = None) -> float:
    """Theil's T: the mean of (x/m) ln(x/m), where a value of 0 adds nothing; 0 where all have alike."""
    values, weights, _ = _counted(values, weights, None)
    return _theil(values, weights)


def theil_by_group(values: Floats, weights: Floats | None, groups: NDArray[np.object_]) -> Theil:
    """Theil's T divided into what lies between groups and what lies within them; they add up exactly."""
    names, place = np.unique(np.asarray(groups, np.str_), return_inverse=True)
    values, weights, place = _counted(values, weights, place)
    place = place.astype(np.int64)
    people = np.bincount(place, weights, len(names))
    amount = np.bincount(place, values * weights, len(names))
    each = np.array([_theil(values[place == one], weights[place == one]) for one in range(len(names))])
    has = people > 0
    means = np.divide(amount, people, out=np.zeros(len(names)), where=has)
    share = amount / amount.sum() if amount.sum() > 0 else np.full(len(names), np.nan)
    between = _theil(means[has], people[has])
    inside = float((share[share > 0] * each[share > 0]).sum()) if amount.sum() > 0 else float("nan")
    return Theil(between + inside, between, inside, tuple(map(str, names)), each, share)


def mean(values: Floats, weights: Floats | None = None) -> float:
    """The mean over people."""
    values, weights, _ = _counted(values, weights, None)
    return float(np.average(values, weights=weights)) if weights.sum() > 0 else float("nan")


def worst_fifth(values: Floats, weights: Floats | None = None) -> float:
    """The mean of the fifth of people who have least."""
    people, amount = lorenz(values, weights)
    return float(np.interp(0.2, people, amount) / 0.2 * mean(values, weights))


def _theil(values: Floats, weights: Floats) -> float:
    if not len(values) or not (values * weights).sum() > 0:
        return float("nan")
    relative = values / np.average(values, weights=weights)
    some = relative > 0
    return float((weights[some] * relative[some] * np.log(relative[some])).sum() / weights.sum())


def _counted(values: Floats, weights: Floats | None, rank_by: Floats | None) -> tuple[Floats, Floats, Floats]:
    values = np.asarray(values, np.float64)
    weights = np.ones(len(values)) if weights is None else np.asarray(weights, np.float64)
    rank = values if rank_by is None else np.asarray(rank_by, np.float64)
    keep = np.isfinite(values) & np.isfinite(weights) & (weights > 0) & np.isfinite(rank)
    if (values[keep] < 0).any():
        raise Refused("insight.inequality_negative", _NEGATIVE, value=float(values[keep].min()))
    return values[keep], weights[keep], rank[keep]


def _quantiles(values: Floats, weights: Floats, shares: tuple[float, ...]) -> list[float]:
    """Weighted quantiles by position 1 + (total - 1) q in the list where each value stands `weight` times."""
    order = np.argsort(values, kind="stable")
    values, until = values[order], np.cumsum(weights[order])
    found = []
    for share in shares:
        position = 1 + (until[-1] - 1) * share
        low, part = max(np.floor(position), 1.0), position % 1
        at = [values[min(int(np.searchsorted(until, one, side="left")), len(values) - 1)]
              for one in (low, min(low + 1, until[-1]))]  # fmt: skip
        found.append(float((1 - part) * at[0] + part * at[1]))
    return found
