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

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
class Score:
    """One forecast from an origin: of a level's `unit` (its place), `ahead` years later, and what was counted.

    `low` and `high` are as the paths gave them, before any widening.
    """

    level: str
    unit: int
    origin: int
    ahead: int
    point: float
    low: float
    high: float
    actual: float

    @property
    def size(self) -> float:
        """How far off the count was, in half-widths of the interval on its side."""
        half = self.high - self.point if self.actual >= self.point else self.point - self.low
        return abs(self.actual - self.point) / max(half, 0.5)


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


def scores(rolls: Rolls, births: Mapping[int, float], settings: Settings, horizon: int, paths: int, level: float,
           seeds: np.random.SeedSequence, most: int = 15) -> list[Score]:  # fmt: skip
    """Scores of forecasts from the last `most` origins, up to `horizon` years ahead.

    Each origin cleans the rolls by what was known then; outcomes are the rolls as cleaned now.
    """
    found: list[Score] = []
    actual = cleaned(rolls)
    for origin, seed in zip(origins_of(rolls)[-most:], seeds.spawn(len(origins_of(rolls)[-most:])), strict=True):
        known = {year: count for year, count in births.items() if year <= origin}
        model = fit(cleaned(rolls.until(origin)), known, settings)
        ahead = min(horizon, rolls.years[-1] - origin)
        draws = drawn(model, ahead, paths, np.random.default_rng(seed))
        point = projected(model, ahead, births=known)[0]
        made = projected(model, ahead, draws, births=known)
        for step in range(ahead):
            outcome = actual.pupils[:, :, actual.years.index(origin + step + 1)]
            found += _judged(point[..., step], made[..., step], outcome, model.schools.there, (origin, step + 1), level)
    return found


def _judged(point: Floats, made: Floats, outcome: Floats, there: NDArray[np.bool_], when: tuple[int, int], level: float
            ) -> list[Score]:  # fmt: skip
    whole = there.any(1) & (there == ~np.isnan(outcome)).all(1)
    kept = {
        "district": np.array([True]),
        "grade": there.any(0),
        "school": whole,
        "grade of a school": (there & whole[:, None]).ravel(),
    }
    expected, counted = levels(point), levels(outcome)
    spread = levels(made)
    tails = ((1 - level) / 2, (1 + level) / 2)
    found = []
    for name in LEVELS:
        low, high = np.quantile(spread[name], tails, axis=0)
        units = np.flatnonzero(kept[name] & ~np.isnan(counted[name]))
        columns = (expected[name], low, high, counted[name])
        found += [Score(name, int(unit), *when, *(float(one[unit]) for one in columns)) for unit in units]
    return found


def widths(found: Sequence[Score], horizon: int, level: float) -> dict[str, Floats]:
    """By level, by how much intervals of 1 to `horizon` years are to be widened (below 1: narrowed)."""
    return {name: _widths([one for one in found if one.level == name], horizon, level) for name in LEVELS}


def _widths(found: Sequence[Score], horizon: int, level: float) -> Floats:
    normal = NormalDist()
    shares = (np.arange(_DRAWN) + 0.5) / _DRAWN
    as_drawn = np.array([normal.inv_cdf(0.5 + share / 2) for share in shares]) / normal.inv_cdf(0.5 + level / 2)
    size, weight, ahead = _weighted(found)
    pooled = np.concatenate([as_drawn, size])
    each = len({(one.origin, one.ahead) for one in found})
    mass = np.concatenate([np.full(_DRAWN, _PRIOR / _DRAWN), weight])
    result = np.zeros(horizon)
    for step in range(1, horizon + 1):
        own = ahead == step
        prior = _PRIOR * mass / (_PRIOR + each)
        result[step - 1] = _quantile(np.append(pooled, size[own]), np.append(prior, weight[own]), level)
    return result


def _weighted(found: Sequence[Score]) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """Sizes of scores, weights by which each origin and horizon counts one, and horizons."""
    many: dict[tuple[int, int], int] = {}
    for one in found:
        many[one.origin, one.ahead] = many.get((one.origin, one.ahead), 0) + 1
    return (np.array([one.size for one in found], np.float64),
            np.array([1.0 / many[one.origin, one.ahead] for one in found], np.float64),
            np.array([one.ahead for one in found], np.int64))  # fmt: skip


def _quantile(values: Floats, weights: Floats, share: float) -> float:
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][min(int(np.searchsorted(total, share * total[-1])), len(values) - 1)])


def covered(found: Sequence[Score], horizon: int, level: float) -> list[tuple[Score, bool]]:
    """Each score, and whether its interval, widened by what was known at its origin, held what was counted."""
    told: list[tuple[Score, bool]] = []
    for origin in sorted({one.origin for one in found}):
        known = widths([one for one in found if one.origin + one.ahead <= origin], horizon, level)
        told += [(one, bool(one.size <= known[one.level][one.ahead - 1])) for one in found if one.origin == origin]
    return told


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
