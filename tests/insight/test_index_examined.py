"""The kinds that examine an index: its robustness and its audit, of the same question and tables as the index."""

from __future__ import annotations

import csv
from math import fsum

import numpy as np
import pytest

from cityloom.insight.domain.study.tables import table
from cityloom.insight.studies import kinds
from cityloom.kernel.refused import Refused
from tests import realdata

FRAMEWORK = {
    "cityloom": 1, "framework": "offices", "title": {"en": "Offices"}, "unit": "office",
    "items": [
        {"code": "index", "title": {"en": "Index"}},
        {"code": "speed", "title": {"en": "Speed"}, "parent": "index"},
        {"code": "reach", "title": {"en": "Reach"}, "parent": "index", "weight": 2},
        {"code": "quick", "title": {"en": "Quick"}, "parent": "speed"},
        {"code": "wait", "title": {"en": "Wait"}, "parent": "speed", "direction": "down"},
        {"code": "open", "title": {"en": "Open"}, "parent": "reach"},
        {"code": "rating", "title": {"en": "Rating"}, "parent": "reach",
         "normalise": {"method": "steps", "table": [[60, 50], [80, 100]], "below": 1}},
    ],
    "steps": {"impute": {"method": "median"}, "normalise": {"method": "min-max", "range": [1, 100]},
              "aggregate": {"method": "geometric", "levels": {"2": "arithmetic"}}},
}  # fmt: skip
PROFILE = {"cityloom": 1, "framework": "offices", "title": {"en": "Offices"}, "unit": "office", "purpose": "profile",
           "items": [{"code": "quick", "title": {"en": "Quick"}}, {"code": "wait", "title": {"en": "Wait"}}]}
FLAT = {"steps": {"aggregate": {"method": "arithmetic"}}}


def offices(count=12, seed=0, year=None):
    lots = np.random.default_rng(seed)
    columns = {"unit": [f"office-{at:02d}" for at in range(count)], "quick": lots.uniform(0, 1, count),
               "wait": lots.gamma(2, 5, count), "open": lots.uniform(10, 60, count),
               "rating": np.round(lots.uniform(40, 99, count))}  # fmt: skip
    columns["wait"][3:4] = np.nan
    return columns if year is None else {**columns, "year": [year] * count}


def _asked(kind, question=(), inputs=None):
    tables = inputs or {"units": table("unit", **offices())}
    return kinds.worked(kind, {"framework": FRAMEWORK, **dict(question)}, tables)


@pytest.fixture(scope="module")
def robust():
    return _asked("index-robustness", {"runs": 400, "base": 64, "seed": 3})


def test_the_ranking_examined_is_that_of_the_index(robust):
    index, ranks = _asked("index").step("ranking").table, robust.step("ranks").table
    assert ranks["rank"].tolist() == index["rank"].tolist() and ranks["score"].tolist() == index["score"].tolist()
    assert (ranks["low"] <= ranks["median"]).all() and (ranks["median"] <= ranks["high"]).all()


def test_robustness_is_told_with_the_answer_first(robust):
    blocks = kinds.kind("index-robustness").tell(robust)
    assert blocks[0].weight == "answer" and "leads" in blocks[0].words
    choices = robust.step("choices").table["choice"].tolist()
    assert choices == ["impute", "normalise", "aggregate 2", "aggregate 3", "weights 1", "weights 2"]
    assert robust.step("pairs").table.rows == 66 and robust.step("removal").table.rows == 6


def test_the_same_seed_gives_the_same_study(robust):
    assert _asked("index-robustness", {"runs": 400, "base": 64, "seed": 3}).digest() == robust.digest()
    assert _asked("index-robustness", {"runs": 400, "base": 64, "seed": 4}).digest() != robust.digest()


def test_only_what_is_asked_varies():
    vary = {"weights": {"concentration": 40, "levels": [2]}, "leave_out": True}
    found = _asked("index-robustness", {"runs": 100, "base": 32, "vary": vary})
    assert found.step("choices").table["choice"].tolist() == ["weights 2", "leave_out"]
    assert "normalise" in str(found.notes[0].value)


