"""Imputation: an unknown value is filled in by a rule, and marked, so that nobody takes it for a measurement.

Source: OECD and JRC, Handbook on Constructing Composite Indicators, 2008, chapter 3 (single imputation).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.indicators.moments import Floats

Marks = NDArray[np.bool_]
_FEWEST = 3
"""Complete units beyond the number of predictors, below which no regression is fitted."""


def by_group(values: Floats, groups: Sequence[str] | None = None, how: str = "mean") -> Floats:
    """Fill in the mean or median of the unit's group, of all units where `groups` is None.

    `values` is (units, indicators). What nobody of a group knows, and a unit without a group (""), stays unknown.
    """
    middle = np.nanmedian if how == "median" else np.nanmean
    outcome = np.array(values, float)
    names = np.zeros(len(outcome), int) if groups is None else _numbered(groups)
    for one in np.unique(names[names >= 0]):
        rows = np.flatnonzero(names == one)
        part = outcome[rows]
        some = ~np.isnan(part).all(0)
        fill = np.full(part.shape[1], np.nan)
        fill[some] = middle(part[:, some], 0)
        outcome[rows] = np.where(np.isnan(part), fill, part)
    return outcome


def by_regression(values: Floats, predictors: int = 3) -> Floats:
    """Fill in what ordinary least squares on other indicators says.

    For an indicator and a unit the predictors are those known of the unit that correlate most with it (by absolute
    Pearson correlation over units where both are known), fitted over the units where all of them are known. Where too
    few are, fewer predictors are taken; where none is left, the value stays unknown.
    """
    outcome, known = np.array(values, float), ~np.isnan(values)
    close = np.abs(correlations(values))
    np.fill_diagonal(close, 0)
    for target in np.flatnonzero(~known.all(0)):
        order = np.argsort(-close[target], kind="stable")
        order = order[close[target][order] > 0]
        rows = np.flatnonzero(~known[:, target])
        chosen = [tuple(order[known[row, order]][:predictors]) for row in rows]
        for pattern in set(chosen):
            same = rows[[one == pattern for one in chosen]]
            outcome[same, target] = _predicted(values, known, int(target), list(pattern), same)
    return outcome


def carried_forward(values: Floats, units: Sequence[str], years: Sequence[int], most: int = 0) -> Floats:
    """Fill in the unit's latest known value of an earlier year, at most `most` years old (0: of any age).

    `values` is (rows, indicators), one row for a unit and a year, in any order.
    """
    outcome, years_ = np.array(values, float), np.asarray(years)
    names = _numbered(units)
    order = np.lexsort((years_, names))
    last, since = np.full(values.shape[1], np.nan), np.zeros(values.shape[1])
    before = -1
    for row in order:
        if names[row] != before:
            last, before = np.full(values.shape[1], np.nan), names[row]
        known = ~np.isnan(values[row])
        fresh = (years_[row] - since <= most) if most else np.ones(len(known), bool)
        outcome[row] = np.where(known, values[row], np.where(fresh, last, np.nan))
        last, since = np.where(known, values[row], last), np.where(known, years_[row], since)
    return outcome


def correlations(values: Floats) -> Floats:
    """Pearson correlations (indicators, indicators) over the units where both are known; 0 below 3, or if constant."""
    known = ~np.isnan(values)
    marks, filled = known.astype(float), np.where(known, values - _middle(values), 0.0)
    n = marks.T @ marks
    with np.errstate(all="ignore"):
        sums, squares, products = filled.T @ marks, (filled**2).T @ marks, filled.T @ filled
        shared = products - sums * sums.T / n
        spread = squares - sums**2 / n
        found = shared / np.sqrt(spread * spread.T)
    return np.where((n >= _FEWEST) & np.isfinite(found), np.clip(found, -1, 1), 0.0)


def _middle(values: Floats) -> Floats:
    counts = np.maximum((~np.isnan(values)).sum(0), 1)
    return np.nan_to_num(values).sum(0) / counts  # type: ignore[no-any-return]


def _predicted(values: Floats, known: Marks, target: int, pattern: list[int], rows: NDArray[np.int64]) -> Floats:
    """What is said of some units by those that know all: by fewer predictors while too few do."""
    for size in range(len(pattern), 0, -1):
        chosen = pattern[:size]
        complete = known[:, target] & known[:, chosen].all(1)
        if complete.sum() >= size + _FEWEST:
            design = np.column_stack([np.ones(complete.sum()), values[complete][:, chosen]])
            found = np.linalg.lstsq(design, values[complete, target], rcond=None)[0]
            return np.asarray(found[0] + values[rows][:, chosen] @ found[1:], float)
    return np.full(len(rows), np.nan)


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    """Each name as a number, "" as -1."""
    known = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([-1 if name == "" else known[name] for name in names], np.int64)
