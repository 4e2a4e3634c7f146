"""The steps of a study of schools, each as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.schools import backtest
from cityloom.insight.domain.schools import births as born
from cityloom.insight.domain.schools.baselines import TITLES
from cityloom.insight.domain.schools.fitting import Model
from cityloom.insight.domain.schools.panel import Floats, Rolls
from cityloom.insight.domain.schools.places import widened
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.schools_inputs import Given

OURS = "this forecast"


def rolls_table(raw: Rolls, clean: Rolls) -> Table:
    """Pupils as counted and as used, where there are any."""
    there = np.argwhere(~np.isnan(clean.pupils))
    school, grade, year = there.T
    return table(("school", "grade", "year"), school=[clean.schools[one] for one in school],
                 grade=[clean.grades[one] for one in grade], year=[clean.years[one] for one in year],
                 counted=raw.pupils[school, grade, year], used=clean.pupils[school, grade, year])  # fmt: skip


def entry_table(found: Given, clean: Rolls, model: Model, horizon: int) -> Table:
    """Births behind the entry of each year, the pupils who entered, and pupils per birth."""
    years = list(range(clean.years[0], clean.years[-1] + horizon + 1))
    last = max(found.births, default=0)
    driver, carried = born.behind(found.births, years, model.settings.lags, last) if model.settings.lags else (
        np.full(len(years), np.nan), np.zeros(len(years), bool))  # fmt: skip
    entered = np.append(clean.district()[0], np.full(horizon, np.nan))
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(driver > 0, entered / driver, np.nan)
    return table("year", year=years, births=driver, carried=carried.astype(int), entered=entered, per_birth=each)


def ratios_table(clean: Rolls, model: Model, horizon: int) -> Table:
    """By grade: last year's ratio, the one that is used, its drift a year in the first year, the spread of years."""
    total = clean.district()
    own = np.exp(model.district.ratio)
    grades = clean.grades
    first, of = total[0, -1], "pupils"
    if model.settings.lags:
        driver, _ = born.behind(model.births, [clean.years[-1]], model.settings.lags, clean.years[-1])
        first, of = total[0, -1] / driver[0], "births"
    with np.errstate(divide="ignore", invalid="ignore"):
        last = np.append(first, total[1:, -1] / total[:-1, -2])
    last = np.where(np.isfinite(last), last, np.nan)
    spread = np.sqrt((model.district.left**2).mean(1))
    return table("grade", grade=list(grades), after=[of, *grades[:-1]], last_year=last, used=own,
                 drift=own * (np.exp(model.district.slope * model.settings.damping) - 1), spread=spread)  # fmt: skip


def school_ratios_table(clean: Rolls, model: Model) -> Table:
    """By school and grade: the ratio by which it moves on, beside the district's; or its share, where pupils start."""
    there = np.argwhere(model.schools.there)
    school, grade = there.T
    starts = model.schools.starts[school, grade]
    moved = np.exp(model.district.ratio[grade] + model.schools.deviation[school, grade])
    return table(("school", "grade"), school=[clean.schools[one] for one in school],
                 grade=[clean.grades[one] for one in grade], ratio=np.where(starts, np.nan, moved),
                 beside=np.where(starts, np.nan, np.exp(model.schools.deviation[school, grade]) - 1),
                 share=np.where(starts, model.schools.share[school, grade], np.nan))  # fmt: skip


def backtest_table(
    scores: backtest.Scores,
    held: NDArray[np.bool_],
    peers: Mapping[str, Sequence[tuple[int, int, float, float]]],
    horizon: int,
) -> Table:
    """By method, level and years ahead: origins, judged values, error and bias in percent, share covered.

    The district's error is the mean over origins; those of grades and schools are weighted by their pupils.
    """
    rows: list[tuple[Any, ...]] = []
    off, actual = scores.point - scores.actual, np.maximum(scores.actual, 1.0)
    for place, level in enumerate(backtest.LEVELS):
        for ahead in range(1, horizon + 1):
            own = (scores.level == place) & (scores.ahead == ahead)
            if own.any():
                total = actual[own].sum()
                error = np.abs(off[own] / actual[own]).mean() if place == 0 else np.abs(off[own]).sum() / total
                rows.append((OURS, level, ahead, len(np.unique(scores.origin[own])), int(own.sum()), 100 * float(error),
                             100 * float(off[own].sum() / total), float(held[own].mean())))  # fmt: skip
    for name, made in peers.items():
        for ahead in range(1, horizon + 1):
            share = np.array([guess / count - 1 for _, years, guess, count in made if years == ahead and count])
            if share.size:
                error, bias = 100 * float(np.abs(share).mean()), 100 * float(share.mean())
                rows.append((TITLES[name], "district", ahead, len(share), len(share), error, bias, np.nan))
    names = ("method", "of", "ahead", "origins", "judged", "error_pct", "bias_pct", "covered")
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return table(("method", "of", "ahead"), **dict(zip(names, map(list, columns), strict=True)))


