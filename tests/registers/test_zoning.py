from __future__ import annotations

from dataclasses import replace

import h3.api.basic_int as h3
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import zoning, zoning_codes, zoning_start
from cityloom.registers.domain import zoning_measures as measures
from cityloom.registers.domain.zoning_cells import CellGraph, borders, neighbours_of, pieces_of, places_of

MIDDLE = h3.latlng_to_cell(22.62, 114.05, 10)


def a_city(*, rings: int, seed: int, subdistricts: int, skew: float, holes: float, road: bool = False) -> CellGraph:
    """A disk of cells with lakes cut out of it, in subdistricts that may lie in pieces, with skewed loads."""
    rng = np.random.default_rng(seed)
    cells = np.sort(np.array(h3.grid_disk(MIDDLE, rings), np.int64))
    cells = cells[rng.random(len(cells)) >= holes]
    at = places_of(cells)
    seats = rng.choice(len(cells), min(subdistricts, len(cells)), replace=False)
    subdistrict = np.hypot(*(at[:, None] - at[None, seats]).transpose(2, 0, 1)).argmin(axis=1)
    near = neighbours_of(cells)
    between = (at[near, 0] > at[:, 0].mean()) != (at[:, 0] > at[:, 0].mean())[:, None]
    community = subdistrict * 10 + (at[:, 1] > at[:, 1].mean())
    load = np.round(rng.lognormal(3, skew, len(cells))) * (rng.random(len(cells)) > 0.2)
    cost = borders(near, community, between & road, np.zeros_like(between))
    return CellGraph(cells, near, cost, load, subdistrict.astype(np.int64), community)


cities = st.builds(
    a_city, rings=st.integers(1, 9), seed=st.integers(0, 10_000), subdistricts=st.integers(1, 4),
    skew=st.floats(0, 1.5), holes=st.sampled_from([0.0, 0.05, 0.3]),
)  # fmt: skip


def check_whole(graph: CellGraph, zone: zoning.Zones) -> None:
    """Seamless, contiguous, nested; and whatever is not even is listed with a reason that is true."""
    assert len(zone) == len(graph) and zone.min() >= 0
    count = len(np.unique(zone))
    assert pieces_of(graph.near, zone)[0] == count
    pairs = np.unique(np.stack([zone, graph.subdistrict], axis=1), axis=0)
    assert len(pairs) == count
    of = measures.measured(graph, np.unique(zone, return_inverse=True)[1].astype(np.int32))
    assert ((of.reason == "") == of.is_even).all()
    assert (of.heaviest[of.reason == measures.HEAVY_CELL] > 1.1).all()


@given(graph=cities, wanted=st.integers(1, 30), seed=st.integers(0, 5))
@settings(max_examples=30)
def test_every_cell_is_in_one_zone_in_one_piece_in_one_subdistrict_and_what_is_uneven_is_listed(
    graph: CellGraph, wanted: int, seed: int
) -> None:
    zone = zoning.plan(graph, wanted, seed=seed)
    check_whole(graph, zone)
    assert (zone == zoning.plan(graph, wanted, seed=seed)).all()


@given(graph=cities, wanted=st.integers(2, 20), seed=st.integers(0, 5), gone=st.sampled_from([0.0, 0.02]))
@settings(max_examples=20)
def test_a_rebalance_moves_few_cells_and_keeps_the_zones(graph: CellGraph, wanted: int, seed: int, gone: float) -> None:
    before = zoning.plan(graph, wanted, seed=seed)
    rng = np.random.default_rng(seed)
    known = np.where(rng.random(len(graph)) < gone, -1, before).astype(np.int32)
    later = replace(graph, load=np.round(graph.load * rng.lognormal(0, 0.3, len(graph))))
    forced = int((zoning.settled(later, known) != known)[known >= 0].sum())
    after = zoning.rebalance(later, known, seed=seed)
    check_whole(later, after)
    moved = int((after != known)[known >= 0].sum())
    assert moved <= max(0.05 * len(graph), forced)
    assert (after == zoning.rebalance(later, known, seed=seed)).all()
    if not gone:
        assert set(np.unique(after)) == set(np.unique(before))


def test_a_city_with_loads_like_a_real_one_is_even_but_for_few_zones() -> None:
    graph = a_city(rings=25, seed=3, subdistricts=3, skew=0.8, holes=0.02)
    zone = zoning.plan(graph, 80, seed=1)
    of = measures.measured(graph, zone)
    assert len(of) == pytest.approx(80, abs=2)
    assert (~of.is_even).sum() <= 2
    assert of.compactness.mean() > 0.4


def test_a_year_later_few_cells_make_it_even_again() -> None:
    graph = a_city(rings=25, seed=3, subdistricts=3, skew=0.5, holes=0)
    before = zoning.plan(graph, 60, seed=1)
    rng = np.random.default_rng(1)
    later = replace(graph, load=graph.load * rng.lognormal(0, 0.25, len(graph)))
    change = measures.difference(later, before, zoning.rebalance(later, before, seed=1))
    assert 0 < change.moved_share <= 0.05
    assert change.uneven_after <= 2 < change.uneven_before
    assert change.spread_after < change.spread_before


