"""The frameworks that are shipped: their structure, published figures, and the tables that they read."""

from __future__ import annotations

import csv
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.utils import translation

from cityloom.cases.figures import counting
from cityloom.insight import actions, queries
from cityloom.insight.domain.indicators import reading
from cityloom.insight.domain.indicators.collecting import Data
from cityloom.insight.domain.indicators.working import worked
from cityloom.insight.indexing import collecting
from cityloom.insight.studies import kinds
from tests.cases.conftest import NOW
from tests.insight.test_index import asem

NAMES = ["asem-connectivity", "city-profile", "human-development", "new-type-smart-city", "organisation-building",
         "public-service"]  # fmt: skip


def shipped(name: str) -> Any:
    return reading.framework_of(reading.shipped_document(name))


def test_all_are_whole_and_in_both_languages() -> None:
    assert [one.code for one in queries.shipped_frameworks()] == NAMES
    for one in queries.shipped_frameworks():
        assert queries.faults_in_framework(reading.shipped()[one.code]) == []
        assert all("zh-hans" in item.title for item in one.items) and one.source and "zh-hans" in one.title
        assert all(item.measures for item in one.indicators)


def test_the_smart_city_has_the_structure_of_the_standard() -> None:
    made = shipped("new-type-smart-city")
    depths = [item.depth for item in queries.items_of_framework(made)]
    assert [depths.count(depth) for depth in range(4)] == [1, 8, 21, 54]
    weights = {item.code: item.weight for item in made.items}
    firsts = ["L1", "L2", "L3", "L4", "L5", "L6", "L7", "L8"]
    assert [weights[one] for one in firsts] == [37, 9, 8, 7, 7, 8, 4, 20] and sum(weights[one] for one in firsts) == 100
    for one in firsts:
        assert sum(item.weight for item in made.items if item.parent == one) == weights[one]


HDI = [  # life expectancy, expected and mean years of schooling, income per head, dimensions or index as published
    ("Norway 2021", 83.2, 18.2, 13.0, 64_660, 0.961), ("Switzerland 2021", 84.0, 16.5, 13.9, 66_933, 0.962),
    ("China 2021", 78.2, 14.2, 7.6, 17_504, 0.768), ("South Sudan 2021", 55.0, 5.5, 5.7, 768, 0.385),
]  # fmt: skip


def test_human_development_is_as_the_reports_print_it() -> None:
    """Table 1 of the Human Development Report 2021/22; its inputs are rounded, so the third digit may be off by one."""
    names = ["life_expectancy", "expected_schooling", "mean_schooling", "gni_per_head"]
    columns = {name: np.array([row[place + 1] for row in HDI], float) for place, name in enumerate(names)}
    index = worked(shipped("human-development"), Data([row[0] for row in HDI], columns))
    assert index.index == pytest.approx([row[-1] for row in HDI], abs=0.0016)
    assert index.normalised[0, 1] == 1  # more than 18 expected years count as 18


def test_the_steps_of_human_development_are_those_of_its_technical_note() -> None:
    """Technical note of 2020: an income of 3,829 dollars is 0.5506, and 0.6971, 0.3447 and that make 0.510."""
    alone = Data(["x"], {"life_expectancy": np.array([20 + 65 * 0.6971]), "expected_schooling": np.array([18 * 0.3447]),
                         "mean_schooling": np.array([15 * 0.3447]), "gni_per_head": np.array([3829.0])})  # fmt: skip
    index = worked(shipped("human-development"), alone)
    assert index.normalised[0, 3] == pytest.approx(0.5506, abs=5e-5)
    assert index.index[0] == pytest.approx(0.510, abs=5e-4)


@pytest.mark.realdata
def test_the_asem_framework_is_the_structure_of_the_data() -> None:
    document, data = asem()
    ours, given = shipped("asem-connectivity"), reading.framework_of(document)
    for one in given.items:
        same = ours.by_code[one.code]
        assert (same.parent, same.direction, same.weight, same.denominator) == (
            one.parent, one.direction, one.weight, one.denominator)  # fmt: skip
    assert len(ours.items) == len(given.items)
    assert worked(ours, data).index == pytest.approx(worked(given, data).index, abs=1e-9)


