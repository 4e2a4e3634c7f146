"""Frameworks of indicators: what is refused, and what the recipe makes of a table of units."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityloom.insight.domain.indicators import admissible, reading
from cityloom.insight.domain.indicators.collecting import Data
from cityloom.insight.domain.indicators.working import worked
from cityloom.insight.domain.study.study import Cell
from cityloom.insight.studies import kinds
from cityloom.insight.studying import questions, working
from cityloom.kernel.refused import Refused
from tests import realdata

NAN = float("nan")


def item(code: str, parent: str = "index", **more: Any) -> dict[str, Any]:
    return {"code": code, "title": {"en": code.upper()}, "parent": parent} | more


def framework(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    top = {"code": "index", "title": {"en": "Index"}}
    return {"cityloom": 1, "framework": "tried", "title": {"en": "Tried"}, "unit": "district",
            "items": [top, *(items or (item("a"), item("b", direction="down")))]} | more  # fmt: skip


def data(**columns: list[float]) -> Data:
    size = len(next(iter(columns.values())))
    return Data([f"d{one}" for one in range(size)], {name: np.array(one, float) for name, one in columns.items()})


def codes(document: dict[str, Any]) -> list[str]:
    return [one.refusal.code.removeprefix("insight.framework_") for one in reading.faults_of(document)]


@pytest.mark.parametrize(("document", "code"), [
    (framework(item("a", "b"), item("b", "a")), "cycle"),
    (framework(item("a"), item("b"), item("a", "b")), "two_parents"),
    (framework(item("a", ["index", "b"]), item("b")), "two_parents"),  # type: ignore[arg-type]
    (framework(item("a"), item("b", "nobody")), "no_parent"),
    (framework(item("a"), item("b", "")), "unfit"),
    (framework(item("a"), {"code": "b", "title": {"en": "B"}}), "orphan"),
    (framework(item("a", weight=0), item("b", weight=0)), "weights"),
    (framework(item("a"), item("a")), "twice"),
    (framework(item("a", denominator="people")), "denominator"),
    (framework(item("rank")), "taken"),
    (framework(steps={"impute": {"method": "group-mean", "group": "g"}}), "group"),
    (framework(steps={"aggregate": {"method": "arithmetic", "levels": {"3": "geometric"}}}), "level"),
    (framework(steps={"weight": {"method": "ahp", "matrices": {"index": [[1]]}}}), "matrix"),
    (framework(item("a", normalise={"method": "goalposts", "lower": 5, "upper": 1})), "posts"),
    (framework(item("a", normalise={"method": "goalposts", "lower": 5})), "needs"),
    (framework(item("a", normalise={"method": "thresholds", "thresholds": [2, 1], "scores": [1, 2, 3]})), "order"),
    (framework(item("a", normalise={"method": "distance-to-target"})), "needs"),
    (framework(purpose="profile", steps={"aggregate": {"method": "arithmetic"}}), "profile"),
    (framework(steps={"normalise": {"method": "eval"}}), "unfit"),
])  # fmt: skip
def test_what_cannot_be_a_framework_is_refused_by_name(document: dict[str, Any], code: str) -> None:
    assert code in codes(document)
    with pytest.raises(Refused):
        reading.framework_of(document)


def test_all_faults_are_told_with_their_places() -> None:
    document = framework(item("a", "nobody"), item("b", denominator="people"), unit="resident")
    assert [(one.refusal.code, one.place) for one in reading.faults_of(document)] == [
        ("insight.framework_person", "unit"), ("insight.framework_no_parent", "items.1"),
        ("insight.framework_denominator", "items.2.denominator"),
    ]  # fmt: skip


@pytest.mark.parametrize("unit", ["person", "Residents", "employee", "committee member", "households", "party members",
                                  "secretary of a branch", "people", "居民", "党员", "支部书记", "工作人员", "户",
                                  "网格员"])  # fmt: skip
def test_a_person_is_no_unit(unit: str) -> None:
    assert admissible.is_person(unit)
    with pytest.raises(Refused) as refusal:
        reading.framework_of(framework(unit=unit))
    assert refusal.value.code == "insight.framework_person" and unit in refusal.value.sentence


@pytest.mark.parametrize("unit", ["city", "party branch", "residents' committee", "branch of a party", "cities",
                                  "党支部", "居民委员会", "volunteer corps", "志愿服务队", "departments",
                                  "committees"])  # fmt: skip
def test_organisations_and_places_are_units(unit: str) -> None:
    assert reading.framework_of(framework(unit=unit)).unit == unit


@pytest.mark.parametrize(("title", "measures", "code"), [
    ("Opinion of residents", "", "mind"), ("Share who trust in the office", "outcome", "mind"),
    ("Spirit", "belief", "mind"), ("党员思想状况", "", "mind"), ("群众满意度", "", "satisfaction"),
    ("Satisfaction with life", "", "satisfaction"), ("Something", "political attitude", "mind"),
    ("Something", "weather", "measures"), ("Content", "satisfaction", "mind"),
])  # fmt: skip
def test_what_people_think_is_no_data(title: str, measures: str, code: str) -> None:
    wrong = item("a", title={"en": title}, **({"measures": measures} if measures else {}))
    assert codes(framework(wrong)) == [code]


def test_satisfaction_with_a_service_is_measured_of_the_service() -> None:
    kept = item("a", title={"en": "Satisfied with the service"}, measures="service-satisfaction")
    assert codes(framework(kept)) == []


def test_the_recipe_is_worked_in_its_order() -> None:
    """Treat, then direct, then normalise: an outlier among what is better when lower is drawn in at its own end."""
    document = framework(item("a", direction="down"), item("b"), steps={
        "treat": {"method": "winsorise"}, "normalise": {"method": "min-max", "range": [0, 100]}})  # fmt: skip
    low = [*range(1, 11), 400.0]
    index = worked(reading.framework_of(document), data(a=low, b=list(range(11))))
    assert index.treatments[0].method == "winsorise" and index.treated[-1, 0] == 10
    assert index.directed[:, 0].tolist() == (-index.treated[:, 0]).tolist()
    assert index.normalised[[0, 10], 0].tolist() == [100, 0]
    assert index.index.tolist() == pytest.approx(index.normalised.mean(1).tolist())


def test_weights_are_shared_out_over_the_children_that_are_known() -> None:
    steps = {"aggregate": {"method": "arithmetic", "least": 0.3}}
    document = framework(item("a", weight=1), item("b", weight=3), steps=steps)
    index = worked(reading.framework_of(document), data(a=[0, 10, 5, NAN], b=[0, 10, NAN, 5]))
    assert index.index.tolist() == pytest.approx([0, 100, NAN, 50], nan_ok=True)
    assert index.ranks.tolist() == pytest.approx([3, 1, NAN, 2], nan_ok=True)
    assert index.weights.values.tolist() == [0.25, 0.75, 1]


def test_the_order_of_units_does_not_matter() -> None:
    rng = np.random.default_rng(5)
    columns = {"a": rng.lognormal(0, 2, 30).tolist(), "b": rng.normal(size=30).tolist()}
    columns["b"][3] = NAN
    made = reading.framework_of(framework(steps={"impute": {"method": "median"}, "treat": {"method": "winsorise"}}))
    order = rng.permutation(30)
    index = worked(made, data(**columns))
    again = worked(made, data(**{name: np.array(one)[order].tolist() for name, one in columns.items()}))
    assert again.index.tolist() == pytest.approx(index.index[order].tolist())


@pytest.mark.parametrize(("columns", "code"), [
    ({"a": [1, 2, 3], "b": [4, 4, 4]}, "flat"), ({"a": [1, 2, 3], "b": [NAN] * 3}, "unknown"),
    ({"a": [1, 2, 3], "b": [1, np.inf, 2]}, "infinite"), ({"a": [1], "b": [2]}, "alone"), ({"a": [1, 2]}, "no_column"),
    ({"a": [], "b": []}, "empty"),
])  # fmt: skip
def test_what_cannot_be_compared_is_a_sentence(columns: dict[str, list[float]], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        worked(reading.framework_of(framework()), data(**columns))
    assert refusal.value.code == f"insight.index_{code}"


def test_an_indicator_that_says_nothing_can_be_left_out_by_the_recipe() -> None:
    document = framework(steps={"unusable": "leave-out"})
    index = worked(reading.framework_of(document), data(a=[1, 2, 3], b=[4, 4, 4]))
    assert index.unusable == (1,) and index.index.tolist() == [0, 50, 100]


def test_units_below_the_minimum_size_are_not_told_of() -> None:
    made = reading.framework_of(framework(minimum={"column": "cases", "least": 8}))
    index = worked(made, data(a=[1, 2, 99], b=[2, 1, 0], cases=[20, 8, 7]))
    assert index.too_small.tolist() == [2] and list(index.data.units) == ["d0", "d1"]
    assert index.normalised[:, 0].tolist() == [0, 100]


def test_formulas_of_evaluations_with_gates() -> None:
    """A share with a cap, of parts that are there, at most 60 where a plan is lacking."""
    share = item("a", value={"ratio": ["done"], "of": ["all"], "times": 100}, normalise={
        "method": "ratio", "target": 80, "gates": [{"of": "plan", "equals": 1, "most": 60}]})  # fmt: skip
    parts = item("b", value={"checklist": {"x": 40, "y": 60}}, normalise={"method": "as-is"})
    columns = {"done": [8, 8, 2], "all": [10, 10, 10], "plan": [1, 0, 0], "x": [1, 0, 1], "y": [1, 1, 0]}
    index = worked(reading.framework_of(framework(share, parts)), data(**columns))
    assert index.normalised.tolist() == [[100, 100], [60, 60], [25, 40]]


def test_years_are_on_one_frozen_scale_and_ranked_each_by_itself() -> None:
    given = data(a=[0, 5, 5, 10], b=[4, 3, 2, 1])
    panel = Data(["x", "y", "x", "y"], given.columns, np.array([2020, 2020, 2021, 2021]))
    index = worked(reading.framework_of(framework()), panel)
    assert index.normalised[:, 0].tolist() == [0, 50, 50, 100] and index.ranks.tolist() == [2, 1, 2, 1]


def test_the_example_is_worked_told_and_the_same_again() -> None:
    kind = kinds.kind("index")
    assert kind.example is not None
    question, inputs = kind.example()
    kind.check(question)
    study = kinds.worked("index", question, inputs)
    ranking = study.step("ranking").table
    assert sorted(ranking["rank"].tolist()) == list(range(1, 9))
    assert {one.code for one in study.notes} <= set(kind.notes)
    assert len(kind.tell(study)) > 4
    assert study.digest() == kinds.worked("index", question, inputs).digest()


def asem() -> tuple[dict[str, Any], Data]:
    from csv import DictReader

    with realdata.path("indicators/ASEM_iMeta.csv").open() as file:
        meta = list(DictReader(file))
    with realdata.path("indicators/ASEM_iData.csv").open() as file:
        rows = list(DictReader(file))
    items = [{"code": row["iCode"], "title": {"en": row["iName"]}, "weight": float(row["Weight"])}
             | ({"parent": row["Parent"]} if row["Parent"] else {})
             | ({"denominator": row["Denominator"]} if row["Denominator"] else {})
             | ({"direction": "down"} if row["Direction"] == "-1.0" else {})
             for row in meta if row["Type"] in ("Indicator", "Aggregate")]  # fmt: skip
    named = [row["iCode"] for row in meta if row["Type"] in ("Indicator", "Denominator")]
    steps = {"impute": {"method": "group-mean", "group": "EurAsia_group"}, "screen": {"least": 0.9, "of": "filled"},
             "treat": {"method": "winsorise", "then": "log-ct"}}  # fmt: skip
    document = {"cityloom": 1, "framework": "asem", "title": {"en": "ASEM"}, "unit": "country", "items": items,
                "denominators": [{"code": row["iCode"]} for row in meta if row["Type"] == "Denominator"],
                "groups": [{"code": "EurAsia_group"}], "steps": steps}  # fmt: skip
    columns = {name: np.array([float(row[name]) if row[name] else NAN for row in rows]) for name in named}
    return document, Data([row["uCode"] for row in rows], columns, None,
                          {"EurAsia_group": [row["EurAsia_group"] for row in rows]})  # fmt: skip


@pytest.mark.realdata
def test_the_asem_index_is_the_one_that_was_published() -> None:
    """The first places and scores as COINr's documentation prints them."""
    document, given = asem()
    index = worked(reading.framework_of(document), given)
    first = np.argsort(index.ranks)[:5]
    assert [given.units[one] for one in first] == ["CHE", "NLD", "DNK", "NOR", "BEL"]
    assert index.index[first].tolist() == pytest.approx([68.38, 64.82, 64.80, 64.47, 63.54], abs=0.005)
    assert len(index.kept) == 51 and index.normalised.shape == (51, 49)


