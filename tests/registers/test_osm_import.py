"""Cities from OpenStreetMap extracts: drawn ones, broken ones, real ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.osm.reader import read_osm
from cityloom.registers.domain.complete import complete
from cityloom.registers.domain.draft import Draft
from tests import realdata
from tests.examples import a_third_of
from tests.registers.drawn import STEP, Sheet


@pytest.fixture
def sheet() -> Sheet:
    """A crossing of two streets; houses are for the tests to draw."""
    sheet = Sheet()
    sheet.way([(0, 5), (5, 5), (9, 5)], highway="residential", name="East Street")
    sheet.way([(5, 0), (5, 5), (5, 9)], highway="residential", name="North Street")
    return sheet


@pytest.fixture
def imported(tmp_path) -> Iterator[object]:
    return lambda sheet: read_osm(sheet.write(tmp_path / "drawn.osm.pbf"))


def test_streets_meet_where_they_share_a_point(sheet, imported):
    sheet.square(1, 1, building="yes")
    draft = imported(sheet)
    assert len(draft.nodes) == 5
    assert sorted(draft.roads.name) == ["East Street"] * 2 + ["North Street"] * 2
    junction = np.bincount(np.concatenate([draft.roads.start, draft.roads.end])).max()
    assert junction == 4


def test_a_bridge_does_not_meet_the_street_below(sheet, imported):
    sheet.square(1, 1, building="yes")
    sheet.way([(2, 2), (8, 8.5)], highway="primary", bridge="yes", layer="1")
    draft = imported(sheet)
    assert len(draft.roads) == 5


def test_a_building_tells_what_its_tags_tell(sheet, imported):
    sheet.square(1, 1, building="apartments", building__levels="3-4", height="12,5 m", name="Casa",
                 addr__street="East Street", addr__housenumber="7 b")  # fmt: skip
    table = imported(sheet).buildings
    assert (table.use[0], table.levels[0], table.height_m[0], table.name[0]) == ("residential", 4, 12.5, "Casa")
    assert (table.street[0], table.house_number[0], table.source_ref[0]) == ("East Street", "7 b", "way/3")


def test_a_courtyard_is_no_part_of_the_building(sheet, imported):
    outer, inner = sheet.square(1, 1, 4), sheet.square(2, 2, 2)
    sheet.relation([("w", outer, "outer"), ("w", inner, "inner")], type="multipolygon", building="apartments")
    table = imported(sheet).buildings
    assert len(table) == 1
    assert shapely.area(table.footprint[0]) == pytest.approx((16 - 4) * STEP**2)


def test_an_outer_way_with_the_same_tags_is_not_a_second_building(sheet, imported):
    outer, inner = sheet.square(1, 1, 4, building="yes"), sheet.square(2, 2, 2)
    sheet.relation([("w", outer, "outer"), ("w", inner, "inner")], type="multipolygon", building="yes")
    assert len(imported(sheet).buildings) == 1


def test_a_bare_relation_takes_the_tags_of_its_outer_way(sheet, imported):
    outer, inner = sheet.square(1, 1, 4, building="office"), sheet.square(2, 2, 2)
    sheet.relation([("w", outer, "outer"), ("w", inner, "inner")], type="multipolygon")
    table = imported(sheet).buildings
    assert table.use.tolist() == ["office"]
    assert shapely.area(table.footprint[0]) == pytest.approx(12 * STEP**2)


def test_a_ring_may_come_in_pieces_and_a_house_in_the_courtyard_stays(sheet, imported):
    half = sheet.way([(1, 1), (1, 5), (5, 5)])
    rest = sheet.way([(1, 1), (5, 1), (5, 5)])
    hole = sheet.square(2, 2, 2)
    sheet.square(2.5, 2.5, 1, building="shed")
    members = [("w", half, "outer"), ("w", rest, "outer"), ("w", hole, "inner")]
    sheet.relation(members, type="multipolygon", building="yes")
    table = imported(sheet).buildings
    assert sorted(shapely.area(table.footprint) / STEP**2) == pytest.approx([1, 12])


def test_an_address_point_in_the_building_is_its_address(sheet, imported):
    sheet.square(1, 1, building="yes")
    sheet.square(3, 1, building="yes", addr__street="Own Street", addr__housenumber="1")
    sheet.spot(1.5, 1.5, addr__street="North Street", addr__housenumber="12")
    sheet.spot(1, 1.5, addr__street="North Street", addr__housenumber="8")
    sheet.spot(3.5, 1.5, addr__street="North Street", addr__housenumber="99")
    table = imported(sheet).buildings
    assert list(zip(table.street, table.house_number, strict=True)) == [("North Street", "8"), ("Own Street", "1")]


def test_a_street_named_by_a_relation_only(sheet, imported):
    house = sheet.square(1, 1, building="yes", addr__housenumber="4")
    sheet.relation([("w", house, "house")], type="associatedStreet", name="Related Street")
    assert imported(sheet).buildings.street.tolist() == ["Related Street"]


def test_parts_lend_their_levels_and_a_lone_part_is_a_building(sheet, imported):
    sheet.square(1, 1, 2, building="yes")
    sheet.way([(1, 1), (2, 1), (2, 3), (1, 3), (1, 1)], building__part="yes", building__levels="2")
    sheet.way([(2, 1), (3, 1), (3, 3), (2, 3), (2, 1)], building__part="yes", building__levels="6")
    sheet.square(7, 7, building__part="yes", building__levels="9")
    assert imported(sheet).buildings.levels.tolist() == [4, 9]


def test_the_ground_below_tells_the_use_and_the_smallest_ground_wins(sheet, imported):
    sheet.square(0, 0, 9, landuse="residential")
    sheet.square(0.5, 0.5, 3, amenity="school", name="First School")
    sheet.square(1, 1, building="yes")
    sheet.square(6, 6, building="yes")
    draft = imported(sheet)
    assert draft.buildings.use.tolist() == ["school", "residential"]
    assert (draft.places.kind.tolist(), draft.places.name.tolist(), draft.places.building.tolist()) == (
        ["school"], ["First School"], [0],
    )  # fmt: skip


def test_a_place_marked_twice_is_one_place(sheet, imported):
    sheet.square(1, 1, building="school", name="First School")
    sheet.spot(1.5, 1.5, amenity="school", name="First School")
    sheet.spot(8, 8, amenity="school", name="Second School")
    places = imported(sheet).places
    assert sorted(zip(places.name, places.building, strict=True)) == [("First School", 0), ("Second School", -1)]


def test_what_is_whole_is_imported_and_what_is_not_is_counted(sheet, imported):
    sheet.square(1, 1, building="yes")
    broken = sheet.square(3, 3, building="yes")
    sheet.missing.add(sheet.nodes[(4, 4)])
    sheet.way([(0, 9), (1, 9), (2, 9), (3, 9), (4, 9)], highway="path")
    sheet.missing.add(sheet.nodes[(2, 9)])
    sheet.relation([("w", 999, "outer")], type="multipolygon", building="yes")
    draft = imported(sheet)
    assert len(draft.buildings) == 1
    assert draft.roads.kind.tolist().count("path") == 2
    assert draft.defects == {
        "buildings with corners that are not here left out": 1,
        "buildings made of ways that are not all here left out": 1,
        "roads cut where corners are not here": 1,
    }
    assert draft.defect_refs["buildings with corners that are not here left out"] == (f"way/{broken}",)


def test_a_self_crossing_outline_is_repaired_and_counted(sheet, imported):
    sheet.way([(1, 1), (3, 3), (3, 1), (1, 3), (1, 1)], building="yes")
    draft = imported(sheet)
    assert draft.defects == {"self-crossing outlines repaired": 1}
    assert draft.buildings.footprint[0].is_valid
    assert shapely.area(draft.buildings.footprint[0]) == pytest.approx(2 * STEP**2)


def test_outlines_that_enclose_nothing_or_come_twice_are_left_out(sheet, imported):
    sheet.square(1, 1, building="yes")
    sheet.square(1, 1, building="yes")
    sheet.way([(3, 3), (4, 4), (5, 5), (3, 3)], building="yes")
    draft = imported(sheet)
    assert len(draft.buildings) == 1
    assert draft.defects["outlines drawn twice, one left out"] == 1
    assert draft.defects["outlines without a square metre of ground left out"] == 1


def test_the_edge_of_a_square_that_no_street_touches_is_no_street(sheet, imported):
    sheet.square(1, 1, building="yes")
    sheet.square(7, 7, highway="pedestrian", area="yes")
    sheet.square(5, 5, 1, highway="pedestrian", area="yes")
    assert imported(sheet).roads.kind.tolist().count("pedestrian") == 1


def test_the_city_is_named_after_its_settlement(sheet, imported):
    sheet.square(0, 0, 9, building="yes")
    sheet.spot(5, 5, place="suburb", name="Part")
    sheet.spot(5, 6, place="city", name="里斯本", name__en="Lisbon")
    assert imported(sheet).name == "Lisbon"


def test_a_city_without_levels_names_places_or_landuse_can_be_completed(imported):
    sheet = Sheet()
    sheet.way([(0, 5), (9, 5)], highway="road")
    sheet.square(1, 1, building="yes")
    draft = imported(sheet)
    assert draft.name == "Drawn"
    city = complete(draft, seed=1)
    assert city.buildings.levels[0] > 0 and city.buildings.street[0]
    assert city.attribution == "(c) OpenStreetMap contributors"


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("gone.osm.pbf", None, "city.file_missing"),
        ("empty.osm.pbf", b"", "city.file_empty"),
        ("text.osm.pbf", b"This is not an extract at all.\n", "city.file_wrong_kind"),
        ("city.shp", b"\x00\x00\x27\x0a" + bytes(100), "city.file_wrong_kind"),
        ("short.osm.pbf", b"\x00\x00\x00", "city.file_broken"),
    ],
)
def test_files_of_the_wrong_kind_are_refused(tmp_path, name, content, code):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    _refused(tmp_path / name, code)


def test_a_city_without_buildings_or_roads_is_refused(tmp_path):
    only_roads, only_houses, nothing = Sheet(), Sheet(), Sheet()
    only_roads.way([(0, 0), (1, 1)], highway="residential")
    only_houses.square(1, 1, building="yes")
    _refused(only_roads.write(tmp_path / "a.osm.pbf"), "city.no_buildings")
    _refused(only_houses.write(tmp_path / "b.osm.pbf"), "city.no_roads")
    _refused(nothing.write(tmp_path / "c.osm.pbf"), "city.no_buildings")


@pytest.fixture(scope="module")
def whole_file(tmp_path_factory) -> Path:
    sheet = Sheet()
    for number in range(40):
        sheet.square(number * 2, 0, building="yes", name=f"House {number}", addr__housenumber=str(number))
    sheet.way([(0, 3), (40, 3), (80, 3)], highway="residential")
    sheet.spot(3, 3, amenity="school", name="学校")
    return sheet.write(tmp_path_factory.mktemp("whole") / "whole.osm.pbf")


@settings(max_examples=a_third_of(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1))
def test_a_file_cut_anywhere_is_refused_or_a_smaller_city(whole_file, tmp_path, share):
    whole = whole_file.read_bytes()
    (tmp_path / "cut.osm.pbf").write_bytes(whole[: int(share * len(whole))])
    _refused_or_smaller(tmp_path / "cut.osm.pbf", 40)


@settings(max_examples=a_third_of(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), byte=st.integers(0, 255))
def test_a_file_with_a_wrong_byte_is_refused_or_a_city(whole_file, tmp_path, where, byte):
    content = bytearray(whole_file.read_bytes())
    content[int(where * len(content))] = byte
    (tmp_path / "wrong.osm.pbf").write_bytes(bytes(content))
    _refused_or_smaller(tmp_path / "wrong.osm.pbf", 40)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "city", "buildings", "kilometres"),
    [
        ("porto-center", "Porto", 11_404, 398),
        ("monaco", "Monaco", 1_207, 125),
        ("helsinki-cut", "Helsinki", 446, None),
        ("baltimore", "Baltimore", 1_738, 733),
    ],
)
def test_real_cities(name, city, buildings, kilometres):
    draft = read_osm(realdata.path(f"osm/{name}.osm.pbf"))
    assert draft.name == city
    assert len(draft.buildings) == pytest.approx(buildings, rel=0.02)
    assert shapely.is_valid(draft.buildings.footprint).all()
    if kilometres:
        assert _length_km(draft) == pytest.approx(kilometres, rel=0.2)
    assert (draft.roads.name != "").any() and len(draft.places) > 20 and len(draft.land) > 20
    assert complete(draft, seed=1).buildings.dwellings.sum() > 1_000


@pytest.mark.realdata
def test_a_badly_cut_extract_says_what_was_not_whole():
    draft = read_osm(realdata.path("osm/helsinki-cut.osm.pbf"))
    assert draft.defects["buildings with corners that are not here left out"] > 10
    assert draft.defects["roads cut where corners are not here"] > 100


def _length_km(draft: Draft) -> float:
    metres = shapely.transform(draft.roads.geometry, lambda c: c * [np.cos(np.radians(c[0, 1])) * 111.2, 111.2])
    return float(shapely.length(metres).sum())


def _refused(path: Path, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_osm(path)
    assert refusal.value.code == code
    assert refusal.value.sentence.endswith(".")


def _refused_or_smaller(path: Path, most: int) -> None:
    try:
        draft = read_osm(path)
    except Refused as refusal:
        assert refusal.code.startswith("city.")
    else:
        assert len(draft.buildings) <= most
