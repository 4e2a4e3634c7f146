"""Scores by declared pieces, as evaluations of cities and services are written: ratios with caps, points, steps, gates.

Nothing that is written is run: a formula is put together of these pieces only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators.moments import Floats


def ratio(values: Floats, target: float, full: float = 100.0, cap: float | None = 100.0, floor: float | None = 0.0,
          lower_is_better: bool = False) -> Floats:  # fmt: skip
    """x / target times `full`, or target / x where lower is better; between `floor` and `cap`."""
    with np.errstate(divide="ignore", invalid="ignore"):
        share = target / values if lower_is_better else values / target
    share = np.where(np.isnan(values), np.nan, share)
    if lower_is_better:
        share = np.where(values <= 0, np.inf if cap is not None else np.nan, share)
    return _between(share * full, floor, cap)


def piecewise(values: Floats, points: Sequence[tuple[float, float]]) -> Floats:
    """Straight lines between `points` (x rising), level beyond the outer ones."""
    at = np.asarray(points, float)
    return np.where(np.isnan(values), np.nan, np.interp(values, at[:, 0], at[:, 1]))


def steps(values: Floats, table: Sequence[tuple[float, float]], below: float = 0.0) -> Floats:
    """The score of the last row (`at least`, score) that a value reaches, `below` for one that reaches none."""
    rows = np.asarray(table, float)
    place = np.searchsorted(rows[:, 0], values, side="right")
    scores = np.append(below, rows[:, 1])[np.minimum(place, len(rows))]
    return np.where(np.isnan(values), np.nan, scores)


def checklist(marks: Floats, points: Sequence[float], cap: float | None = 100.0) -> Floats:
    """The points of all that is there: `marks` is (units, parts), 0 to 1; unknown where any part is."""
    return _between(np.asarray(marks, float) @ np.asarray(points, float), None, cap)


def gated(scores: Floats, holds: NDArray[np.bool_], most: float) -> Floats:
    """At most `most` where a gate's condition does not hold."""
    return np.where(holds, scores, np.minimum(scores, most))


def _between(values: Floats, floor: float | None, cap: float | None) -> Floats:
    lower, upper = -np.inf if floor is None else floor, np.inf if cap is None else cap
    return np.clip(values, lower, upper)
