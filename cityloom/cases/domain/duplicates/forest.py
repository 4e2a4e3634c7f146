"""Boosted trees as numbers: which matter a report belongs to, fitted elsewhere and read here without a library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.duplicates.pairs import Floats

SHIPPED = Path(__file__).parent / "made_up_forest.json"


@dataclass(frozen=True)
class Forest:
    """Trees, shape (trees, nodes): a leaf leads to itself; `values` are added to `base`, the logarithm of the odds."""

    base: float
    steps: int
    feature: NDArray[np.int64]
    at_most: Floats
    left: NDArray[np.int64]
    right: NDArray[np.int64]
    values: Floats

    def log_odds(self, features: Floats) -> Floats:
        """The logarithm of the odds of each row."""
        trees, rows = np.arange(len(self.feature)), np.arange(len(features))[:, None]
        at = np.zeros((len(features), len(trees)), np.int64)
        for _ in range(self.steps):
            goes_left = features[rows, self.feature[trees, at]] <= self.at_most[trees, at]
            at = np.where(goes_left, self.left[trees, at], self.right[trees, at])
        return np.asarray(self.base + self.values[trees, at].sum(axis=1), dtype=float)


def of_document(said: Mapping[str, Any]) -> Forest:
    """The forest in a document."""
    at_most = np.array([[np.inf if one is None else one for one in tree] for tree in said["at_most"]], float)
    return Forest(said["base"], said["steps"], np.array(said["feature"]), at_most, np.array(said["left"]),
                  np.array(said["right"]), np.array(said["values"], float))  # fmt: skip


@cache
def shipped() -> Forest:
    """The forest that comes with the program, fitted on made-up reports."""
    return of_document(json.loads(SHIPPED.read_text()))


def document_of(model: Any) -> dict[str, Any]:
    """A fitted gradient boosting of scikit-learn as a document of numbers."""
    trees = [tree[0].nodes for tree in model._predictors]
    most = max(len(tree) for tree in trees)
    columns: dict[str, list[list[Any]]] = {name: [] for name in ("feature", "at_most", "left", "right", "values")}
    for tree in trees:
        for name, values in _columns(tree, most).items():
            columns[name].append(values)
    steps = max(int(tree["depth"].max()) for tree in trees)
    return {"base": round(float(np.ravel(model._baseline_prediction)[0]), 6), "steps": steps} | columns


def _columns(tree: Any, most: int) -> dict[str, list[Any]]:
    """The nodes of a tree, filled up to as many as the largest has."""
    is_leaf, own = tree["is_leaf"].astype(bool), np.arange(len(tree))
    rest = most - len(tree)
    limits = [None if leaf else float(f"{limit:.6g}")
              for leaf, limit in zip(is_leaf, tree["num_threshold"], strict=True)]  # fmt: skip
    return {
        "feature": [*np.where(is_leaf, 0, tree["feature_idx"]).tolist(), *[0] * rest],
        "at_most": [*limits, *[None] * rest],
        "left": [*np.where(is_leaf, own, tree["left"]).tolist(), *[0] * rest],
        "right": [*np.where(is_leaf, own, tree["right"]).tolist(), *[0] * rest],
        "values": [*[round(float(value), 5) for value in tree["value"]], *[0.0] * rest],
    }
