"""Cities from folders of GeoJSON: drawn ones, broken ones, real ones."""

from __future__ import annotations

import gzip
import json
import math
import unicodedata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.cli.city import _tell
from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.folder.reader import read_folder
from cityloom.registers.domain import osm_joins
from cityloom.registers.domain.complete import complete
from tests import realdata
from tests.examples import a_third_of

WEST, SOUTH, STEP = 113.93, 22.52, 0.0001  # steps of about 10 m


def at(x: float, y: float) -> list[float]:
    return [WEST + x * STEP, SOUTH + y * STEP]


def square(x: float, y: float, size: float = 1) -> list[list[float]]:
    return [at(x, y), at(x + size, y), at(x + size, y + size), at(x, y + size), at(x, y)]


def feature(kind: str, coordinates: object, **properties: object) -> dict:
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


HOUSE = feature("Polygon", [square(1, 1)], height=18)
HOUSE_2 = feature("Polygon", [square(3, 1)], height=9)
STREET = feature("LineString", [at(0, 5), at(9, 5)], highway="residential")


def folder(path: Path, buildings: object = None, roads: object = None, places: object = None) -> Path:
    """Write a folder; lists become feature collections, texts stay as they are, None takes a house and a street."""
    path.mkdir(exist_ok=True)
    layers = {"buildings": [HOUSE] if buildings is None else buildings, "roads": [STREET] if roads is None else roads}
    for name, content in (layers | ({"places": places} if places is not None else {})).items():
        listed = not isinstance(content, (str, bytes))
        text = json.dumps({"type": "FeatureCollection", "features": content}) if listed else content
        (path / f"{name}.geojson").write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_heights_levels_names_and_references(tmp_path):
    draft = read_folder(folder(tmp_path / "new-town", [
        feature("Polygon", [square(1, 1)], id="B1", height=18),
        feature("Polygon", [square(3, 1)], Floors="6", Type="apartments", name="南山大厦", name_en="Nanshan House"),
        feature("MultiPolygon", [[square(5, 1)], [square(7, 1)]], levels=2),
    ]))  # fmt: skip
    table = draft.buildings
    assert draft.name == "New Town"
    assert table.height_m.tolist()[0] == 18
    assert table.levels.tolist()[1:] == [6, 2]
    assert (table.use[1], table.name[1]) == ("residential", "Nanshan House")
    assert table.source_ref.tolist() == ["buildings/B1", "buildings/2", "buildings/3"]
    assert len(shapely.get_parts(table.footprint[2])) == 2


def test_places_as_points_and_areas(tmp_path):
    draft = read_folder(folder(tmp_path / "x", places=[
        feature("Point", at(1.5, 1.5), amenity="school", name="East School"),
        feature("Polygon", [square(6, 6, 3)], leisure="park", name="Green"),
        feature("LineString", [at(0, 0), at(1, 1)], name="odd"),
    ]))  # fmt: skip
    assert sorted(zip(draft.places.kind, draft.places.name, draft.places.building, strict=True)) == [
        ("park", "Green", -1), ("school", "East School", 0),
    ]  # fmt: skip
    assert draft.defects == {"places that are neither points nor areas left out": 1}


def test_a_self_crossing_outline_is_repaired_and_counted_with_its_id(tmp_path):
    bow = feature("Polygon", [[at(3, 3), at(5, 5), at(5, 3), at(3, 5), at(3, 3)]], id="B7")
    draft = read_folder(folder(tmp_path / "x", [HOUSE, bow]))
    assert draft.defects == {"self-crossing outlines repaired": 1}
    assert draft.defect_refs == {"self-crossing outlines repaired": ("buildings/B7",)}
    assert shapely.is_valid(draft.buildings.footprint).all()


def test_what_has_no_outline_is_counted(tmp_path):
    nothing = {"type": "Feature", "properties": {}, "geometry": None}
    draft = read_folder(folder(tmp_path / "x", [HOUSE, nothing, feature("Point", at(1, 1))], [
        STREET, feature("Point", at(3, 3)), feature("LineString", [at(4, 4), at(4, 4)]),
    ]))  # fmt: skip
    assert draft.defects == {
        "features without a geometry left out": 1,
        "buildings without an outline left out": 1,
        "roads that are not lines left out": 2,
    }


def _as(**member: object) -> str:
    return json.dumps({"type": "FeatureCollection", **member, "features": [HOUSE, HOUSE_2]})


