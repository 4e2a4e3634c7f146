"""ETS for many series at once: each form fitted by maximum likelihood, one chosen for each series by AICc.

A form's likelihood is a sum of squares: of errors, or for a multiplicative error of relative errors times the geometric
mean of the forecasts. Starting points are the best of a grid; the rest is least squares over smoothing parameters and
initial states together, for all series in the same array operations. Arrays are (periods, series).

Source: R. Hyndman, A. Koehler, R. Snyder and S. Grose, Int. J. Forecasting 18(3), 2002; Hyndman et al. (2008), 5, 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import start
from cityloom.insight.domain.series.admissible import is_admissible
from cityloom.insight.domain.series.forms import Form, fitting
from cityloom.insight.domain.series.least_squares import minimised
from cityloom.insight.domain.series.recursion import Smoothing, State, run
from cityloom.insight.domain.series.shape import Shape

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
ROUNDS = 8
_ALPHAS, _BETAS, _GAMMAS, _PHIS = (0.1, 0.3, 0.6, 0.9), (0.05, 0.3), (0.05, 0.3), (0.9, 0.97)
_MOST_CELLS = 4_000_000


@dataclass(frozen=True)
class Fitted:
    """A form fitted to series: parameters and states are (series,); `told` are one-step forecasts (periods, series).

    `criterion` is AICc, up to a constant of each series; infinite where the form does not do.
    """

    form: Form
    by: Smoothing
    first: State
    last: State
    told: Floats
    criterion: Floats

    def only(self, which: Places) -> Fitted:
        """Some of the series."""
        by = Smoothing(self.by.alpha[which], self.by.beta[which], self.by.gamma[which], self.by.phi[which])
        first, last = (State(one.level[which], one.growth[which], one.season[:, which], one.at)
                       for one in (self.first, self.last))  # fmt: skip
        return Fitted(self.form, by, first, last, self.told[:, which], self.criterion[which])


def chosen(values: Floats, season: int, forms: Sequence[Form] = ()) -> list[tuple[Places, Fitted]]:
    """For values about 1 in size: which series have which form, with its fit; each series is in one of the lists.

    `forms` are the ones to try; by default all that the data can tell apart. All series begin in the first period.
    """
    found = []
    positive = (np.where(np.isnan(values), 1.0, values) > 0).all(0)
    for sign in (True, False):
        which = np.flatnonzero(positive == sign)
        wide = max(1, _MOST_CELLS // (len(values) * (season + 8)))
        for part in np.split(which, range(wide, len(which), wide)):
            if len(part):
                found += [(part[ours], fitted) for ours, fitted in _best(values[:, part], season, sign, forms)]
    return found


def fit(values: Floats, form: Form, season: int, rounds: int = ROUNDS) -> Fitted:
    """Fit one form to values that are about 1 in size."""
    figures = start.seasonal(values, season, form.season) if form.has_season else None
    shape = Shape(form, season, figures)

    def residuals(x: Floats) -> Floats:
        told, _ = run(values, form, shape.smoothing(x), shape.state(x))
        return _residuals(values, told, form)

    with np.errstate(all="ignore"):
        guesses = _grid(values, shape)
        found = residuals(guesses)
        cost = np.einsum("tcn,tcn->cn", found, found)
        pick = np.where(np.isfinite(cost), cost, np.inf).argmin(0)
        start_at = guesses[:, pick, np.arange(values.shape[1])]
        best, cost = minimised(residuals, start_at, shape.low, shape.high, rounds)
        by, first = shape.smoothing(best), shape.state(best)
        told, last = run(values, form, by, first)
    return Fitted(form, by, first, last, told, _criterion(values, cost, form, season))


def _best(values: Floats, season: int, positive: bool, forms: Sequence[Form]) -> list[tuple[Places, Fitted]]:
    known = int((~np.isnan(values)).sum(0).min())
    able = [form for form in fitting(season, known, positive) if not forms or form in forms]
    tried = [fit(values, form, season) for form in able or [Form("A", "N", "N")]]
    scores = np.stack([one.criterion for one in tried])
    for _ in tried:  # the next best where the best would not forget its past
        pick = scores.argmin(0)
        groups = [(k, where) for k in np.unique(pick) if len(where := np.flatnonzero(pick == k))]
        bad = [(k, where[~is_admissible(tried[k].form, tried[k].only(where).by, season)]) for k, where in groups]
        if not any(len(where) for _, where in bad):
            break
        for k, where in bad:
            scores[k, where] = np.inf
    return [(where, tried[k].only(where)) for k, where in groups]


def _residuals(values: Floats, told: Floats, form: Form) -> Floats:
    known = ~np.isnan(values)[:, None]
    error = np.where(known, values[:, None] - told, 0.0)
    if form.error == "A":
        return error
    told = np.where(told > 0, told, np.nan)
    geometric = np.exp(np.where(known, np.log(told), 0.0).sum(0) / known.sum(0))
    return error / told * geometric


def _grid(values: Floats, shape: Shape) -> Floats:
    """Where to begin: (parameters, candidates, series)."""
    form, plain = shape.form, values
    if form.has_season:
        tiled = np.asarray(shape.figures)[np.arange(len(values)) % shape.season]
        plain = values - tiled if form.season == "A" else values / tiled
    level, growth = start.line(plain)
    if not form.has_trend:
        some = plain[:10]
        level = np.where(np.isnan(some), 0, some).sum(0) / np.maximum((~np.isnan(some)).sum(0), 1)
    if form.is_positive:
        level = np.maximum(level, 0.05)
    axes = [_ALPHAS, *([_BETAS] if form.has_trend else []), *([_PHIS] if form.is_damped else []),
            *([_GAMMAS] if form.has_season else [])]  # fmt: skip
    return shape.vector([one.reshape(-1, 1) for one in np.meshgrid(*axes, indexing="ij")], level, growth)


def _criterion(values: Floats, cost: Floats, form: Form, season: int) -> Floats:
    count = (~np.isnan(values)).sum(0)
    free = form.parameters(season)
    spread = count * np.log(np.maximum(cost, 1e-12 * count))
    room = count - free - 1
    return np.where(room > 0, spread + 2 * free + 2 * free * (free + 1) / np.maximum(room, 1), np.inf)
