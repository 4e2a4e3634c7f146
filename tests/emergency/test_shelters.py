"""Households to shelters: nobody lost, nowhere too full, never through the hazard, and not far from the best."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.shelters import Case, optimum, run, town
from cityloom.emergency.domain import routing, shelters
from cityloom.kernel.geometry import circle
from tests.emergency.town import LAT, LON, PLANE
from tests.examples import a_third_of

HAZARD = circle(LON, LAT, 50.0)


@st.composite
def cases(draw: st.DrawFn) -> tuple[routing.Network, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A few crossings, roads between some of them, households and shelters anywhere: often cut off, often too full."""
    metre = st.integers(-300, 300)
    xy = np.array(draw(st.lists(st.tuples(metre, metre), min_size=2, max_size=14, unique=True)), dtype=float)
    index = st.integers(0, len(xy) - 1)
    pairs = draw(st.lists(st.tuples(index, index), max_size=30))
    start, end = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    persons = np.array(draw(st.lists(st.integers(1, 6), max_size=25)), dtype=np.int64)
    homes = np.array(draw(st.lists(st.tuples(metre, metre), min_size=len(persons), max_size=len(persons))), dtype=float)
    doors = np.array(draw(st.lists(st.tuples(metre, metre), max_size=4)), dtype=float).reshape(-1, 2)
    places = np.array(draw(st.lists(st.integers(0, 30), min_size=len(doors), max_size=len(doors))), dtype=np.int64)
    return roads_between(xy, start, end), homes.reshape(-1, 2), persons, doors, places, PLANE.lonlat(xy)


def roads_between(xy: np.ndarray, start: np.ndarray, end: np.ndarray) -> routing.Network:
    nodes = PLANE.lonlat(xy)
    lines = shapely.linestrings(np.stack([nodes[start], nodes[end]], axis=1)) if len(start) else np.empty(0, object)
    length = np.hypot(*(xy[start] - xy[end]).T) if len(start) else np.empty(0)
    return routing.network(
        nodes[:, 0], nodes[:, 1], start=start, end=end, length_m=length, geometries=lines,
        walkable=np.ones(len(start), dtype=bool), hazard=HAZARD,
    )  # fmt: skip


def placed(case) -> tuple[shelters.Placement, routing.Access, routing.Access]:
    roads, homes, persons, doors, places, _ = case
    anywhere = np.ones(len(roads.xy), dtype=bool)
    inside = np.hypot(*homes.T) <= 50.0 if len(homes) else np.zeros(0, dtype=bool)
    to_doors = routing.access(roads, doors, np.zeros(len(doors), dtype=bool), anywhere)
    from_homes = routing.access(roads, homes, inside, anywhere)
    return shelters.place(roads, from_homes, persons, to_doors, places), from_homes, to_doors


@settings(max_examples=a_third_of(120), deadline=None)
@given(cases())
def test_every_household_is_placed_once_or_listed_and_no_shelter_is_too_full(case) -> None:
    answer, homes, doors = placed(case)
    roads, _, persons, _, places, _ = case
    load = np.bincount(answer.shelter[answer.placed], weights=persons[answer.placed], minlength=len(places))
    assert (load[: len(places)] <= places).all()
    assert ((answer.reason == "") == answer.placed).all()
    assert set(answer.reason[~answer.placed]) <= {shelters.NO_WAY, shelters.NO_PLACE, shelters.NO_SHELTER}
    walks = routing.distances(roads, np.arange(len(roads.xy)))
    for row in np.flatnonzero(answer.placed).tolist():
        door = answer.shelter[row]
        metres = homes.leg_m[row] + walks[homes.node[row], doors.node[door]] + doors.leg_m[door]
        assert answer.walk_m[row] == pytest.approx(metres, abs=0.1)


@settings(max_examples=a_third_of(120), deadline=None)
@given(cases())
def test_who_is_left_out_could_not_be_taken_or_has_no_way(case) -> None:
    answer, homes, doors = placed(case)
    roads, _, persons, _, places, _ = case
    room = places - np.bincount(
        answer.shelter[answer.placed], weights=persons[answer.placed], minlength=len(places)
    ).astype(np.int64)[: len(places)]
    parts = roads.component
    for row in np.flatnonzero(~answer.placed).tolist():
        node = homes.node[row]
        reachable = (doors.node >= 0) & (places > 0) & (node >= 0) & (parts[doors.node] == parts[node])
        assert (answer.reason[row] == shelters.NO_PLACE) == reachable.any()
        assert (room[reachable] < persons[row]).all()


