"""People from the registers come as the gate gives them: withheld, rounded, and estimated by single year."""

from __future__ import annotations

import csv
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cityloom.gate.queries import PeopleCounts
from cityloom.insight.domain.people.broad import single_years
from cityloom.insight.domain.people.cells import base_of
from cityloom.insight.studies.people import KIND
from cityloom.insight.studying import collected_people, inputs
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused


def test_single_years_keep_the_bands_and_say_nothing_of_withheld_ones() -> None:
    years = single_years([[900.0, 2600, 700, 125], [900, np.nan, 700, 125]])
    assert np.add.reduceat(years[0], [0, 18, 60, 80]) == pytest.approx([900, 2600, 700, 125])
    assert np.isnan(years[1, 18:60]).all() and np.isfinite(years[1, :18]).all()
    assert years[1, 80:].sum() == pytest.approx(125)
    assert (years[0] > 0).all() and (np.diff(years[0, 80:100]) < 0).all()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A city of two districts, of which the keeper withholds some; what it was asked for, by group."""
    asked: list[int] = []

    def counted(subjects: np.ndarray, groups: np.ndarray, *, by: object) -> PeopleCounts:
        names = np.unique(groups)
        asked.extend(np.bincount(groups)[names].tolist())
        cells = np.full((3, 4, len(names)), 100)
        cells[0, 3] = cells[2] = -1
        return PeopleCounts(names, np.full(len(names), 800), cells, 0)

    units = np.array([0, 0, 0, 1, 1])
    monkeypatch.setattr(collected_people.registers, "loaded_city", lambda: SimpleNamespace(is_synthetic=True))
    monkeypatch.setattr(collected_people.registers, "residents_by_unit", lambda: (
        np.arange(5), units, ["city/d01/s01/c02", "city/d02/s01/c01"]))  # fmt: skip
    monkeypatch.setattr(collected_people.accounts, "districts", lambda: [
        ("city/d01", "district", "North", "北"), ("city/d02", "district", "South", "南")])  # fmt: skip
    monkeypatch.setattr(collected_people.gate, "count_people", counted)
    return asked


def test_whole_districts_are_counted_and_written_as_a_base_for_projections(tmp_path: Path, asked: list[int]) -> None:
    found = collected_people.collect(tmp_path, by=SYSTEM)
    assert asked == [3, 2] and (found.districts, found.people, found.withheld) == (2, 1600, 2)
    with (tmp_path / "counts.csv").open(encoding="utf-8") as file:
        rows = {(row["district"], row["sex"], row["group"]): row["people"] for row in csv.DictReader(file)}
    assert rows["North", "female", "80+"] == "" and rows["South", "male", "0-17"] == "100"
    base = base_of(inputs.read(tmp_path / "base.csv", KIND.inputs[0]))
    assert base.people.shape == (2, 2, 101) and base.unknown == 42
    assert base.people[0, 1].sum() == pytest.approx(400, abs=0.5)


def test_a_district_is_never_divided_between_two_questions(
    tmp_path: Path, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected_people, "_AT_ONCE", 4)
    collected_people.collect(tmp_path, by=SYSTEM)
    assert asked == [3, 2]
    monkeypatch.setattr(collected_people, "_AT_ONCE", 2)
    with pytest.raises(Refused, match="divide the district"):
        collected_people.collect(tmp_path, by=SYSTEM)