SAME_CITY = {
    "a byte order mark": b"\xef\xbb\xbf" + _as().encode(),
    "a text sequence": "".join(f"\x1e{json.dumps(one)}\n" for one in (HOUSE, HOUSE_2)),
    "a feature a line": "\n".join(json.dumps(one) for one in (HOUSE, HOUSE_2)),
    "a collection of geometries": [
        feature("GeometryCollection", None) | {"geometry": {"type": "GeometryCollection", "geometries": [
            {"type": "Point", "coordinates": at(1, 1)}, one["geometry"]]}} for one in (HOUSE, HOUSE_2)],
    "heights of the ground": [feature("Polygon", [[[*corner, 31.5] for corner in square(x, 1)]]) for x in (1, 3)],
    "CGCS2000": _as(crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}),
    "WGS 84 by name": _as(crs={"type": "name", "properties": {"name": "WGS 84"}}),
    "WGS 84 by number": _as(crs={"type": "EPSG", "properties": {"code": 4326}}),
    "no properties": [HOUSE | {"properties": None}, {key: HOUSE_2[key] for key in ("type", "geometry")}],
}  # fmt: skip


@pytest.mark.parametrize("buildings", SAME_CITY.values(), ids=SAME_CITY)
def test_other_forms_of_the_same_city(tmp_path, buildings):
    table = read_folder(folder(tmp_path / "x", buildings)).buildings
    assert shapely.get_coordinates(table.footprint).tolist() == [*square(1, 1), *square(3, 1)]


def test_a_sequence_with_something_else_in_it_is_refused(tmp_path):
    _refused(folder(tmp_path / "x", f'{json.dumps(HOUSE)}\n{{"type": "Note"}}'), "city.file_broken")


def test_a_packed_file_is_refused_with_what_to_do(tmp_path):
    _refused(folder(tmp_path / "x", gzip.compress(_as().encode())), "city.file_wrong_kind", "unpack")


def test_data_with_marks_of_openstreetmap_carry_its_attribution(tmp_path):
    own = [feature("LineString", [at(0, 5), at(9, 5)], klass="street")]
    assert read_folder(folder(tmp_path / "a")).attribution == "(c) OpenStreetMap contributors"
    assert read_folder(folder(tmp_path / "b", roads=own)).attribution == ""
    (tmp_path / "b" / "ATTRIBUTION.txt").write_text("City of Somewhere, CC BY 4.0\n")
    assert read_folder(tmp_path / "b").attribution == "City of Somewhere, CC BY 4.0"


ROADS = {
    "a shared end": ([[(0, 0), (5, 0)], [(5, 0), (9, 0)]], 1),
    "ends half a metre apart": ([[(0, 0), (5, 0)], [(5.05, 0), (9, 0)]], 1),
    "ends three metres apart": ([[(0, 0), (5, 0)], [(5.3, 0), (9, 0)]], 2),
    "an end on the middle of another": ([[(0, 0), (9, 0)], [(4, 5), (4, 0.05)]], 1),
    "a crossing at a shared corner": ([[(0, 0), (4, 0), (9, 0)], [(4, -3), (4, 0), (4, 3)]], 1),
    "a bare crossing where nothing is shared": ([[(0, 0), (9, 0)], [(4, -3), (4, 3)]], 1),
    "a bare crossing in a file that shares its corners": (
        [[(0, 0), (9, 0)], [(4, -3), (4, 3)], [(0, 0), (0, 9)], [(9, 0), (9, 9)], [(0, 9), (9, 9)]], 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("lines", "networks"), ROADS.values(), ids=ROADS)
def test_where_roads_meet(tmp_path, lines, networks):
    roads = [feature("LineString", [at(x, y) for x, y in line], highway="residential") for line in lines]
    draft = read_folder(folder(tmp_path / "x", roads=roads))
    assert _count_networks(draft) == networks


@pytest.mark.parametrize(
    "properties",
    [{"railway": "tram"}, {"waterway": "stream"}, {"subtype": "rail", "class": "standard_gauge"}, {"power": "line"}],
)
def test_what_is_no_road_among_the_roads_is_left_out(tmp_path, properties):
    other = feature("LineString", [at(4, 0), at(4, 9)], **properties)
    draft = read_folder(folder(tmp_path / "x", roads=[STREET, other]))
    assert len(draft.roads) == 1
    assert draft.defects == {"railways, waterways and other lines among the roads left out": 1}


def test_a_street_with_tram_tracks_is_a_street(tmp_path):
    tram = feature("LineString", [at(0, 5), at(9, 5)], highway="secondary", railway="tram")
    assert read_folder(folder(tmp_path / "x", roads=[tram])).roads.kind.tolist() == ["secondary"]


def test_a_bridge_over_a_street_does_not_meet_it(tmp_path):
    over = feature("LineString", [at(4, 0), at(4, 9)], highway="primary", bridge="yes")
    assert _count_networks(read_folder(folder(tmp_path / "x", roads=[STREET, over]))) == 2


@settings(max_examples=a_third_of(40), deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=5, unique=True),
                min_size=1, max_size=6))  # fmt: skip
