"""Nonlinear least squares of many small problems at once (Levenberg and Marquardt), inside bounds.

Derivatives are by differences; a parameter at a bound is held where it would leave.

Source: D. Marquardt, J. SIAM 11(2), 1963.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Residuals = Callable[[Floats], Floats]
_STEP = 1e-5
_ENOUGH = 1e-7
_DAMPING = np.array([0.1, 1.0, 100.0])


def minimised(residuals: Residuals, start: Floats, low: Floats, high: Floats, rounds: int) -> tuple[Floats, Floats]:
    """Parameters (parameters, problems) and their sums of squares (problems).

    `residuals` takes (parameters, candidates, problems) and gives (observations, candidates, problems); a sum that is
    no number counts as infinitely bad. `low` and `high` are (parameters, 1).
    """
    with np.errstate(invalid="ignore"):
        return _minimised(residuals, np.clip(start, low, high), low, high, rounds)


def _minimised(residuals: Residuals, best: Floats, low: Floats, high: Floats, rounds: int) -> tuple[Floats, Floats]:
    now = residuals(best[:, None])[:, 0]
    cost, damping = _squares(now), np.full(best.shape[1], 1e-2)
    for _ in range(rounds):
        slopes = _slopes(residuals, best, now, high)
        tries = np.clip(best[:, None] + _moves(slopes, now, best, low, high, damping), low[:, None], high[:, None])
        found = residuals(tries)
        costs = _squares(found)
        pick = costs.argmin(0)
        places = np.arange(best.shape[1])
        better = costs[pick, places] < cost
        best = np.where(better, tries[:, pick, places], best)
        now = np.where(better, found[:, pick, places], now)
        gained = better & ~(cost - costs[pick, places] <= _ENOUGH * cost)
        cost = np.where(better, costs[pick, places], cost)
        damping = np.clip(np.where(better, damping * _DAMPING[pick], damping * 1000), 1e-9, 1e9)
        if not gained.any():
            break
    return best, cost


def _squares(residuals: Floats) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        sums = np.einsum("t...,t...->...", residuals, residuals)
    return np.where(np.isfinite(sums), sums, np.inf)


def _slopes(residuals: Residuals, best: Floats, now: Floats, high: Floats) -> Floats:
    """Derivatives as (problems, parameters, observations); a step goes down where it would leave the bounds."""
    step = np.where(best + _STEP > high, -_STEP, _STEP)
    moved = residuals(best[:, None] + np.eye(len(best))[:, :, None] * step[:, None])
    with np.errstate(over="ignore", invalid="ignore"):
        slopes = np.nan_to_num((moved - now[:, None]) / step[None], nan=0.0, posinf=0.0, neginf=0.0)
    return np.ascontiguousarray(slopes.transpose(2, 1, 0))


def _moves(slopes: Floats, now: Floats, best: Floats, low: Floats, high: Floats, damping: Floats) -> Floats:
    """The moves (parameters, dampings, problems) to try."""
    gradient = np.einsum("npt,tn->pn", slopes, np.nan_to_num(now))
    held = ((best <= low) & (gradient > 0)) | ((best >= high) & (gradient < 0))
    slopes = slopes * ~held.T[:, :, None]
    curve = slopes @ slopes.transpose(0, 2, 1)
    weight = np.einsum("npp->np", curve) + 1e-9
    diagonal = np.eye(len(best)) * weight[:, None]
    systems = np.stack([curve + (damping * one)[:, None, None] * diagonal + 1e-12 * np.eye(len(best))
                        for one in _DAMPING], 1)  # fmt: skip
    right = np.where(held, 0.0, -gradient).T[:, None, :, None]
    moves = np.linalg.solve(systems, np.broadcast_to(right, (*systems.shape[:-1], 1)))[..., 0]
    return np.where(held[:, None], 0.0, moves.transpose(2, 1, 0))