WEIGHTINGS: list[tuple[dict[str, Any], list[float]]] = [
    ({"method": "equal"}, [1 / 3, 1 / 3, 1 / 3]),
    ({"method": "ahp", "matrices": {"index": [[1, 2, 4], [0.5, 1, 2], [0.25, 0.5, 1]]}}, [4 / 7, 2 / 7, 1 / 7]),
    ({"method": "budget"}, [0.5, 0.3, 0.2]),
    ({"method": "pca-loadings"}, []),
    ({"method": "pca-variance"}, []),
    ({"method": "influence", "wanted": {"a": 1, "b": 1, "c": 1}}, []),
    ({"method": "influence", "measure": "correlation-ratio"}, []),
]


@pytest.mark.parametrize(("weight", "wanted"), WEIGHTINGS)
def test_each_way_to_weights_is_worked_from_a_framework(weight: dict[str, Any], wanted: list[float]) -> None:
    rng = np.random.default_rng(6)
    columns = {name: rng.normal(size=25).tolist() for name in "abc"}
    made = reading.framework_of(framework(item("a"), item("b"), item("c"), steps={"weight": weight}))
    given = data(**columns)
    points = {"a": np.array([60.0, 40]), "b": np.array([20.0, 40]), "c": np.array([20.0, 20])}
    index = worked(made, Data(given.units, given.columns, experts=points))
    assert index.weights.values[:3].sum() == pytest.approx(1)
    assert not wanted or index.weights.values[:3] == pytest.approx(wanted)
    if "wanted" in weight:  # a curve through 25 units follows their chance, so that the other measure is not met
        assert index.weights.influences["index"].apart < 0.02


