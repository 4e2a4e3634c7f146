"""Attendances and beds: the arithmetic of a ward, the season of a past, and assumptions that somebody answers for."""

from __future__ import annotations

import csv
from collections import defaultdict

import numpy as np
import pytest

from cityloom.insight.domain.health import assumptions, beds, months, season
from cityloom.insight.domain.health.assumptions import Assumption
from cityloom.insight.domain.health.demography import expected_of
from cityloom.insight.domain.health.outlook import history_of
from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import health_example, kinds
from cityloom.kernel.refused import Refused
from tests import realdata


def made_up(years: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    month = np.arange(12 * years)
    days = months.days_of(2019 * 12 + month)
    effects = 0.06 * np.cos(2 * np.pi * month / 12)
    noise = np.random.default_rng(seed).normal(0, 0.01, len(month))
    return np.exp(5 + 0.02 * month / 12 + effects + noise) * days, days


def test_a_month_is_a_number_and_has_its_days() -> None:
    found = months.months_of(["2024-02", "2023-02-01", "2024-12-31T00:00"])
    assert months.days_of(found).tolist() == [29, 28, 31]
    assert [months.word_of(int(one)) for one in found] == ["2024-02", "2023-02", "2024-12"]
    with pytest.raises(Refused, match="written as 2026-03"):
        months.month_of("2024-13")


def test_beds_are_littles_law_over_the_occupancy() -> None:
    """3,000 attendances in 30 days, one in five admitted for four days: 80 beds full, 100 needed at 80 %."""
    assert beds.beds_needed(3000.0, 30, 0.2, 4, 0.8) == pytest.approx(100)
    assert beds.by_month([100.0, 120], [2024, 2025], [2023.5, 2024.25, 2026]).tolist() == [100, 105, 120]


def test_season_and_trend_are_found_and_go_on() -> None:
    counts, days = made_up(6)
    fit = season.fit_season(counts, days, 1)
    assert fit.trend()[0] == pytest.approx(0.02, abs=0.006)
    assert fit.season()[[0, 6]] == pytest.approx([np.exp(0.06), np.exp(-0.06)], abs=0.012)
    drawn = season.ahead(fit, 12, 2000, 1)
    truth = 5 + 0.02 * np.arange(72, 84) / 12 + 0.06 * np.cos(2 * np.pi * np.arange(12) / 12)
    assert np.median(drawn, 0) == pytest.approx(truth, abs=0.02)
    assert (drawn == season.ahead(fit, 12, 2000, 1)).all()
    grown = season.ahead(fit, 12, 2000, 1, trend=np.full(2000, 0.5))
    assert np.median(grown[:, 11] - drawn[:, 11]) == pytest.approx(0.48, abs=0.02)


def test_ranges_hold_as_often_as_they_say() -> None:
    """Of made-up series that are as the method takes them, about 80 in 100 lie inside."""
    inside = [season.backtest(*made_up(3, seed), 1, draws=300).inside for seed in range(2)]
    assert 0.7 < np.mean(inside) <= 0.97


@pytest.mark.parametrize(("form", "ends"), [("positive", (4.1, 4.6, 5.3)), ("share", (0.1, 0.2, 0.25)),
                                            ("number", (-0.02, 0.01, 0.015))])  # fmt: skip
def test_draws_have_the_interval_of_the_assumption(form: assumptions.Form, ends: tuple[float, float, float]) -> None:
    low, value, high = ends
    drawn = assumptions.drawn(Assumption("x", value, low, high, "office", "2026-01-01", form), 40_000,
                              np.random.default_rng(1))  # fmt: skip
    assert np.quantile(drawn, [0.1, 0.5, 0.9]) == pytest.approx(ends, rel=0.03, abs=0.0006)


def test_the_widest_swing_comes_first() -> None:
    one, two = (Assumption(name, 2, *ends, "office", "2026-01-01", "positive") for name, ends in
                (("wide", (1, 4)), ("narrow", (1.9, 2.1))))  # fmt: skip
    found = assumptions.tornado([two, one], lambda at: at["wide"] * at["narrow"])
    assert [(row.name, row.at_low, row.at_high) for row in found] == [("wide", 2, 8), ("narrow", 3.8, 4.2)]


def test_people_times_rates_by_age_and_sums_are_left_out() -> None:
    people = table((), district=["all", "all", "north", "north"], year=[2026] * 4, group=["all", "0-17", "0-17", "18+"],
                   median=[300.0, 100, 100, 200], low80=[0.0, 0, 90, 180], high80=[0.0, 0, 110, 220])  # fmt: skip
    found = expected_of(people, table((), age=[0, 18], rate=[0.5, 0.25]))
    assert found.attendances.tolist() == [[100]] and found.people.tolist() == [[300]]
    assert found.spread == pytest.approx([0.1 / 1.28155], rel=1e-4)
    by_sex = table((), year=[2026, 2026], age=[0, 0], sex=["female", "male"], people=[10, 30])
    assert expected_of(by_sex, table((), age=[0, 0], sex=["f", "m"], rate=[1.0, 2])).attendances.tolist() == [[70]]
    with pytest.raises(Refused, match="no rate for the age group that begins at 0"):
        expected_of(people, table((), age=[5], rate=[1.0]))


def worked(question: dict[str, object] | None = None, **changed: Table | None) -> Study:
    asked, inputs = health_example.example()
    tables = {name: one for name, one in {**inputs, **changed}.items() if one is not None}
    return kinds.worked("health", {**asked, "draws": 300, **(question or {})}, tables)


def test_a_study_says_how_many_beds_and_when_they_run_short() -> None:
    study = worked()
    answer = study.step("answer").table
    assert {"beds", "gap", "chance_short", "attendances_last_year"} <= set(answer["what"].tolist())
    assert answer.at(("gap",), "value") == pytest.approx(answer.at(("beds",), "value") - 206)
    rows = study.step("months").table
    assert rows.rows == 36 and rows["available"].tolist() == [196] * 18 + [206] * 18
    assert (rows["beds_low95"] <= rows["beds_low80"]).all() and (rows["beds_median"] <= rows["beds_high80"]).all()
    assert ((rows["chance_short"] >= 0) & (rows["chance_short"] <= 1)).all()
    assert study.step("tornado").table["assumption"][0] == "stay_days"
    assert len(kinds.kind("health").tell(study)) > 10


def test_without_past_months_the_level_is_that_of_the_rates() -> None:
    study = worked({"months": 12}, history=None, beds=None)
    assert [one.code for one in study.notes] == ["how", "no_history"]
    attendances = study.step("answer").table.at(("attendances_last_year",), "value")
    assert attendances == pytest.approx(74_276 * 1.005, rel=0.01)
    assert "gap" not in study.step("answer").table["what"].tolist()
    kinds.kind("health").tell(study)


@pytest.mark.parametrize(("changed", "code"), [
    ({"value": 0.3}, "insight.assumption_order"),
    ({"low": 0.0}, "insight.assumption_share"),
    ({"owner": "user_17"}, "insight.owner_is_person"),
])  # fmt: skip
def test_an_assumption_without_sense_or_office_is_refused(changed: dict[str, object], code: str) -> None:
    question = dict(health_example.example()[0])
    question["assumptions"] = {**question["assumptions"]}
    question["assumptions"]["admission_share"] = {**question["assumptions"]["admission_share"], **changed}
    with pytest.raises(Refused) as caught:
        kinds.kind("health").check(question)
    assert caught.value.code == code


@pytest.mark.parametrize(("rows", "counts", "code"), [
    (["2024-01", "2024-03"], [1.0, 2], "insight.history_gap"),
    (["2024-01", "2024-02"], [1.0, np.nan], "insight.history_unknown"),
    (["January"], [1.0], "insight.bad_month"),
])  # fmt: skip
def test_a_history_with_holes_is_refused(rows: list[str], counts: list[float], code: str) -> None:
    with pytest.raises(Refused) as caught:
        history_of(rows, np.array(counts))
    assert caught.value.code == code
    with pytest.raises(Refused, match="at least 12 months"):
        season.fit_season(np.ones(5), np.full(5, 30), 1)
    with pytest.raises(Refused, match="not after the last month"):
        worked({"first_month": "2025-06"})


@pytest.mark.realdata
def test_attendances_in_england_are_forecast_better_than_by_the_year_before() -> None:
    """Of all organisations together, from every month with at least a year before it; whatever years are there."""
    sums: dict[str, float] = defaultdict(float)
    with realdata.path("demand/ae_attendances_2016_2018.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sums[row["period"]] += float(row["attendances"])
    found = history_of(list(sums), np.array(list(sums.values())))
    tried = season.backtest(found.counts, months.days_of(found.month), int(found.month[0]) % 12 + 1, draws=500)
    weight = tried.forecasts / tried.forecasts.sum()
    assert tried.error @ weight < 0.03 and tried.error @ weight < tried.naive_error @ weight
    assert 0.7 <= tried.inside @ weight <= 0.95
