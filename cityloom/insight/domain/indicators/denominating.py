"""Denomination, and which units are kept by how much of them is known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators.moments import Floats
from cityloom.kernel.refused import Refused

_ZERO = "The denominator {value} of {limit} is zero or negative: correct it, or leave it unknown."


def denominated(values: Floats, denominators: Floats, scale: float = 1.0, name: str = "",
                units: Sequence[str] = ()) -> Floats:  # fmt: skip
    """x / (denominator / scale): a thousand inhabitants where the scale is 1,000; unknown where either is.

    Raises: Refused `insight.index_denominator` for one that is not above zero.
    """
    wrong = np.flatnonzero(denominators <= 0)
    if wrong.size:
        unit = units[int(wrong[0])] if len(units) else int(wrong[0])
        raise Refused("insight.index_denominator", _ZERO, value=name, limit=unit)
    return np.asarray(values, float) / (np.asarray(denominators, float) / scale)


def screened(values: Floats, least: float, least_nonzero: float = 0.0) -> tuple[NDArray[np.bool_], Floats, Floats]:
    """Which units are kept: at least the share `least` of indicators known, and `least_nonzero` of those not zero.

    `values` is (units, indicators). Returned are the marks of those kept, and both shares.
    """
    known = ~np.isnan(values)
    share = known.mean(1)
    nonzero = (known & (values != 0)).sum(1) / np.maximum(known.sum(1), 1)
    return (share >= least - 1e-12) & (nonzero >= least_nonzero - 1e-12), share, nonzero