@pytest.mark.parametrize("name", ["new-type-smart-city", "organisation-building"])
def test_synthetic_tables_are_worked_from_their_question(name: str, tmp_path: Path) -> None:
    path = actions.write_framework_example(framework=name, folder=tmp_path)
    study = actions.work_study(path=path, folder=tmp_path / "study")
    assert not np.isnan(study.step("ranking").table["score"]).any()
    told = queries.told_as_text(study)
    assert "Synthetic" in told and not re.search(r"\bnan\b", told, re.IGNORECASE)
    with translation.override("zh-hans"):
        assert ("惠民服务" if name.startswith("new") else "会议") in queries.told_as_text(study)


def test_problems_solved_count_little_where_outcomes_are_not_published() -> None:
    one = {"meetings_planned": 10, "meetings_held": 10, "minutes_published": 10, "posts": 5, "posts_filled": 5,
           "training_planned": 2, "training_held": 2, "commitments_due": 3, "commitments_kept": 3, "problems_raised": 9,
           "problems_taken_up": 9, "problems_solved": 9, "accounts_due": 4, "accounts_published": 4}  # fmt: skip
    columns = {name: np.array([value, value], float) for name, value in one.items()}
    columns["outcomes_published"] = np.array([1.0, 0.0])
    index = worked(shipped("organisation-building"), Data(["a", "b"], columns))
    assert index.index == pytest.approx([100, 100 - 0.25 * 0.5 * 40])


def test_a_profile_adds_nothing_up() -> None:
    made = shipped("city-profile")
    rng = np.random.default_rng(1)
    columns = {item.code: rng.uniform(1, 9, 4) for item in made.indicators}
    columns["unemployment"][2] = np.nan
    index = worked(made, Data(list("abcd"), columns))
    assert index.scores.shape == (4, 0) and np.isnan(index.ranks).all()
    table = kinds.worked("index", {"framework": "city-profile"}, {"units": _table(columns)})
    assert {"ranking", "scores", "normalised"}.isdisjoint(one.name for one in table.steps)
    assert len(kinds.kind("index").tell(table)) > 19


def _table(columns: dict[str, np.ndarray]) -> Any:
    from cityloom.insight.domain.study.tables import table

    return table("unit", unit=list("abcd"), **columns)


def test_a_file_with_faults_tells_them_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text("cityloom: 1\nframework: wrong\ntitle: {en: Wrong}\nunit: employee\nitems:\n"
                    "  - {code: index, title: {en: Index}}\n  - {code: a, title: {en: A}, parent: nobody}\n"
                    "  - {code: b, title: {en: B}, parent: index, weight: 0}\n")  # fmt: skip
    found = [(one.line, one.refusal.code) for one in queries.faults_in_framework(path)]
    assert found == [(4, "insight.framework_person"), (7, "insight.framework_no_parent")]
    path.write_text("cityloom: 1\n\tframework")
    assert [one.line for one in queries.faults_in_framework(path)] == [2]


def test_the_service_of_units_is_collected_without_small_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cityloom.cases.domain.figures.tally import Group, Rate, Solved, Standing

    def group(name: str, cases: int, of: int) -> Group:
        rates = {key: Rate(key, of // 2, of, {}) for key in ("response", "resolution", "satisfaction", "repeats")}
        return Group(name, rates, Solved(0, 0, 0, 0, 0), Standing(cases, of, 3, 0, 0, None, None))

    class Found:
        at = NOW
        span = counting.Span(NOW - timedelta(days=365), NOW)
        by = {"unit": [group("city/a", 103, 40), group("city/b", 7, 6)]}

    monkeypatch.setattr(collecting.accounts, "unit_names_of", lambda _ids: {"city/a": "Synthetic office"})
    monkeypatch.setattr(collecting.cases, "case_figures", lambda *_asked: Found)
    path = tmp_path / "units.csv"
    assert actions.collect_public_service(casetype="request", unit="city", since="", until="", at=NOW, path=path) == 2
    with path.open() as file:
        rows = list(csv.DictReader(file))
    wanted = ("cases", "response", "first_time_right", "overdue")
    assert [rows[0][name] for name in wanted] == ["105", "0.500", "0.500", "0.075"]
    assert [rows[1][name] for name in wanted] == ["", "", "", ""]
    question = tmp_path / "q.yaml"
    question.write_text("kind: index\nquestion: {framework: public-service}\ninputs: {units: units.csv}\n")
    study = actions.work_study(path=question, folder=tmp_path / "study")
    assert study.step("units").table["standing"].tolist() == ["kept", "too small"]
