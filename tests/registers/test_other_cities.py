"""Cities that are tagged, numbered, packed or placed in other ways than those we know."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import osmium
import pytest
import shapely
from osmium.osm import mutable

from cityloom.kernel.refused import Refused
from cityloom.registers.contrib.osm.reader import read_osm
from cityloom.registers.domain import osm_coast, osm_extent, osm_network
from cityloom.registers.domain.complete import complete
from cityloom.registers.domain.draft import Draft, MadeUp
from cityloom.registers.domain.osm_shapes import Piece
from tests.registers.drawn import Sheet

WHOLE_GLOBE = {"south-west": (-70.65, -33.45), "south-east": (151.2, -33.87), "near the date line": (179.9, -16.8),
               "far north": (25.7, 71.1), "on the equator": (0.0005, -0.0005)}  # fmt: skip
XML = """<?xml version="1.0"?>{doctype}<osm version="0.6">
 <node id="1" lat="41.1400" lon="-8.6100"/><node id="2" lat="41.1400" lon="-8.6090"/>
 <node id="3" lat="41.1410" lon="-8.6090"/><node id="4" lat="41.1410" lon="-8.6100"/>
 <way id="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/><tag k="building" v="yes"/>
  <tag k="name" v="{name}"/></way>
 <way id="2"><nd ref="1"/><nd ref="2"/><tag k="highway" v="residential"/></way></osm>"""


def village(**drawing: object) -> Sheet:
    """Twelve houses along two streets that cross."""
    sheet = Sheet(**drawing)  # type: ignore[arg-type]
    sheet.way([(0, 5), (5, 5), (30, 5)], highway="residential", name="East Street")
    sheet.way([(5, 0), (5, 5), (5, 30)], highway="residential", name="North Street")
    for number in range(12):
        sheet.square(7 + 2 * (number % 6), 6 if number < 6 else 2, building="yes")
    return sheet


@pytest.fixture
def imported(tmp_path: Path) -> Callable[[Sheet], Draft]:
    return lambda sheet: read_osm(sheet.write(tmp_path / "drawn.osm.pbf"))


@pytest.mark.parametrize("origin", WHOLE_GLOBE.values(), ids=WHOLE_GLOBE)
def test_a_village_anywhere_on_the_globe(imported, origin):
    city = complete(imported(village(origin=origin)), seed=1)
    assert len(city.buildings) == 12 and (city.buildings.dwellings >= 1).all()
    assert set(city.buildings.street) <= {"East Street", "North Street"}


def test_a_city_across_the_date_line_is_refused(imported):
    sheet = village(origin=(179.9992, -16.8))
    sheet._place = lambda x, y: ((179.9992 + x * 1e-4 + 180) % 360 - 180, -16.8 + y * 1e-4)  # type: ignore[method-assign]
    _refused(lambda: imported(sheet), "city.across_date_line")


@pytest.mark.parametrize("ending", [".osm.pbf", ".osm", ".osm.gz", ".osm.bz2"])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("points_first", [True, False])
def test_whatever_the_packing_numbering_and_order_the_city_is_the_same(tmp_path, ending, sign, points_first):
    sheet = village(sign=sign)
    sheet.spot(8, 6.5, amenity="school", name="School")
    draft = read_osm(sheet.write(tmp_path / f"village{ending}", points_first=points_first))
    assert (len(draft.buildings), len(draft.roads), len(draft.nodes)) == (12, 4, 5)
    assert draft.places.name.tolist() == ["School"] and draft.defects == {}
    assert draft.name == "Village"


def test_xml_that_would_read_files_of_this_machine_is_refused(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("what nobody may see")
    path = tmp_path / "city.osm"
    path.write_text(XML.format(doctype="", name="Town Hall"))
    assert read_osm(path).buildings.name.tolist() == ["Town Hall"]
    path.write_text(XML.format(doctype=f'<!DOCTYPE osm [<!ENTITY x SYSTEM "{secret.as_uri()}">]>', name="&x;"))
    _refused(lambda: read_osm(path), "city.file_entities")


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        (".osm", XML.format(doctype="", name="x")[:-200].encode()),
        (".osm", b"<html><body>Sign in to download this file.</body></html>"),
        (".osm.gz", gzip.compress(XML.format(doctype="", name="x").encode(), mtime=0)[:-20]),
        (".osm.gz", gzip.compress(b"nothing of the kind " * 20, mtime=0)),
        (".osm.bz2", bz2.compress(XML.format(doctype="", name="x").encode())[:-20]),
        (".osm.pbf", XML.format(doctype="", name="x").encode()),
        (".osm", b"\x00\x00\x00\x0d\x0a\x09OSMHeader" + bytes(100)),
    ],
)
def test_packed_files_that_are_broken_or_hold_something_else_are_refused(tmp_path, ending, content):
    (tmp_path / f"city{ending}").write_bytes(content)
    _refused(lambda: read_osm(tmp_path / f"city{ending}"), "city.file_")


def test_a_file_with_the_history_of_the_map_is_refused(tmp_path):
    path = tmp_path / "city.osh.pbf"
    with osmium.SimpleWriter(str(path)) as writer:
        for version in (1, 2):
            writer.add_node(mutable.Node(id=1, version=version, location=(1, 1), visible=True))
    _refused(lambda: read_osm(path), "city.file_history")


def test_a_way_that_is_listed_twice_is_one_way(tmp_path):
    sheet = village()
    sheet.ways.append(sheet.ways[-1])
    draft = read_osm(sheet.write(tmp_path / "twice.osm.pbf"))
    assert len(draft.buildings) == 12
    assert draft.defects == {"ways listed more than once, the last one kept": 1}


def test_streets_meet_where_their_points_are_different_ones_at_one_place():
    lines = [[(0.0, 0.0), (1.0, 0.0)], [(1.0, 0.0), (2.0, 0.0)], [(1.0, 0.0), (1.0, 1.0)], [(2.0, 0.0), (3.0, 0.0)]]
    pieces = [Piece(np.array([2 * n, 2 * n + 1]), np.array(line)) for n, line in enumerate(lines)]
    bridge = np.array([False, False, True, False])
    net = osm_network.network(osm_network.with_one_key_a_place(pieces, bridge))
    assert len(net.nodes) == 6, "the bridge above has ends of its own"
    on_street = osm_network.network(osm_network.with_one_key_a_place(pieces, np.zeros(4, bool)))
    assert len(on_street.nodes) == 5


def test_what_lies_far_from_the_city_is_left_out_and_counted(imported):
    sheet = village()
    step = 1 / 0.0001
    sheet.square(5 * step, 0, building="yes")
    sheet.way([(0, 9 * step), (1, 9 * step)], highway="primary")
    sheet.spot(-9 * step, 0, amenity="school")
    draft = imported(sheet)
    assert len(draft.buildings) == 12 and len(draft.places) == 0
    assert draft.defects == {f"buildings and roads more than {osm_extent.FAR_KM:.0f} km away left out": 2}
    west, south, east, north = shapely.total_bounds(draft.roads.geometry)
    assert east - west < 0.01 and north - south < 0.01


def test_an_address_marked_at_the_gate_is_that_of_the_nearest_building_without_one(imported):
    sheet = Sheet()
    sheet.way([(0, 5), (30, 5)], highway="residential", name="East Street")
    sheet.square(1, 1, building="yes")
    sheet.square(10, 1, building="yes", addr__street="Own Street", addr__housenumber="1")
    sheet.square(20, 1, building="yes")
    sheet.spot(1.5, 2.8, addr__street="East Street", addr__housenumber="4")
    sheet.spot(10.5, 2.8, addr__street="East Street", addr__housenumber="99")
    sheet.spot(20.5, 4.8, addr__street="East Street", addr__housenumber="8")
    table = imported(sheet).buildings
    assert table.house_number.tolist() == ["4", "1", ""]


def test_a_city_of_motorways_alone_is_a_city_where_nobody_may_walk(imported):
    sheet = village()
    for way in sheet.ways[:2]:
        way.tags["highway"] = "motorway"
    city = complete(imported(sheet), seed=1)
    assert not city.roads.walkable.any() and len(city.mains) == 0 and len(city.sensor_sites) > 0


def test_a_school_in_a_block_of_offices_has_one_floor_of_it(imported):
    def places_of(**tags: str) -> int:
        sheet = village()
        sheet.square(20, 20, 6, building__levels="10", **tags)
        sheet.spot(22, 22, leisure="sports_centre", name="Fit")
        return int(complete(imported(sheet), seed=1).synthesised["shelter places"].count)

    assert places_of(building="sports_hall") == pytest.approx(10 * places_of(building="office"), abs=10)


def test_two_halls_in_one_building_do_not_shelter_twice_as_many(imported):
    def places_of(*kinds: str) -> int:
        sheet = village()
        sheet.square(20, 20, 6, building="civic", building__levels="2")
        for number, kind in enumerate(kinds):
            sheet.spot(22 + number, 22, amenity=kind, name=f"Hall {number}")
        return int(complete(imported(sheet), seed=1).synthesised["shelter places"].count)

    assert places_of("community_centre", "school") == places_of("community_centre") > 0


def test_a_park_without_a_name_is_called_after_the_street_beside_it(imported):
    sheet = village()
    sheet.square(6, 20, 5, leisure="park")
    places = complete(imported(sheet), seed=1).places
    assert places.name.tolist() == ["Park, North Street"]
    assert places.made_up[0] & MadeUp.NAME


def test_a_park_in_a_street_with_a_chinese_name_has_a_chinese_name(imported):
    sheet = village()
    for way in sheet.ways[:2]:
        way.tags["name"] = "科技路"
    sheet.square(6, 20, 5, leisure="park")
    assert complete(imported(sheet), seed=1).places.name.tolist() == ["科技路公园"]


def test_the_time_zone_is_guessed_by_longitude_and_says_so(imported):
    city = complete(imported(village(origin=(151.2, -33.87))), seed=1)
    assert city.timezone == "UTC+10:00"
    assert "by longitude: UTC+10:00" in city.synthesised["time zone"].rule


def _refused(act: Callable[[], object], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        act()
    assert refusal.value.code.startswith(code)
    assert refusal.value.sentence.endswith(".")


BOX = shapely.box(0, 0, 10, 10)
EASTWARD = [(-1.0, 4.0), (5.0, 4.0), (11.0, 4.0)]
ISLAND = [(4.0, 1.0), (6.0, 1.0), (6.0, 3.0), (4.0, 3.0), (4.0, 1.0)]  # counter-clockwise: the land is inside
COASTS = {
    "none": ([], 0.0),
    "the sea lies right of the line": ([EASTWARD], 40.0),
    "and of the line turned round": ([EASTWARD[::-1]], 60.0),
    "an island is no sea": ([EASTWARD, ISLAND], 36.0),
    "a line in two pieces": ([EASTWARD[:2], EASTWARD[1:]], 40.0),
    "a line that ends in the middle": ([EASTWARD[:2]], 0.0),
    "a strait": ([EASTWARD, [(11.0, 1.0), (-1.0, 1.0)]], 30.0),
    "a line outside": ([[(-5.0, 20.0), (20.0, 20.0)]], 0.0),
    "a line of one point": ([[(5.0, 5.0), (5.0, 5.0)]], 0.0),
}  # fmt: skip


@pytest.mark.parametrize(("coasts", "area"), COASTS.values(), ids=COASTS)
def test_where_the_sea_is(coasts, area):
    pieces = osm_coast.sea([np.array(coast) for coast in coasts], BOX)
    assert sum(piece.area for piece in pieces) == pytest.approx(area)


def test_a_coastline_becomes_water_on_the_map(imported):
    sheet = village()
    sheet.way([(40, 10), (-1, 10)], natural="coastline")
    land = imported(sheet).land
    assert land.kind.tolist() == ["water"]
    assert shapely.bounds(land.geometry[0]).tolist() == pytest.approx([-8.61, 41.141, -8.607, 41.143])
