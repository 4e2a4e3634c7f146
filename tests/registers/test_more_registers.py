"""Parcels, places, components, roads and utility networks come into their registers with their place."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from cityloom.registers.domain import example_street, mapping
from cityloom.registers.domain.identifiers import component_faults
from cityloom.registers.models import ComponentRecord, MainRecord, PlaceRecord
from tests.registers.test_department_files import at, sealed  # noqa: F401

pytestmark = pytest.mark.django_db


def load(folder: Path, name: str, text: str, register: str, columns: str, more: str = "") -> Any:
    """Load a text as a file by a mapping of one line."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    says = mapping.read(f"cityloom: 1\nsource: works\nregister: {register}\ncolumns: {{{columns}}}\n{more}")
    return actions.load_file(says, file, by=SYSTEM, at=clock.now())


@pytest.mark.parametrize(("code", "is_right"), [
    ("4403050118000001", True), ("4403050178000001", True), ("4403050718000001", False), ("4403050100000001", False),
    ("4403050118000000", False), ("9903050118000001", False), ("440305011800001", False), ("44030501180000A1", False),
])  # fmt: skip
def test_a_components_number_says_area_class_and_serial(code: str, *, is_right: bool) -> None:
    assert bool(component_faults([code])[0] == 0) is is_right


def test_components_carry_their_place_and_a_wrong_number_is_set_aside(tmp_path: Path) -> None:
    rows = "id,state,x,y\n4403050118000001,完好,114.1,22.5\n4403050118000002,完好,,\n4403059918000003,完好,114.1,22.5\n"
    outcome = load(tmp_path, "c.csv", rows, "components", "id: {field: code}, x: {field: lon}, y: {field: lat}, "
                   "state: {field: state, codes: {完好: intact}}")  # fmt: skip
    assert outcome.survey.findings == {("code", "no_such_class"): 1}
    placed = dict(ComponentRecord.objects.values_list("key", "cell"))
    assert placed["4403050118000001"] is not None
    assert placed["4403050118000002"] is None


def feature(kind: str, corners: object, **told: object) -> dict[str, object]:
    return {"type": "Feature", "properties": told, "geometry": {"type": kind, "coordinates": corners}}


def test_a_network_in_geojson_keeps_its_lines_and_tells_loose_ends_and_loops(tmp_path: Path) -> None:
    a, b, c, d = [114.1, 22.5], [114.101, 22.5], [114.102, 22.5], [114.1025, 22.501]
    features = [
        feature("LineString", [a, b], code="m-1", dn=300), feature("LineString", [b, c], code="m-2", dn=300),
        feature("LineString", [b, d, [114.103, 22.5], b], code="m-3", dn=100),
        feature("Point", a, code="m-4", dn=100), feature("LineString", [c, a], code="m-5", dn=300),
        feature("LineString", [b, [114.1, 22.6]], code="m-6", dn=300),
    ]  # fmt: skip
    for one in features:
        one["properties"]["net"] = "给水"  # type: ignore[index]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    outcome = load(tmp_path, "net.geojson", text, "mains", "code: {field: code}, dn: {field: diameter_mm, unit: mm}, "
                   "net: {field: network, codes: {给水: water}}, geometry: {field: geometry}")  # fmt: skip
    assert outcome.survey.findings == {("geometry", "wrong_shape"): 1}
    assert outcome.survey.notes == {("geometry", "loop"): 1, ("geometry", "loose_end"): 1}
    row = MainRecord.objects.get(key="M-1")
    assert shapely.from_wkb(bytes(row.geometry)).equals(shapely.LineString([a, b]))
    assert (row.lon, row.lat) == pytest.approx((114.1005, 22.5))
    assert row.large == 0
    assert row.cell is not None
    assert MainRecord.objects.get(key="M-6").large == 1
    (fact,) = queries.facts_of("mains", "M-1")
    assert fact.values["geometry"].startswith("LINESTRING (114.1 22.5")


