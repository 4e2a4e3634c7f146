"""Forecasts as they would have been made in earlier years, their errors, and the widths that intervals need after them.

From each origin the model is fitted to what was known then. How far the count was from the expected roll, over the
half-width that the paths gave, is its score; the quantile of the scores makes intervals wider or narrower (split
conformal prediction over rolling origins). Origins are few: scores of a horizon are pooled with those of all
horizons, and these with as many as ten origins that had fallen as drawn. What is reported as covered uses, at each
origin, the scores of earlier origins alone whose outcome was known by then.

Source: V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, 2005; R. J. Tibshirani and others,
Conformal prediction under covariate shift, 2019 (weighted quantile); L. J. Tashman, Int. J. Forecasting 16, 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools import baselines
from cityloom.insight.domain.schools.cleaning import cleaned
from cityloom.insight.domain.schools.fitting import Settings, fit
from cityloom.insight.domain.schools.panel import Floats, Rolls, summed
from cityloom.insight.domain.schools.paths import drawn, projected

LEVELS = ("district", "grade", "school", "grade of a school")
LEAST_KNOWN = 4
"""How many years of rolls an origin needs."""
_PRIOR = 10.0
"""As many origins count the pooled scores of all horizons, and the drawn ones behind them."""
_DRAWN = 200
Method = Callable[[Rolls, Mapping[int, float], int], Floats]


@dataclass(frozen=True)
class Scores:
    """Forecasts that were judged, in columns: of which `level` (place in LEVELS) and `unit` of it, from which origin,
    how many years `ahead`, the expected roll, the interval as the paths gave it (before any widening), and what was
    counted.
    """

    level: NDArray[np.int64]
    unit: NDArray[np.int64]
    origin: NDArray[np.int64]
    ahead: NDArray[np.int64]
    point: Floats
    low: Floats
    high: Floats
    actual: Floats

    @property
    def size(self) -> Floats:
        """How far off each count was, in half-widths of the interval on its side."""
        half = np.where(self.actual >= self.point, self.high - self.point, self.point - self.low)
        return np.asarray(np.abs(self.actual - self.point) / np.maximum(half, 0.5))

    def __len__(self) -> int:
        return len(self.level)

    def where(self, which: NDArray[np.bool_]) -> Scores:
        """Those that are chosen."""
        return Scores(*(getattr(self, one.name)[which] for one in fields(self)))


def levels(rolls: Floats) -> dict[str, Floats]:
    """Rolls [..., schools, grades] as what is judged: [..., units] by level, nan where a school or a cell is not
    there.
    """
    there = ~np.isnan(rolls)
    school = np.where(there.any(-1), np.where(there, rolls, 0.0).sum(-1), np.nan)
    grade = summed(rolls, -2)
    return {"district": np.nansum(grade, -1)[..., None], "grade": grade, "school": school,
            "grade of a school": rolls.reshape(*rolls.shape[:-2], -1)}  # fmt: skip


def origins_of(rolls: Rolls) -> list[int]:
    """The years from which a forecast of at least one year can be judged."""
    return list(rolls.years[LEAST_KNOWN - 1 : -1])


def scores(
    rolls: Rolls,
    births: Mapping[int, float],
    settings: Settings,
    horizon: int,
    paths: int,
    level: float,
    seeds: np.random.SeedSequence,
    most: int = 15,
) -> Scores:
    """Scores of forecasts from the last `most` origins, up to `horizon` years ahead.

    Each origin cleans the rolls by what was known then; outcomes are the rolls as cleaned now.
    """
    found = [np.zeros((8, 0))]
    actual, origins = cleaned(rolls), origins_of(rolls)[-most:]
    for origin, seed in zip(origins, seeds.spawn(len(origins)), strict=True):
        known = {year: count for year, count in births.items() if year <= origin}
        model = fit(cleaned(rolls.until(origin)), known, settings)
        ahead = min(horizon, rolls.years[-1] - origin)
        draws = drawn(model, ahead, paths, np.random.default_rng(seed))
        point = projected(model, ahead, births=known)[0]
        made = projected(model, ahead, draws, births=known)
        for step in range(ahead):
            outcome = actual.pupils[:, :, actual.years.index(origin + step + 1)]
            found += _judged(point[..., step], made[..., step], outcome, model.schools.there, (origin, step + 1), level)
    every = np.concatenate(found, 1)
    return Scores(*every[:4].astype(np.int64), *every[4:])


def _judged(
    point: Floats, made: Floats, outcome: Floats, there: NDArray[np.bool_], when: tuple[int, int], level: float
) -> list[Floats]:
    whole = there.any(1) & (there == ~np.isnan(outcome)).all(1)
    kept = dict(zip(LEVELS, (np.array([True]), there.any(0), whole, (there & whole[:, None]).ravel()), strict=True))
    expected, counted, spread = levels(point), levels(outcome), levels(made)
    tails = ((1 - level) / 2, (1 + level) / 2)
    found = []
    for place, name in enumerate(LEVELS):
        units = np.flatnonzero(kept[name] & ~np.isnan(counted[name]))
        low, high = np.quantile(spread[name][:, units], tails, axis=0)
        named = (np.full(len(units), one) for one in (place, *when))
        number, origin, ahead = named
        found.append(np.array([number, units, origin, ahead, expected[name][units], low, high, counted[name][units]]))
    return found


def widths(found: Scores, horizon: int, level: float) -> dict[str, Floats]:
    """By level, by how much intervals of 1 to `horizon` years are to be widened (below 1: narrowed)."""
    return {name: _widths(found.where(found.level == place), horizon, level) for place, name in enumerate(LEVELS)}


def _widths(found: Scores, horizon: int, level: float) -> Floats:
    normal = NormalDist()
    shares = (np.arange(_DRAWN) + 0.5) / _DRAWN
    as_drawn = np.array([normal.inv_cdf(0.5 + share / 2) for share in shares]) / normal.inv_cdf(0.5 + level / 2)
    size, (when, many) = found.size, np.unique(found.origin * 100 + found.ahead, return_counts=True)
    weight = 1.0 / many[np.searchsorted(when, found.origin * 100 + found.ahead)]  # each origin and horizon counts one
    pooled = np.concatenate([as_drawn, size])
    mass = np.concatenate([np.full(_DRAWN, _PRIOR / _DRAWN), weight])
    prior, result = _PRIOR * mass / (_PRIOR + len(when)), np.zeros(horizon)
    order = np.argsort(pooled, kind="stable")
    own_mass = np.concatenate([np.zeros(_DRAWN), weight])
    ahead = np.concatenate([np.zeros(_DRAWN), found.ahead])
    for step in range(1, horizon + 1):
        total = np.cumsum((prior + np.where(ahead == step, own_mass, 0.0))[order])
        place = min(int(np.searchsorted(total, level * total[-1])), len(order) - 1)
        result[step - 1] = pooled[order][place]
    return result


def covered(found: Scores, horizon: int, level: float) -> NDArray[np.bool_]:
    """For each score, whether its interval, widened by what was known at its origin, held what was counted."""
    held, size = np.zeros(len(found), bool), found.size
    for origin in np.unique(found.origin):
        known = widths(found.where(found.origin + found.ahead <= origin), horizon, level)
        wide = np.array([known[name] for name in LEVELS])
        here = found.origin == origin
        held[here] = size[here] <= wide[found.level[here], found.ahead[here] - 1]
    return held


def peers(rolls: Rolls, births: Mapping[int, float], lags: Mapping[int, float], horizon: int, most: int = 15
          ) -> dict[str, list[tuple[int, int, float, float]]]:  # fmt: skip
    """What plain methods would have forecast for the district: origin, years ahead, forecast, count."""
    actual, found = cleaned(rolls).district(), {}
    for name, method in baselines.METHODS.items():
        rows = []
        for origin in origins_of(rolls)[-most:]:
            known = {year: count for year, count in births.items() if year <= origin}
            ahead = min(horizon, rolls.years[-1] - origin)
            made = method(rolls.until(origin), known, lags, ahead)
            for step in range(ahead):
                counted = float(np.nansum(actual[:, rolls.years.index(origin + step + 1)]))
                rows.append((origin, step + 1, float(made[step]), counted))
        found[name] = rows
    return found
