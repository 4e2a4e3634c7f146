"""What the register answers, against a plain look through everything."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.kernel import geometry
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.registers import queries
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.models import Building, Dwelling, Place, Resident, RoadSegment, Valve
from tests.examples import a_third_of

within_one_test = settings(max_examples=a_third_of(60), deadline=None,
                           suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip


@pytest.fixture
def everything(small_city: CityFacts) -> tuple[np.ndarray, np.ndarray]:
    rows = list(Building.objects.order_by("id").values_list("id", "footprint"))
    return np.array([row[0] for row in rows]), shapely.from_wkb([bytes(row[1]) for row in rows])


def somewhere(city: CityFacts, x: float, y: float) -> tuple[float, float]:
    west, south, east, north = city.bounds
    return west + x * (east - west), south + y * (north - south)


def test_no_building_that_touches_the_polygon_is_left_out(
    small_city: CityFacts, everything: tuple[np.ndarray, np.ndarray]
) -> None:
    ids, footprints = everything

    @within_one_test
    @given(st.floats(0, 1), st.floats(0, 1), st.floats(5, 500), st.floats(0.05, 1), st.integers(3, 9))
    def check(x: float, y: float, radius: float, flat: float, corners: int) -> None:
        lon, lat = somewhere(small_city, x, y)
        angles = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        xy = np.column_stack([np.cos(angles) * radius, np.sin(angles) * radius * flat])
        polygon = shapely.Polygon(LocalProjection(lon, lat).lonlat(xy))
        found = queries.buildings_touching(polygon)
        assert found.id.tolist() == ids[shapely.intersects(polygon, footprints)].tolist()

    check()


def test_a_point_at_a_corner_of_a_large_building_finds_it(small_city: CityFacts) -> None:
    large = Building.objects.filter(large=1).first()
    assert large is not None
    corner = shapely.get_point(shapely.get_exterior_ring(shapely.from_wkb(bytes(large.footprint))), 0)
    assert large.id in queries.buildings_touching(geometry.circle(corner.x, corner.y, 0.5)).id


def test_ids_follow_the_cells(small_city: CityFacts) -> None:
    cells = list(Building.objects.order_by("id").values_list("cell", flat=True))
    assert cells == sorted(cells)
    assert Building.objects.count() == len(cells) == small_city.counts["buildings"]


def test_counts_add_up(small_city: CityFacts) -> None:
    assert Dwelling.objects.count() == small_city.counts["dwellings"]
    assert Resident.objects.count() == small_city.counts["people"] == 4000
    assert small_city.counts["households"] == Resident.objects.values("dwelling_id").distinct().count()


def test_the_residents_of_some_buildings_are_those_of_their_dwellings(small_city: CityFacts) -> None:
    west, south, east, north = small_city.bounds
    near = queries.buildings_touching(geometry.circle((west + east) / 2, (south + north) / 2, 250))
    some = near.taken(np.arange(0, len(near), 2))
    residents = queries.residents_of(some)
    expected = set()
    for row in range(len(some)):
        first = int(some.first_dwelling_id[row])
        inside = Resident.objects.filter(dwelling_id__range=(first, first + int(some.dwellings[row]) - 1))
        expected |= {(r.subject, r.dwelling_id, row) for r in inside}
    got = zip(residents.subject, residents.dwelling_id, residents.building_index, strict=True)
    assert {tuple(map(int, row)) for row in got} == expected
    assert len(residents) == len(expected) > 0
    assert residents.households.tolist() == sorted({dwelling for _, dwelling, _ in expected})


def test_buildings_without_dwellings_have_no_residents(small_city: CityFacts) -> None:
    whole = queries.buildings_touching(shapely.box(*small_city.bounds))
    assert len(queries.residents_of(whole.taken(whole.dwellings == 0))) == 0
    assert len(queries.residents_of(whole)) == small_city.counts["people"]


def test_an_empty_polygon_touches_nothing(small_city: CityFacts) -> None:
    assert len(queries.buildings_touching(shapely.Polygon())) == 0


def test_the_road_graph_holds_every_road_within_the_distance(small_city: CityFacts) -> None:
    lon, lat = somewhere(small_city, 0.4, 0.6)
    graph = queries.road_graph(lon, lat, 200)
    plane = LocalProjection(lon, lat)
    expected = [
        segment.id
        for segment in RoadSegment.objects.all()
        if shapely.dwithin(plane.to_metres(shapely.from_wkb(bytes(segment.geometry))), shapely.Point(0, 0), 200)
    ]
    assert sorted(graph.segment_id.tolist()) == expected
    assert expected
    ends = shapely.get_coordinates(shapely.get_point(graph.geometry, -1))
    assert np.allclose(ends[:, 0], graph.node_lon[graph.end])
    assert np.allclose(ends[:, 1], graph.node_lat[graph.end])


def test_shelters_come_nearest_first_and_have_room(small_city: CityFacts) -> None:
    lon, lat = somewhere(small_city, 0.5, 0.5)
    shelters = queries.shelters_near(lon, lat, 5000)
    away = [geometry.distance_m(lon, lat, *at) for at in zip(shelters.lon, shelters.lat, strict=True)]
    assert away == sorted(away)
    assert len(shelters) == Place.objects.filter(shelter_places__gt=0).count() > 0
    assert (shelters.places > 0).all()
    assert (shelters.indoors == (shelters.kind != "park")).all()


def test_valves_come_with_their_distance(small_city: CityFacts) -> None:
    valve = Valve.objects.first()
    assert valve is not None
    found = queries.valves_for(geometry.circle(valve.lon, valve.lat, 30), 40)
    assert valve.id in {v.id for v in found}
    assert [v.distance_m for v in found] == sorted(v.distance_m for v in found)
    assert all(v.distance_m <= 40 for v in found)


def test_a_school_whose_yard_is_touched_is_among_the_places(small_city: CityFacts) -> None:
    school = Place.objects.filter(kind="school").first()
    assert school is not None
    building = Building.objects.get(id=school.building_id)
    corner = shapely.get_point(shapely.get_exterior_ring(shapely.from_wkb(bytes(building.footprint))), 0)
    found = queries.places_in(geometry.circle(corner.x, corner.y, 1.0), kinds=["school"])
    assert [place.id for place in found] == [school.id]


def test_every_place_has_words_in_both_languages(small_city: CityFacts) -> None:
    for x, y in ((0.5, 0.5), (0.0, 0.0), (1.5, 1.2)):
        words = queries.area_words(*somewhere(small_city, x, y))
        assert len(words["en"]) > 5
        assert any("\u4e00" <= letter <= "\u9fff" for letter in words["zh-Hans"])


def test_addresses_name_street_and_number(small_city: CityFacts) -> None:
    wanted = list(Dwelling.objects.values_list("id", flat=True)[:5])
    found = queries.addresses([*wanted, 10**12])
    assert sorted(found) == wanted
    building = Building.objects.get(id=Dwelling.objects.get(id=wanted[0]).building_id)
    assert found[wanted[0]].startswith(f"{building.street} {building.house_number}")
    assert len(set(found.values())) == len(wanted)


def test_the_busiest_place_is_on_a_road_and_does_not_move(small_city: CityFacts) -> None:
    lon, lat = queries.busiest_place(120, seed=1)
    assert (lon, lat) == queries.busiest_place(120, seed=1)
    assert len(queries.road_graph(lon, lat, 1.0)) > 0
    here = queries.buildings_touching(geometry.circle(lon, lat, 120)).dwellings.sum()
    graph = queries.road_graph(*somewhere(small_city, 0.5, 0.5), 3000)
    middles = shapely.line_interpolate_point(graph.geometry[::7], 0.5, normalized=True)
    others = [queries.buildings_touching(geometry.circle(p.x, p.y, 120)).dwellings.sum() for p in middles]
    assert here >= 0.8 * max(others)


def test_a_map_shows_what_lies_in_its_rectangle(small_city: CityFacts) -> None:
    features = queries.map_features(*small_city.bounds)
    assert len(features.building) == small_city.counts["buildings"]
    assert len(features.road) == small_city.counts["road_segments"]
    assert len(features.water) > 0
    assert len(features.green) > 0


def test_the_largest_buildings_that_nobody_lives_in_stand_outside_the_zone(small_city: CityFacts) -> None:
    lon, lat = somewhere(small_city, 0.5, 0.5)
    zone = geometry.circle(lon, lat, 150)
    found = queries.non_residential_largest(zone, lon, lat, 900, 4)
    assert 0 < len(found) <= 4
    assert (np.diff(found.gross_floor_m2) <= 0).all()
    assert not shapely.intersects(zone, found.footprint).any()
    assert (found.dwellings == 0).all()


@pytest.mark.django_db
def test_where_there_is_no_city_the_answer_says_so() -> None:
    assert queries.city() is None
    assert len(queries.buildings_touching(geometry.circle(8.0, 41.0, 100))) == 0
    with pytest.raises(Refused) as refused:
        queries.busiest_place(100, seed=1)
    assert refused.value.code == "city.none"
