"""A study of forecasts: from rows to sums that add up, with what was put right told, and bad rows refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator

from cityloom.insight.domain.series import periods
from cityloom.insight.domain.series.panel import panel
from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import kinds
from cityloom.insight.studies.forecast_steps import DEFAULTS
from cityloom.kernel.refused import Refused

QUESTION = {"series": ["area", "service"], "frequency": "quarter", "horizon": 4, "methods": ["theta"], "origins": 2,
            "draws": 50, "seed": 3}  # fmt: skip


def rows(quarters: int = 24) -> dict[str, list[Any]]:
    chance = np.random.default_rng(4)
    found: dict[str, list[Any]] = {name: [] for name in ("area", "service", "period", "value")}
    for area, service in (("North", "visits"), ("North", "calls"), ("South", "visits"), ("South", "calls")):
        for t in range(quarters):
            value = 50 + 5 * (t % 4) + round(float(chance.normal(0, 2)), 1)
            one = (area, service, f"{2018 + t // 4}-Q{t % 4 + 1}", value)
            for name, cell in zip(found, one, strict=True):
                found[name].append(cell)
    return found


def study(question: dict[str, Any] | None = None, given: dict[str, list[Any]] | None = None) -> Study:
    return kinds.worked("forecast", QUESTION | (question or {}), {"series": table((), **(given or rows()))})


def test_sums_add_up_and_the_total_is_told_first() -> None:
    found = study()
    told = found.step("reconciled").table
    assert list(told.columns) == ["series", "period", "grouping", "horizon", "value", "low", "high", "level", "naive",
                                  "scale"]  # fmt: skip
    assert told["period"][:4].tolist() == ["2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4"]
    value = {name: told.at((name, "2024-Q2"), "value") for name in dict.fromkeys(told["series"].tolist())}
    assert value["total"] == pytest.approx(value["North"] + value["South"], abs=1e-9)
    assert value["calls"] == pytest.approx(value["North / calls"] + value["South / calls"], abs=1e-9)
    parts = kinds.kind("forecast").tell(found)
    assert parts[0].names["series"] == "total" and parts[0].weight == "answer"  # type: ignore[union-attr]
    for one in parts[0].numbers.values():  # type: ignore[union-attr]
        assert np.isfinite(found.at(one.cell))  # type: ignore[arg-type]
    assert [note.code for note in found.notes] == ["simulated"]
    assert found.step("backtest").table["mase"].shape == (4,)
    assert found.digest() == study().digest()


def test_what_was_put_right_is_told() -> None:
    given = rows()
    for name in given:
        given[name] = [one for at, one in enumerate(given[name]) if at not in (5, 6, 47) and not 72 <= at < 78]
    found = study({"intervals": "conformal"}, given)
    codes = {note.code: note.value for note in found.notes}
    assert codes == {"conformal": 2, "filled": 3, "late": 6, "ended": 1}
    told = found.step("reconciled").table
    assert all(np.isfinite(told[name]).all() for name in ("value", "low", "high"))


def test_a_single_short_series_says_what_is_not_known() -> None:
    given = {"date": ["2024-01-15", "2024-02-15", "2024-03-15", "2024-04-15"], "beds": [4, 5, 6, 5]}
    found = study({"series": [], "period": "date", "value": "beds", "frequency": "month", "horizon": 2}, given)
    assert {note.code for note in found.notes} == {"simulated", "no_backtest", "short"}
    assert [one.name for one in found.steps] == ["cleaned", "fitted", "forecast", "reconciled", "course"]
    assert len(kinds.kind("forecast").tell(found)) > 2


@pytest.mark.parametrize(("question", "change", "code"), [
    ({}, {"period": ["2018-Q1"] * 96}, "insight.series_twice"), ({}, {"value": [-1.0] * 96}, "insight.series_negative"),
    ({}, {"period": ["soon"] * 96}, "insight.bad_period"), ({"value": "cost"}, {}, "insight.series_column"),
    ({}, {"area": [""] * 96}, "insight.series_unnamed"), ({"hierarchy": [["ward"]]}, {}, "insight.no_level"),
    ({"reconciliation": "magic"}, {}, "insight.no_reconciling"),
])  # fmt: skip
def test_bad_rows_are_refused(question: dict[str, Any], change: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as told:
        study(question, rows() | change)
    assert told.value.code == code


def test_several_rows_of_a_period_may_be_joined() -> None:
    given = {"s": ["a"] * 4}, ["2024-01-02", "2024-01-20", "2024-02-01", "2024-03-01"], np.array([1.0, 2.0, 4.0, 5.0])
    assert panel(*given, "month", 12, "sum").values.tolist() == [[3, 4, 5]]
    assert panel(*given, "month", 12, "mean").values.tolist() == [[1.5, 4, 5]]
    with pytest.raises(Refused):
        panel({}, [], np.array([]), "month", 12)


@pytest.mark.parametrize(("text", "frequency", "label"), [
    ("2017-01-05", "day", "2017-01-05"), ("2017-01-01", "week", "2016-W52"), ("2017-W01", "week", "2017-W01"),
    ("2017M03", "month", "2017-03"), ("201703", "month", "2017-03"), ("2017 Q4", "quarter", "2017-Q4"),
    ("10227.0", "quarter", "1998-Q1"), ("2017", "year", "2017"), ("2017-05-01", "year", "2017"),
])  # fmt: skip
def test_periods_are_read_as_they_are_written(text: str, frequency: str, label: str) -> None:
    assert periods.label(periods.ordinals([text], frequency)[0], frequency) == label


def test_the_example_is_allowed_by_its_schema_and_defaults_are_too() -> None:
    kind = kinds.kind("forecast")
    question, inputs = kind.example()  # type: ignore[misc]
    check = Draft202012Validator(kind.schema)
    assert check.is_valid(question) and isinstance(inputs["series"], Table)
    assert check.is_valid({name: value for name, value in DEFAULTS.items() if value is not None})