def test_nothing_moves_where_nothing_changed() -> None:
    graph = a_city(rings=12, seed=2, subdistricts=2, skew=0.3, holes=0)
    before = zoning.plan(graph, 12, seed=1)
    assert measures.measured(graph, before).is_even.all()
    assert (zoning.rebalance(graph, before, seed=9) == before).all()


def test_borders_lie_along_the_road() -> None:
    plain = a_city(rings=14, seed=4, subdistricts=1, skew=0.3, holes=0)
    road = a_city(rings=14, seed=4, subdistricts=1, skew=0.3, holes=0, road=True)
    at = places_of(plain.cell)[:, 0]
    across = (plain.near >= 0) & ((at[plain.near] > at.mean()) != (at > at.mean())[:, None])

    def share(graph: CellGraph) -> float:
        zone = zoning.plan(graph, 12, seed=1)
        return float((zone[graph.near] != zone[:, None])[across].mean())

    assert share(road) > max(0.7, share(plain))


def test_a_cell_that_is_too_heavy_is_named_as_the_reason_and_the_others_have_what_is_left() -> None:
    graph = a_city(rings=6, seed=1, subdistricts=1, skew=0, holes=0)
    load = np.ones(len(graph))
    load[len(graph) // 2] = 3 * len(graph)
    of = measures.measured(replace(graph, load=load), zoning.plan(replace(graph, load=load), 4, seed=1))
    assert sorted(of.reason) == [measures.HEAVY_CELL] + [measures.LEFT_OVER] * 3


def test_an_island_is_a_zone_of_its_own_and_says_why() -> None:
    graph = a_city(rings=9, seed=1, subdistricts=1, skew=0, holes=0)
    at = places_of(graph.cell)
    away = np.hypot(*(at - at.mean(axis=0)).T)
    kept = (away < 6) | ((away > 8) & (at[:, 0] > np.quantile(at[:, 0], 0.97)))
    near = neighbours_of(graph.cell[kept])
    part = replace(
        graph, cell=graph.cell[kept], near=near, border=np.ones(near.shape), load=np.ones(int(kept.sum())),
        subdistrict=graph.subdistrict[kept], community=graph.community[kept],
    )  # fmt: skip
    zone = zoning.plan(part, 5, seed=1)
    check_whole(part, zone)
    assert measures.PIECES in measures.measured(part, zone).reason


def test_neighbours_are_those_of_h3_once_around() -> None:
    cells = np.sort(np.array(h3.grid_disk(MIDDLE, 4), np.int64))
    near = neighbours_of(cells)
    for row, cell in enumerate(cells.tolist()):
        around = [int(cells[other]) for other in near[row] if other >= 0]
        assert set(around) == (set(h3.grid_disk(cell, 1)) - {cell}) & set(cells.tolist())
        if len(around) == 6:
            assert all(h3.are_neighbor_cells(around[k], around[k - 1]) for k in range(6))


@pytest.mark.parametrize(
    ("load", "most", "zones", "expected"),
    [
        ([10, 10, 10], [9, 9, 9], 3, [1, 1, 1]),
        ([10, 10, 10], [9, 9, 9], 2, [1, 1, 1]),  # each has at least one
        ([50, 30, 20], [99, 99, 99], 10, [5, 3, 2]),
        ([50, 30, 20], [2, 99, 99], 10, [2, 5, 3]),  # no more zones than cells with a load
        ([0, 0], [1, 1], 7, [1, 1]),
    ],
)
def test_zones_are_shared_out_by_load(load: list[int], most: list[int], zones: int, expected: list[int]) -> None:
    assert zoning_start.shares(np.array(load, float), np.array(most), zones).tolist() == expected


def test_compactness_of_one_cell_is_that_of_a_hexagon() -> None:
    graph = a_city(rings=1, seed=1, subdistricts=1, skew=0, holes=0)
    of = measures.measured(graph, np.arange(len(graph), dtype=np.int32))
    assert of.compactness == pytest.approx(np.pi / (2 * np.sqrt(3)), rel=1e-6)
    assert of.area_m2.sum() == pytest.approx(sum(h3.cell_area(cell, "m^2") for cell in graph.cell.tolist()))


def test_codes_have_fifteen_digits_and_are_never_given_twice() -> None:
    first = zoning_codes.community_code("city/d01/s02/c03", {})
    assert first == "990001002003"
    assert zoning_codes.community_code("city/d01/s02/c03", {"city/d01": "440304"}) == "440304002003"
    given_codes = zoning_codes.codes([first, first, "440304002003"], taken=["990001002003007"])
    assert given_codes == ["990001002003008", "990001002003009", "440304002003001"]
    assert all(zoning_codes.is_code(code) for code in given_codes)
    assert not zoning_codes.is_code("990001002003000") and not zoning_codes.is_code("99000100200300x")


@pytest.mark.parametrize(
    ("unit", "counties", "code"),
    [("city/d01/s02", {}, "zones.unit"), ("city/d01/s1000/c01", {}, "zones.unit"),
     ("city/d01/s01/c01", {"city/d01": "44030"}, "zones.county")],
)  # fmt: skip
def test_units_that_cannot_be_coded_are_refused(unit: str, counties: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        zoning_codes.community_code(unit, counties)
    assert refused.value.code == code


def test_a_thousandth_zone_of_a_community_is_refused() -> None:
    with pytest.raises(Refused, match="999"):
        zoning_codes.codes(["990001002003"] * 2, taken=["990001002003998"])
