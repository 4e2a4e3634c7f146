"""Small drawn cities: what is filled in, by which rule, and that it is labelled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import homes, networks, plane, rows, shelters
from cityloom.registers.domain.complete import complete
from cityloom.registers.domain.draft import (
    AreaTable,
    BuildingTable,
    Draft,
    LandTable,
    MadeUp,
    NodeTable,
    PlaceTable,
    RoadTable,
    shapes,
    texts,
)
from tests.examples import a_third_of

PLANE = LocalProjection(8.6, 41.15)


def square(x: float, y: float, side: float) -> shapely.Geometry:
    """A square with its lower left corner at (x, y) metres."""
    return PLANE.to_degrees(shapely.box(x, y, x + side, y + side))


def road(y: float, name: str, kind: str = "residential") -> tuple[list[tuple[float, float]], str, str]:
    return [(-200.0, y), (200.0, y)], name, kind


def town(footprints: list[shapely.Geometry], roads: list[tuple] | None = None, **known: object) -> Draft:
    """Buildings between straight roads from west to east."""
    lines = roads or [road(-20, "Rua Nova")]
    ends = PLANE.lonlat(np.array([point for points, _, _ in lines for point in points]))
    nodes = NodeTable(ends[:, 0], ends[:, 1])
    start, end = np.arange(0, len(ends), 2), np.arange(1, len(ends), 2)
    geometry = shapely.linestrings(ends.reshape(-1, 2, 2))
    table = RoadTable.of(start, end, geometry, texts(n for _, n, _ in lines), texts(k for *_, k in lines))
    columns = {name: column for name, column in known.items() if name in BuildingTable.__dataclass_fields__}
    rest = {name: value for name, value in known.items() if name not in columns}
    buildings = BuildingTable.of(shapes(footprints), **columns)  # type: ignore[arg-type]
    return Draft(kind="folder", name="Town", buildings=buildings, nodes=nodes, roads=table, **rest)  # type: ignore[arg-type]


# use           side  levels  height  ->  levels  dwellings
FILLED = [
    ("residential", 20, None, None, 5, 18),  # 400 m2 x 5 x 0.8 / 85
    ("residential", 20, 3, 30, 3, 11),  # the tag comes before the height
    ("", 20, None, 18, 6, 22),  # 18 m / 3 m
    ("", 20, None, 1, 1, 3),  # never less than one level
    ("", 20, None, None, 2, 7),
    ("", 4, None, None, 1, 0),  # 16 m2: a shed
    ("house", 7, 1, None, 1, 1),  # 49 m2 hold no 85 m2, but a house is a home
    ("school", 40, None, None, 3, 0),
    ("office", 40, 10, None, 10, 0),
]


@pytest.mark.parametrize(("use", "side", "levels", "height", "levels_then", "dwellings_then"), FILLED)
def test_levels_and_dwellings(
    use: str, side: float, levels: float | None, height: float | None, levels_then: int, dwellings_then: int
) -> None:
    done = complete(town(
        [square(0, 0, side)], use=texts([use]), levels=np.array([levels or np.nan]),
        height_m=np.array([height or np.nan]),
    ), seed=1)  # fmt: skip
    assert done.buildings.levels.tolist() == [levels_then]
    assert done.buildings.dwellings.tolist() == [dwellings_then]
    assert bool(done.buildings.made_up[0] & MadeUp.LEVELS) == (levels is None)


def test_what_the_source_knows_is_kept_and_not_labelled() -> None:
    done = complete(town(
        [square(0, 0, 20)], use=texts(["residential"]), levels=np.array([4.0]), dwellings=np.array([9.0]),
        street=texts(["Rua Velha"]), house_number=texts(["12 A"]),
    ), seed=1)  # fmt: skip
    assert done.buildings.dwellings.tolist() == [9]
    assert (done.buildings.street[0], done.buildings.house_number[0]) == ("Rua Velha", "12 A")
    assert done.buildings.made_up.tolist() == [0]
    assert not {"dwellings", "house numbers", "levels from the use"} & set(done.synthesised)


def test_labels_count_what_was_made_up() -> None:
    done = complete(town([square(40 * k, 0, 20) for k in range(4)], levels=np.array([2, np.nan, np.nan, 3])), seed=1)
    assert done.synthesised["levels from the use"].count == 2
    assert done.synthesised["dwellings"].count == 4
    assert all(made.rule for made in done.synthesised.values())


def test_an_unknown_building_on_industrial_land_is_no_home() -> None:
    land = LandTable(texts(["industrial"]), texts([""]), shapes([square(-50, -10, 100)]))
    done = complete(town([square(0, 0, 20), square(300, 0, 20)], land=land), seed=1)
    assert sorted(zip(done.buildings.use, done.buildings.dwellings, strict=True)) == [("", 7.0), ("industrial", 0.0)]


def test_the_nearest_named_street_gives_the_address_and_numbers_differ() -> None:
    roads = [road(-20, "Rua Nova"), road(-5, ""), road(300, "Rua Longe")]
    numbers = texts(["", "7", "", ""])
    streets = texts(["", "Rua Nova", "", ""])
    done = complete(
        town([square(40 * k, 0, 20) for k in range(4)], roads, house_number=numbers, street=streets), seed=1
    )
    assert set(done.buildings.street) == {"Rua Nova"}
    assert sorted(done.buildings.house_number) == ["10", "7", "8", "9"]


def test_roads_get_names_where_the_source_has_none() -> None:
    done = complete(town([square(0, 0, 20)], [road(-20, "", "primary"), road(40, "", "footway")]), seed=1)
    assert done.roads.name.tolist() == ["Main road 1", ""]
    assert done.roads.name_zh.tolist() == ["1号主干路", ""]
    assert done.buildings.street.tolist() == ["Main road 1"]
    assert done.synthesised["names of road segments"].count == 1


def test_a_city_with_names_keeps_its_gaps() -> None:
    done = complete(town([square(0, 0, 20)], [road(-20, "Rua Nova"), road(40, "")]), seed=1)
    assert done.roads.name.tolist() == ["Rua Nova", ""]


def _places(kind: str, x: float, y: float, area: float = np.nan) -> PlaceTable:
    ((lon, lat),) = PLANE.lonlat([[x, y]])
    none, nothing = np.array([-1]), np.array([0])
    return PlaceTable(
        texts([kind]), texts(["It"]), np.array([lon]), np.array([lat]), none, np.array([area]), nothing
    )  # fmt: skip


# kind              at        ground  -> places of 2 m2
ROOM = [
    ("sports_hall", (10, 10), None, 160),  # in the building: 402 m2 x 1 level x 0.8 / 2
    ("community_centre", (10, 10), None, 160),
    ("school", (10, 10), None, 160),
    ("school", (500, 500), None, 0),  # no building near
    ("park", (300, 300), 1000, 250),  # half of the ground
    ("hospital", (10, 10), None, 0),  # not a shelter
]


@pytest.mark.parametrize(("kind", "at", "ground", "room"), ROOM)
def test_shelter_places(kind: str, at: tuple[float, float], ground: float | None, room: int) -> None:
    places = _places(kind, *at, ground or np.nan)
    done = complete(town([square(0, 0, 20.05)], use=texts(["civic"]), levels=np.array([1.0]), places=places), seed=1)
    row = int(np.flatnonzero(done.places.name == "It")[0])
    assert shelters.capacities(done.places, done.buildings)[row] == room


def test_a_school_drawn_as_a_building_only_becomes_a_place() -> None:
    done = complete(town([square(0, 0, 40)], use=texts(["school"]), name=texts(["Escola"])), seed=1)
    assert done.places.kind.tolist() == ["school"]
    assert done.places.name.tolist() == ["Escola"]
    assert done.places.building.tolist() == [0]


def test_places_still_point_at_their_building_after_sorting() -> None:
    footprints = [square(700 * ((7 * k) % 13), 0, 20) for k in range(13)]
    kinds = texts(["school" if k == 5 else "" for k in range(13)])
    done = complete(town(footprints, use=kinds, source_ref=texts(str(k) for k in range(13))), seed=1)
    assert done.buildings.source_ref[done.places.building[0]] == "5"


def test_every_building_has_a_unit_of_its_district() -> None:
    west, east = square(-100, -50, 140), square(100, -50, 400)
    areas = AreaTable(texts(["district"] * 2), texts(["West", "East"]), texts(["西", ""]), shapes([west, east]))
    done = complete(town([square(0, 0, 20), square(200, 0, 20)], areas=areas), seed=1)
    chain = [done.units[row].id for row in done.unit_of_building]
    names = {unit.id: (unit.name_en, unit.name_zh) for unit in done.units}
    lons, _ = plane.middles(done.buildings.footprint)
    by_west = [names["/".join(unit.split("/")[:2])] for unit in np.array(chain)[np.argsort(lons)]]
    assert by_west == [("West", "西"), ("East", "East")]
    assert len(set(names)) == len(done.units)


def test_sensors_stand_on_the_roads_at_even_distances() -> None:
    done = complete(town([square(0, 0, 20)], [road(-20, "Rua", "primary"), road(60, "Beco", "service")]), seed=1)
    settlement = np.flatnonzero(done.sensor_sites.kind == "settlement")
    xy = PLANE.xy(done.sensor_sites.lon[settlement], done.sensor_sites.lat[settlement])
    assert np.allclose(xy[:, 1], -20, atol=0.1)
    assert np.allclose(np.diff(np.sort(xy[:, 0])), 150, atol=1)
    assert set(done.sensor_sites.kind) == {"settlement", "traffic_speed", "camera", "pressure", "rain"}


def test_valves_stand_on_their_mains() -> None:
    done = complete(town([square(0, 0, 20)], [road(-20, "Rua", "primary")]), seed=1)
    assert sorted(done.mains.kind) == ["gas", "sewer", "water"]
    assert sorted(done.valves.kind) == ["gas", "water"]
    line = PLANE.to_metres(done.mains.geometry[done.valves.main])
    assert (shapely.distance(line, shapely.points(PLANE.xy(done.valves.lon, done.valves.lat))) < 0.01).all()


def test_a_city_of_footpaths_alone_still_has_sensors() -> None:
    done = complete(town([square(0, 0, 20)], [road(-20, "", "footway")]), seed=1)
    assert len(networks.watched(done.roads)) == 1
    assert len(done.sensor_sites)


@settings(max_examples=a_third_of(40), deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 4000)), min_size=1, max_size=40, unique=True))
def test_tables_are_whole_whatever_the_buildings(corners: list[tuple[int, int]]) -> None:
    done = complete(town([square(x, y, 12) for x, y in corners]), seed=1)
    building = rows.buildings(done)
    assert (np.diff(building["cell"]) >= 0).all()
    assert np.isfinite(building["lon"]).all()
    assert (building["reach_m"] > 8).all()
    assert (building["reach_m"] < 9).all()
    assert int(building["dwellings"].sum()) == len(rows.dwellings(building, 0, len(corners))["id"])
    assert all(unit.startswith("city/") for unit in building["unit_id"])


def test_people_by_day_follow_the_use() -> None:
    done = complete(town(
        [square(0, 0, 30), square(50, 0, 30)], use=texts(["office", "residential"]), levels=np.array([4.0, 4.0])
    ), seed=1)  # fmt: skip
    by_use = dict(zip(done.buildings.use, homes.people_by_day(done.buildings, 0.9), strict=True))
    assert by_use["office"] == 240  # 3,600 m2 / 15 m2
    assert 20 < by_use["residential"] < 40  # 33 dwellings, 0.4 of the people in them


def test_columns_of_different_length_are_refused() -> None:
    draft = town([square(0, 0, 20)])
    with pytest.raises(Refused) as refused:
        replace(draft.buildings, levels=np.array([1.0, 2.0]))
    assert refused.value.code == "draft.uneven"
