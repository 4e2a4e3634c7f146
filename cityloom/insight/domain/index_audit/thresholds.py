"""Bunching: more units just above a threshold than just below it, as where figures are pushed over a step.

Within a small window on both sides a unit is about as likely to lie below as above; how many lie above is held against
a fair coin (one-sided exact binomial test). Source: the idea of J. McCrary, Journal of Econometrics 142(2), 2008, for
as few units as an index has; B. Cattaneo, R. Titiunik and G. Vazquez-Bare, The Stata Journal 17(3), 2017, on the test.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import binomtest

from cityloom.insight.domain.robustness.tree import Floats

WINDOW = 0.05
FEWEST = 5
COARSE = 8


@dataclass(frozen=True)
class Bunching:
    """A threshold with how many units lie within `width` below it and (it included) above it.

    `p` is the probability of so many above, or more, if both sides were alike; nan of fewer than five units.
    """

    threshold: float
    width: float
    below: int
    above: int
    p: float


def bunching(values: Floats, threshold: float, width: float, better: int = 1) -> Bunching:
    """Count and test around one threshold; `better` -1 where lower is better, so that "above" is the better side."""
    held = better * (values[np.isfinite(values)] - threshold)
    above = int(((held >= 0) & (held < width)).sum())
    below = int(((held < 0) & (held >= -width)).sum())
    p = binomtest(above, above + below, alternative="greater").pvalue if above + below >= FEWEST else np.nan
    return Bunching(threshold, width, below, above, float(p))


def bunchings(values: Floats, thresholds: Sequence[float], better: int = 1) -> list[Bunching]:
    """Test each threshold, within a twentieth of the range of values, and at most half way to the next threshold.

    Of an indicator with fewer than eight different values (levels 1 to 3) nothing is tested: all lie on steps.
    """
    known = values[np.isfinite(values)]
    if not len(known) or not (range_ := float(np.ptp(known))) > 0:
        return []
    found, steps = [], sorted(set(thresholds))
    is_coarse = len(np.unique(known)) < COARSE
    for place, one in enumerate(steps):
        gaps = [abs(one - steps[near]) / 2 for near in (place - 1, place + 1) if 0 <= near < len(steps)]
        tested = bunching(values, one, min([WINDOW * range_, *gaps]), better)
        found.append(replace(tested, p=np.nan) if is_coarse else tested)
    return found