@pytest.mark.parametrize(("question", "code"), [
    ({"framework": PROFILE}, "insight.robust_profile"),
    ({"vary": {}}, "insight.nothing_varies"),
    ({"vary": {"aggregate": {"7": ["arithmetic"]}}}, "insight.robust_level"),
    ({"overrides": FLAT, "vary": {"normalise": [{"method": "z-score"}], "aggregate": {"2": ["geometric"]}}},
     "insight.robust_not_positive"),
    ({"vary": {"normalise": [{"method": "min-max", "range": [1, most]} for most in range(9, 80)]}},
     "insight.robust_variants"),
])  # fmt: skip
def test_what_cannot_be_examined_is_refused_in_a_sentence(question, code):
    with pytest.raises(Refused) as refused:
        _asked("index-robustness", {"runs": 100, "base": 32, **question})
    assert refused.value.code == code


def test_two_units_are_too_few():
    with pytest.raises(Refused, match="at least 3"):
        _asked("index-robustness", {"runs": 100}, {"units": table("unit", **offices(2))})


def test_why_one_is_above_the_other_adds_up_and_names_three():
    found = _asked("index-audit", {"compare": [["office-02", "office-07"]]})
    pairs, parts = found.step("differences").table, found.step("contributions").table
    assert (pairs["unit"][0], pairs["other"][0]) == ("office-02", "office-07")
    for row in range(pairs.rows):
        own = [value for unit, other, value in zip(parts["unit"], parts["other"], parts["contribution"], strict=True)
               if (unit, other) == (pairs["unit"][row], pairs["other"][row])]  # fmt: skip
        assert fsum(own) == pytest.approx(pairs["difference"][row], rel=1e-14, abs=1e-14)
        assert pairs["decides_1"][row] in ("quick", "wait", "open", "rating")


def test_an_indicator_directed_wrongly_and_one_there_twice_are_found():
    units = offices(20)
    units["open"], units["wait"] = units["quick"] * 3, -units["wait"]
    units["open"][0] = 1.0
    found = _asked("index-audit", {"overrides": {"without": ["rating"]}}, {"units": table("unit", **units)})
    doubles = found.step("doubles").table
    assert list(zip(doubles["item"], doubles["other"], strict=True)) == [("quick", "open")]
    assert {"summary", "alphas", "influence", "quality_cells", "thresholds"} <= {one.name for one in found.steps}


def test_quality_falls_with_what_is_filled_in_and_with_age():
    provenance = table(("unit", "item"), unit=["office-00"], item=["quick"], source=[1.0], age=[5.0])
    found = _asked("index-audit", {}, {"units": table("unit", **offices()), "provenance": provenance})
    quality, cells = found.step("quality").table, found.step("quality_cells").table
    assert cells.at(("office-03", "wait"), "score") == pytest.approx(0.4)
    assert cells.at(("office-00", "quick"), "score") == pytest.approx(0.5)
    assert quality.at(("office-00",), "score") == pytest.approx(1 - 0.5 / 2 / 3)
    assert quality.at(("office-05",), "score") == 1


def test_a_change_between_years_is_split_into_data_method_and_units():
    old, new = offices(12, 0, 2024), offices(12, 1, 2025)
    new["unit"] = [*old["unit"][:10], "office-new", "office-newer"]
    panel = table(("unit", "year"), **{name: [*old[name], *new[name]] for name in old})
    before = {"overrides": {"weights": {"reach": 1}}}
    found = _asked("index-audit", {"before": before}, {"panel": panel}).step("change")
    parts = found.table
    assert parts.rows == 10 and found.given["from"] == 2024
    assert parts["data"] + parts["method"] + parts["units"] == pytest.approx(parts["change"], abs=1e-12)
    assert np.abs(parts["method"]).max() > 0 and np.abs(parts["units"]).max() > 0
    alone = _asked("index", before, {"units": table("unit", **{k: v for k, v in old.items() if k != "year"})})
    assert parts["before"][0] == pytest.approx(alone.step("ranking").table["score"][0])


@pytest.mark.realdata
def test_the_index_of_51_countries_is_examined():
    path = realdata.path("indicators/ASEM_iData.csv")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    names = ("Elec", "Gas", "Renew", "CO2")
    values = {name: [float(row[name]) if row[name] not in ("", "NA") else np.nan for row in rows] for name in names}
    items = [{"code": "index", "title": {"en": "Index"}}, *({"code": name, "title": {"en": name}, "parent": "index"}
                                                           for name in names)]  # fmt: skip
    framework = {**FRAMEWORK, "items": items, "unit": "country", "steps": {"impute": {"method": "median"}}}
    units = table("unit", unit=[row["uCode"] for row in rows], **values)
    found = kinds.worked("index-robustness", {"framework": framework, "runs": 500, "base": 32}, {"units": units})
    assert found.step("ranks").table.rows == 51
