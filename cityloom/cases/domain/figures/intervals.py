"""How sure a share is: Wilson's interval, and the bounds where some have not answered."""

from __future__ import annotations

import math

Z95, Z998 = 1.959964, 3.090232
"""Quantiles of the normal distribution for 95 % and 99.8 % between both limits."""
Interval = tuple[float, float]


def wilson(counted: int, of: int, z: float = Z95) -> Interval | None:
    """The interval of a share of `counted` in `of`; None where there is nobody.

    Source: Wilson (1927); Newcombe (1998), method 3.
    """
    if of <= 0:
        return None
    share, weight = counted / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = math.sqrt(share * (1 - share) * weight + weight * weight / 4) / (1 + weight)
    return max(0.0, middle - half), min(1.0, middle + half)


def silent_bounds(counted: int, of: int, silent: int) -> Interval | None:
    """The share if all who are silent were against, and if all were for; None where nobody was asked."""
    asked = of + silent
    return (counted / asked, (counted + silent) / asked) if asked else None


def limits(share: float, of: float, z: float) -> Interval:
    """Between which shares a unit of that size lies by chance alone, where the share of all is the true one.

    A unit lies outside exactly where the share of all lies outside its Wilson interval of the same z.
    Source: Spiegelhalter (2005), Funnel plots for comparing institutional performance.
    """
    half = z * math.sqrt(share * (1 - share) / of) if of else 1.0
    return max(0.0, share - half), min(1.0, share + half)
