"""The work of the kind `forecast`: cleaned rows, models, a trial at earlier origins, forecasts that add up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.series import conformal, measures, periods
from cityloom.insight.domain.series.backtest import Backtest, origins_of
from cityloom.insight.domain.series.chain import DEFAULT_WAY, Chained, Plan, Tried, chained, tried
from cityloom.insight.domain.series.hierarchy import Hierarchy, crossings, hierarchy
from cityloom.insight.domain.series.naive import filled
from cityloom.insight.domain.series.panel import Panel, panel
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Column, Table, as_column, table
from cityloom.insight.studies.kinds import Worked
from cityloom.kernel.refused import Refused

Floats = NDArray[np.float64]
ALONE = "all"
SHOWN_SERIES, SHOWN_SEASONS = 12, 4
_COLUMN = "The table of the series lacks the column {value}; it has {limit}."
_FEW_FOR_CONFORMAL = 2


@dataclass(frozen=True)
class Asked:
    """What a question asks, with its defaults."""

    question: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        return self.question.get(name, DEFAULTS[name])

    @property
    def length(self) -> int:
        """How many periods make a season."""
        return int(self.season) or periods.SEASONS[self.frequency]

    def plan(self) -> Plan:
        """How the series are forecast."""
        way = "" if self.reconciliation == "none" else self.reconciliation
        return Plan(self.length, int(self.horizon), float(self.level), int(self.seed), tuple(self.methods),
                    self.combination, not self.non_negative, way, int(self.draws))  # fmt: skip


DEFAULTS: Mapping[str, Any] = {
    "series": ["series"], "period": "period", "value": "value", "frequency": "month", "season": 0, "horizon": 12,
    "hierarchy": None, "methods": ["ets", "theta"], "combination": "mean", "level": 0.8, "intervals": "simulated",
    "reconciliation": DEFAULT_WAY, "non_negative": True, "duplicates": "refuse", "origins": 4, "seed": 0, "draws": 500,
    "unit": "",
}  # fmt: skip


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """Work a question of the kind."""
    asked = Asked(question)
    plan = asked.plan()
    rows = _panel(asked, inputs["series"])
    made = _hierarchy(asked, rows)
    names = _names(made)
    told(0.1, "fitted")
    found = chained(rows.values, made, plan)
    origins = _origins(rows.values.shape[1], plan, int(asked.origins))
    share = 0.6 / max(len(origins), 1)
    test = tried(rows.values, made, plan, origins, asked.intervals,
                 lambda place: told(0.3 + share * place, "backtest")) if origins else None  # fmt: skip
    low, high, is_conformal = _interval(asked, plan, found, test)
    told(0.95, "reconciled")
    steps = [_cleaned(rows, made, names, asked), _fitted(made, names, found, rows)]
    if test is not None:
        steps += [_by_horizon(test.test, plan), _by_series(test.test, made, names)]
    when = [periods.label(rows.first + rows.values.shape[1] + h, asked.frequency) for h in range(plan.horizon)]
    given = {"level": plan.level, "method": " + ".join(plan.methods), "reconciliation": found.way or "none"}
    against = _against(made.aggregated(rows.values), plan)
    steps.append(_ahead("forecast", made, names, when, plan, found.base.mean, found.base.low, found.base.high, given))
    steps.append(_ahead("reconciled", made, names, when, plan, found.mean, low, high, given, against))
    steps.append(_course(rows, made, names, asked, found.mean, low, high, test))
    return Worked(steps, _notes(asked, plan, rows, names, found, test, is_conformal))


def _panel(asked: Asked, given: Table) -> Panel:
    for name in (*asked.series, asked.period, asked.value):
        if name not in given.columns:
            raise Refused("insight.series_column", _COLUMN, value=str(name)[:80], limit=", ".join(given.columns)[:300])
    keys = {name: [str(one) for one in given[name].tolist()] for name in asked.series}
    when = [str(one) for one in given[asked.period].tolist()]
    values = _numbers(given[asked.value])
    keys = keys or {"series": [ALONE] * given.rows}
    return panel(keys, when, values, asked.frequency, asked.length, asked.duplicates)


def _numbers(column: Column) -> Floats:
    if column.dtype != object:
        return column.astype(np.float64)
    return np.array([float(one) if one else np.nan for one in column.tolist()], np.float64)


def _hierarchy(asked: Asked, rows: Panel) -> Hierarchy:
    if asked.reconciliation == "none" or len(rows.values) == 1:
        count = len(rows.values)
        labels = tuple(zip(*rows.keys.values(), strict=True))
        return Hierarchy(np.eye(count), (" x ".join(rows.keys),) * count, labels)
    levels = asked.hierarchy
    if levels is None:
        levels = crossings(list(rows.keys)) if len(rows.keys) <= 3 else [[name] for name in rows.keys]
    return hierarchy(rows.keys, levels)


def _names(made: Hierarchy) -> list[str]:
    """What each node is called: by its labels, with its level where two are called alike."""
    plain = [" / ".join(label) or level for level, label in zip(made.levels, made.labels, strict=True)]
    twice = {name for name in plain if plain.count(name) > 1} if len(set(plain)) < len(plain) else set()
    return [f"{name} ({level})" if name in twice else name for name, level in zip(plain, made.levels, strict=True)]


def _origins(count: int, plan: Plan, most: int) -> tuple[int, ...]:
    step = plan.season if plan.season > 1 else 1
    try:
        return origins_of(count, plan.horizon, most, step, least=max(2 * plan.season + 1, 8)) if most else ()
    except Refused:
        return ()


def _interval(asked: Asked, plan: Plan, found: Chained, test: Tried | None) -> tuple[Floats, Floats, bool]:
    if asked.intervals != "conformal" or test is None or len(test.test.origins) < _FEW_FOR_CONFORMAL:
        return found.low, found.high, False
    low, high = conformal.interval(found.mean, (found.high - found.low) / 2, test.margin(plan.level),
                                   negative=plan.negative)  # fmt: skip
    return low, high, True


def _cleaned(rows: Panel, made: Hierarchy, names: Sequence[str], asked: Asked) -> Step:
    values = made.aggregated(rows.values)
    known = ~np.isnan(values)
    at, when = np.nonzero(known)
    labels = np.array([periods.label(rows.first + t, asked.frequency) for t in range(known.shape[1])], object)
    found = Table({"series": np.array(names, object)[at], "period": labels[when], "value": values[known]},
                  ("series", "period"))  # fmt: skip
    return Step("cleaned", found, {"filled": rows.filled, "joined": asked.duplicates})


def _fitted(made: Hierarchy, names: Sequence[str], found: Chained, rows: Panel) -> Step:
    known = (~np.isnan(made.aggregated(rows.values))).sum(1)
    return Step("fitted", table("series", series=names, grouping=made.levels, model=found.base.models, periods=known,
                                note=found.base.notes))  # fmt: skip


def _by_horizon(test: Backtest, plan: Plan) -> Step:
    columns = {name: measures.mean_known(one.transpose(2, 0, 1).reshape(plan.horizon, -1))
               for name, one in _scores(test).items()}  # fmt: skip
    return Step("backtest", table("horizon", horizon=np.arange(1, plan.horizon + 1), **columns),
                {"origins": list(test.origins), "level": plan.level})  # fmt: skip


def _by_series(test: Backtest, made: Hierarchy, names: Sequence[str]) -> Step:
    columns = {name: measures.mean_known(one.transpose(1, 0, 2).reshape(len(names), -1))
               for name, one in _scores(test).items()}  # fmt: skip
    return Step("accuracy", table("series", series=names, grouping=made.levels, **columns))


def _scores(test: Backtest) -> dict[str, Floats]:
    """Each forecast's scores (origins, series, horizon), in mean seasonal differences; nan where not known."""
    size = np.where(test.scale > 0, test.scale, np.nan)[:, :, None]
    error, known = test.errors() / size, ~np.isnan(test.low) & ~np.isnan(test.actual)
    inside = np.where(known, (test.actual >= test.low) & (test.actual <= test.high), np.nan)
    return {"mase": np.abs(error), "naive_mase": np.abs(test.naive - test.actual) / size, "bias": error,
            "coverage": inside}  # fmt: skip


