"""Forecasts by statsforecast, where it is installed: the same way in, and the same coming out.

Not among what Cityloom installs, as it brings pandas, statsmodels and pyarrow along (430 MB); `pip install
'cityloom[statsforecast]'` adds it. Its licence is Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series.forecasting import Forecast, bounded
from cityloom.insight.domain.series.taking import Taken, taken
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
MODELS = ("AutoETS", "AutoARIMA", "AutoCES", "AutoTheta", "Theta", "OptimizedTheta", "DynamicOptimizedTheta",
          "SeasonalNaive")  # fmt: skip
DEFAULT_MODELS = ("AutoETS", "Theta")
_ABSENT = "{value} is not installed; install it with {limit}, or leave it to Cityloom's own methods."
_MODEL = "There is no model that is called {value}; there are {limit}."


def forecast(values: Floats, season: int, horizon: int, level: float = 0.8, seed: int = 0, *,
             models: Sequence[str] = DEFAULT_MODELS, negative: bool = False) -> Forecast:  # fmt: skip
    """Forecast each row of values (series, periods) by the mean of models, as `series.forecasting.forecast` does.

    Intervals are the means of the models' own; there are no joint paths (`paths` is None), so that intervals of sums
    are those of the sums' own series. The models draw nothing by lot: `seed` is there for the same way in.

    Raises: Refused `insight.no_statsforecast`, `insight.no_statsforecast_model`, and as `taking.taken`.
    """
    library, known = _library()
    for name in models:
        if name not in MODELS:
            raise Refused("insight.no_statsforecast_model", _MODEL, value=str(name)[:80], limit=", ".join(MODELS))
    given = taken(values, season, horizon, ("ets",), "mean", negative)
    shape = (len(values), horizon)
    mean, low, high, fitted = np.empty(shape), np.empty(shape), np.empty(shape), np.full(values.shape, np.nan)
    for group in given.groups:
        frame = _frame(given, group.rows, group.first)
        made = library([getattr(known, name)(season_length=group.season) for name in models], freq=1, n_jobs=1)
        told = made.forecast(df=frame, h=horizon, level=[round(100 * level)] if level else None, fitted=True)
        own = made.forecast_fitted_values()
        share = f"{round(100 * level)}"
        wide = values.shape[1] - group.first
        mean[group.rows] = _mean(told, models, "", horizon)
        low[group.rows] = _mean(told, models, f"-lo-{share}", horizon) if level else np.nan
        high[group.rows] = _mean(told, models, f"-hi-{share}", horizon) if level else np.nan
        fitted[group.rows, group.first :] = _mean(own, models, "", wide)
    mean, low, high = (bounded(one, negative) for one in (mean, low, high))
    return Forecast(mean, low, high, fitted, None, (" + ".join(models),) * len(values), given.notes, level)


def _library() -> tuple[Any, Any]:
    try:
        from statsforecast import StatsForecast, models
    except ImportError as error:
        raise Refused("insight.no_statsforecast", _ABSENT, value="statsforecast",
                      limit="pip install 'cityloom[statsforecast]'") from error  # fmt: skip
    return StatsForecast, models


def _frame(given: Taken, rows: NDArray[np.int64], first: int) -> Any:
    """A long frame; what is not known inside is that of a season before, as the library takes no gaps."""
    import pandas as pd

    from cityloom.insight.domain.series.naive import filled

    values = filled(given.values[rows, first:].T, 1).T
    count, wide = values.shape
    return pd.DataFrame({"unique_id": np.repeat(np.arange(count), wide), "ds": np.tile(np.arange(wide), count),
                         "y": values.ravel()})  # fmt: skip


def _mean(frame: Any, models: Sequence[str], ending: str, wide: int) -> Floats:
    """The mean of the models' columns as (series, periods)."""
    ordered = frame.sort_values(["unique_id", "ds"])
    columns = [ordered[f"{name}{ending}"].to_numpy(dtype=np.float64) for name in models]
    return np.mean(columns, axis=0).reshape(-1, wide)  # type: ignore[no-any-return]
