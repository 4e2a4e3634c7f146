"""Ranks: 1 is the highest score, equal scores share the better rank (1, 2, 2, 4), from scores as they are.

Rounding before ranking makes ties of units that differ, and ranks that the published scores cannot be told apart by;
`tied_by_rounding` says which ranks would change by it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cityloom.insight.domain.indicators.moments import Floats


def ranked(scores: ArrayLike) -> Floats:
    """Ranks of the last axis of `scores` (..., units): competition ranks, nan for an unknown score."""
    given = np.asarray(scores, float)
    shape = given.shape
    flat = -given.reshape(-1, shape[-1])
    order = np.argsort(flat, axis=1, kind="stable")  # nan comes last
    sorted_ = np.take_along_axis(flat, order, 1)
    starts = np.ones(flat.shape, bool)
    starts[:, 1:] = sorted_[:, 1:] != sorted_[:, :-1]
    places = np.arange(1, shape[-1] + 1)
    shared = np.maximum.accumulate(np.where(starts, places, 0), axis=1).astype(float)
    found = np.empty(flat.shape)
    np.put_along_axis(found, order, shared, 1)
    found[np.isnan(flat)] = np.nan
    return found.reshape(shape)


def ascending(values: Floats) -> Floats:
    """Ranks of each column of `values` (units, ...) with 1 for the lowest; equal values share the lower number."""
    return np.moveaxis(ranked(-np.moveaxis(values, 0, -1)), -1, 0)


def tied_by_rounding(scores: ArrayLike, places: int = 2) -> NDArray[np.bool_]:
    """Whether the rank of each unit would be another one, were scores rounded to so many places before ranking."""
    given = np.asarray(scores, float)
    exact, rough = ranked(given), ranked(np.round(given, places))
    return (exact != rough) & ~np.isnan(exact)
