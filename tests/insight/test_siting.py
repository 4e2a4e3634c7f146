"""Siting: against every choice tried by hand, with capacities, closures, periods; and why there is no solution."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.insight.domain.siting import bounds, marginal, solving
from cityloom.insight.domain.siting.problem import problem
from cityloom.insight.domain.siting.serving import serve
from cityloom.kernel.refused import Refused


def drawn(seed: int, n: int = 7, m: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    at, sites = rng.random((n, 2)) * 30, rng.random((m, 2)) * 30
    return rng.integers(1, 20, n).astype(float), np.hypot(*(at[:, None] - sites[None]).T).T


def choices(m: int, p: int) -> list[list[int]]:
    return [list(one) for one in combinations(range(m), p)]


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_each_problem_against_all_choices(seed: int, p: int) -> None:
    people, minutes = drawn(seed)
    best = min(float(people @ minutes[:, one].min(1)) for one in choices(6, p))
    for way in ("exact", "search"):
        found = solving.p_median(people, minutes, p, way=way)
        assert found.solution.total >= best - 1e-6
        assert found.solution.bound <= best + 1e-6
        assert found.solution.total == pytest.approx(best, rel=1e-6 if way == "exact" else 0.02)
    centre = min(minutes[:, one].min(1).max() for one in choices(6, p))
    assert solving.p_centre(people, minutes, p).solution.total == pytest.approx(centre)
    most = max(float(people[(minutes[:, one].min(1) <= 8)].sum()) for one in choices(6, p))
    for way in ("exact", "search"):
        held = solving.covered(solving.maximal_covering(people, minutes, p, 8.0, way=way))[0]
        assert held == pytest.approx(most) if way == "exact" else held <= most + 1e-6
    reach = float(minutes.min(1).max())
    fewest = next(k for k in range(1, 7) if any((minutes[:, one].min(1) <= reach).all() for one in choices(6, k)))
    assert solving.set_covering(people, minutes, reach).solution.total == fewest


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_capacities_against_all_choices(seed: int) -> None:
    people, minutes = drawn(seed)
    capacity = np.full(6, np.ceil(people.sum() / 2.5))
    asked = problem(people, minutes, 3, capacity=capacity)
    flags = [np.isin(np.arange(6), one) for one in choices(6, 3)]
    best = min(serve(asked, one, people).total for one in flags)
    exact = solving.p_median(people, minutes, 3, capacity=capacity, way="exact")
    assert exact.solution.total == pytest.approx(best, rel=1e-6)
    load = np.bincount(exact.served[0].site, exact.served[0].people, 6)
    assert (load <= capacity + 1e-6).all() and load.sum() == pytest.approx(people.sum())
    near = solving.p_median(people, minutes, 3, capacity=capacity, way="search").solution
    assert best - 1e-6 <= near.total <= 1.1 * best and near.bound <= best + 1e-6
    covers = problem(people, np.where(minutes <= 9, 0.0, np.inf), 3, capacity=capacity, unserved=1.0)
    least = min(serve(covers, one, people).total for one in flags)
    found = solving.maximal_covering(people, minutes, 3, 9.0, capacity=capacity, way="exact").solution
    assert found.total == pytest.approx(least, abs=1e-6)


def test_existing_sites_stay_and_the_least_missed_is_closed() -> None:
    people = np.array([10.0, 10, 10, 1])
    minutes = np.abs(np.array([0.0, 10, 20, 21])[:, None] - np.array([0.0, 10, 20, 21])[None])
    stays = solving.p_median(people, minutes, 1, existing=[1, 0, 0, 1])
    assert stays.solution.open[0].tolist() == [True, True, False, True]
    for way in ("exact", "search"):
        closed = solving.p_median(people, minutes, 0, existing=[1, 1, 1, 1], keep=[0, 0, 0, 1], close=1, way=way)
        assert closed.solution.open[0].tolist() == [True, True, False, True], way
    spent = solving.p_median(people, minutes, None, existing=[0, 0, 0, 1], price=[5, 3, 1, 1], budget=4)
    assert spent.solution.open[0].tolist() == [False, True, True, True]


@pytest.mark.parametrize("way", ["exact", "search"])
def test_what_was_opened_stays_open(way: solving.Way) -> None:
    people = np.array([[10.0, 1, 1], [10, 30, 1], [10, 30, 40]])
    minutes = np.array([[0.0, 30, 60], [30, 0, 30], [60, 30, 0]])
    found = solving.p_median(people, minutes, [1, 2, 3], way=way).solution
    assert found.open.tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert found.total == pytest.approx(30 + 60 + 30) and found.bound <= found.total
    by_money = solving.p_median(people, minutes, None, budget=[1, 1, 3], way=way).solution
    assert by_money.open.sum(1).tolist() == [1, 1, 3]
    covers = solving.maximal_covering(people, minutes, [1, 2, 2], 10, way=way)
    assert solving.covered(covers).tolist() == [1, 31, 70]  # more over the three periods than 10, 40, 40


@pytest.mark.parametrize(("given", "code", "words"), [
    ({"minutes": [[1.0, 2], [np.inf, np.inf]]}, "insight.siting_unreached", "1 places"),
    ({"capacity": [5.0, 6]}, "insight.siting_room", "room for 11, and demand is 20"),
    ({"minutes": [[1.0, np.inf], [np.inf, 1]], "p": 1}, "insight.siting_few", "2 are the fewest"),
    ({"minutes": [[1.0, np.inf], [np.inf, 1]], "price": [5.0, 6], "budget": 7}, "insight.siting_budget", "11 is the"),
    ({"existing": [1, 1], "close": 3}, "insight.siting_close", "2 existing sites"),
    ({"people": [0.0, 0]}, "insight.siting_no_demand", "no demand"),
    ({"people": [-1.0, 2]}, "insight.siting_number", "negative"),
    ({"p": [2, 1]}, "insight.siting_periods", "do not fall"),
    ({"price": [1.0]}, "insight.siting_shape", "1 sites"),
])  # fmt: skip
def test_why_there_is_no_solution(given: dict, code: str, words: str) -> None:
    whole = {"people": [10.0, 10], "minutes": [[1.0, 2], [2, 1]], "p": 2} | given
    with pytest.raises(Refused) as refused:
        solving.p_median(**whole)
    assert refused.value.code == code and words in refused.value.sentence


def test_a_million_places_are_to_be_added_up() -> None:
    with pytest.raises(Refused, match="areas") as refused:
        problem(np.ones(10), np.broadcast_to(1.0, (1_000_000, 10)), 1)
    assert "10,000 places" in refused.value.sentence


def test_what_a_site_is_worth_and_what_would_stand_in_for_it() -> None:
    people, minutes = np.array([10.0, 20, 30]), np.array([[0.0, 1, 50], [50, 50, 0], [40, 9, 9]])
    found = solving.p_median(people, minutes, 2)
    assert np.flatnonzero(found.solution.open[0]).tolist() in ([0, 2], [1, 2])
    by_site = {one.site: one for one in marginal.gains(found.problem, found.solution.open[0])}
    first = by_site[0]
    assert (first.people, first.loss, first.instead, first.loss_instead) == (10, 500, 1, 10)


def test_a_bound_is_a_bound_for_any_prices() -> None:
    people, minutes = drawn(5)
    asked = problem(people, minutes, 2)
    best = solving.p_median(people, minutes, 2, way="exact").solution.total
    for start in (np.zeros(7), np.full(7, 30.0), minutes.min(1)):
        assert bounds.lower_bound(asked, start, best) <= best + 1e-9
