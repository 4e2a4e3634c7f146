"""Whether something happens more often than it did, or only differs as counts do."""

from __future__ import annotations

import math

from scipy.stats import binomtest

RISING, FALLING, STEADY, UNKNOWN = "rising", "falling", "steady", ""
_LEVEL = 0.10
_MOST = 10_000


def trend_of(lately: float | None, before: float | None) -> str:
    """What two counts of equal spans say: rising or falling where chance alone explains the difference in less than 10
    of 100 cases (both sides), else steady; unknown where one is missing.

    Source: the exact conditional test of two Poisson rates, Przyborowski & Wilenski (1940).
    """
    if lately is None or before is None or not math.isfinite(lately) or not math.isfinite(before):
        return UNKNOWN
    now, then = round(max(lately, 0)), round(max(before, 0))
    if now + then == 0:
        return STEADY
    if now + then > _MOST:
        is_same = abs(now - then) <= 1.645 * math.sqrt(now + then)
    else:
        is_same = binomtest(now, now + then, 0.5).pvalue >= _LEVEL
    if is_same:
        return STEADY
    return RISING if now > then else FALLING
