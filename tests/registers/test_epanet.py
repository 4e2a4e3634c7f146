"""Water networks of EPANET come into the registers of mains and fittings, with their meters."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.registers import actions, queries
from cityloom.registers.domain.drawing import Drawing
from cityloom.registers.domain.epanet import MOST_PARTS, read
from cityloom.registers.models import FittingRecord, MainRecord
from cityloom.signals import actions as signals
from cityloom.signals.models import Datastream
from tests import realdata

AT = datetime(2026, 11, 2, 8, tzinfo=UTC)
SMALL = """\
[TITLE]
一个小管网
[JUNCTIONS]
;ID  Elev  Demand
 a   10    5
 b   12    0    P1  ;with a comment
[RESERVOIRS]
 R   60
[TANKS]
 T   40  3  0  4  16  0
[PIPES]
 p1  R  a  1000  300  120  0  Open
 p2  a  b  500   150  110  0  CV
 p3  b  T  20    100  100  0  Closed
[PUMPS]
 u1  a  T  HEAD 1
[VALVES]
 v1  a  b  200  PRV  40  0
[DEMANDS]
 b   2   P1
 b   1   P2
[STATUS]
 p2  Closed
[OPTIONS]
 Units  LPS
[COORDINATES]
 a  1000  0
 b  1000  500
 R  0     0
 T  1100  500
[VERTICES]
 p1  500  100
