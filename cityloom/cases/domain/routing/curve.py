"""How right a classifier is, to choose by: coverage against precision, and the calibration error."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
SHOWN = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975, 0.99)


def coverage_curve(probabilities: Floats, is_right: Flags) -> list[dict[str, float]]:
    """For each threshold the share that is routed, and how many of those are right."""
    found = []
    for threshold in SHOWN:
        taken = probabilities >= threshold
        right = float(is_right[taken].mean()) if taken.any() else 1.0
        found.append({"threshold": threshold, "coverage": round(float(taken.mean()), 4), "precision": round(right, 4)})
    return found


def calibration_error(probabilities: Floats, is_right: Flags, bins: int = 15) -> float:
    """The expected calibration error over equally wide bins.

    Source: Naeini, Cooper, Hauskrecht, Obtaining well calibrated probabilities using Bayesian binning, AAAI 2015.
    """
    bin_of = np.minimum((probabilities * bins).astype(int), bins - 1)
    counts = np.bincount(bin_of, minlength=bins)
    said = np.bincount(bin_of, weights=probabilities, minlength=bins)
    true = np.bincount(bin_of, weights=is_right.astype(float), minlength=bins)
    return float(np.abs(said - true).sum() / max(counts.sum(), 1))


def threshold_for(probabilities: Floats, is_right: Flags, precision: float) -> float:
    """The lowest threshold from which on the share of right ones is at least `precision`; 1 where there is none."""
    order = np.argsort(-probabilities, kind="stable")
    share = np.cumsum(is_right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(share >= precision)
    return float(probabilities[order[enough[-1]]]) if len(enough) else 1.0


def coverage_at(probabilities: Floats, is_right: Flags, threshold: float) -> tuple[float, float]:
    """The share at or above a threshold, and how many of those are right."""
    taken = probabilities >= threshold
    return float(taken.mean()), float(is_right[taken].mean()) if taken.any() else 1.0
