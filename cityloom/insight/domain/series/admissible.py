"""Whether a form of exponential smoothing forgets its past, so that its forecasts do not hang on the first values.

Source: R. Hyndman, M. Akram and B. Archibald, Annals of the Institute of Statistical Mathematics 60(2), 2008.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series.forms import Form
from cityloom.insight.domain.series.recursion import Smoothing

LONGEST_CHECKED_SEASON = 24
"""With longer seasons the usual region (beta below alpha, gamma below 1 - alpha) is taken to be enough."""
_SLACK = 1e-8


def is_admissible(form: Form, by: Smoothing, season: int) -> NDArray[np.bool_]:
    """For each series (parameters of the error-correction form, (series,)) whether it is in the admissible region."""
    alpha, beta, gamma, phi = by.alpha, by.beta, by.gamma, by.phi
    if not form.has_season:
        inside = (alpha > 1 - 1 / phi - _SLACK) & (alpha < 1 + 1 / phi + _SLACK)
        trend = (beta > alpha * (phi - 1) - _SLACK) & (beta < (1 + phi) * (2 - alpha) + _SLACK)
        return inside & (trend | (not form.has_trend))  # type: ignore[no-any-return]
    if season > LONGEST_CHECKED_SEASON:
        return np.ones(alpha.shape, bool)
    easy = (gamma >= np.maximum(1 - 1 / phi - alpha, 0) - _SLACK) & (gamma <= 1 + 1 / phi - alpha + _SLACK)
    easy &= alpha >= 1 - 1 / phi - gamma * (1 - season + phi + phi * season) / (2 * phi * season) - _SLACK
    easy &= beta >= -(1 - phi) * (gamma / season + alpha) - _SLACK
    return easy & (_largest_root(alpha, beta, gamma, phi, season) <= 1 + 1e-6)  # type: ignore[no-any-return]


def _largest_root(alpha: NDArray[np.float64], beta: NDArray[np.float64], gamma: NDArray[np.float64],
                  phi: NDArray[np.float64], season: int) -> NDArray[np.float64]:  # fmt: skip
    """The largest absolute root of the characteristic polynomial, by its companion matrix."""
    middle = alpha + beta - alpha * phi
    rising = [phi * (1 - alpha - gamma), middle + gamma - 1, *[middle] * (season - 2), alpha + beta - phi]
    companion = np.zeros((len(alpha), season + 1, season + 1))
    companion[:, np.arange(1, season + 1), np.arange(season)] = 1.0
    companion[:, :, -1] = -np.stack(rising, 1)
    return np.abs(np.linalg.eigvals(companion)).max(1)  # type: ignore[no-any-return]