def test_joining_moves_no_corner_by_more_than_its_reach(lines):
    given_lines = [np.array([at(x, y) for x, y in line]) for line in lines]
    joined = osm_joins.joined(given_lines, np.zeros(len(lines), bool))
    for before, after in zip(given_lines, joined, strict=True):
        courses = shapely.LineString(before), shapely.LineString(after.lonlat)
        assert shapely.hausdorff_distance(*courses) < 2 * osm_joins.REACH_M / 100_000
        assert len(after.keys) == len(after.lonlat) >= len(before)


def _turned(entry: dict) -> dict:
    def turn(value):
        return [value[1], value[0]] if isinstance(value[0], float) else [turn(inner) for inner in value]

    return entry | {"geometry": entry["geometry"] | {"coordinates": turn(entry["geometry"]["coordinates"])}}


def _tilted_town(lat: float) -> list[dict]:
    """A hundred right-angled houses, turned by 30 degrees, at a latitude where longitude is not too long to tell."""
    side, turn, squeeze = 20 / 111_000, math.radians(30), math.cos(math.radians(lat))
    corners = [(0, 0), (1, 0), (1, 2), (0, 2), (0, 0)]
    shape = [(x * math.cos(turn) - y * math.sin(turn), x * math.sin(turn) + y * math.cos(turn)) for x, y in corners]
    return [
        feature("Polygon", [[[-8.6 + number / 2000 + x * side / squeeze, lat + y * side] for x, y in shape]])
        for number in range(100)
    ]


def test_latitude_first_is_told_by_the_range(tmp_path):
    turned = folder(tmp_path / "x", [_turned(HOUSE)], [_turned(STREET)])
    _refused(turned, "city.coordinates_swapped", "buildings.geojson")


def test_latitude_first_is_told_by_the_right_angles(tmp_path):
    town = _tilted_town(41.1)
    street = feature("LineString", [[-8.6, 41.1], [-8.55, 41.1]], highway="residential")
    assert len(read_folder(folder(tmp_path / "right", town, [street])).buildings) == 100
    turned = folder(tmp_path / "turned", [_turned(house) for house in town], [_turned(street)])
    _refused(turned, "city.coordinates_swapped", "longitude first")
    _refused(folder(tmp_path / "one", town, [_turned(street)]), "city.coordinates_swapped", "roads.geojson")


def test_files_of_two_cities_are_refused(tmp_path):
    other = feature("LineString", [[13.4, 52.5], [13.5, 52.6]], highway="residential")
    _refused(folder(tmp_path / "x", roads=[other]), "city.files_far_apart")


NESTED = "[" * 100_000 + "]" * 100_000
BAD = {
    "empty": ("", "city.file_empty"),
    "a text": ("buildings, please", "city.file_broken"),
    "cut": (json.dumps({"type": "FeatureCollection", "features": [HOUSE]})[:-40], "city.file_broken"),
    "not GeoJSON": ('{"buildings": []}', "city.file_wrong_kind"),
    "a list": ("[1, 2]", "city.file_wrong_kind"),
    "features of numbers": ('{"type": "FeatureCollection", "features": [1]}', "city.file_wrong_kind"),
    "nested without end": (NESTED, "city.file_broken"),
    "not a number": (json.dumps({"type": "FeatureCollection", "features": [feature("Point", [math.nan, 1.0])]}),
                     "city.file_broken"),
    "off the globe": ([feature("Polygon", [[[500, 500], [501, 500], [501, 501], [500, 500]]])],
                      "city.coordinates_wrong"),
    "coordinates of words": ([feature("Polygon", [[["a", "b"]] * 4])], "city.coordinates_wrong"),
    "coordinates of nothing": ([feature("Polygon", [[None] * 4])], "city.coordinates_wrong"),
    "metres of another system": (json.dumps({
        "type": "FeatureCollection", "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}},
        "features": [HOUSE]}), "city.coordinates_wrong"),
    "metres of another system by name": (json.dumps({
        "type": "FeatureCollection", "features": [HOUSE],
        "crs": {"type": "name", "properties": {"name": "WGS 84 / Pseudo-Mercator"}}}), "city.coordinates_wrong"),
    "bytes": (b"\xff\xfe\x00\x01", "city.file_broken"),
    "no features": ([], "city.no_buildings"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "code"), BAD.values(), ids=BAD)
