"""Access to services: published examples, what is conserved, inequality, and travel on roads."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.access import catchments, decay, inequality, pairs, places, roads, speeds
from cityloom.kernel.refused import Refused

# A. Soukhov et al., PLoS ONE 18(1), 2023, Table 1; the example is Shen's of 1998
PEOPLE, JOBS = np.array([50_000.0, 150_000, 10_000]), np.array([100_000.0, 100_000, 10_000])
MINUTES = np.array([[15.0, 30, 100], [30, 15, 100], [100, 100, 15]])
SHEN = decay.exponential(0.1)


def test_the_published_example_of_spatial_availability() -> None:
    found = catchments.spatial_availability(PEOPLE, JOBS, MINUTES, SHEN)
    assert found.total.round(0).tolist() == [66_833, 133_203, 9_963]
    assert found.per_head.round(3).tolist() == [1.337, 0.888, 0.996]
    assert catchments.gravity(JOBS, MINUTES, SHEN).round(0).tolist() == [27_292, 27_292, 2_240]
    shen = catchments.weighted_two_step(PEOPLE, JOBS, MINUTES, SHEN)
    assert shen.per_head == pytest.approx([1.3366693, 0.8880224, 0.9963171])


def test_two_steps_by_hand() -> None:
    """Two clinics, four places with one person each; the second and third reach both within 30 minutes."""
    minutes = np.array([[10, np.inf], [20, 25], [30, 5], [31, 30]])
    found = catchments.two_step(np.ones(4), np.array([1.0, 2]), minutes, 30)
    assert found.load.tolist() == [3, 3]
    assert found.per_head == pytest.approx([1 / 3, 1, 1, 2 / 3])
    # Luo and Qi's zones: 1 to 10 minutes, 0.68 to 20, 0.22 to 30
    zoned = catchments.enhanced_two_step(np.ones(4), np.array([1.0, 2]), minutes)
    first, second = 1 / (1 + 0.68 + 0.22), 2 / (0.22 + 1 + 0.22)
    assert zoned.per_head == pytest.approx([first, 0.68 * first + 0.22 * second, 0.22 * first + second, 0.22 * second])
    three = catchments.three_step(np.ones(2), np.array([6.0]), np.array([[1.0], [1.0]]), decay.binary(5))
    assert three.per_head.tolist() == [3, 3]


def test_the_balanced_measure_by_hand() -> None:
    """The place in the middle gives half of its people to each facility, so that nobody is counted twice."""
    minutes = np.array([[10, np.inf], [10, 10], [np.inf, 10]])
    found = catchments.balanced(np.array([100.0, 100, 50]), np.array([3.0, 2]), minutes, decay.binary(15))
    assert found.load.tolist() == [150, 100]
    assert found.per_head == pytest.approx([0.01, 0.02, 0.01])
    twice = catchments.two_step(np.array([100.0, 100, 50]), np.array([3.0, 2]), minutes, 15)
    assert twice.load.sum() == 350


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 6), st.integers(1, 5))
def test_what_is_shared_out_is_what_there_is(seed: int, n: int, m: int) -> None:
    rng = np.random.default_rng(seed)
    people, supply = rng.integers(0, 50, n).astype(float), rng.integers(0, 9, m).astype(float)
    costs = np.where(rng.random((n, m)) < 0.3, np.inf, rng.integers(0, 40, (n, m)).astype(float))
    sparse = pairs.within(costs)
    for form in (decay.gaussian(30), decay.linear(35), decay.exponential(0.2)):
        weight = np.where(np.isfinite(costs), form(np.where(np.isfinite(costs), costs, 1e9)), 0.0)
        used, served = (people @ weight) > 0, weight.sum(1) > 0
        two = catchments.weighted_two_step(people, supply, costs, form)
        assert two.total.sum() == pytest.approx(supply[used].sum())
        available = catchments.spatial_availability(people, supply, sparse, form)
        assert available.total.sum() == pytest.approx(supply[used].sum())
        assert available.total == pytest.approx(two.total)  # the two are one for alpha 1 (Soukhov et al., appendix A)
        even = catchments.balanced(people, supply, costs, form)
        assert even.load.sum() == pytest.approx(people[served].sum())
        assert even.per_head.sum() == pytest.approx(np.nansum(even.ratio))
        for one in (two, available, even, catchments.three_step(people, supply, costs, form),
                    catchments.modified_two_step(people, supply, costs, form)):  # fmt: skip
            assert np.isfinite(one.per_head).all() and (one.per_head >= 0).all()


def test_sparse_and_dense_are_one_and_a_way_of_no_minutes_is_a_way() -> None:
    dense = np.array([[0.0, np.nan], [np.inf, 4]])
    sparse = scipy.sparse.coo_array((np.array([0.0, 4]), ([0, 1], [0, 1])), shape=(2, 2))
    for costs in (dense, sparse):
        found = catchments.two_step(np.array([10.0, 5]), np.array([1.0, 1]), costs, 10)
        assert found.per_head.tolist() == [0.1, 0.2]
    assert catchments.cumulative(np.array([3.0, 4]), sparse, 10).tolist() == [3, 4]
    assert np.isnan(catchments.nearest(np.array([[np.inf], [3.0]]))[0])


@pytest.mark.parametrize(("people", "supply", "costs", "code"), [
    ([-1.0], [1.0], [[1.0]], "insight.negative"),
    ([1.0], [1.0], [[-1.0]], "insight.negative"),
    ([np.nan], [1.0], [[1.0]], "insight.unknown_amount"),
    ([1.0, 1], [1.0], [[1.0]], "insight.costs_shape"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(people: list, supply: list, costs: list, code: str) -> None:
    with pytest.raises(Refused) as refused:
        catchments.two_step(np.array(people), np.array(supply), np.array(costs), 10)
    assert refused.value.code == code


def test_decays_are_1_here_and_0_at_the_edge() -> None:
    here, edge = np.array([0.0]), np.array([30.0])
    for form in (decay.gaussian(30), decay.linear(30)):
        assert (form(here)[0], form(edge)[0]) == (1, 0)
    assert decay.kernel(30)(here)[0] == 0.75
    assert decay.zones(*decay.LUO_QI)(np.array([10, 10.1, 20, 30, 30.1])).tolist() == [1, 0.68, 0.68, 0.22, 0]
    with pytest.raises(Refused, match="Zones"):
        decay.zones([10, 5], [1, 0.5])
    with pytest.raises(Refused, match="needs a number"):
        decay.named("exponential", catchment=30)


def test_inequality_by_hand() -> None:
    assert inequality.gini(np.array([1.0, 1, 1])) == pytest.approx(0)
    assert inequality.gini(np.array([0.0, 0, 0, 1])) == pytest.approx(0.75)
    assert inequality.gini(np.array([1.0, 3]), np.array([3.0, 1])) == pytest.approx(0.25)
    assert inequality.palma(np.arange(1.0, 11)) == pytest.approx(10 / (1 + 2 + 3 + 4))
    assert inequality.theil(np.array([1.0, 1])) == 0
    assert inequality.theil(np.array([0.0, 2])) == pytest.approx(np.log(2))
    assert inequality.concentration(np.array([1.0, 3]), None, np.array([2.0, 1])) == pytest.approx(-0.25)
    assert np.isnan(inequality.gini(np.zeros(3))) and np.isnan(inequality.palma(np.zeros(3)))
    assert inequality.worst_fifth(np.array([1.0, 2, 3, 4, 10])) == pytest.approx(1)
    assert inequality.palma_ratio(np.arange(1.0, 11), None, np.arange(1.0, 11)) == pytest.approx(10 / 2.5)
    with pytest.raises(Refused, match="not negative"):
        inequality.gini(np.array([-1.0, 1]))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_weights_are_people_and_theil_adds_up(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, people = rng.random(12) * 9, rng.integers(1, 5, 12)
    each = np.repeat(values, people)
    for measure in (inequality.gini, inequality.palma, inequality.theil):
        assert measure(values, people.astype(float)) == pytest.approx(measure(each))
    groups = rng.choice(["a", "b", "c"], 12)
    parts = inequality.theil_by_group(values, people, groups)
    assert parts.between + parts.within == pytest.approx(inequality.theil(values, people))
    assert parts.share.sum() == pytest.approx(1)


def grid() -> roads.Graph:
    """Four nodes in a row 100 m apart, the last edge one-way, and a piece of two nodes on its own."""
    lon = np.array([0, 1, 2, 3, 50, 51]) * 100 / 111_319.49
    points = places.in_space(lon, np.zeros(6))
    return roads.graph(points, np.array([0, 1, 2, 4]), np.array([1, 2, 3, 5]), np.array([1.0, 1, 1, 1]),
                       np.array([False, False, True, False]))  # fmt: skip


def test_travel_on_roads() -> None:
    found = grid()
    assert found.pieces.tolist() == [0, 0, 0, 0, 1, 1]
    ours = roads.snap(found, found.points)
    assert ours.node.tolist() == [0, 1, 2, 3, 4, 5] and ours.metres.max() < 1e-6
    minutes = roads.travel_minutes(found, ours, ours, limit=2.5).toarray()
    assert minutes[0, 2] == pytest.approx(2) and minutes[0, 3] == 0  # 3 minutes are beyond the limit
    assert minutes[2, 3] == pytest.approx(1) and minutes[3, 2] == 0  # one way
    assert minutes[0, 4] == 0  # no way: no pair
    some = roads.snap(found, found.points[[0, 3]])
    both = [roads.travel_minutes(found, *ends, limit=9).toarray() for ends in ((ours, some), (some, ours))]
    assert both[0][:, 1] == pytest.approx([3, 2, 1, 0, 0, 0]) and both[1][0] == pytest.approx([0, 1, 2, 3, 0, 0])


def test_places_far_from_roads_have_no_node_and_courtyards_are_no_islands() -> None:
    found = grid()
    degree = 1 / 111_319.49
    spots = places.in_space(np.array([0, 5_000, 0]) * degree, np.array([5_000, 60, 40]) * degree)
    seen = roads.snap(found, spots, most_m=1_000)
    assert seen.node.tolist() == [-1, 4, 0] and seen.piece.tolist() == [-1, 1, 0]
    assert seen.metres[1] == pytest.approx(60, rel=0.01)
    minutes = roads.travel_minutes(found, seen, seen, limit=30)
    assert np.diff(minutes.indptr).tolist() == [0, 1, 1]
    courtyard = roads.graph(places.in_space(np.array([0, 100, 10, 20]) * degree, np.array([0, 0, 9, 9]) * degree),
                            np.array([0, 2]), np.array([1, 3]), np.ones(2))  # fmt: skip
    assert roads.snap(courtyard, courtyard.points[[2]]).piece.tolist() == [0]


def test_speeds_by_class_and_mode() -> None:
    kinds, metres = ["primary", "steps", "motorway"], np.array([1_000.0, 40, 1_000])
    assert speeds.edge_minutes(kinds, metres, "walk") == pytest.approx([12.5, 1, np.inf])
    assert speeds.edge_minutes(kinds, metres, "drive", {"primary": 60}) == pytest.approx([1, np.inf, 60 / 70])
    with pytest.raises(Refused, match="kilometres an hour"):
        speeds.edge_minutes(kinds, metres, "drive", {"primary": 0})
    with pytest.raises(Refused, match="time that is negative"):
        roads.graph(np.zeros((2, 3)), np.array([0]), np.array([1]), np.array([-1.0]))


def test_the_straight_line() -> None:
    spots = places.in_space(np.array([113.9, 114.0]), np.array([22.5, 22.5]))
    metres = places.straight_line(spots, spots, 1.0).toarray()[0, 1]
    assert metres == pytest.approx(10_289.6, abs=0.1)  # the arc of the parallel, a cos(lat) / sqrt(1 - e2 sin2(lat))
    assert places.straight_line(spots, spots, 80, 1.3, limit=60).nnz == 2
    with pytest.raises(Refused, match="degrees"):
        places.in_space(np.array([200.0]), np.array([0.0]))
