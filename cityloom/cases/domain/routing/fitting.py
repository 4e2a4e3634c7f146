"""Fit a classifier to texts whose categories are known; the one module that needs scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from cityloom.cases.domain.marks import marks_of
from cityloom.cases.domain.routing import curve
from cityloom.cases.domain.routing.classifier import Classifier, probability, sides_of
from cityloom.kernel.refused import Refused

BUCKETS = 1 << 15
WANTED = 0.98
"""The precision at which the threshold is set on the tuning texts: a little more than is asked of other texts."""
SHARPNESS = 1e-4
FEWEST_TEXTS = 200
FEWEST = 3
"""A mark in fewer texts than this says more about one text than about a category."""
_FEW = "A classifier needs at least {limit} texts here, of two categories or more; there are {value}."
Told = tuple[Sequence[str], Sequence[str]]
Marked = tuple[Sequence[NDArray[np.uint32]], Sequence[str]]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class _Weights:
    idf: NDArray[np.float32]
    weights: NDArray[np.int8]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]


def fit(train: Told, tune: Told, card: dict[str, Any], *, sharpness: float = SHARPNESS) -> Classifier:
    """A classifier of texts; how sure is sure enough is found on `tune`, which must not be of the same hands.

    Raises: Refused `cases.few_texts`.
    """
    marked = [[marks_of(text) for text in told[0]] for told in (train, tune)]
    return fit_marks((marked[0], train[1]), (marked[1], tune[1]), card, sharpness=sharpness)


def fit_marks(train: Marked, tune: Marked, card: dict[str, Any], *, sharpness: float = SHARPNESS) -> Classifier:
    """A classifier of whatever has marks.

    Raises: Refused `cases.few_texts`.
    """
    names = tuple(sorted(set(train[1])))
    for found, least in ((train, FEWEST_TEXTS), (tune, FEWEST_TEXTS // 4)):
        if len(found[0]) < least or len(names) < 2:
            raise Refused("cases.few_texts", _FEW, value=len(found[0]), limit=least)
    number = {name: at for at, name in enumerate(names)}
    found = _weights(counted_of(train[0]), np.array([number[name] for name in train[1]]), len(names), sharpness)
    scores, known, counts = _scored(found, counted_of(tune[0]))
    is_right = scores.argmax(axis=1) == np.array([number.get(name, -1) for name in tune[1]])
    sides = sides_of(scores, known, counts)
    sure = _sure(sides, is_right)
    chances = probability(sides, sure)
    said = card | {"texts_trained": len(train[0]), "texts_tuned": len(tune[0]), "buckets": BUCKETS,
                   "tuning": judged(chances, is_right)}  # fmt: skip
    threshold = round(curve.threshold_for(chances, is_right, WANTED), 6)
    return Classifier(names, found.idf, found.weights, found.scale, found.bias, sure, threshold, said)


def judged(chances: Floats, is_right: Flags) -> dict[str, Any]:
    """What a model card says of a set of texts."""
    return {
        "accuracy": round(float(is_right.mean()), 4),
        "calibration_error": round(curve.calibration_error(chances, is_right), 4),
        "curve": curve.coverage_curve(chances, is_right),
    }


def counted_of(marks: Sequence[NDArray[np.uint32]]) -> sparse.csr_matrix:
    """Roots of how often each mark stands in each text, shape (texts, buckets)."""
    columns, values, ends = [], [], [0]
    for one in marks:
        buckets, counts = np.unique(one % BUCKETS, return_counts=True)
        columns.append(buckets)
        values.append(np.sqrt(counts))
        ends.append(ends[-1] + len(buckets))
    data = np.concatenate(values).astype(np.float32)
    return sparse.csr_matrix((data, np.concatenate(columns), ends), shape=(len(marks), BUCKETS))


def _weights(counted: sparse.csr_matrix, told: Ints, kinds: int, sharpness: float) -> _Weights:
    from sklearn.linear_model import SGDClassifier

    spread = np.bincount(counted.indices, minlength=BUCKETS)
    idf = np.where(spread >= FEWEST, np.log((1 + len(told)) / (1 + spread)) + 1, 0.0).astype(np.float32)
    kept = np.flatnonzero(idf)
    model = SGDClassifier(loss="modified_huber", alpha=sharpness, average=True, max_iter=15, tol=None, random_state=0)
    model.fit(_normed(counted, idf)[:, kept], told)
    rows = model.coef_ if kinds > 2 else np.vstack([-model.coef_, model.coef_])
    bias = model.intercept_ if kinds > 2 else np.array([-model.intercept_[0], model.intercept_[0]])
    scale = np.abs(rows).max(axis=1) / 127
    weights = np.zeros((BUCKETS, kinds), np.int8)
    weights[kept] = np.round(rows / scale[:, None]).T.astype(np.int8)
    return _Weights(idf, weights, scale.astype(np.float32), bias.astype(np.float32))


def _normed(counted: sparse.csr_matrix, idf: NDArray[np.float32]) -> sparse.csr_matrix:
    heard = (counted @ sparse.diags(idf)).tocsr().astype(np.float32)
    lengths = np.sqrt(np.asarray(heard.multiply(heard).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.maximum(lengths, 1e-9)) @ heard).tocsr().astype(np.float32)


def _scored(found: _Weights, counted: sparse.csr_matrix) -> tuple[Floats, Floats, Ints]:
    scores = _normed(counted, found.idf) @ found.weights.astype(np.float32) * found.scale + found.bias
    held = np.diff(counted.indptr)
    known = (counted != 0).astype(np.float32) @ (found.idf > 0).astype(np.float32) / np.maximum(held, 1)
    return np.asarray(scores, dtype=float), np.asarray(known, dtype=float), held.astype(np.int64)


def _sure(sides: Floats, is_right: Flags) -> Floats:
    from sklearn.linear_model import LogisticRegression

    if is_right.all():
        return np.array([0.0, 0.0, 0.0, 0.0, 5.0])
    model = LogisticRegression(C=100.0, max_iter=1_000).fit(sides, is_right)
    return np.concatenate([model.coef_[0], model.intercept_]).astype(float)