@settings(max_examples=a_third_of(120), deadline=None)
@given(cases())
def test_routes_and_first_legs_never_enter_the_hazard(case) -> None:
    answer, homes, doors = placed(case)
    roads, homes_xy, _, _, _, _ = case
    pairs = np.unique(np.column_stack([homes.node[answer.placed], answer.shelter[answer.placed]]), axis=0)
    geometries = drawn_again(case)
    for route in routing.routes(roads, pairs, doors.node, geometries):
        assert not route.line.intersects(HAZARD)
        drawn_m = shapely.length(PLANE.to_metres(route.line))
        assert route.length_m == pytest.approx(drawn_m, abs=0.1)
    for row in np.flatnonzero(answer.placed & ~homes.guided).tolist():
        leg = shapely.LineString([homes_xy[row], roads.xy[homes.node[row]] + 1e-9])
        assert leg.distance(shapely.Point(0, 0)) > 50.0


def drawn_again(case) -> np.ndarray:
    """The courses of the segments that the network kept, at the places where it looks for them."""
    roads, nodes = case[0], case[5]
    courses = np.empty(int(roads.segment.max(initial=-1)) + 1, dtype=object)
    courses[roads.segment] = shapely.linestrings(np.stack([nodes[roads.start], nodes[roads.end]], axis=1))
    return courses


@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5, 6])
def test_the_walk_is_within_one_percent_of_the_optimum(seed: int) -> None:
    case = town(seed, side=26, households=500, count=12, load=(0.5, 0.8, 0.9)[seed % 3], addresses=50 * (seed % 2))
    answer, _ = run(case)
    assert answer.placed.all()
    best = optimum(case)
    assert best - 1.0 <= answer.metre_persons <= best * 1.01
    assert answer.bound <= best + 1.0


def test_too_few_places_leave_out_those_who_live_farthest() -> None:
    case = town(3, side=20, households=200, count=3, load=1.6)
    answer, _ = run(case)
    left = case.persons[~answer.placed].sum()
    short = case.persons.sum() - case.places.sum()
    assert short <= left <= short + 3 * 6
    assert set(answer.reason[~answer.placed]) == {shelters.NO_PLACE}


def test_without_roads_or_shelters_everyone_is_listed() -> None:
    alone = roads_between(np.array([[100.0, 0.0], [200.0, 0.0]]), np.zeros(0, np.int64), np.zeros(0, np.int64))
    spots = np.array([[90.0, 0.0]])
    access = routing.access(alone, spots, np.zeros(1, dtype=bool), np.ones(2, dtype=bool))
    answer = shelters.place(alone, access, np.array([2]), access, np.array([5]))
    assert answer.reason.tolist() == [shelters.NO_SHELTER]
    case = town(1, side=8, households=5, count=1, load=0.5)
    none = Case(case.roads, case.homes, case.persons, case.doors, np.zeros(1, dtype=np.int64))
    assert set(run(none)[0].reason) == {shelters.NO_SHELTER}


def test_where_no_way_leads_to_a_shelter_a_house_keeps_the_nearest_way() -> None:
    xy = np.array([[100.0, 0.0], [200.0, 0.0]])
    roads = roads_between(xy, np.array([0]), np.array([1]))
    spots = np.array([[90.0, 0.0], [190.0, 5.0]])
    found = routing.access(roads, spots, np.zeros(2, dtype=bool), preferred=np.zeros(2, dtype=bool))
    assert found.node.tolist() == [0, 1]


def test_a_house_in_the_hazard_is_led_out_to_a_node_beyond_it() -> None:
    xy = np.array([[30.0, 0.0], [80.0, 0.0], [160.0, 0.0]])
    roads = roads_between(xy, np.array([0, 1]), np.array([1, 2]))
    found = routing.access(roads, np.array([[20.0, 0.0]]), np.array([True]), np.ones(3, dtype=bool))
    assert found.guided.all() and found.node.tolist() == [1]


def test_a_short_cut_across_the_hazard_is_not_taken() -> None:
    xy = np.array([[-70.0, 0.0], [-70.0, 300.0], [70.0, 0.0], [70.0, 300.0]])
    roads = roads_between(xy, np.array([0, 2, 1]), np.array([1, 3, 3]))
    found = routing.access(roads, np.array([[-60.0, -40.0]]), np.array([False]), np.ones(4, dtype=bool))
    assert found.node.tolist() == [0]
    over = routing.access(roads, np.array([[65.0, -60.0]]), np.array([False]), np.array([True, True, False, False]))
    assert over.node.tolist() == [2]