def _ahead(name: str, made: Hierarchy, names: Sequence[str], when: Sequence[str], plan: Plan, mean: Floats, low: Floats,
           high: Floats, given: Mapping[str, Any], against: Mapping[str, Floats] | None = None) -> Step:  # fmt: skip
    count, wide = len(names), plan.horizon
    columns = {
        "series": np.repeat(np.array(names, object), wide), "period": np.tile(np.array(when, object), count),
        "grouping": np.repeat(np.array(made.levels, object), wide), "horizon": np.tile(np.arange(1, wide + 1), count),
        "value": mean.ravel(), "low": low.ravel(), "high": high.ravel(), "level": np.full(count * wide, plan.level),
        **(against or {}),
    }  # fmt: skip
    found = Table({key: as_column(one) for key, one in columns.items()}, ("series", "period"))
    return Step(name, found, given, plan.seed)


def _against(values: Floats, plan: Plan) -> dict[str, Floats]:
    """What a published forecast is measured by: last season's value again, and the mean seasonal difference."""
    lag = min(plan.season, values.shape[1])
    naive = filled(values.T, lag)[-lag:][np.arange(plan.horizon) % lag].T
    return {"naive": naive.ravel(), "scale": np.repeat(measures.scale(values, plan.season), plan.horizon)}


