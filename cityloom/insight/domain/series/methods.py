"""The methods, each with one face: point forecasts, one-step forecasts of the past, and paths of what may come.

Arrays are (periods, series) or (horizon, draws, series); values are about 1 in size and all series begin in the first
period. Paths of all methods and all series take the errors of the same past periods, so that what moved together in the
past moves together in the paths, and sums of paths are paths of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import ets, naive, theta
from cityloom.insight.domain.series.forms import FORMS
from cityloom.insight.domain.series.recursion import ahead, drawn

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


@dataclass(frozen=True)
class Wanted:
    """`rows` (horizon, draws) are the past periods whose errors come again; None where no paths are wanted."""

    season: int
    horizon: int
    rows: Places | None


@dataclass(frozen=True)
class Based:
    """`mean` (horizon, series), `told` (periods, series; nan where a method cannot tell), `paths` and each `model`."""

    mean: Floats
    told: Floats
    paths: Floats | None
    model: tuple[str, ...]


Method = Callable[[Floats, Wanted], Based]


def _ets(values: Floats, wanted: Wanted) -> Based:
    mean = np.empty((wanted.horizon, values.shape[1]))
    told, model = np.empty(values.shape), np.empty(values.shape[1], object)
    paths = None if wanted.rows is None else np.empty((*wanted.rows.shape, values.shape[1]))
    for which, fitted in ets.chosen(values, wanted.season):
        mean[:, which] = ahead(fitted.form, fitted.by.phi, fitted.last, wanted.horizon)
        told[:, which], model[which] = fitted.told, fitted.form.name
        if paths is not None and wanted.rows is not None:
            error = values[:, which] - fitted.told
            error = error / fitted.told if fitted.form.error == "M" else error
            shocks = _errors(error, wanted.rows, fitted.form.parameters(wanted.season) - 1)
            paths[:, :, which] = drawn(fitted.form, fitted.by, fitted.last, shocks)
    return Based(mean, told, paths, tuple(model))


def _theta(values: Floats, wanted: Wanted, optimised: bool = False) -> Based:
    fitted, periods = theta.fit(values, wanted.season, optimised), len(values)
    paths = None
    if wanted.rows is not None:
        paths = theta.drawn(fitted, periods, _errors(values - fitted.told, wanted.rows, 3))
    name = "OTM" if optimised else "Theta"
    return Based(theta.ahead(fitted, periods, wanted.horizon), fitted.told, paths, (name,) * values.shape[1])


def _snaive(values: Floats, wanted: Wanted) -> Based:
    season = min(max(wanted.season, 1), len(values))
    mean, told = naive.seasonal_ahead(values, season, wanted.horizon)
    paths = None if wanted.rows is None else naive.drawn_seasonal(
        values, season, _errors(values - told, wanted.rows, 0, season))  # fmt: skip
    return Based(mean, told, paths, ("snaive" if season > 1 else "naive",) * values.shape[1])


def _drift(values: Floats, wanted: Wanted) -> Based:
    mean, told = naive.drift_ahead(values, wanted.horizon)
    paths = None if wanted.rows is None else naive.drawn_drift(values, _errors(values - told, wanted.rows, 1, 1))
    return Based(mean, told, paths, ("drift",) * values.shape[1])


METHODS: Mapping[str, Method] = {
    "ets": _ets, "theta": _theta, "otm": lambda values, wanted: _theta(values, wanted, optimised=True),
    "snaive": _snaive, "drift": _drift,
}  # fmt: skip
"""ETS by AICc, Theta, optimised Theta, seasonal naive, drift."""
MODELS = (*(form.name for form in FORMS), "Theta", "OTM", "snaive", "naive", "drift")
"""What a series' model may be called."""


def _errors(error: Floats, rows: Places, free: int, burnt: int = 0) -> Floats:
    """Errors of the past (periods, series) as those to come (horizon, draws, series): centred, and made as much larger
    as a fit with so many free parameters makes them smaller; unknown ones are those of other periods.
    """
    error = naive.filled(np.where(np.isfinite(error), error, np.nan), 1)[burnt:]
    error = np.where(np.isfinite(error), error, 0.0)
    if not len(error):
        return np.zeros((*rows.shape, error.shape[1]))
    count = len(error)
    larger = np.sqrt(count / max(count - free, count / 2))
    centred = (error - error.mean(0)) * larger
    return centred[np.maximum(rows - burnt, 0) % count]  # type: ignore[no-any-return]
