"""From bottom series to forecasts of all sums that add up, with their intervals and a trial at earlier origins."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import conformal, reconcile
from cityloom.insight.domain.series.backtest import Backtest, backtest
from cityloom.insight.domain.series.forecasting import DEFAULT_METHODS, DRAWS, Forecast, forecast, interval
from cityloom.insight.domain.series.hierarchy import Hierarchy

Floats = NDArray[np.float64]
DEFAULT_WAY = "mint_factor"
FEWEST_FOR_MINT = 12
"""With fewer periods of errors than this, correlations say too little, and sums are weighed by their size."""


@dataclass(frozen=True)
class Plan:
    """How series are forecast: see `forecasting.forecast`; `way` of reconciling, none where it is empty."""

    season: int
    horizon: int
    level: float = 0.8
    seed: int = 0
    methods: Sequence[str] = DEFAULT_METHODS
    combined: str = "mean"
    negative: bool = False
    way: str = DEFAULT_WAY
    draws: int = DRAWS


@dataclass(frozen=True)
class Chained:
    """`base` as each series by itself; `mean`, `low`, `high` (nodes, horizon) as they add up; `way` as it was done."""

    base: Forecast
    mean: Floats
    low: Floats
    high: Floats
    paths: Floats | None
    way: str


def chained(bottom: Floats, made: Hierarchy, plan: Plan) -> Chained:
    """Forecast bottom series (bottom, periods) and their sums, and let them add up.

    Raises: Refused, as `forecasting.forecast` and `reconcile.reconciling`.
    """
    values = made.aggregated(bottom)
    base = forecast(values, plan.season, plan.horizon, plan.level, plan.seed, methods=plan.methods,
                    combined=plan.combined, draws=plan.draws, negative=plan.negative)  # fmt: skip
    if not plan.way or len(values) == made.bottom:
        return Chained(base, base.mean, base.low, base.high, base.paths, "")
    errors = values - base.fitted
    enough = int((~np.isnan(errors).any(0)).sum()) >= FEWEST_FOR_MINT
    way = plan.way if enough or plan.way not in reconcile.WEIGHED else "structural"
    how = reconcile.reconciling(made.sums, way, errors)
    mean = how.of(base.mean, negative=plan.negative)
    paths = None if base.paths is None else how.of_paths(base.paths, negative=plan.negative)
    return Chained(base, mean, *interval(paths, plan.level, mean), paths, way)


@dataclass(frozen=True)
class Tried:
    """What came out at earlier origins; `low` and `high` of its `test` are of the intervals that are asked for."""

    test: Backtest
    reach: Floats = field(default_factory=lambda: np.empty((0, 0, 0)))

    def margin(self, level: float) -> Floats:
        """How far a conformal interval reaches in reaches of the simulated one (series, horizon)."""
        return conformal.margins(self.test.errors(), self.reach, level)


def tried(bottom: Floats, made: Hierarchy, plan: Plan, origins: Sequence[int], way: str = "simulated",
          done: Callable[[int], None] = lambda _place: None) -> Tried:  # fmt: skip
    """Work the whole chain at each origin with what was known there.

    With `way` conformal, the interval of an origin is that of the errors which were known by then at earlier ones.
    """

    def told(history: Floats, place: int) -> tuple[Floats, Floats, Floats]:
        done(place)
        found = chained(history[-made.bottom :], made, replace(plan, seed=plan.seed + place))
        return found.mean, found.low, found.high

    test = backtest(made.aggregated(bottom), plan.season, plan.horizon, origins, told)
    reach = (test.high - test.low) / 2
    if way != "conformal":
        return Tried(test, reach)
    low, high = np.full_like(test.low, np.nan), np.full_like(test.high, np.nan)
    errors = test.errors()
    for place, origin in enumerate(test.origins):
        seen = np.array(errors[:place])
        for earlier, at in enumerate(test.origins[:place]):
            seen[earlier, :, max(origin - at, 0) :] = np.nan  # not known yet at this origin
        if place and not np.isnan(seen).all():
            margin = conformal.margins(seen, reach[:place], plan.level)
            low[place], high[place] = conformal.interval(test.mean[place], reach[place], margin, negative=plan.negative)
    return Tried(replace(test, low=low, high=high), reach)