def test_comparisons_that_contradict_each_other_are_told() -> None:
    matrix = [[1, 5, 0.2], [0.2, 1, 5], [5, 0.2, 1]]
    steps = {"weight": {"method": "ahp", "matrices": {"index": matrix}}}
    document = framework(item("a"), item("b"), item("c"), steps=steps)
    units = {name: np.arange(5.0) for name in "abc"}
    from cityloom.insight.domain.study.tables import table

    study = kinds.worked("index", {"framework": document}, {"units": table("unit", unit=list("vwxyz"), **units)})
    assert "inconsistent" in {note.code for note in study.notes}


def test_the_worked_example_of_the_documentation_comes_out() -> None:
    import doctest

    assert doctest.testfile("../../docs/algorithms/indicators.md") == doctest.TestResults(0, 11)


def test_a_panel_of_another_tool_is_read_under_its_names(tmp_path: Path) -> None:
    rows = ["uName,uCode,Time,a,b", "North,N,2018.0,1,5", "South,S,2018.0,3,4", "North,N,2019.0,2,2",
            "South,S,2019.0,,1"]  # fmt: skip
    (tmp_path / "panel.csv").write_text("\n".join(rows))
    question = {"framework": framework(steps={"impute": {"method": "carry"}})}
    path = tmp_path / "q.yaml"
    path.write_text(questions.as_text("index", question, {"panel": "panel.csv"}))
    study = working.of_file(path).study
    assert study.at(Cell("filled", ("S", "2019"), "a")) == 3
    assert study.at(Cell("ranking", ("N", "2018"), "name")) == "North"
    assert {"gaps", "frozen", "imputed"} & {note.code for note in study.notes} == {"frozen", "imputed"}
    assert len(kinds.kind("index").tell(study)) > 5
    (tmp_path / "panel.csv").write_text("\n".join(rows).replace("2019.0", "last"))
    with pytest.raises(Refused, match="last"):
        working.of_file(path)
