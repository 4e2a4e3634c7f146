"""Births as they stand behind the pupils who enter: by the ages at entry, known years and those not yet known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools.panel import Floats

_CARRIED = 3
"""Of how many last years the mean stands for births that are not known."""


def lags_of(age: int, month: int = 9) -> dict[int, float]:
    """The shares of births of earlier years among those who enter at `age` by the first of `month`.

    Who enters in September at five was born between September six years and August five years before.
    """
    share = (month - 1) / 12
    return {lag: part for lag, part in ((age, share), (age + 1, 1 - share)) if part > 0}


def behind(births: Mapping[int, float], years: list[int], lags: Mapping[int, float], known: int
           ) -> tuple[Floats, NDArray[np.bool_]]:  # fmt: skip
    """Births behind the entry of each year, and which of them rest on births that were not known.

    Births after `known` or not in `births` are the mean of the last three known; nan for years before the first.
    """
    there = sorted(year for year in births if year <= known)
    found, carried = np.full(len(years), np.nan), np.zeros(len(years), bool)
    if not there:
        return found, carried
    level = float(np.mean([births[year] for year in there[-_CARRIED:]]))
    for place, year in enumerate(years):
        born = [(year - lag, share) for lag, share in lags.items()]
        if min(one for one, _ in born) < there[0]:
            continue
        found[place] = sum(share * (births[one] if one in births and one <= known else level) for one, share in born)
        carried[place] = any(one not in births or one > known for one, _ in born)
    return found, carried


def spread_of(births: Mapping[int, float], ahead: int = 6) -> float:
    """Standard deviation (logarithm) by which births move away in a year from the mean of the three before.

    From past years, 1 to `ahead` of them ahead, each variance over its years as for a random walk; 0.03 with fewer than
    six years of births.
    """
    there = sorted(year for year, count in births.items() if count > 0)
    variances = []
    for years in range(1, ahead + 1):
        off = [np.log(births[year + years] / np.mean([births[year - back] for back in range(_CARRIED)]))
               for year in there if all(one in there for one in (year - 2, year - 1, year + years))]  # fmt: skip
        if len(off) >= _CARRIED:
            variances.append(float(np.mean(np.square(off))) / years)
    return float(np.sqrt(np.mean(variances))) if variances else 0.03