def by_ahead_table(tested: Table, ahead: Sequence[int], row: str, column: str, where: Mapping[str, str]) -> Table:
    """The back-test with a column for each horizon that is asked for: `ahead_3` is three years ahead."""
    kept = [one for one in range(tested.rows) if all(tested[name][one] == value for name, value in where.items())]
    rows = list(dict.fromkeys(str(tested[row][one]) for one in kept))
    wide: dict[str, Any] = {row: rows}
    for one in kept:
        if int(tested["ahead"][one]) in ahead:
            values = wide.setdefault(f"ahead_{int(tested['ahead'][one])}", np.full(len(rows), np.nan))
            values[rows.index(str(tested[row][one]))] = tested[column][one]
    return table(row, **wide)


def widths_table(widths: Mapping[str, Floats]) -> Table:
    """By how much the intervals of the paths are widened."""
    names, horizon = list(widths), len(next(iter(widths.values())))
    return table(
        ("of", "ahead"),
        of=[one for one in names for _ in range(horizon)],
        ahead=list(range(1, horizon + 1)) * len(names),
        width=np.concatenate(list(widths.values())),
    )


def forecast_table(clean: Rolls, point: Floats, paths: Floats, widths: Mapping[str, Floats], level: float) -> Table:
    """Forecasts with intervals: of the district, each grade, each school, each school's grade."""
    horizon = point.shape[-1]
    tails = ((1 - level) / 2, (1 + level) / 2)
    empty = point.max(-1) <= 0
    grades, schools = clean.grades, clean.schools
    units = {
        "district": [("all schools", "", "")],
        "grade": [(f"all schools / {grade}", "", grade) for grade in grades],
        "school": [(name, name, "") for name in schools],
        "grade of a school": [(f"{name} / {grade}", name, grade) for name in schools for grade in grades],
    }
    shown = {
        "district": np.array([True]),
        "grade": ~empty.all(0),
        "school": ~empty.all(1),
        "grade of a school": ~empty.ravel(),
    }
    columns: dict[str, list[Any]] = {
        name: [] for name in ("series", "period", "horizon", "value", "low", "high", "level", "of", "school", "grade")
    }
    for step in range(horizon):
        values, spread = backtest.levels(point[..., step]), backtest.levels(paths[..., step])
        for of, named in units.items():
            wide = widened(spread[of], values[of], float(widths[of][step]))
            low, high = np.quantile(wide, tails, axis=0)
            for unit in np.flatnonzero(shown[of]):
                value = float(values[of][unit])
                row = (named[unit][0], clean.years[-1] + step + 1, step + 1, value, min(float(low[unit]), value),
                       max(float(high[unit]), value), level, of, *named[unit][1:])  # fmt: skip
                for name, one in zip(columns, row, strict=True):
                    columns[name].append(one)
    return table(("series", "period"), **columns)


def district_table(clean: Rolls, raw: Rolls, forecast: Table) -> Table:
    """The district's pupils by year: counted, and expected with their interval."""
    counted = np.nansum(raw.district(), 0)
    past = len(clean.years)
    of = np.flatnonzero([one == "district" for one in forecast["of"].tolist()])
    ahead = np.full(len(of), np.nan)
    gone = np.full(past - 1, np.nan)
    last = counted[-1:]
    return table("year", year=[*clean.years, *forecast["period"][of].tolist()], counted=np.append(counted, ahead),
                 used=np.append(np.nansum(clean.district(), 0), ahead),
                 expected=np.concatenate([gone, last, forecast["value"][of]]),
                 low=np.concatenate([gone, last, forecast["low"][of]]),
                 high=np.concatenate([gone, last, forecast["high"][of]]))  # fmt: skip
