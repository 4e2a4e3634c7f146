"""A study of hot spots: its answer, what it does not tell, and tables that it does not take."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cityloom.insight.domain.study.blocks import MapOf, Number, Says
from cityloom.insight.domain.study.study import Study
from cityloom.insight.domain.study.tables import Table, table
from cityloom.insight.studies import hotspots_steps, kinds
from cityloom.kernel.refused import Refused
from tests import realdata


@cache
def example() -> Study:
    question, inputs = kinds.kind("hotspots").example()  # type: ignore[misc]
    return kinds.worked("hotspots", {**question, "simulations": 99}, inputs)


def small(**change: Any) -> dict[str, Table]:
    places = {"place": ["a", "b", "c", "d"], "x": [0, 1, 5, 6.0], "y": [0.0] * 4, "population": [100, 100, 100, 100]}
    counts = {"place": ["a", "b", "c"], "count": [30, 5, 2]}
    return {"places": table("place", **places), "counts": table((), **{**counts, **change})}


def refused(question: Mapping[str, Any], inputs: Mapping[str, Table]) -> str:
    with pytest.raises(Refused) as found:
        kinds.worked("hotspots", question, inputs)
    return found.value.code


def test_the_answer_names_the_place_and_each_number_has_its_cell() -> None:
    study = example()
    told = kinds.kind("hotspots").tell(study)
    first = told[0]
    assert isinstance(first, Says) and first.weight == "answer" and first.words.startswith("A hot spot")
    assert first.names["centre"] == "Block 19" and first.names["until"] == "2026-11-28"
    for block in told:
        if isinstance(block, Says):
            assert set(re.findall(r"\{(\w+)\}", block.words)) == set(block.numbers) | (
                set(block.names) & set(re.findall(r"\{(\w+)\}", block.words))
            )
            values = [study.at(one.cell) for one in block.numbers.values() if isinstance(one, Number)]
            assert all(np.isfinite(one) for one in values)  # type: ignore[arg-type]
    assert any(isinstance(block, MapOf) for block in told)
    assert {note.code for note in study.notes} >= {"silence", "threshold", "own_past"}


def test_working_it_again_gives_the_same() -> None:
    assert kinds.worked("hotspots", example().question, example().inputs).digest() == example().digest()


def test_small_counts_are_nowhere() -> None:
    study = example()
    for name in ("clusters", "places", "course"):
        seen = study.step(name).table["observed"]
        assert not ((seen > 0) & (seen < 8)).any(), name
    assert np.isnan(study.step("places").table["observed"]).any()
    counts = np.array([3.0, 20, 12, 40, 2])
    hidden = hotspots_steps.suppressed(counts, 8, [np.array([0, 1, 2])])
    assert hidden.tolist() == [True, False, True, False, True]


def test_without_periods_it_is_a_map_and_methods_need_their_columns() -> None:
    study = kinds.worked("hotspots", {"simulations": 99, "neighbours": 2}, small())
    assert study.step("clusters").table["centre"][0] == "a" and study.step("clusters").table["observed"][0] == 30
    assert "x" in study.step("places").table.columns and len(kinds.kind("hotspots").tell(study)) > 4
    with_controls = small(controls=[10, 30, 30])
    assert (
        kinds.worked("hotspots", {"method": "bernoulli", "simulations": 99}, with_controls).step("clusters").table.rows
    )
    assert refused({"method": "bernoulli"}, small()) == "insight.scan_column"
    assert refused({"method": "expectation"}, small()) == "insight.past_short"


def test_days_between_others_count_nothing_and_categories_are_chosen() -> None:
    inputs = small(place=["a", "a", "b"], count=[9, 9, 9], period=["2026-11-01", "2026-11-04", "2026-11-04"],
                   category=["water", "light", "water"])  # fmt: skip
    from cityloom.insight.studies.hotspots_inputs import read

    found = read(inputs, "water")
    assert found.periods == ["2026-11-01", "2026-11-02", "2026-11-03", "2026-11-04"]
    assert found.counts.sum() == 18 and found.weekdays().tolist() == [6, 0, 1, 2]
    assert refused({"category": "noise"}, inputs) == "insight.scan_category"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"count": [1, -2, 3]}, "insight.scan_count"), ({"count": [1, np.nan, 3]}, "insight.scan_count"),
        ({"place": ["a", "b", "z"]}, "insight.scan_unknown_place"), ({"place": ["a", "a", "b"]}, "insight.scan_twice"),
        ({"period": ["2026-01-01", "week 3", "5"]}, "insight.scan_periods"),
        ({"period": ["1", "2", "900000"]}, "insight.scan_periods_many"),
    ],
)  # fmt: skip
def test_tables_that_do_not_fit_are_refused(change: dict[str, Any], code: str) -> None:
    assert refused({}, small(**change)) == code


def test_places_need_coordinates() -> None:
    inputs = small()
    assert (
        refused({}, inputs | {"places": table("place", place=["a", "b", "c"], x=[0.0, 1, 2])})
        == "insight.scan_coordinates"
    )
    lost = table("place", place=["a", "b", "c"], x=[0.0, np.nan, 2], y=[0.0, 1, 2], population=[1, 1, 1])
    assert refused({}, inputs | {"places": lost}) == "insight.scan_unplaced"


def test_the_worked_example_of_the_manual_says_what_comes_out() -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "algorithms" / "hotspots.md").read_text()
    code = re.findall(r"```python\n(.*?)```", text, re.S)[0]
    said: dict[str, Any] = {}
    exec(code, said)  # noqa: S102 - our own manual
    one = said["one"]
    found = f"# {one.places}, {one.observed}, {one.expected}, {one.relative_risk:.4f}, {one.llr:.4f}, {one.p_value}"
    assert found in code
    first = example().step("clusters").table
    assert f"{int(first['observed'][0])} cases from {first['since'][0]} to {first['until'][0]}" in text


@pytest.mark.realdata
def test_requests_of_a_real_city_against_all_others_of_the_same_places() -> None:
    """Graffiti in five days of Los Angeles, by neighbourhood council: what else is reported there is the control."""
    with realdata.path("service311/la_311_2018_10k.csv").open(encoding="utf-8") as file:
        rows = [one for one in csv.DictReader(file) if one["NC"] and one["Latitude"]]
    codes = sorted({one["NC"] for one in rows})
    at = {
        code: [(float(one["Longitude"]), float(one["Latitude"])) for one in rows if one["NC"] == code] for code in codes
    }
    graffiti = [sum(one["NC"] == code and one["RequestType"] == "Graffiti Removal" for one in rows) for code in codes]
    lon, lat = np.array([np.median(at[code], axis=0) for code in codes]).T
    inputs = {
        "places": table("place", place=[f"nc{code}" for code in codes], lon=lon, lat=lat),
        "counts": table((), place=[f"nc{code}" for code in codes], count=graffiti,
                        controls=[len(at[code]) - seen for code, seen in zip(codes, graffiti, strict=True)]),
    }  # fmt: skip
    study = kinds.worked("hotspots", {"method": "bernoulli", "simulations": 199, "most_share": 0.25}, inputs)
    clusters = study.step("clusters").table
    assert clusters["p_value"][0] <= 0.05 and clusters["relative_risk"][0] > 1.1
    assert len(codes) > 80 and sum(len(one) for one in at.values()) > 9_000
    assert kinds.kind("hotspots").tell(study)[0].weight == "answer"  # type: ignore[union-attr]
