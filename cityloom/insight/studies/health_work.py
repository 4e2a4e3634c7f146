"""The work of the kind `health`: people and rates to months, months to beds, and how the method did in the past."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cityloom.insight.domain.health import months, season
from cityloom.insight.domain.health.assumptions import Assumption
from cityloom.insight.domain.health.demography import Expected, expected_of
from cityloom.insight.domain.health.outlook import (
    ADMITTED,
    GROWTH,
    OCCUPANCY,
    STAY,
    History,
    Outlook,
    history_of,
    outlook,
)
from cityloom.insight.domain.study.study import Note, Step, Told
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies.kinds import Worked

Floats = NDArray[np.float64]
FORMS = {ADMITTED: "share", STAY: "positive", OCCUPANCY: "share", GROWTH: "number"}
_BANDS = (0.5, 0.1, 0.9, 0.025, 0.975)
_NAMES = ("median", "low80", "high80", "low95", "high95")
_LEAST_TO_TRY = 15
_FAR = 24


def assumptions_of(question: Mapping[str, Any]) -> dict[str, Assumption]:
    """The assumptions of a question, in their order."""
    given = question["assumptions"]
    return {name: Assumption(name, float(one["value"]), float(one["low"]), float(one["high"]), str(one["owner"]),
                             str(one["date"]), FORMS[name], float(one.get("level", 0.8)))  # type: ignore[arg-type]
            for name, one in given.items()}  # fmt: skip


def work(question: Mapping[str, Any], inputs: Mapping[str, Table], told: Told) -> Worked:
    """Work the question. Raises: Refused, as the rooms that it calls."""
    seed, draws = int(question.get("seed", 1)), int(question.get("draws", 2000))
    first, count = months.month_of(question["first_month"]), int(question.get("months", 36))
    assumed = assumptions_of(question)
    told(0.1, "demography")
    expected = expected_of(inputs["people"], inputs["rates"])
    past = inputs.get("history")
    history = None if past is None else history_of(
        [str(one) for one in past["month"].tolist()], np.asarray(past["attendances"], np.float64))  # fmt: skip
    told(0.3, "months")
    found = outlook(expected, assumed, history, first, count, draws=draws, seed=seed)
    beds = _beds(inputs.get("beds"), found)
    given = {"draws": draws, "first_month": question["first_month"], "months": count}
    steps = [Step("assumptions", _assumptions(assumed)), Step("demography", _demography(expected))]
    if history is not None:
        told(0.6, "backtest")
        steps += _of_history(history, found, seed)
    steps += [Step("months", _months(found, beds), given, seed), Step("tornado", _tornado(found, assumed), given, seed),
              Step("answer", _answer(found, beds, float(question.get("short_at", 0.5))), given, seed)]  # fmt: skip
    return Worked(tuple(steps), _notes(expected, history, found))


def _assumptions(assumed: Mapping[str, Assumption]) -> Table:
    rows = list(assumed.values())
    return table("name", name=[one.name for one in rows], value=[one.value for one in rows],
                 low=[one.low for one in rows], high=[one.high for one in rows], level=[one.level for one in rows],
                 owner=[one.owner for one in rows], date=[one.date for one in rows])  # fmt: skip


def _demography(expected: Expected) -> Table:
    """People and the attendances that they make at the given rates, by district and year, all districts first."""
    names = ["all", *expected.districts]
    asked, people = (np.concatenate([one.sum(0, keepdims=True), one])
                     for one in (expected.attendances, expected.people))  # fmt: skip
    district, year = np.meshgrid(np.arange(len(names)), expected.years, indexing="ij")
    return table(("district", "year"), district=[names[one] for one in district.reshape(-1)], year=year.reshape(-1),
                 people=people.reshape(-1), attendances=asked.reshape(-1),
                 change=(asked / np.maximum(asked[:, :1], 1e-9) - 1).reshape(-1))  # fmt: skip


def _of_history(history: History, found: Outlook, seed: int) -> list[Step]:
    days = months.days_of(history.month)
    fit = found.fit
    steps = []
    if fit is not None:
        trend, low, high = fit.trend()
        steps.append(Step("season", table("month", month=list(range(1, 13)), factor=fit.season())))
        steps.append(Step("trend", table("what", what=["past_growth"], value=[np.expm1(trend)], low80=[np.expm1(low)],
                                         high80=[np.expm1(high)])))  # fmt: skip
    if len(history.month) >= _LEAST_TO_TRY:
        tried = season.backtest(history.counts, days, int(history.month[0]) % 12 + 1, seed=seed)
        steps.append(Step("backtest", table(
            "horizon", horizon=tried.horizon, forecasts=tried.forecasts, error=tried.error, bias=tried.bias,
            inside=tried.inside, naive_error=tried.naive_error), {"level": 0.8}, seed))  # fmt: skip
    return steps


def _beds(given: Table | None, found: Outlook) -> Floats:
    """Beds that can be used in each month; nan before the first that is given, or where none are."""
    beds = np.full(len(found.month), np.nan)
    if given is not None:
        from_month = months.months_of(str(one) for one in given["month"].tolist())
        for place in np.argsort(from_month, kind="stable"):
            beds[found.month >= from_month[place]] = float(given["beds"][place])
    return beds


def _months(found: Outlook, beds: Floats) -> Table:
    columns: dict[str, Any] = {"month": [months.word_of(int(one)) for one in found.month]}
    for what, draws in (("attendances", found.attendances), ("admissions", found.admissions), ("beds", found.beds)):
        for name, values in zip(_NAMES, np.quantile(draws, _BANDS, axis=0), strict=True):
            columns[f"{what}_{name}"] = values
    columns["demography"] = found.demography
    columns["available"] = beds
    columns["chance_short"] = _chance(found, beds)
    return table("month", **columns)


def _chance(found: Outlook, beds: Floats) -> Floats:
    return np.where(np.isnan(beds), np.nan, (found.beds > np.nan_to_num(beds)).mean(0))


def _tornado(found: Outlook, assumed: Mapping[str, Assumption]) -> Table:
    rows = list(found.swings)
    owners = [assumed[one.name].owner if one.name in assumed else "-" for one in rows]
    return table("assumption", assumption=[one.name for one in rows], at_low=[one.at_low for one in rows],
                 at_high=[one.at_high for one in rows], swing=[one.swing for one in rows], owner=owners)  # fmt: skip


def _answer(found: Outlook, beds: Floats, short_at: float) -> Table:
    """Numbers of the answer by name; `when` says the month that a row is of."""
    rows: list[tuple[str, str, Floats]] = []
    peak = months.word_of(int(found.month[found.peak]))
    rows.append(("beds", peak, found.beds[:, found.peak]))
    for name, place in (("first_year", slice(0, 12)), ("last_year", slice(-12, None))):
        rows.append((f"attendances_{name}", months.word_of(int(found.month[place][-1])),
                     found.attendances[:, place].sum(1)))  # fmt: skip
    if np.isfinite(beds[found.peak]):
        rows.append(("gap", peak, found.beds[:, found.peak] - beds[found.peak]))
        rows.append(("available", peak, np.full(1, beds[found.peak])))
        chance = _chance(found, beds)
        rows.append(("chance_short", peak, chance[[found.peak]]))
        over = np.flatnonzero(np.nan_to_num(chance) >= short_at)
        if len(over):
            rows.append(("first_short", months.word_of(int(found.month[over[0]])), chance[over[:1]]))
    bands = [np.quantile(values, _BANDS[:3]) for _name, _when, values in rows]
    return table("what", what=[one[0] for one in rows], when=[one[1] for one in rows],
                 value=[one[0] for one in bands], low80=[one[1] for one in bands], high80=[one[2] for one in bands],
                 )  # fmt: skip


def _notes(expected: Expected, history: History | None, found: Outlook) -> list[Note]:
    notes = [Note("how")]
    if history is None:
        notes.append(Note("no_history", weight="doubt"))
    elif len(history.month) < _FAR:
        notes.append(Note("short_history", len(history.month), _FAR, "doubt"))
    if not expected.has_spread:
        notes.append(Note("people_certain", weight="doubt"))
    if history is not None and int(history.month[0]) // 12 < int(expected.years[0]):
        notes.append(Note("people_begin", int(history.month[0]) // 12, int(expected.years[0]), "doubt"))
    last = int(found.month[-1]) // 12
    if last > int(expected.years[-1]):
        notes.append(Note("people_end", int(expected.years[-1]), last, "doubt"))
    return notes
