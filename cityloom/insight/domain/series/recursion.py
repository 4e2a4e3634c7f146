"""Exponential smoothing as states and errors, for many series and many parameters at once.

With the error e = y - mu the states of a form move alike whether its error is additive or multiplicative; only what is
told about the error's spread differs. Arrays are (periods, candidates, series); a value that is not known moves nothing
but the trend.

Source: R. Hyndman, A. Koehler, J. Ord and R. Snyder, Forecasting with Exponential Smoothing (2008), chapter 2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series.forms import Form

Floats = NDArray[np.float64]
_LEAST = 1e-8


@dataclass(frozen=True)
class Smoothing:
    """Parameters, each broadcast over (candidates, series); `beta` and `gamma` as in the error-correction form."""

    alpha: Floats
    beta: Floats
    gamma: Floats
    phi: Floats


@dataclass(frozen=True)
class State:
    """Level and growth (candidates, series) and season (places, candidates, series); `at` is the next place."""

    level: Floats
    growth: Floats
    season: Floats
    at: int = 0


def run(values: Floats, form: Form, by: Smoothing, state: State) -> tuple[Floats, State]:
    """One-step forecasts (periods, candidates, series) of values (periods, series), and the state after the last."""
    level, growth, places = state.level, state.growth, list(state.season)
    shape = np.broadcast_shapes(level.shape, by.alpha.shape, values.shape[1:])
    told = np.empty((len(values), *shape))
    known = ~np.isnan(values)
    gaps = ~known.all(1)
    for t, now in enumerate(values):
        base = level + by.phi * growth if form.has_trend else level
        place = (state.at + t) % max(len(places), 1)
        now_season = places[place] if form.has_season else None
        mean = _with(form, base, now_season)
        told[t] = mean
        error = now - mean
        if gaps[t]:
            error = np.where(known[t], error, 0.0)
        level, growth, after = moved(form, by, base, growth, now_season, error)
        if after is not None:
            places[place] = after
    at = (state.at + len(values)) % max(len(places), 1)
    season = np.stack([np.broadcast_to(one, shape) for one in places]) if places else state.season
    return told, State(np.broadcast_to(level, shape), np.broadcast_to(growth, shape), season, at)


def moved(form: Form, by: Smoothing, base: Floats, growth: Floats, season: Floats | None, error: Floats
          ) -> tuple[Floats, Floats, Floats | None]:  # fmt: skip
    """Level, growth and season after an error."""
    if season is None:
        plain = error
    elif form.season == "A":
        plain, season = error, season + by.gamma * error
    else:
        plain, season = error / _away(season), season + by.gamma * error / _away(base)
    level = base + by.alpha * plain
    return level, by.phi * growth + by.beta * plain if form.has_trend else growth, season


def ahead(form: Form, phi: Floats, state: State, horizon: int) -> Floats:
    """Point forecasts (horizon, candidates, series) from a state, without errors to come."""
    steps = np.cumsum(phi[None] ** np.arange(1, horizon + 1).reshape(-1, *[1] * phi.ndim), axis=0)
    base = state.level + steps * state.growth if form.has_trend else np.broadcast_to(
        state.level, (horizon, *state.level.shape))  # fmt: skip
    if not form.has_season:
        return np.array(base)
    season = state.season[(state.at + np.arange(horizon)) % len(state.season)]
    return base + season if form.season == "A" else base * season  # type: ignore[no-any-return]


def drawn(form: Form, by: Smoothing, state: State, shocks: Floats) -> Floats:
    """Paths (horizon, draws, series) from a state and errors to come: of the error's own kind, so for an M a share."""
    level, growth, places = state.level, state.growth, list(state.season)
    paths = np.empty(shocks.shape)
    for t, shock in enumerate(shocks):
        base = level + by.phi * growth if form.has_trend else level
        place = (state.at + t) % max(len(places), 1)
        season = places[place] if form.has_season else None
        mean = _with(form, base, season)
        error = shock if form.error == "A" else shock * mean
        paths[t] = mean + error
        level, growth, after = moved(form, by, base, growth, season, error)
        if after is not None:
            places[place] = after
    return paths


def _with(form: Form, base: Floats, season: Floats | None) -> Floats:
    """What a level and a growth tell with their season."""
    if season is None:
        return base
    return base + season if form.season == "A" else base * season


def _away(values: Floats) -> Floats:
    """Away from zero, where a division would burst."""
    return np.where(np.abs(values) < _LEAST, _LEAST, values)
