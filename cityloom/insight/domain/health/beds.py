"""Beds from attendances: who is admitted, how long they stay, how full beds may be.

Little's law: beds that are full on average are admissions a day times the days of a stay (J. Little, Operations
Research 9(3), 1961); beds that are needed are those over the occupancy that is aimed at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def expected_attendances(people: ArrayLike, rates: ArrayLike) -> Floats:
    """Attendances a year by district and year, from people (..., cells) and rates a person and year (cells,)."""
    return np.asarray(people, np.float64) @ np.asarray(rates, np.float64)


def by_month(yearly: ArrayLike, years: ArrayLike, at: ArrayLike) -> Floats:
    """Yearly figures (..., years), each of the start of its year, at other times (months,) in years: on the line
    between two; before the first and after the last as those.
    """
    known, wanted = np.asarray(years, np.float64), np.asarray(at, np.float64)
    values = np.asarray(yearly, np.float64)
    if len(known) == 1:
        return np.repeat(values, len(wanted), axis=-1)
    place = np.clip(np.searchsorted(known, wanted, side="right") - 1, 0, len(known) - 2)
    share = np.clip((wanted - known[place]) / (known[place + 1] - known[place]), 0, 1)
    return values[..., place] * (1 - share) + values[..., place + 1] * share


def beds_needed(attendances: ArrayLike, days: ArrayLike, admitted: ArrayLike, stay_days: ArrayLike,
                occupancy: ArrayLike) -> Floats:  # fmt: skip
    """Beds that are needed in each month, from attendances of the month (..., months) and its days (months,).

    `admitted`, `occupancy` shares, `stay_days` days; each a number or (..., 1) of draws.
    """
    each_day = np.asarray(attendances, np.float64) / np.asarray(days, np.float64)
    return each_day * np.asarray(admitted) * np.asarray(stay_days) / np.asarray(occupancy)
