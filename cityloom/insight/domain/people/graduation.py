"""Single years of age from broader groups, with each group's sum kept.

Sources: T. Sprague, Journal of the Institute of Actuaries 22, 1880 (multipliers as in H. Shryock and J. Siegel, The
Methods and Materials of Demography, 1973, appendix C); F. Fritsch and R. Carlson, SIAM J. Numer. Anal. 17(2), 1980
(the monotone cubic that keeps the sums of groups and never falls below 0).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import PchipInterpolator

from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
_FIVES = "Sprague's multipliers want at least five groups of five years; here are {value} groups."
_STARTS = "Age groups begin at 0, one after the other, below the end of {limit}; they begin at {value}."
_FIRST = [[0.3616, -0.2768, 0.1488, -0.0336, 0], [0.2640, -0.0960, 0.0400, -0.0080, 0],
          [0.1840, 0.0400, -0.0320, 0.0080, 0], [0.1200, 0.1360, -0.0720, 0.0160, 0],
          [0.0704, 0.1968, -0.0848, 0.0176, 0]]  # fmt: skip
_SECOND = [[0.0336, 0.2272, -0.0752, 0.0144, 0], [0.0080, 0.2320, -0.0480, 0.0080, 0],
           [-0.0080, 0.2160, -0.0080, 0, 0], [-0.0160, 0.1840, 0.0400, -0.0080, 0],
           [-0.0176, 0.1408, 0.0912, -0.0144, 0]]  # fmt: skip
_MIDDLE = [[-0.0128, 0.0848, 0.1504, -0.0240, 0.0016], [-0.0016, 0.0144, 0.2224, -0.0416, 0.0064],
           [0.0064, -0.0336, 0.2544, -0.0336, 0.0064], [0.0064, -0.0416, 0.2224, 0.0144, -0.0016],
           [0.0016, -0.0240, 0.1504, 0.0848, -0.0128]]  # fmt: skip


def monotone(groups: ArrayLike, starts: ArrayLike, end: int) -> Floats:
    """People by single year (..., end), from groups (..., groups) that begin at `starts` and end before `end`.

    The monotone cubic through the sums from age 0 on: sums of groups are kept, nobody is negative.

    Raises: Refused `insight.age_groups_bad`.
    """
    counts, edges = np.asarray(groups, np.float64), _edges(starts, end)
    sums = np.concatenate([np.zeros((*counts.shape[:-1], 1)), np.cumsum(counts, axis=-1)], axis=-1)
    return np.maximum(np.diff(PchipInterpolator(edges, sums, axis=-1)(np.arange(end + 1)), axis=-1), 0)


def sprague(groups: ArrayLike) -> Floats:
    """People by single year (..., 5 x groups), from at least five groups of five years (..., groups).

    Sums of groups are kept; a year may become negative where groups jump, as the published multipliers do.

    Raises: Refused `insight.age_groups_bad`.
    """
    counts = np.asarray(groups, np.float64)
    many = counts.shape[-1]
    if many < 5:
        raise Refused("insight.age_groups_bad", _FIVES, value=many)
    first, second, middle = (np.array(one) for one in (_FIRST, _SECOND, _MIDDLE))
    years = np.empty((*counts.shape[:-1], many, 5))
    for place in range(many):
        if place < 2:
            weights, window = (first, second)[place], counts[..., :5]
        elif place >= many - 2:
            weights, window = (second, first)[place - many + 2][::-1, ::-1], counts[..., -5:]
        else:
            weights, window = middle, counts[..., place - 2 : place + 3]
        years[..., place, :] = window @ weights.T
    return years.reshape(*counts.shape[:-1], many * 5)


def beyond(people: ArrayLike, ages: int, halving_years: float = 6.0) -> Floats:
    """Spread an open group (...,) over `ages` years, each with fewer than the one before, all the rest in the last.

    The number halves in `halving_years`: an assumption that is told beside the figures, not a measurement.
    """
    shares = 0.5 ** (np.arange(ages) / halving_years)
    shares[-1] /= 1 - 0.5 ** (1 / halving_years)
    return np.asarray(people, np.float64)[..., None] * (shares / shares.sum())


def _edges(starts: ArrayLike, end: int) -> Floats:
    found = np.append(np.asarray(starts, np.float64), end)
    if found[0] != 0 or (np.diff(found) <= 0).any():
        raise Refused("insight.age_groups_bad", _STARTS, value=", ".join(f"{one:g}" for one in found[:-1]), limit=end)
    return found
