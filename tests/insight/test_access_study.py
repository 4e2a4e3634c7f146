"""Studies of access and of sites: from tables to what is told, and bad input in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from cityloom.insight.domain.study.blocks import Says
from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import access_example, kinds
from cityloom.kernel.refused import Refused

FEW: Mapping[str, Table] = {
    "demand": table("area", area=["a", "b", "c"], people=[100, 200, 50], group=["west", "west", "east"]),
    "supply": table("facility", facility=["x", "y"], capacity=[30, 15]),
    "costs": table(("from", "to"), **{"from": ["a", "b", "b"], "to": ["x", "x", "y"]}, minutes=[10.0, 20, 5]),
}


def access(given: Mapping[str, Any], **changed: Table) -> Study:
    return kinds.worked("access", given, {**FEW, **changed})


def sited(given: Mapping[str, Any], **changed: Table) -> Study:
    supply = table("facility", facility=["x"], capacity=[120.0])
    sites = table("site", site=["y", "z"], capacity=[np.nan, 300], cost=[5, 3])
    costs = table(("from", "to"), **{"from": [*"aaabbbccc"], "to": [*"xyzxyzxyz"]},
                  minutes=[5.0, 20, 30, 40, 5, 10, 90, 60, 8])  # fmt: skip
    whole = {"demand": FEW["demand"], "supply": supply, "candidates": sites, "costs": costs}
    return kinds.worked("siting", given, {**whole, **changed})


def test_each_area_has_its_access() -> None:
    study = access({"method": "2sfca", "catchment": 30})
    found = study.step("access").table
    assert found["access"] == pytest.approx([100, 100 + 75, 0])  # 30 for 300 people, and 15 for 200
    assert found["minutes"][:2].tolist() == [10, 5] and np.isnan(found["minutes"][2])
    assert study.step("summary").table["without"].tolist() == [50]
    assert [one.code for one in study.notes] == ["given_costs", "without", "method_2sfca"]
    assert study.step("groups").table["group"].tolist() == ["east", "west"]


@pytest.mark.parametrize("method", ["e2sfca", "3sfca", "m2sfca", "balanced", "spatial-availability", "cumulative",
                                    "gravity"])  # fmt: skip
def test_each_method_is_told_without_unknown_numbers(method: str) -> None:
    study = access({"method": method, "decay": "gaussian"})
    told = kinds.kind("access").tell(study)
    for block in told:
        if isinstance(block, Says):
            assert all(np.isfinite(study.at(one.cell)) for one in block.numbers.values()), block.words
    assert study.notes[-1].code in kinds.kind("access").notes


def test_roads_with_an_island_are_told() -> None:
    question, tables = kinds.kind("access").example()
    nodes, edges = tables["nodes"], tables["edges"]
    kept = np.array([{one, other} != {"44", "45"} and {one, other} != {"54", "55"}
                     for one, other in zip(edges["from"], edges["to"], strict=True)])  # fmt: skip
    bridge = Table({name: column[kept] for name, column in edges.columns.items()}, ())
    study = kinds.worked("access", question, {**tables, "nodes": nodes, "edges": bridge})
    apart = next(one for one in study.notes if one.code == "pieces")
    assert apart.value == 2 and apart.weight == "doubt" and 0 < apart.limit < tables["demand"]["people"].sum()
    assert study.digest() == kinds.worked("access", question, {**tables, "edges": bridge}).digest()


def test_a_straight_line_is_told_as_one() -> None:
    tables = {name: one for name, one in access_example.city(1, 4).items() if name in ("demand", "supply")}
    study = kinds.worked("access", {"catchment": 20}, tables)
    assert study.notes[0].code == "straight"
    with pytest.raises(Refused, match="lon and lat"):
        kinds.worked("access", {}, {"demand": FEW["demand"], "supply": tables["supply"]})


@pytest.mark.parametrize(("changed", "code"), [
    ({"demand": table("area", area=["a"], people=[-1])}, "insight.access_amount"),
    ({"demand": table("area", area=["a"], people=[0])}, "insight.travel_unknown"),
    ({"supply": table("facility", facility=["x"], capacity=[0])}, "insight.access_no_supply"),
])  # fmt: skip
def test_bad_tables_are_refused(changed: Mapping[str, Table], code: str) -> None:
    if code == "insight.travel_unknown":
        changed = {"demand": table("area", area=["a"], people=[1])}
    with pytest.raises(Refused) as refused:
        access({}, **changed)
    assert refused.value.code == code


def test_a_site_is_chosen_and_what_it_is_worth() -> None:
    study = sited({"objective": "p-median", "p": 1, "options": [1, 2]})
    assert study.step("solution").table["state"].tolist() == ["stays", "not opened", "opens"]
    summary = study.step("summary").table
    assert summary["minutes"][0] == pytest.approx((100 * 5 + 200 * 10 + 50 * 8) / 350)
    assert study.step("options").table["p"].tolist() == [1, 2]
    assert study.step("marginal").table["instead"].tolist() == ["y"]
    assert study.step("equity").table["after"][0] < study.step("equity").table["before"][0]
    load = dict(zip(*(study.step("solution").table[one].tolist() for one in ("site", "people")), strict=True))
    assert load == {"x": 100, "y": 0, "z": 250}


@pytest.mark.parametrize(("question", "minutes"), [
    ({"objective": "max-cover", "p": 2, "within": 10}, 10),
    ({"objective": "set-cover", "within": 10, "capacities": False}, 10),
    ({"objective": "p-centre", "p": 2, "capacities": False}, 8),
    ({"objective": "p-median", "p": [1, 2], "capacities": False}, 8),
    ({"objective": "max-cover", "budget": 8, "within": 10}, 10),
])  # fmt: skip
def test_each_objective_covers_all_within_its_reach(question: Mapping[str, Any], minutes: float) -> None:
    study = sited(question)
    assert study.step("areas").table["minutes"].max() <= minutes
    assert study.step("summary").table["proved"][0] == 1
    for block in kinds.kind("siting").tell(study):
        if isinstance(block, Says):
            assert all(np.isfinite(study.at(one.cell)) for one in block.numbers.values()), block.words


def test_the_example_has_phases_and_what_can_not_be_asked_is_refused() -> None:
    question, tables = kinds.kind("siting").example()
    study = kinds.worked("siting", question, tables)
    assert study.step("periods").table["opened"].tolist() == [1, 3]
    for asked, code in (({"objective": "p-centre", "p": [1, 2]}, "insight.siting_only"), ({}, "insight.siting_no_p")):
        with pytest.raises(Refused) as refused:
            sited(asked)
        assert refused.value.code == code
    large = Table({"area": np.arange(20_000), "people": np.ones(20_000)}, ("area",))
    with pytest.raises(Refused, match="areas"):
        sited({"p": 1}, demand=large)
