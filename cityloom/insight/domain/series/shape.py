"""How the parameters of a form are one vector: shares of the usual region, then the first states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series.forms import LONGEST_FITTED_SEASON, Form
from cityloom.insight.domain.series.recursion import Smoothing, State

Floats = NDArray[np.float64]
_BOUNDS = {"alpha": (1e-4, 0.9999), "beta": (1e-4, 0.9999), "phi": (0.8, 0.98), "gamma": (1e-4, 0.9999)}
_FAR = 1e6


class Shape:
    """How a vector of parameters is read as smoothing and states, for one form."""

    def __init__(self, form: Form, season: int, figures: Floats | None) -> None:
        self.form, self.figures = form, figures
        self.season = season if form.has_season else 0
        self.free = self.season - 1 if 0 < self.season <= LONGEST_FITTED_SEASON else 0
        names = ["alpha", *(["beta"] if form.has_trend else []), *(["phi"] if form.is_damped else []),
                 *(["gamma"] if form.has_season else [])]  # fmt: skip
        self.rows = {name: row for row, name in enumerate(names)}
        states = 1 + form.has_trend + self.free
        bounds = [_BOUNDS[name] for name in names] + [(-_FAR, _FAR)] * states
        if form.is_positive:
            bounds[len(names)] = (1e-3, _FAR)
        self.low, self.high = (np.array([one[side] for one in bounds])[:, None] for side in (0, 1))

    def smoothing(self, x: Floats) -> Smoothing:
        """Shares become parameters of the usual region: beta below alpha, gamma below 1 - alpha."""
        alpha, none = x[0], np.zeros_like(x[0])
        beta = x[self.rows["beta"]] * alpha if self.form.has_trend else none
        phi = x[self.rows["phi"]] if self.form.is_damped else none + 1.0
        gamma = x[self.rows["gamma"]] * (1 - alpha) if self.form.has_season else none
        return Smoothing(alpha, beta, gamma, phi)

    def state(self, x: Floats) -> State:
        """The states before the first period."""
        row = len(self.rows)
        level = x[row]
        growth = x[row + 1] if self.form.has_trend else np.zeros_like(level)
        if not self.season:
            return State(level, growth, np.empty((0, *level.shape)))
        if not self.free:
            figures = np.asarray(self.figures)
            return State(level, growth, np.broadcast_to(figures[:, None] if level.ndim == 2 else figures,
                                                        (self.season, *level.shape)))  # fmt: skip
        some = x[row + 1 + self.form.has_trend :]
        total = 0.0 if self.form.season == "A" else float(self.season)
        return State(level, growth, np.concatenate([some, total - some.sum(0, keepdims=True)]))

    def vector(self, smoothing: Sequence[Floats], level: Floats, growth: Floats) -> Floats:
        """Parameters (parameters, candidates, series) of shares and the guessed states."""
        rows = [*smoothing, level, *([growth] if self.form.has_trend else []),
                *(np.asarray(self.figures)[: self.free] if self.free else [])]  # fmt: skip
        return np.stack(np.broadcast_arrays(*rows))
