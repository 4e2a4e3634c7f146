"""How much each sensor and each call speaks for a cause at each place: log-likelihood ratios, as columns.

A sensor may be off by itself, so however wild it is, it never speaks louder than that is rare. Where a cause should be
felt and is not, the sensor speaks against it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.cause import Sign, Told

Floats = NDArray[np.float64]
_RANGE = 100.0
"""A sensor that is off by itself may say anything within 50 spreads."""
_UNLIKE = 0.4
"""A cause is felt so much more or less than its size and distance say, as a share."""
_TAIL = 1.5
"""Readings are wider spread than a normal distribution: 4 spreads are usual enough to be no news."""
ONE_CALL, ALL_CALLS = 5.0, 9.0
"""Log-odds of one call, and of all calls about a cause: as in the fusion of collapses, callers alone decide nothing."""
_ENOUGH = 5
"""Below so many sensors nobody can tell what all of them do from what some do."""
_DAY_S, _KM2 = 86_400.0, 1e6


def common(spreads: Floats) -> float:
    """How far all sensors of a kind have moved at a time: what seven in ten of them do, at the least.

    So a cause that a few of them feel is not taken for a move of all, and demand, weather and pumps are.
    """
    if len(spreads) < _ENOUGH:
        return 0.0
    low, high = np.quantile(spreads, (0.3, 0.7)).tolist()
    return float(np.sign(low) * min(abs(low), abs(high))) if low * high > 0 else 0.0


def nearest(weights: Floats, far: Floats) -> Floats:
    """The same weights, where at each place only the nearest sensor says anything."""
    return np.where(np.arange(far.shape[1]) == far.argmin(axis=1)[:, None], weights, 0.0)


def for_size(sign: Sign, spreads: Floats, share: Floats, size: float) -> Floats:
    """What each sensor says of a cause of one size: log-likelihood ratios, shape (places, sensors).

    `spreads` is how far each sensor is above usual; `share`, shape (places, sensors), what of the effect reaches it.
    """
    felt = spreads * sign.moves if sign.moves else np.abs(spreads)
    felt = np.clip(felt, -_RANGE / 2, _RANGE / 2)
    usual = _normal(felt / _TAIL) / _TAIL * (1 if sign.moves else 2)  # of either side, both halves lie here
    wanted = size * share if sign.fades else np.full(share.shape, size)
    wide = np.sqrt(_TAIL**2 + (_UNLIKE * wanted) ** 2)
    moved = _normal((felt - wanted) / wide) / wide
    if not sign.fades:  # a sensor is in the queue, or beyond its end
        moved = share * moved + (1 - share) * usual
    by_itself = sign.alone / _RANGE
    return np.log((1 - sign.alone) * moved + by_itself) - np.log((1 - sign.alone) * usual + by_itself)


def of_calls(told: Told, metres: Floats, within_s: float) -> tuple[Floats, float]:
    """What each call says of a cause at each place, shape (places, calls), and what the silence of all others says.

    Calls come by chance, everywhere alike without a cause, and around it with one: a Poisson process.
    """
    idle = told.idle * within_s / _DAY_S / _KM2
    spread = told.told * np.exp(-((metres / told.carries_m) ** 2) / 2) / (2 * np.pi * told.carries_m**2)
    return np.minimum(np.log1p(spread / idle), ONE_CALL), -told.told


def _normal(z: Floats) -> Floats:
    return np.exp(-z * z / 2) / np.sqrt(2 * np.pi)
