"""What a cell weighs: a stated sum of what a collector has to look after in it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.draft import Floats

KINDS = ("people", "dwellings", "companies", "components", "cases")
WEIGHTS: dict[str, float] = {"people": 1.0, "dwellings": 0.5, "companies": 5.0, "components": 0.2, "cases": 3.0}
"""Points for each one, where a planner states no others; `cases` are those of the last twelve months."""
_MOST = 1_000.0
COMPANY_USES = ("retail", "office", "industrial", "warehouse", "hotel")
"""A building of these uses counts as one company as long as no register of companies says more."""
ENDED = ("dissolved", "revoked", "moved-away")
"""Organisations of these states are none for a collector any more."""


def checked(weights: Mapping[str, float]) -> dict[str, float]:
    """The weights in full; what is not named weighs nothing.

    Raises: Refused `zones.weights`.
    """
    unknown = sorted(set(weights) - set(KINDS))
    if unknown:
        raise Refused("zones.weights", "{value} is not a load; the loads are {limit}.", value=unknown[0],
                      limit=", ".join(KINDS))  # fmt: skip
    for kind, weight in weights.items():
        if not (math.isfinite(weight) and 0 <= weight <= _MOST):
            raise Refused("zones.weights", "A weight is a number from 0 to {limit}; {value} is none.",
                          value=f"{kind}={weight}", limit=f"{_MOST:g}")  # fmt: skip
    if not any(weights.values()):
        raise Refused("zones.weights", "All weights are 0, so there is nothing to balance; give at least one.")
    return {kind: float(weights.get(kind, 0.0)) for kind in KINDS}


def points(counts: Mapping[str, NDArray[np.generic]], weights: Mapping[str, float]) -> Floats:
    """The load of each cell from its counts of each kind."""
    return sum(
        (np.asarray(counts[kind], np.float64) * weights[kind] for kind in KINDS if kind in counts),
        start=np.zeros(len(next(iter(counts.values())))),
    )
