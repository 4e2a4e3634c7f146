"""Weights of the children of an item: equal, by points of experts, by principal components.

Source: OECD and JRC, Handbook on Constructing Composite Indicators, 2008, chapter 6; G. Nicoletti, S. Scarpetta and O.
Boylaud, OECD Economics Working Paper 226, 2000 (weights by the variance that rotated components explain).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cityloom.insight.domain.indicators.moments import Floats
from cityloom.kernel.refused import Refused

_FEW = "Principal components of {value} need at least {limit} units with all values, none constant; impute first."
_POINTS = "The points of expert {value} are negative or sum to zero; each shares out points among all items."
_TURNS, _STILL = 500, 1e-12


def equal(children: int) -> Floats:
    """1 / n each."""
    return np.full(children, 1 / children)


def budget(points: ArrayLike) -> Floats:
    """The mean share of points over experts; `points` is (experts, items), each row brought to the same sum.

    Raises: Refused `insight.index_points`.
    """
    given = np.atleast_2d(np.nan_to_num(np.asarray(points, float)))
    wrong = (given < 0).any(1) | (given.sum(1) <= 0)
    if wrong.any():
        raise Refused("insight.index_points", _POINTS, value=int(np.flatnonzero(wrong)[0]) + 1)
    return (given / given.sum(1, keepdims=True)).mean(0)  # type: ignore[no-any-return]


def first_component(values: Floats, name: str = "") -> Floats:
    """The squared loadings of the first principal component of the correlation matrix; they sum to 1.

    `values` is (units, items); units of which anything is unknown are left out.

    Raises: Refused `insight.index_components`.
    """
    _eigenvalues, vectors = _components(values, name)
    return np.asarray(vectors[:, 0] ** 2, float)


def variance_explained(values: Floats, name: str = "", least: float = 1.0) -> Floats:
    """The squared loading of each item on the rotated component that it loads most on, times the share that this
    component explains of what all that are kept explain.

    Kept are components with an eigenvalue of at least `least` (Kaiser), one at the least; the rotation is varimax.

    Raises: Refused `insight.index_components`.
    """
    eigenvalues, vectors = _components(values, name)
    kept = max(int((eigenvalues >= least - 1e-9).sum()), 1)
    squared = varimax(vectors[:, :kept] * np.sqrt(eigenvalues[:kept])) ** 2
    explained = squared.sum(0)
    own = squared.argmax(1)
    weights = squared[np.arange(len(own)), own] / explained[own] * (explained / explained.sum())[own]
    return np.asarray(weights / weights.sum(), float)


def varimax(loadings: Floats) -> Floats:
    """Rotate loadings (items, components) so that each item loads on few (Kaiser, 1958)."""
    items, components = loadings.shape
    turn, before = np.eye(components), 0.0
    for _ in range(_TURNS if components > 1 else 0):
        turned = loadings @ turn
        target = loadings.T @ (turned**3 - turned @ np.diag((turned**2).sum(0)) / items)
        left, sizes, right = np.linalg.svd(target)
        turn = left @ right
        if sizes.sum() <= before * (1 + _STILL):
            break
        before = sizes.sum()
    return loadings @ turn


def _components(values: Floats, name: str) -> tuple[Floats, Floats]:
    complete = values[~np.isnan(values).any(1)]
    least = values.shape[1] + 1
    if len(complete) < max(least, 3) or (complete.std(0) <= 1e-12 * np.abs(complete).max(0, initial=0)).any():
        raise Refused("insight.index_components", _FEW, value=name, limit=max(least, 3))
    eigenvalues, vectors = np.linalg.eigh(np.corrcoef(complete, rowvar=False).reshape(values.shape[1], -1))
    return eigenvalues[::-1], vectors[:, ::-1]
