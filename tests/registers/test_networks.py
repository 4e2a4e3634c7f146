"""What of a network does not hang together is listed with its place, whatever files it came in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.browsing import networks
from tests.registers.test_department_files import at  # noqa: F401
from tests.registers.test_more_registers import feature, load
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db
COLUMNS = "code: {field: code}, net: {field: network}, geometry: {field: geometry}"


def place(step: int, north: float = 22.5) -> list[float]:
    return [round(114.1 + step / 1000, 6), north]


@pytest.fixture
def mains(tmp_path: Path) -> None:
    """Water that is joined over two files, a piece of two segments apart from it, and a loop; gas of its own."""
    first = [("w-1", [place(0), place(1)], "water"), ("w-2", [place(1), place(2)], "water"),
             ("w-7", [place(0, 22.6), place(1, 22.6)], "water"), ("w-8", [place(1, 22.6), place(3, 22.6)], "water"),
             ("g-1", [place(1), place(1, 22.501)], "gas")]  # fmt: skip
    second = [("w-3", [place(2), place(2, 22.501), place(3), place(2)], "water"),
              ("w-4", [place(2), place(4), place(0)], "water")]  # fmt: skip
    for number, segments in enumerate((first, second)):
        features = [feature("LineString", corners, code=code, net=net) for code, corners, net in segments]
        text = json.dumps({"type": "FeatureCollection", "features": features})
        load(tmp_path, f"{number}.geojson", text, "mains", COLUMNS, f"as_of: 2026-11-0{number + 1}")


def test_each_piece_apart_each_loose_end_and_each_loop_is_listed_with_its_keys_and_place(mains: None) -> None:
    found = networks.pieces("mains")
    assert [(one.rule, one.network, one.keys) for one in found] == [
        ("apart", "water", ("W-7", "W-8")), ("loose_end", "water", ("W-8",)),
        ("loose_end", "gas", ("G-1",)), ("loose_end", "water", ("W-7",)), ("loop", "water", ("W-3",)),
    ]  # fmt: skip
    assert (found[0].segments, found[0].lon, found[0].lat) == (2, *place(0, 22.6))
    assert found[0].length_m == pytest.approx(308, abs=2)
    assert networks.pieces("roads") == ()


def test_the_page_leads_to_the_entries_and_to_the_map(mains: None) -> None:
    there = client("duty-officer")
    assert "/registers/mains/network/" in there.get("/registers/mains/").content.decode()
    text = there.get("/registers/mains/network/").content.decode()
    for words in ("/registers/mains/entry/W-7/", "/map/#map=17/22.60000/114.10000", "Segments that end where"):
        assert words in text
    assert there.get("/registers/dwellings/network/").status_code == 404


def test_a_network_too_large_for_a_page_is_left_to_the_command_line(
    mains: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="cityloom register network mains"):
        networks.pieces("mains", most=6)
    assert len(actions.network_pieces("mains")) == 5


def test_mains_without_fittings_meet_where_their_corners_lie_at_one_place(mains: None) -> None:
    found = queries.network("water")
    assert found is not None
    ends = [(edge, found.node[begin], found.node[end]) for edge, begin, end in
            zip(found.edge, found.begin, found.end, strict=True)]  # fmt: skip
    a, b, c = (f"{place(step)[0]:.5f},22.50000" for step in (0, 1, 2))
    assert {("W-1", a, b), ("W-2", b, c), ("W-4", c, a)} <= set(ends)
    assert not [edge for edge, begin, end in ends if begin == end]
    assert found.length_m[[edge == "W-1" for edge in found.edge]] == pytest.approx([102.8], abs=0.5)
    gas = queries.network("gas")
    assert gas is not None and gas.edge.tolist() == ["G-1"]
    with pytest.raises(Refused) as refusal:
        queries.network("water", most=2)
    assert refusal.value.code == "registers.graph_large"