def test_bad_building_files_are_refused(tmp_path, content, code):
    _refused(folder(tmp_path / "x", buildings=content), code)


def test_missing_files_and_roads_are_refused(tmp_path):
    _refused(tmp_path / "nowhere", "city.folder_missing")
    _refused(folder(tmp_path / "x", roads=[]), "city.no_roads")
    (tmp_path / "x" / "roads.geojson").unlink()
    _refused(tmp_path / "x", "city.file_missing", "roads.geojson")


@settings(max_examples=a_third_of(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_file_cut_anywhere_is_refused(tmp_path, share):
    whole = json.dumps({"type": "FeatureCollection", "features": [HOUSE] * 3})
    with pytest.raises(Refused):
        read_folder(folder(tmp_path / "x", buildings=whole[: int(share * len(whole))]))


KINDS = ["Point", "LineString", "Polygon", "MultiPolygon", "MultiLineString", "GeometryCollection"]
_json = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@settings(max_examples=a_third_of(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(KINDS), coordinates=_json, properties=_json)
def test_whatever_a_feature_holds_the_answer_is_a_city_or_a_refusal(tmp_path, kind, coordinates, properties):
    odd = {"type": "Feature", "properties": properties,
           "geometry": {"type": kind, "coordinates": coordinates, "geometries": coordinates}}  # fmt: skip
    for layers in ({"buildings": [HOUSE, odd]}, {"roads": [STREET, odd]}, {"places": [odd]}):
        try:
            read_folder(folder(tmp_path / "x", **layers))
        except Refused as refusal:
            assert refusal.code.startswith("city.")


@pytest.mark.parametrize("name", [
    "Elm\r\nBcc: all@example.org\x00", "\u202eteertS\u2066 \u200b", "L" + "o" * 10_000 + "ng",
    "\U000e0041\ufeffElm\u2028",
])  # fmt: skip
def test_names_come_in_without_what_turns_breaks_or_hides_the_words_around_them(tmp_path, name):
    street, house = (one | {"properties": {**one["properties"], "name": name, "addr:street": name}}
                     for one in (STREET, HOUSE))  # fmt: skip
    draft = read_folder(folder(tmp_path, buildings=[house], roads=[street]))
    found = {*draft.buildings.name, *draft.buildings.street, *draft.roads.name, draft.name}
    assert any(found)
    assert max(map(len, found)) <= 200
    assert not {unicodedata.category(sign) for one in found for sign in one} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_a_name_that_looks_like_a_colour_is_shown_as_it_is(capsys):
    facts = SimpleNamespace(
        name="[/b]Town", kind="osm", counts={"buildings": 1}, timezone="UTC", defects={}, synthesised={},
        attribution="(c) [/red]us",
    )  # fmt: skip
    _tell(facts, as_json=False)
    said = capsys.readouterr().out
    assert "[/b]Town" in said
    assert "(c) [/red]us" in said


@pytest.mark.realdata
def test_a_real_folder():
    draft = read_folder(realdata.path("osm/shenzhen-nanshan"))
    assert len(draft.buildings) == 5_438
    assert draft.defects == {"self-crossing outlines repaired": 3}
    assert draft.attribution == "(c) OpenStreetMap contributors"
    assert _count_networks(draft) < 10
    city = complete(draft, seed=1)
    assert (city.buildings.levels >= 1).all() and city.buildings.dwellings.sum() > 10_000


def _count_networks(draft) -> int:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(draft.roads)), (draft.roads.start, draft.roads.end)), shape=(len(draft.nodes),) * 2)
    return connected_components(links, directed=False)[0]


def _refused(path: Path, code: str, words: str = "") -> None:
    with pytest.raises(Refused) as refusal:
        read_folder(path)
    assert refusal.value.code == code
    assert words in refusal.value.sentence
