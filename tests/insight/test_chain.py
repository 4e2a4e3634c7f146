"""The chain from people to sites: one set of futures through all links."""

from __future__ import annotations

import numpy as np
import pytest

from cityloom.insight.domain.access import catchments, decay, inequality, many
from cityloom.insight.domain.study.blocks import Says
from cityloom.insight.domain.study.tables import table
from cityloom.insight.studies import kinds
from cityloom.kernel.refused import Refused


@pytest.fixture(scope="module")
def study():
    return kinds.worked("demand-chain", *kinds.kind("demand-chain").example())


def test_all_links_agree_in_the_last_year(study) -> None:
    table_of = study.step("links").table
    links = dict(zip(table_of["link"].tolist(), table_of["expected"].tolist(), strict=True))
    assert study.step("people").table["expected"][-1] == pytest.approx(links["people"])
    assert study.step("demand").table["people"].sum() == pytest.approx(links["people"])
    assert study.step("gap").table["missing"][-1] == pytest.approx(links["gap"])
    load = study.step("facilities").table
    assert load["load"].sum() + links["without"] == pytest.approx(links["demand"])
    assert load["missing"].sum() + links["without"] == pytest.approx(links["unplaced"])
    assert links["gap_after"] <= links["gap"] and links["unplaced"] >= links["gap"] - 1e-6
    assert links["opened"] == study.step("sites").table["planned"].sum()


def test_the_first_year_is_certain_and_later_ones_less_so(study) -> None:
    gap = study.step("gap").table
    wide = gap["high"] - gap["low"]
    assert wide[0] == pytest.approx(0, abs=1e-6) and wide[-1] > wide[1] > 0


def test_working_again_gives_the_same_and_another_seed_does_not(study) -> None:
    question, tables = kinds.kind("demand-chain").example()
    assert kinds.worked("demand-chain", question, tables).digest() == study.digest()
    assert kinds.worked("demand-chain", {**question, "seed": 8}, tables).digest() != study.digest()


def test_what_is_told_has_no_unknown_number(study) -> None:
    for block in kinds.kind("demand-chain").tell(study):
        if isinstance(block, Says):
            assert all(np.isfinite(study.at(one.cell)) for one in block.numbers.values()), block.words


def test_bad_questions_are_refused() -> None:
    question, tables = kinds.kind("demand-chain").example()
    areas = table("area", area=["A0000"], lon=[113.9], lat=[22.5])
    for asked, given, code in ((question, {**tables, "areas": areas}, "insight.chain_areas"),
                               ({**question, "ages": [11, 6]}, tables, "insight.chain_ages"),
                               ({**question, "ages": [110, 115]}, tables, "insight.chain_ages")):  # fmt: skip
        with pytest.raises(Refused) as refused:
            kinds.worked("demand-chain", asked, given)
        assert refused.value.code == code


def test_many_futures_are_what_each_alone_is() -> None:
    rng = np.random.default_rng(2)
    demand, supply, costs = rng.random((6, 70)) * 9, rng.random(3), rng.random((6, 3)) * 40
    weight = many.weights(costs, decay.gaussian(30), 30)
    access, load = many.access_of(demand, supply, weight), many.load_of(demand, weight, supply)
    gini = many.gini_of(access, demand)
    for future in (0, 69):
        alone = catchments.weighted_two_step(demand[:, future], supply, costs, decay.gaussian(30), 30)
        assert access[:, future] == pytest.approx(alone.per_head)
        assert gini[future] == pytest.approx(inequality.gini(access[:, future], demand[:, future]))
        reached = (weight @ np.ones(3)) > 0
        assert load[:, future].sum() == pytest.approx(demand[reached, future].sum())
