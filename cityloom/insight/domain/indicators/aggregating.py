"""Aggregation: the children of an item become one number, weights being shared out anew over those that are known.

Values are (..., units, children) and weights (..., children): leading axes are worked at once, such as the runs of a
robustness analysis. A unit with less than the least share of its children known (by weight) gets no number.

Source: OECD and JRC, Handbook on Constructing Composite Indicators, 2008, chapter 6; P. De Muro, M. Mazziotta and A.
Pareto, Composite indices of development and poverty, Social Indicators Research 104, 2011; G. Munda and M. Nardo,
Applied Economics 41, 2009 (outranking); A. Copeland, 1951.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators.moments import Floats
from cityloom.kernel.refused import Refused

_POSITIVE = ("A geometric or harmonic mean needs values above zero, and {value} has {limit} that are not: normalise to "
             "a range that begins above zero, such as 1 to 100, or take the arithmetic mean.")  # fmt: skip
_BALANCE = ("The Mazziotta-Pareto index needs a mean above zero, and {value} has {limit} that are not: standardise to "
            "a mean of 100 with a deviation of 10.")  # fmt: skip
_PAIRS = "Copeland compares all pairs, of at most {limit} units; these are {value}: take another mean, or fewer units."
MOST_PAIRED = 5_000
_NO_WAY = "There is no aggregation {value}; there are {limit}."


def arithmetic(values: Floats, weights: Floats, name: str = "") -> Floats:
    """The weighted mean."""
    if not np.isnan(values).any():
        shares = weights / weights.sum(-1, keepdims=True)
        return shares @ values.T if values.ndim == 2 else (values @ shares[..., None])[..., 0]
    shares = _shares(values, weights)
    return _known((np.nan_to_num(values) * shares).sum(-1), values, weights)


def geometric(values: Floats, weights: Floats, name: str = "") -> Floats:
    """exp of the weighted mean of ln x.

    Raises: Refused `insight.index_positive` for values that are zero or negative.
    """
    _check_positive(values, weights, name)
    return np.exp(arithmetic(np.log(_weighty(values, weights)), weights))


def harmonic(values: Floats, weights: Floats, name: str = "") -> Floats:
    """1 over the weighted mean of 1 / x.

    Raises: Refused `insight.index_positive` for values that are zero or negative.
    """
    _check_positive(values, weights, name)
    return 1 / arithmetic(1 / _weighty(values, weights), weights)


def mazziotta_pareto(values: Floats, weights: Floats, name: str = "", penalty: int = -1) -> Floats:
    """M + penalty S cv: the mean, less (-1, of something good) or more (1, of something bad) by how unequal it is.

    S is the standard deviation of a unit's children (over n, weighted), cv = S / M.

    Raises: Refused `insight.index_balance` for a mean that is zero or negative.
    """
    mean = arithmetic(values, weights)
    if (mean <= 0).any():
        raise Refused("insight.index_balance", _BALANCE, value=name, limit=int((mean <= 0).sum()))
    shares = _shares(values, weights)
    apart = np.nan_to_num(values - mean[..., None])
    return mean + penalty * (shares * apart**2).sum(-1) / mean


def outranking(values: Floats, weights: Floats) -> Floats:
    """(..., units, units): the share of weight by which the row's unit is above the column's; half where equal.

    Weights are shared out anew over what is known of both; nan where nothing is, and 0 on the diagonal.

    Raises: Refused `insight.index_pairs` for more units than can be compared by pairs.
    """
    if values.shape[-2] > MOST_PAIRED:
        raise Refused("insight.index_pairs", _PAIRS, value=values.shape[-2], limit=MOST_PAIRED)
    above = np.zeros(np.broadcast_shapes(values.shape[:-2], weights.shape[:-1]) + (values.shape[-2],) * 2)
    whole = np.zeros_like(above)
    for place in range(values.shape[-1]):
        one, weight = values[..., place], weights[..., place, None, None]
        mine, other = one[..., :, None], one[..., None, :]
        above += weight * ((mine > other) + 0.5 * (mine == other))
        whole += weight * (~np.isnan(mine) & ~np.isnan(other))
    with np.errstate(all="ignore"):
        shares = np.where(whole > 0, above / whole, np.nan)
    np.einsum("...ii->...i", shares)[...] = 0
    return shares


def copeland(values: Floats, weights: Floats, name: str = "") -> Floats:
    """How many units are outranked, less by how many one is outranked; both by more than half of the weight.

    Raises: Refused, as `outranking`.
    """
    shares = outranking(values, weights)
    apart = shares - 0.5
    np.einsum("...ii->...i", apart)[...] = 0
    wins = np.where(np.abs(apart) > 1e-12, np.sign(apart), 0)
    return _known(np.nansum(wins, -1), values, weights)


Way = Callable[[Floats, Floats, str], Floats]
WAYS: dict[str, Way] = {
    "arithmetic": arithmetic, "geometric": geometric, "harmonic": harmonic, "mazziotta-pareto": mazziotta_pareto,
    "mazziotta-pareto-up": lambda values, weights, name: mazziotta_pareto(values, weights, name, 1),
    "copeland": copeland,
}  # fmt: skip


def aggregated(values: Floats, weights: Floats, how: str = "arithmetic", least: float = 0.0, name: str = "") -> Floats:
    """One number of the children of an item, (..., units); nan below the `least` known share of weight.

    Raises: Refused `insight.index_no_way`, `insight.index_positive`, `insight.index_balance`.
    """
    if how not in WAYS:
        raise Refused("insight.index_no_way", _NO_WAY, value=how[:80], limit=", ".join(WAYS))
    outcome = WAYS[how](values, weights, name)
    if least > 0 and np.isnan(values).any():
        outcome = np.where(known_share(values, weights) >= least - 1e-12, outcome, np.nan)
    return outcome


def known_share(values: Floats, weights: Floats) -> Floats:
    """The share of the weight that known children have, (..., units)."""
    weighty = ~np.isnan(values) * weights[..., None, :]
    return np.asarray(weighty.sum(-1) / weights.sum(-1)[..., None], float)


def _shares(values: Floats, weights: Floats) -> Floats:
    weighty = ~np.isnan(values) * weights[..., None, :]
    whole = weighty.sum(-1, keepdims=True)
    return np.divide(weighty, whole, out=np.zeros(weighty.shape), where=whole > 0)


def _known(outcome: Floats, values: Floats, weights: Floats) -> Floats:
    """The outcome where any child that has a weight is known."""
    return np.where((~np.isnan(values) & (weights[..., None, :] > 0)).any(-1), outcome, np.nan)


def _weighty(values: Floats, weights: Floats) -> Floats:
    """Values with 1 where the weight is zero, so that these have no part in a logarithm or fraction."""
    return np.where(weights[..., None, :] > 0, values, np.where(np.isnan(values), np.nan, 1.0))


def _check_positive(values: Floats, weights: Floats, name: str) -> None:
    wrong: NDArray[np.bool_] = (values <= 0) & (weights[..., None, :] > 0)
    if wrong.any():
        raise Refused("insight.index_positive", _POSITIVE, value=name, limit=int(wrong.sum()))