def test_a_piece_of_a_network_that_nothing_joins_to_the_rest_is_told(tmp_path: Path) -> None:
    a, b, c, d, e = ([114.1 + step / 1000, 22.5] for step in range(5))
    net = [("m-1", a, b, "F1", ""), ("m-2", b, c, "", "F2"), ("m-3", d, e, "", ""), ("m-4", [114.2, 22.6], e, "", "F2")]
    features = [feature("LineString", [begin, end], code=code, net="gas", a=first, b=last)
                for code, begin, end, first, last in net]  # fmt: skip
    columns = ("code: {field: code}, net: {field: network}, a: {field: begin_fitting}, b: {field: end_fitting}, "
               "geometry: {field: geometry}")  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": features})
    assert ("geometry", "apart") not in load(tmp_path, "one.geojson", text, "mains", columns).survey.notes
    features[3]["properties"]["b"] = "F3"  # type: ignore[index]
    text = json.dumps({"type": "FeatureCollection", "features": features})
    assert load(tmp_path, "two.geojson", text, "mains", columns).survey.notes["geometry", "apart"] == 2


def test_roads_are_one_network_whose_ends_and_islands_are_told(tmp_path: Path) -> None:
    a, b, c = [114.1, 22.5], [114.101, 22.5], [114.102, 22.5]
    features = [feature("LineString", [a, b], code="r-1"), feature("LineString", [b, c], code="r-2"),
                feature("LineString", [[115.0, 22.5], [115.1, 22.5]], code="r-3")]  # fmt: skip
    text = json.dumps({"type": "FeatureCollection", "features": features})
    outcome = load(tmp_path, "roads.geojson", text, "roads", "code: {field: code}, geometry: {field: geometry}")
    assert outcome.survey.notes == {("geometry", "loose_end"): 3, ("geometry", "apart"): 1}
    assert outcome.survey.bad == 0


def test_places_have_a_point_or_an_outline_or_neither(tmp_path: Path) -> None:
    rows = ('id,name,kind,wkt\n1,东湖公园,park,"POLYGON ((114.1 22.5, 114.12 22.5, 114.12 22.52, 114.1 22.5))"\n'
            "2,某校,school,\n3,坏,park,POLYGON\n")  # fmt: skip
    outcome = load(tmp_path, "p.csv", rows, "places", "id: {field: code}, name: {field: name}, kind: {field: kind}, "
                   "wkt: {field: geometry}")  # fmt: skip
    assert outcome.survey.findings == {("geometry", "not_a_shape"): 1}
    park, school = PlaceRecord.objects.order_by("key")
    assert park.large == 1
    assert park.lon == pytest.approx(114.11)
    assert school.geometry is None
    assert school.lon is None


def test_a_right_holder_is_sealed_and_stands_nowhere_in_clear(tmp_path: Path, sealed: list[int]) -> None:  # noqa: F811
    load(tmp_path, "p.csv", "id,use,who\nG1,0701,李雷雷\nG2,0810,\n", "parcels", "id: {field: code}, "
         "use: {field: land_use}, who: {field: holder_name}")  # fmt: skip
    told = [queries.facts_of("parcels", key)[0] for key in ("G1", "G2")]
    assert [fact.is_sealed for fact in told] == [True, False]
    assert len(sealed) == 1
    assert "李雷雷" not in str(told)


def test_a_file_of_shapes_is_profiled_into_a_mapping_that_loads_it(tmp_path: Path) -> None:
    file = tmp_path / "管线.csv"
    rows = [f'{n},给水,{300 + n % 3},"LINESTRING (22.5{n:02d} 114.1, 22.5{n + 1:02d} 114.1)"' for n in range(30)]
    file.write_text("\n".join(["管线编码,管线类型,管径(毫米),坐标串", *rows]), encoding="utf-8")
    proposal, how = actions.profile_file(file)
    text = actions.mapping_text(proposal, "works", file.name, how)
    assert proposal.register.name == "mains"
    assert "axes: lat-lon" in text
    outcome = actions.load_file(mapping.read(text), file, by=SYSTEM, at=datetime(2026, 11, 2, tzinfo=UTC))
    assert outcome.survey is not None
    assert outcome.survey.bad == 0
    assert MainRecord.objects.filter(network="water", lat__gt=22, lat__lt=23).count() == 30


def test_the_example_of_a_network_tells_its_loop_and_its_loose_end(tmp_path: Path) -> None:
    made = example_street.network(200, 3)
    file = tmp_path / "net.geojson"
    file.write_bytes(made.content)
    proposal, how = actions.profile_file(file)
    says = mapping.read(actions.mapping_text(proposal, "water", file.name, how))
    notes = actions.check_file(says, file, at=clock.now()).survey.notes
    assert notes["geometry", "loop"] == 1
    assert notes["geometry", "loose_end"] >= 1
