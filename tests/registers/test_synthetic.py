"""The synthetic city: reproducible, whole, and nobody in it can be a real person."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cityloom.kernel.cells import cells_of
from cityloom.kernel.refused import Refused
from cityloom.registers.domain import assumptions as assumed
from cityloom.registers.domain import people, plane, rows, synthetic_areas, synthetic_ground
from cityloom.registers.domain.complete import complete
from cityloom.registers.domain.draft import Draft, MadeUp
from cityloom.registers.domain.synthetic import synthetic_city
from tests.examples import a_third_of

TODAY = date(2026, 11, 22)


@pytest.fixture(scope="module")
def draft() -> Draft:
    return complete(synthetic_city(20_000, seed=5), seed=5)


def test_the_same_seed_gives_the_same_city(draft: Draft) -> None:
    again = complete(synthetic_city(20_000, seed=5), seed=5)
    other = complete(synthetic_city(20_000, seed=6), seed=6)
    assert shapely.equals_exact(draft.buildings.footprint, again.buildings.footprint).all()
    assert (draft.buildings.levels == again.buildings.levels).all()
    assert (draft.sensor_sites.lon == again.sensor_sites.lon).all()
    assert not np.array_equal(draft.buildings.levels, other.buildings.levels)


def test_buildings_stand_in_the_order_of_their_cells(draft: Draft) -> None:
    cells = cells_of(*plane.middles(draft.buildings.footprint))
    assert (np.diff(cells) >= 0).all()


def test_every_footprint_is_a_sound_polygon_and_some_have_courts(draft: Draft) -> None:
    assert shapely.is_valid(draft.buildings.footprint).all()
    assert (shapely.get_num_interior_rings(draft.buildings.footprint) > 0).any()
    assert (shapely.get_num_coordinates(draft.buildings.footprint) == 7).any()  # L-shaped


def test_no_two_buildings_overlap(draft: Draft) -> None:
    tree = shapely.STRtree(draft.buildings.footprint)
    one, two = tree.query(draft.buildings.footprint, predicate="overlaps")
    assert len(one) == len(two) == 0


def test_no_building_stands_in_the_river_or_a_park(draft: Draft) -> None:
    tree = shapely.STRtree(draft.land.geometry)
    at, _ = tree.query(draft.buildings.footprint, predicate="intersects")
    assert len(at) == 0


def test_the_road_graph_is_in_one_piece(draft: Draft) -> None:
    n = len(draft.nodes)
    graph = coo_array((np.ones(len(draft.roads)), (draft.roads.start, draft.roads.end)), shape=(n, n))
    assert connected_components(graph, directed=False)[0] == 1


def test_segments_run_from_their_start_to_their_end(draft: Draft) -> None:
    first = shapely.get_coordinates(shapely.get_point(draft.roads.geometry, 0))
    assert np.allclose(first[:, 0], draft.nodes.lon[draft.roads.start])
    assert np.allclose(first[:, 1], draft.nodes.lat[draft.roads.start])


def test_no_two_buildings_share_an_address(draft: Draft) -> None:
    addresses = set(zip(draft.buildings.street, draft.buildings.house_number, strict=True))
    assert len(addresses) == len(draft.buildings)


def test_everything_made_up_is_labelled(draft: Draft) -> None:
    assert (draft.buildings.made_up == MadeUp.EVERYTHING).all()
    assert draft.synthesised["the whole city"].count == len(draft.buildings)
    assert {"dwellings", "mains", "valves", "sensors"} <= set(draft.synthesised)


def test_there_is_shelter_for_a_good_part_of_the_people(draft: Draft) -> None:
    assert rows.places(draft)["shelter_places"].sum() > 0.3 * 20_000


def test_dwellings_follow_each_other_and_belong_to_one_building(draft: Draft) -> None:
    building = rows.buildings(draft)
    whole = rows.dwellings(building, 0, len(draft.buildings))
    assert whole["id"].tolist() == list(range(1, int(draft.buildings.dwellings.sum()) + 1))
    counted = np.bincount(whole["building_id"], minlength=len(draft.buildings) + 1)[1:]
    assert (counted == building["dwellings"]).all()
    first = building["first_dwelling_id"][whole["building_id"] - 1]
    assert ((whole["id"] >= first) & (whole["id"] < first + building["dwellings"][whole["building_id"] - 1])).all()
    assert len(set(zip(whole["building_id"].tolist(), whole["label"].tolist(), strict=True))) == len(whole["id"])


@pytest.mark.parametrize("people_wanted", [-1, 0, 1999, 10**9])
def test_a_size_that_cannot_be_made_is_refused(people_wanted: int) -> None:
    with pytest.raises(Refused) as refused:
        synthetic_city(people_wanted, seed=1)
    assert refused.value.code == "city.size"


@settings(max_examples=a_third_of(60), deadline=None)
@given(st.integers(1, 3000), st.floats(0.2, 3.0), st.integers(0, 5))
@example(2, 0.5, 0)
def test_households_hold_exactly_the_people_asked_for(dwellings: int, share: float, seed: int) -> None:
    wanted = max(1, int(dwellings * share))
    sizes = people.household_sizes(dwellings, seed=seed, occupied_share=0.9, people=wanted)
    assert len(sizes) == dwellings
    assert int(sizes.sum()) == wanted or not sizes.any()


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=1, max_size=400), st.integers(1, 300), st.integers(0, 3))
def test_everyone_comes_once_in_the_order_of_the_dwellings(sizes: list[int], batch: int, seed: int) -> None:
    array = np.array(sizes, np.uint8)
    batches = list(people.batches(array, seed=seed, today=TODAY, chinese=True, batch=max(batch, 6)))
    dwelling = np.concatenate([b.dwelling for b in batches]) if batches else np.zeros(0, np.int64)
    assert dwelling.tolist() == np.repeat(np.arange(len(sizes)), sizes).tolist()
    assert all(len(b) <= max(batch, 6) for b in batches)


@pytest.fixture(scope="module")
def crowd() -> people.People:
    sizes = people.household_sizes(30_000, seed=1, occupied_share=0.9)
    return next(people.batches(sizes, seed=1, today=TODAY, chinese=True))


def test_birth_dates_fit_the_age_bands(crowd: people.People) -> None:
    for band in range(4):
        born = [b.decode() for b in crowd.birth[crowd.age_band == band][:500]]
        ages = [2026 - int(b[:4]) - ((int(b[4:6]), int(b[6:])) > (11, 22)) for b in born]
        assert min(ages) >= assumed.AGE_EDGES[band]
        assert max(ages) < assumed.AGE_EDGES[band + 1]


def test_about_one_in_twenty_needs_help(crowd: people.People) -> None:
    helped = (crowd.needs & 0b111111) > 0
    assert 0.04 < helped.mean() < 0.05
    assert (helped[crowd.age_band == 3].mean()) > 10 * helped[crowd.age_band == 0].mean()
    assert all(note for note in crowd.need_note[crowd.needs > 0][:100])


def test_national_ids_are_well_formed_and_of_no_place(crowd: people.People) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    for raw, birth in zip(crowd.national_id[:300], crowd.birth[:300], strict=True):
        number = raw.decode()
        assert number.startswith("99")  # divisions of China run from 11 to 82
        assert number[6:14] == birth.decode()
        assert number[17] == "10X98765432"[sum(int(d) * w for d, w in zip(number, weights, strict=False)) % 11]


def test_nobody_can_be_called_or_taken_for_real(crowd: people.People) -> None:
    assert all(phone.startswith(b"+0") for phone in crowd.phone)  # no country code begins with 0
    assert all(name.decode().endswith("(synthetic)") for name in crowd.name[:1000])


def test_texts_fit_the_sealed_record(crowd: people.People) -> None:
    widths = {name: getattr(crowd, name).dtype.itemsize for name in ("name", "phone", "need_note")}
    assert widths["name"] <= 48
    assert widths["phone"] <= 16
    assert widths["need_note"] <= 36
    assert all(note.decode("utf-8") is not None for note in np.unique(crowd.need_note))


@pytest.mark.parametrize("people", [2_000, 200_000, 20_000_000])
def test_districts_and_subdistricts_cover_the_city_one_inside_the_other(people: int) -> None:
    areas = synthetic_areas.areas_of(synthetic_ground.lay_out(people, seed=5), people)
    districts, subdistricts = (areas.geometry[areas.kind == kind] for kind in ("district", "subdistrict"))
    whole = shapely.union_all(districts)
    assert shapely.equals(whole, shapely.union_all(subdistricts))
    for shapes in (districts, subdistricts):
        assert shapely.is_valid(shapes).all()
        assert shapely.area(shapes).sum() == pytest.approx(whole.area), "no two overlap"
    inside = shapely.within(shapely.point_on_surface(subdistricts)[:, None], districts[None, :])
    assert (inside.sum(axis=1) == 1).all()
    assert len(set(areas.name.tolist())) == len(areas)


def test_every_building_belongs_to_the_units_of_its_areas(draft: Draft) -> None:
    named = dict(zip(draft.areas.name.tolist(), draft.areas.geometry, strict=True))
    at = shapely.points(*plane.middles(draft.buildings.footprint))
    subdistrict = [draft.units[row].id.rpartition("/")[0] for row in draft.unit_of_building.tolist()]
    name_of = {unit.id: unit.name_en for unit in draft.units}
    for unit in set(subdistrict):
        members = at[[one == unit for one in subdistrict]]
        assert shapely.covers(named[name_of[unit]], members).all(), name_of[unit]
