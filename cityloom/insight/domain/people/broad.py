"""Single years of age from the four bands in which the city's own statistics know people: estimates, told as such."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.insight.domain.people.graduation import beyond, monotone

Floats = NDArray[np.float64]
BANDS = ("0-17", "18-59", "60-79", "80+")
LAST_AGE = 100
_STARTS, _OLD = (0, 18, 60), 80
_WITHHELD = 4.0
"""What stands for a withheld count of 0 to 7 while others are estimated beside it."""


def single_years(bands: ArrayLike) -> Floats:
    """People by single year (..., 101) from the bands (..., 4); nan for a count that is withheld, and for its years.

    Below 80 the monotone cubic through the sums, from 80 on numbers that halve every six years (`graduation.beyond`).
    Sums of bands are kept.
    """
    counts = np.asarray(bands, np.float64)
    known = np.where(np.isnan(counts), _WITHHELD, counts)
    young = monotone(known[..., :3], _STARTS, _OLD)
    years = np.concatenate([young, beyond(known[..., 3], LAST_AGE + 1 - _OLD)], axis=-1)
    band = np.searchsorted([18, 60, 80], np.arange(LAST_AGE + 1), side="right")
    return np.where(np.isnan(counts)[..., band], np.nan, years)
