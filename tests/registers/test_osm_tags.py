"""What tags mean, as drawn cases."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.registers.domain import (
    osm_ground,
    osm_measures,
    osm_places,
    osm_properties,
    osm_roads,
    osm_use,
    osm_words,
)
from cityloom.registers.domain.draft import LAND_KINDS, PLACE_KINDS, ROAD_KINDS, USES

LEVELS = {
    "3": 3, "3.5": 3.5, "2;3": 3, "3-4": 4, "3 - 4": 4, "~3": 3, "3,5": 3.5, "G+3": 4, "R+2": 3, "18层": 18, "４": 4,
    "": None, "0": None, "-1": None, "many": None, "201": None, "3 parrots": None, "1e9": None, "nan": None,
}  # fmt: skip
METRES = {
    "12": 12, "12 m": 12, "12m": 12, "12,5": 12.5, "12.13 m": 12.13, "10-12": 12, "10;12": 12, "1200 cm": 12,
    "40'": 12.192, "40 ft": 12.192, "40'6\"": 12.3444, "40′ 6″": 12.3444, "12米": 12,
    "": None, "tall": None, "0": None, "-4": None, "5000": None, "12 parsecs": None,
}  # fmt: skip
USE = [
    ({"building": "apartments"}, "residential"),
    ({"building": "detached"}, "house"),
    ({"building": "semidetached"}, "house"),
    ({"building": "住宅"}, "residential"),
    ({"building": "garage"}, "shed"),
    ({"building": "yes"}, ""),
    ({"building": "nothing anybody has heard of"}, ""),
    ({"building": "yes", "amenity": "school"}, "school"),
    ({"building": "residential;retail"}, "residential"),
    ({"building": "yes", "shop": "bakery"}, "retail"),
    ({"building": "yes", "shop": "bakery", "building:levels": "5"}, ""),
    ({"building": "apartments", "shop": "bakery"}, "residential"),
    ({"building": "yes", "amenity": "social_facility", "social_facility": "nursing_home"}, "nursing_home"),
    ({"building": "yes", "tourism": "hotel"}, "hotel"),
    ({"building": "yes", "railway": "station"}, "transport"),
    ({"building": "yes", "amenity": "driving_school"}, "office"),
]
PLACES = [
    ({"amenity": "school"}, "school"),
    ({"amenity": "bench"}, ""),
    ({"leisure": "park"}, "park"),
    ({"leisure": "park", "access": "private"}, ""),
    ({"amenity": "social_facility", "social_facility": "nursing_home"}, "nursing_home"),
    ({"amenity": "social_facility", "social_facility": "food_bank"}, ""),
    ({"building": "mosque"}, "place_of_worship"),
    ({"amenity": "hospital", "disused": "yes"}, ""),
    ({"leisure": "sports_centre"}, "sports_hall"),
]
ROADS = [
    ({"highway": "residential"}, "residential", True, True),
    ({"highway": "primary_link"}, "primary", True, True),
    ({"highway": "motorway"}, "motorway", False, True),
    ({"highway": "motorway", "foot": "yes"}, "motorway", True, True),
    ({"highway": "trunk", "sidewalk": "both"}, "trunk", True, True),
    ({"highway": "residential", "oneway": "yes"}, "residential", True, True),
    ({"highway": "secondary", "foot": "no"}, "secondary", False, True),
    ({"highway": "service", "access": "private"}, "service", True, True),
    ({"highway": "service", "access": "no"}, "service", False, False),
    ({"highway": "footway"}, "footway", True, False),
    ({"highway": "living_street", "motor_vehicle": "no"}, "living_street", True, False),
    ({"highway": "invented_here"}, "unclassified", True, True),
]
NAMES = [
    ({"name": "Rua da Alegria"}, "Rua da Alegria", ""),
    ({"name": "深南大道"}, "深南大道", "深南大道"),
    ({"name": "深南大道", "name:en": "Shennan Avenue"}, "Shennan Avenue", "深南大道"),
    ({"name": "Αθήνα", "name:en": "Athens", "name:zh": "雅典"}, "Athens", "雅典"),
    ({"name": "شارع الحمرا"}, "شارع الحمرا", ""),
    ({"name": "銀座通り", "int_name": "Ginza-dori"}, "Ginza-dori", ""),
    ({"name:zh": "南山"}, "南山", "南山"),
    ({"name": "a\x00b\n\tc " + "long " * 400}, None, ""),
    ({}, "", ""),
]


@pytest.mark.parametrize(("text", "expected"), LEVELS.items())
def test_levels(text, expected):
    assert _same(osm_measures.levels(text), expected)


@pytest.mark.parametrize(("text", "expected"), METRES.items())
def test_heights(text, expected):
    assert _same(osm_measures.metres(text), expected)


@given(st.text(max_size=60))
def test_no_text_breaks_a_measure_or_leaves_its_bounds(text):
    for value, most in ((osm_measures.levels(text), 200), (osm_measures.metres(text), 1000)):
        assert math.isnan(value) or 0 < value <= most


@pytest.mark.parametrize(("tags", "expected"), USE)
def test_use_of_a_building(tags, expected):
    assert osm_use.use_of(tags) == expected


@pytest.mark.parametrize(("tags", "expected"), PLACES)
def test_kind_of_a_place(tags, expected):
    assert osm_places.kind_of(tags) == expected


@pytest.mark.parametrize(("tags", "kind", "walkable", "drivable"), ROADS)
def test_who_may_use_a_road(tags, kind, walkable, drivable):
    assert osm_roads.kind_of(tags) == kind
    assert osm_roads.is_walkable(tags, kind) is walkable
    assert osm_roads.is_drivable(tags, kind) is drivable


@pytest.mark.parametrize("value", ["proposed", "construction", "elevator", "corridor", ""])
def test_what_is_no_street(value):
    assert osm_roads.kind_of({"highway": value}) == ""


@pytest.mark.parametrize(("tags", "name", "chinese"), NAMES)
def test_names_in_any_script(tags, name, chinese):
    assert osm_words.chinese_name_of(tags) == chinese
    if name is not None:
        assert osm_words.name_of(tags) == name


def test_a_name_is_short_and_holds_no_control_characters():
    name = osm_words.name_of({"name": "a\x00b\n\tc " + "long " * 400})
    assert name.startswith("a b c long") and len(name) <= osm_words.LONGEST


def test_areas_by_their_level():
    def kind(level):
        return osm_ground.area_kind_of({"boundary": "administrative", "admin_level": level, "name": "x"})

    assert [kind(level) for level in ("2", "8", "9", "10", "x", "")] == [
        "", "district", "subdistrict", "neighbourhood", "", "",
    ]  # fmt: skip


@given(st.dictionaries(st.sampled_from(["building", "amenity", "landuse", "natural", "highway", "leisure", "shop",
                                        "building:levels", "foot", "access", "name", "place"]), st.text(max_size=12)))
def test_whatever_the_tags_say_the_answer_is_a_known_word(tags):
    assert osm_use.use_of(tags) in {"", *USES}
    assert osm_use.use_below(tags) in {"", *USES}
    assert osm_places.kind_of(tags) in {"", *PLACE_KINDS}
    assert osm_ground.land_kind_of(tags) in {"", *LAND_KINDS}
    assert osm_roads.kind_of(tags) in {"", *ROAD_KINDS}


def test_the_tables_use_only_known_words():
    for table in (osm_use._BUILDING, osm_use._AMENITY, osm_use._TOURISM, osm_use._LEISURE, osm_use._GROUND):
        assert set(table.values()) <= set(USES)
    for _, table in osm_places._BY_KEY:
        assert set(table.values()) <= set(PLACE_KINDS)
    for _, table in osm_ground._BY_KEY:
        assert set(table.values()) <= set(LAND_KINDS)
    assert set(osm_roads._ALIASES.values()) <= set(ROAD_KINDS)


@pytest.mark.parametrize(
    ("properties", "class_key", "expected"),
    [
        ({"height": 18}, "building", {"height": "18"}),
        ({"Floors": 3.0, "Type": "House"}, "building", {"building:levels": "3", "building": "house"}),
        ({"层数": 18, "高度": "54", "名称": "南山大厦"}, "building",
         {"building:levels": "18", "height": "54", "name": "南山大厦"}),
        ({"fclass": "primary", "bridge": "F"}, "highway", {"highway": "primary"}),
        ({"class": "school", "NAME": "East"}, "amenity", {"amenity": "school", "name": "East"}),
        ({"other_tags": '"addr:street"=>"Rua \\"A\\"","building:levels"=>"4"'}, "building",
         {"addr:street": 'Rua "A"', "building:levels": "4"}),
        ({"tags": {"highway": "steps"}}, "highway", {"highway": "steps"}),
        ({"names": {"primary": "Long Road"}}, "highway", {"name": "Long Road"}),
        ({"name": None, "levels": [], "height": {}}, "building", {}),
    ],
)  # fmt: skip
def test_properties_under_other_names(properties, class_key, expected):
    tags = osm_properties.tags_of(properties, class_key)
    assert expected.items() <= tags.items()
    assert bool(expected) or not tags


def _same(value: float, expected: float | None) -> bool:
    return math.isnan(value) if expected is None else value == pytest.approx(expected)