[END]
whatever stands here
"""


def test_what_is_in_the_ground_is_read():
    network = read(SMALL)
    assert [node.kind for node in network.nodes.values()] == ["junction", "junction", "reservoir", "tank"]
    assert (network.nodes["a"].demand_ls, network.nodes["b"].demand_ls) == (5.0, 3.0)
    pipe = network.links["p1"]
    assert (pipe.length_m, pipe.diameter_mm, pipe.corners, pipe.line) == (1000.0, 300.0, ((500.0, 100.0),), 12)
    assert [link.code for link in network.links.values() if not link.is_open] == ["p2", "p3"]
    assert network.links["v1"].valve == "PRV"


def test_english_units_become_metres_and_litres():
    network = read(SMALL.replace("LPS", "GPM"))
    assert network.links["p1"].length_m == pytest.approx(304.8)
    assert network.links["p1"].diameter_mm == pytest.approx(7620)
    assert network.nodes["a"].demand_ls == pytest.approx(0.3154510)
    assert read(SMALL.replace("LPS", "CMH")).nodes["a"].demand_ls == pytest.approx(5 / 3.6)


@pytest.mark.parametrize(
    ("old", "new", "line", "wrong"),
    [
        ("p1  R  a  1000", "p1  R  a  long", 12, "length long is no number"),
        ("p1  R  a  1000", "p1  R  a  nan", 12, "length nan is no number"),
        ("p1  R  a  1000", "p1  R  a  -5", 12, "not above 0"),
        ("p1  R  a", "p1  R  x", 12, "no node x"),
        ("p2  a  b", "p1  a  b", 13, "there already, in line 12"),
        ("u1  a  T", "u1  a  a", 16, "to itself"),
        ("[TANKS]", "[BEER]", 9, "no section"),
        ("LPS", "PINTS", 25, "PINTS is no unit of flow"),
        (" b  1000  500\n", "", 6, "b has no place"),
        ("200  PRV", "200  XXX", 18, "XXX is no kind of valve"),
        (" a   10    5", " a", 5, "elevation is missing"),
        (" p2  Closed", " p9  Closed", 23, "no link p9"),
        ("[TITLE]\n", "pipe\n", 1, "before the first section"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_line(old, new, line, wrong):
    assert old in SMALL
    with pytest.raises(Refused, match=wrong) as refusal:
        read(SMALL.replace(old, new, 1))
    assert (refusal.value.code, refusal.value.limit) == ("registers.epanet_line", line)


def test_files_without_a_network_or_with_too_much_are_refused(monkeypatch):
    with pytest.raises(Refused) as refusal:
        read("[TITLE]\nnothing\n")
    assert refusal.value.code == "registers.epanet_empty"
    assert MOST_PARTS > 1000
    monkeypatch.setattr("cityloom.registers.domain.epanet.MOST_PARTS", 1)
    with pytest.raises(Refused) as refusal:
        read(SMALL)
    assert refusal.value.code == "registers.epanet_large"
    with pytest.raises(Refused, match="more than"):
        read(SMALL + " x" * 5000)


@pytest.mark.parametrize(
    ("says", "xy", "lonlat"),
    [
        ("EPSG:32631", (448251.795, 5411932.678), (2.2945, 48.8582)),  # the Eiffel tower
        ("EPSG:32650", (448251.795, 5411932.678), (116.2945, 48.8582)),
        ("EPSG:4547", (500000.0, 0.0), (114.0, 0.0)),
        ("EPSG:4526", (38500000.0, 0.0), (114.0, 0.0)),
        ("lonlat", (8.6, 41.1), (8.6, 41.1)),
        ("113.93,22.53", (0.0, 0.0), (113.93, 22.53)),
        ("113.93,22.53,50,70,0.3048", (50.0, 70.0), (113.93, 22.53)),
    ],
)
def test_a_drawing_lies_where_its_owner_says(says, xy, lonlat):
    assert Drawing(says).lonlat(np.array([xy]))[0] == pytest.approx(lonlat, abs=1e-4)


@pytest.mark.parametrize("says", ["here", "EPSG:99999", "1,2,3", "200,0", "1,2,0,0,-1", "1,nan", ""])
def test_a_place_that_is_none_is_refused(says):
    with pytest.raises(Refused) as refusal:
        Drawing(says)
    assert refusal.value.code == "registers.drawing_place"


def test_a_drawing_in_other_units_than_said_is_refused():
    with pytest.raises(Refused) as refusal:
        Drawing("lonlat").lonlat(np.array([[448251.0, 5411932.0]]))
    assert refusal.value.code == "registers.drawing_off"


@pytest.mark.django_db
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_network_and_its_meters_come_into_the_city_once(tmp_path: Path, encoding: str):
    path = tmp_path / "net.inp"
    path.write_bytes(SMALL.encode(encoding))
    how = {"source": "water-company", "place": "113.93,22.53", "by": SYSTEM, "at": AT}
    assert [outcome.survey.rows for outcome in actions.load_epanet(path, **how)] == [4, 5]
    main = MainRecord.objects.get(key="P1")
    assert (main.network, main.diameter_mm, main.begin_fitting, main.end_fitting) == ("water", 300.0, "R", "A")
    assert FittingRecord.objects.get(key="T").kind == "tank"
    assert queries.facts_of("mains", "P1")[0].row == 12  # lineage leads to the line of the file
    assert not any(outcome.is_new for outcome in actions.load_epanet(path, **how))
    meters = signals.read_meters("name,kind,at\n压力-1,pressure,b\nF1,flow,p1\n".encode(encoding))
    places = actions.epanet_places(path, how["place"], [meter.at for meter in meters])
    assert signals.install_meters(meters, places, by=SYSTEM, at=AT) == (2, 0)
    assert signals.install_meters(meters, places, by=SYSTEM, at=AT) == (0, 2)
    stream = Datastream.objects.get(name="压力-1")
    assert (stream.kind, stream.unit) == ("pressure", "kPa")
    assert (stream.lon, stream.lat) == pytest.approx((113.93 + 1000 / 102_800, 22.53 + 500 / 110_750), abs=1e-4)


@pytest.mark.django_db
def test_a_meter_at_no_part_of_the_network_is_refused(tmp_path: Path):
    path = tmp_path / "net.inp"
    path.write_text(SMALL)
    with pytest.raises(Refused, match="no node or link zz"):
        actions.epanet_places(path, "0,0", ["a", "zz"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name,kind\nx,flow\n", "signals.meters_columns"), ("name,kind,at\nx,beer,a\n", "signals.meters_unfit"),
        ("name,kind,at\n,flow,a\n", "signals.meters_unfit"),
        ("name,kind,at\nx,flow,a\nx,flow,b\n", "signals.meters_unfit"),
        ('name,kind,at\n"x,flow,a\n', "signals.meters_unfit"), ("", "signals.meters_columns"),
    ],
)  # fmt: skip
def test_a_list_of_meters_that_does_not_fit_is_refused(text, code):
    with pytest.raises(Refused) as refusal:
        signals.read_meters(text.encode())
    assert refusal.value.code == code


@pytest.mark.parametrize(("file", "place", "nodes", "links"), [
    ("L-TOWN.inp", "113.93,22.53", 785, 909), ("Net3.inp", "0,51,0,0,300", 97, 119),
])  # fmt: skip
def test_networks_that_others_simulate_are_read_whole(file, place, nodes, links):
    network = read(realdata.path(f"sensors/{file}").read_text(encoding="utf-8"))
    assert (len(network.nodes), len(network.links)) == (nodes, links)
    assert Drawing(place).lonlat(np.array([[node.x, node.y] for node in network.nodes.values()])).shape == (nodes, 2)


@pytest.mark.django_db
def test_the_network_of_a_file_is_answered_as_its_model_has_it(tmp_path: Path):
    path = tmp_path / "net.inp"
    path.write_text(SMALL)
    assert queries.network("water") is None
    before = queries.network_version("water")
    actions.load_epanet(path, source="water-company", place="113.93,22.53", by=SYSTEM, at=AT)
    found = queries.network("water")
    assert found is not None and found.version == queries.network_version("water") != before
    ends = {edge: (found.node[begin], found.node[end], kind) for edge, begin, end, kind in
            zip(found.edge, found.begin, found.end, found.kind, strict=True)}  # fmt: skip
    assert ends == {"P1": ("R", "A", "pipe"), "U1": ("A", "T", "pump"), "V1": ("A", "B", "regulator")}  # what is open
    row = {code: at for at, code in enumerate(found.edge)}
    assert (found.length_m[row["P1"]], found.diameter_mm[row["P1"]], found.roughness[row["P1"]]) == (1000, 300, 120)
    assert dict(zip(found.node, found.held, strict=True)) == {"A": False, "B": False, "R": True, "T": True}
    assert dict(zip(found.node, found.demand_ls, strict=True)) == pytest.approx(
        {"A": 5, "B": 3, "R": np.nan, "T": np.nan}, nan_ok=True)  # fmt: skip
    assert queries.network("gas") is None
