"""The registers' roads, districts and places become tables that a study of access reads as they are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cityloom.insight.studies import kinds
from cityloom.insight.studying import collected_roads, inputs
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

NODES = [(1, 113.90, 22.50), (2, 113.91, 22.50), (3, 113.92, 22.50), (9, 114.50, 22.50)]
ROADS = [(1, 2, 1_030.0, "residential", True, True), (2, 3, 1_030.0, "motorway", False, True)]


@pytest.fixture(autouse=True)
def city(monkeypatch: pytest.MonkeyPatch) -> None:
    registers, people = collected_roads.registers, collected_roads.collected_people
    monkeypatch.setattr(registers, "loaded_city", lambda: SimpleNamespace(is_synthetic=True))
    monkeypatch.setattr(registers, "whole_road_graph", lambda: (NODES, ROADS))
    monkeypatch.setattr(registers, "homes_by_unit", lambda: [("city/d1/a", 30, 113.90, 22.5), ("city/d1/b", 10, 113.908,
                                                             22.5), ("city/d2/a", 5, 113.92, 22.5)])  # fmt: skip
    monkeypatch.setattr(registers, "places_with_room", lambda _kinds: [
        ("P1", "Primary", "school", 113.91, 22.5, 500), ("P2", "Other", "school", 113.92, 22.5, None)])  # fmt: skip
    monkeypatch.setattr(people, "by_district", lambda *, by: (["North", "South"], np.array([4_000, -1])))
    monkeypatch.setattr(people, "district_names", lambda units: ["North" if "d1" in one else "South" for one in units])


def test_what_the_registers_know_is_written_and_read_by_a_study(tmp_path: Path) -> None:
    found = collected_roads.collect(tmp_path, ["school"], "walk", by=SYSTEM)
    assert (found.nodes, found.edges, found.districts, found.withheld, found.without_capacity) == (2, 1, 2, 1, 1)
    specs = {one.name: one for one in kinds.kind("access").inputs}
    tables = {name: inputs.read(tmp_path / f"{name}.csv", specs[name])
              for name in ("demand", "supply", "nodes", "edges")}  # fmt: skip
    assert tables["demand"]["lon"].tolist() == [113.902, 113.92]
    with pytest.raises(Refused, match="people"):  # the small district: unknown is not nobody
        kinds.worked("access", {}, tables)


def test_a_mode_without_roads_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected_roads.registers, "whole_road_graph", lambda: (NODES, ROADS[1:]))
    with pytest.raises(Refused, match="walk"):
        collected_roads.collect(tmp_path, ["school"], "walk", by=SYSTEM)
    assert collected_roads.collect(tmp_path, ["school"], "drive", by=SYSTEM).edges == 1
