"""Normalisation: indicators that were directed (higher is better) are brought to one scale.

Each function takes values (units first; one column or several), and leaves unknown values unknown. What the scale is
made of (least, most, mean, spread) can be given, so that years are compared on one frozen scale.

Source: OECD and JRC, Handbook on Constructing Composite Indicators, 2008, chapter 5; W. Becker et al., COINr, 2022.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cityloom.insight.domain.indicators.moments import Floats
from cityloom.insight.domain.indicators.ranking import ascending
from cityloom.kernel.refused import Refused

_FLAT = ("The indicator {value} has the same value for all units, so it says nothing of their order: leave it out, or "
         "give it goalposts.")  # fmt: skip
_NO_REFERENCE = "The reference {value} of a distance is unknown, or the least of all; name a unit that stands above."
_NO_TARGET = "The target {value} of a distance is the worst value that there is; set a target that lies beyond it."
_NO_MAXIMUM = "The indicator {value} has no value above zero, so there is no share of its highest: take another scale."
_POSTS = "Goalposts are two numbers, the lower first, not {value}; with a logarithm both are above zero."


def min_max(values: ArrayLike, low: float = 0.0, high: float = 100.0, least: ArrayLike | None = None,
            most: ArrayLike | None = None, name: str = "") -> Floats:  # fmt: skip
    """(x - min) / (max - min), stretched to `low` to `high`; `least` and `most` are frozen ones.

    Raises: Refused `insight.index_flat` where all values are the same.
    """
    given = np.asarray(values, float)
    bottom = np.nanmin(given, 0) if least is None else np.asarray(least, float)
    top = np.nanmax(given, 0) if most is None else np.asarray(most, float)
    _check_spread(top - bottom, np.maximum(np.abs(top), np.abs(bottom)), name)
    return (given - bottom) / (top - bottom) * (high - low) + low


def z_score(values: ArrayLike, mean: float = 0.0, sd: float = 1.0, ddof: int = 1, centre: ArrayLike | None = None,
            spread: ArrayLike | None = None, name: str = "") -> Floats:  # fmt: skip
    """Distance from the mean in standard deviations (n - `ddof`), brought to `mean` and `sd`.

    Raises: Refused `insight.index_flat` where all values are the same.
    """
    given = np.asarray(values, float)
    middle = np.nanmean(given, 0) if centre is None else np.asarray(centre, float)
    wide = np.nanstd(given, 0, ddof=ddof) if spread is None else np.asarray(spread, float)
    _check_spread(wide, np.abs(middle), name)
    return (given - middle) / wide * sd + mean


def scaled(values: ArrayLike, least: float = 0.0, most: float = 100.0, factor: float = 100.0) -> Floats:
    """(x - least) / (most - least) times `factor`: known ends of a scale, whatever the units reach."""
    return (np.asarray(values, float) - least) / (most - least) * factor


def rank(values: ArrayLike) -> Floats:
    """The rank from below: 1 is the lowest, the number of units the highest; equal values share the lower number."""
    return ascending(np.asarray(values, float))


def percentile_rank(values: ArrayLike) -> Floats:
    """(rank - 1) / (known units - 1): the share of the others that lie below."""
    given = np.asarray(values, float)
    return (rank(given) - 1) / np.maximum((~np.isnan(given)).sum(0) - 1, 1)


def borda(values: ArrayLike) -> Floats:
    """The number of units that lie below."""
    return rank(values) - 1


def distance_to_maximum(values: ArrayLike, name: str = "") -> Floats:
    """1 - (max - x) / (max - min)."""
    return min_max(values, 0.0, 1.0, name=name)


def fraction_of_maximum(values: ArrayLike, name: str = "") -> Floats:
    """x / max, of positive values.

    Raises: Refused `insight.index_maximum` where the highest value is not above zero.
    """
    given = np.asarray(values, float)
    top = np.nanmax(given, 0)
    if not np.all(top > 0):
        raise Refused("insight.index_maximum", _NO_MAXIMUM, value=name)
    return given / top


def distance_to_reference(values: ArrayLike, place: int, cap: bool = False) -> Floats:
    """1 - (x_ref - x) / (x_ref - min): 1 for the unit at `place`, 0 for the last; `cap` lets nobody above 1.

    Raises: Refused `insight.index_reference`.
    """
    given = np.asarray(values, float)
    reference, least = given[place], np.nanmin(given, 0)
    if not np.all(reference > least):
        raise Refused("insight.index_reference", _NO_REFERENCE, value=place)
    outcome = 1 - (reference - given) / (reference - least)
    return np.minimum(outcome, 1) if cap else outcome


def distance_to_target(values: ArrayLike, target: ArrayLike, cap: bool = False, least: ArrayLike | None = None
                       ) -> Floats:  # fmt: skip
    """(x - min) / (target - min): 1 at the target; values and target are directed alike.

    Raises: Refused `insight.index_target` where the target is not beyond the least value.
    """
    given, wanted = np.asarray(values, float), np.asarray(target, float)
    bottom = np.nanmin(given, 0) if least is None else np.asarray(least, float)
    if not np.all(wanted > bottom):
        raise Refused("insight.index_target", _NO_TARGET, value=np.round(wanted, 6).tolist())
    outcome = (given - bottom) / (wanted - bottom)
    return np.minimum(outcome, 1) if cap else outcome


def goalposts(values: ArrayLike, lower: float, upper: float, factor: float = 1.0, clamp: bool = True,
              logarithm: bool = False) -> Floats:  # fmt: skip
    """(x - lower) / (upper - lower) times `factor`, of ln x and ln posts where asked; nothing below 0 or above 1.

    Source: UNDP, Human Development Report, technical note 1.
    Raises: Refused `insight.index_goalposts`.
    """
    if not np.isfinite([lower, upper]).all() or lower >= upper or (logarithm and lower <= 0):
        raise Refused("insight.index_goalposts", _POSTS, value=f"{lower}, {upper}")
    given = np.asarray(values, float)
    if logarithm:
        with np.errstate(all="ignore"):
            given = np.log(np.where(given > 0, given, lower))  # below the lower post is zero all the same
        lower, upper = float(np.log(lower)), float(np.log(upper))
        given = np.where(np.isnan(np.asarray(values, float)), np.nan, given)
    share = (given - lower) / (upper - lower)
    return (np.clip(share, 0, 1) if clamp else share) * factor


def by_thresholds(values: ArrayLike, thresholds: Sequence[float], scores: Sequence[float]) -> Floats:
    """The score of the class that a value is in: `scores` has one more than `thresholds`; at one is above it."""
    given = np.asarray(values, float)
    classes = np.searchsorted(np.asarray(thresholds, float), given, side="right")
    return np.where(np.isnan(given), np.nan, np.asarray(scores, float)[np.minimum(classes, len(scores) - 1)])


def by_quantiles(values: ArrayLike, quantiles: Sequence[float], scores: Sequence[float]) -> Floats:
    """Classes of one column by its own quantiles (shares between 0 and 1, rising)."""
    given = np.asarray(values, float)
    return by_thresholds(given, np.nanquantile(given, np.asarray(quantiles, float)), scores)


def _check_spread(spread: ArrayLike, size: ArrayLike, name: str) -> None:
    if not np.all(np.asarray(spread) > 1e-12 * np.asarray(size)):
        raise Refused("insight.index_flat", _FLAT, value=name)