def _course(rows: Panel, made: Hierarchy, names: Sequence[str], asked: Asked, mean: Floats, low: Floats, high: Floats,
            test: Tried | None) -> Step:  # fmt: skip
    """What was measured of late and what is told, for the series that are drawn."""
    values = made.aggregated(rows.values)
    back = min(values.shape[1], max(SHOWN_SEASONS * asked.length, 2 * int(asked.horizon)))
    chosen = list(dict.fromkeys([*range(min(len(names), SHOWN_SERIES - 4)), *_worst_and_best(test, made)]))
    nothing = np.full((len(chosen), back), np.nan)
    first = rows.first + values.shape[1] - back
    when = [periods.label(first + t, asked.frequency) for t in range(back + mean.shape[1])]
    measured = np.concatenate([values[chosen, -back:], np.full((len(chosen), mean.shape[1]), np.nan)], 1)
    columns = {"measured": measured} | {
        name: np.concatenate([nothing, one[chosen]], 1)
        for name, one in (("value", mean), ("low", low), ("high", high))}  # fmt: skip
    return Step("course", table(
        ("series", "period"), series=np.repeat(np.array([names[one] for one in chosen], object), len(when)),
        period=np.tile(np.array(when, object), len(chosen)), **{name: one.ravel() for name, one in columns.items()},
    ))  # fmt: skip


def _worst_and_best(test: Tried | None, made: Hierarchy) -> list[int]:
    if test is None:
        return []
    score = np.nan_to_num(measures.mean_known(test.test.mase().T), nan=-1.0)
    bottom = np.arange(len(score) - made.bottom, len(score))
    order = [int(one) for one in bottom[np.argsort(-score[bottom])] if score[one] >= 0]
    return [*order[:2], *order[-2:]]


def _notes(asked: Asked, plan: Plan, rows: Panel, names: Sequence[str], found: Chained, test: Tried | None,
           is_conformal: bool) -> list[Note]:  # fmt: skip
    notes = [Note("conformal" if is_conformal else "simulated", len(test.test.origins) if test else 0, plan.level)]
    if test is None:
        notes.append(Note("no_backtest", rows.values.shape[1], plan.horizon, "doubt"))
    elif any(later - earlier < plan.horizon for earlier, later in pairwise(test.test.origins)):
        notes.append(Note("overlapping", plan.horizon))
    if asked.intervals == "conformal" and not is_conformal:
        notes.append(Note("not_conformal", _FEW_FOR_CONFORMAL, weight="doubt"))
    if found.way and found.way != plan.way:
        notes.append(Note("structural_instead", plan.way, weight="doubt"))
    for code, count in (("filled", rows.filled), ("late", rows.late), ("ended", rows.ended)):
        if count:
            notes.append(Note(code, count, weight="told" if code == "late" else "doubt"))
    for word in ("empty", "short", "constant", "zeros"):
        which = [name for name, said in zip(names, found.base.notes, strict=True) if word in said.split()]
        if which:
            notes.append(Note(word, len(which), ", ".join(which)[:160], "doubt" if word != "constant" else "told"))
    return notes
