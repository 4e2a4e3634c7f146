"""Queues: published values, the simulation held against formulas, a day with appointments and skills, and bad input."""

from __future__ import annotations

import doctest
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from cityloom.insight.domain.queues import formulas, staffing
from cityloom.insight.domain.queues.day import Class, Day, Drawn, Group, drawn
from cityloom.insight.domain.queues.running import measured, run, simulated, waits_at_once
from cityloom.insight.domain.study.tables import table
from cityloom.insight.studies import kinds
from cityloom.insight.studies.queue_told import example
from cityloom.kernel.refused import Refused


@pytest.mark.parametrize("load, servers, blocked", [
    (10, 13, 0.0843), (10, 10, 0.2146), (10, 15, 0.0365), (3, 5, 0.1101), (5, 10, 0.0184), (12, 20, 0.0098),
])  # fmt: skip
def test_erlang_b_is_as_in_the_tables(load: float, servers: int, blocked: float) -> None:
    assert formulas.erlang_b(load, servers) == pytest.approx(blocked, abs=5e-5)


def test_erlang_b_by_its_definition_for_many_loads_at_once() -> None:
    loads = np.array([0.0, 0.5, 4.0, 11.0])
    assert formulas.erlang_b(loads, 7) == pytest.approx(poisson.pmf(7, loads) / poisson.cdf(7, loads))


def test_erlang_c_and_the_eye_clinic_of_gross_and_harris() -> None:
    """Six patients an hour, twenty minutes each, three doctors: 8/9 wait, 28.9 minutes in the clinic."""
    assert formulas.erlang_c(5, 10) == pytest.approx(0.0361, abs=5e-5)
    clinic = formulas.mmc(6, 1 / 3, 3)
    assert clinic.length == pytest.approx(8 / 9) and 60 * clinic.mean + 20 == pytest.approx(28.9, abs=0.05)
    assert formulas.mmc(0.5, 1, 1).mean == pytest.approx(1)  # M/M/1: rho / (mu - lambda)
    assert formulas.within(0.5, 1, 1, 2.0) == pytest.approx(1 - 0.5 * np.exp(-1))


def test_one_server_with_fixed_times_is_half_the_wait_of_pollaczek_and_khinchin() -> None:
    assert formulas.mmc(0.8, 1, 1, 1, 0).mean == pytest.approx(0.8 / 2 / (1 - 0.8))


def test_erlang_a_between_no_patience_and_endless_patience() -> None:
    number = np.arange(200)
    as_served = formulas.erlang_a(50, 0.2, 9, 0.2)  # patience as long as a service: M/M/infinity
    assert as_served.abandon == pytest.approx((poisson.pmf(number, 10) * np.maximum(number - 9, 0)).sum() / 10)
    assert as_served.waits == pytest.approx(1 - poisson.cdf(8, 10))
    endless, plain = formulas.erlang_a(50, 0.2, 13, 1e5), formulas.mmc(50, 0.2, 13)
    assert endless.waits == pytest.approx(plain.waits, rel=1e-3)
    assert formulas.served_within(50, 0.2, 13, 1e5, 0.05) == pytest.approx(formulas.within(50, 0.2, 13, 0.05), rel=1e-3)
    assert formulas.erlang_a(50, 0.2, 9, 1e-6).abandon == pytest.approx(formulas.erlang_b(10, 9), rel=1e-2)


@given(st.floats(0.1, 60), st.integers(1, 70))
@settings(max_examples=10, deadline=None)
def test_more_counters_are_never_worse(load: float, servers: int) -> None:
    assert formulas.erlang_b(load, servers + 1) <= formulas.erlang_b(load, servers)
    assert formulas.within(load, 1, servers + 1, 1.0) >= formulas.within(load, 1, servers, 1.0) - 1e-12
    more, fewer = (formulas.served_within(load, 1, own, 2, 1.0) for own in (servers + 1, servers))
    assert more >= fewer - 1e-9


@given(st.floats(0.1, 200), st.floats(0.5, 0.99), st.floats(0, 3))
@settings(max_examples=10, deadline=None)
def test_staffing_is_enough_and_one_fewer_is_not(arrivals: float, share: float, time: float) -> None:
    servers = staffing.least(arrivals, 1, share, time)
    assert formulas.within(arrivals, 1, servers, time) >= share
    assert servers == formulas.least_stable(arrivals, 1) or formulas.within(arrivals, 1, servers - 1, time) < share


def test_the_square_root_rule_of_halfin_and_whitt() -> None:
    assert staffing.delay_of(1.0) == pytest.approx(0.2234, abs=5e-4)
    assert staffing.square_root(100, 0.2234).tolist() == 110
    assert formulas.erlang_c(100, 110) == pytest.approx(0.2234, abs=0.015)
    assert staffing.least_for_blocking(10, 0.01) == 18


def test_lagged_rates_follow_by_a_service_time_and_keep_the_sum() -> None:
    assert staffing.lagged([60, 0, 60], 1.0, 0.25) == pytest.approx([45, 15, 45])
    assert staffing.by_period([10, 40, 60, 20], 1, 0.2, 0.9, 1 / 6)[3] > staffing.least(20, 0.2, 0.9, 1 / 6)


def test_an_unstable_queue_says_how_many_counters_are_needed() -> None:
    with pytest.raises(Refused) as caught:
        formulas.mmc(50, 0.2, 9)
    assert "At least 11" in caught.value.sentence and caught.value.code == "insight.queue_unstable"
    with pytest.raises(Refused):
        formulas.erlang_b(5, 0)


def one(rate: float, counters: int, **more: Any) -> Day:
    return Day(10, 120.0, [Class("a", [rate] * 10, 8.0, **more)], [Group("g", [counters] * 10)])


@pytest.mark.parametrize("patience", [inf, 15.0])
def test_the_simulation_holds_the_formula_in_its_interval(patience: float) -> None:
    ran = simulated(one(18 if patience == inf else 26, 3, patience=patience), 24, seed=1)
    served = measured([float(((own.wait <= 10)).mean()) for own in ran], 0.99)
    exact = formulas.served_within(26 / 60, 8, 3, patience, 10) if patience < inf else formulas.within(0.3, 8, 3, 10.0)
    assert served.low - 0.02 < exact < served.high + 0.02  # a day begins empty
    if patience < inf:
        left = measured([float((own.left == 2).mean()) for own in ran], 0.99)
        assert left.low - 0.02 < formulas.erlang_a(26 / 60, 8, 3, patience).abandon < left.high + 0.02


def test_all_days_at_once_are_as_one_by_one() -> None:
    day, waits = one(20, 3), []
    came = [drawn(day, np.random.default_rng(seed)) for seed in range(3)]
    least = min(len(own.at) for own in came)
    at, service = (np.array([getattr(own, name)[:least] for own in came]) for name in ("at", "service"))
    waits = [run(day, own).wait[:least] for own in came]
    assert waits_at_once(at, service, 3) == pytest.approx(np.array(waits))


def came(at: list[float], kind: list[int], service: float = 10.0) -> Drawn:
    times, many = np.array(at, float), len(at)
    return Drawn(times, times, np.array(kind), np.full(many, service), np.full(many, inf), np.zeros(2, int))


def test_a_day_by_hand_with_priority_and_skills() -> None:
    """Counter A serves both, counter B permits only: the permit goes to B, the urgent one before who came earlier."""
    classes = [Class("plain", (), 10.0, priority=1), Class("urgent", (), 10.0), Class("permit", (), 10.0)]
    day = Day(1, 60.0, classes, [Group("A", [1]), Group("B", [1], frozenset({"permit"}))])
    ran = run(day, came([0, 1, 2, 3], [0, 2, 0, 1]))
    assert ran.wait.tolist() == [0, 0, 18, 7]
    assert ran.ended == 30 and ran.longest == 2
    closed = run(replace(day, turns_away=True), came([55, 58, 61], [0, 0, 0]))
    assert closed.left.tolist() == [0, 3, 3]


def test_counters_that_close_finish_and_no_shows_and_lateness_are_drawn() -> None:
    day = Day(2, 10.0, [Class("a", (), 15.0)], [Group("g", [1, 0])])
    ran = run(day, came([0, 1], [0, 0], 15.0))
    assert ran.wait[0] == 0 and np.isnan(ran.wait[1]) and ran.left[1] == 3  # nobody is there any more
    booked = Day(1, 60.0, [Class("a", (), 1.0, slots=tuple(range(0, 60, 1)))], [Group("g", [1])], no_show=0.3, late=-5)
    days = [drawn(booked, np.random.default_rng(seed)) for seed in range(30)]
    assert 0.2 < np.mean([own.absent.sum() / 60 for own in days]) < 0.4
    assert all((own.due >= own.at).all() for own in days)  # who is early waits from the time that was said


def test_the_example_answers_the_three_questions_and_is_worked_again_alike() -> None:
    question, inputs = example()
    quick = question | {"days": 6}
    study = kinds.worked("queue", quick, inputs)
    assert study.digest() == kinds.worked("queue", quick, inputs).digest()
    within = dict(zip(study.step("simulated").table["option"], study.step("simulated").table["within"], strict=True))
    assert within["As many as needed"] >= 0.9 > within["one counter closes"]
    assert within["15 % no-shows"] > within["As it is"] > within["one counter closes"]
    told = kinds.kind("queue").tell(study)
    assert told[0].weight == "answer"
    for block in told:
        for number in getattr(block, "numbers", {}).values():
            study.at(number.cell)
    assert ("unstable", 7) in {(own.code, own.limit) for own in study.notes}


def refusal(question: dict[str, Any], **inputs: Any) -> str:
    with pytest.raises(Refused) as caught:
        kinds.worked("queue", {"days": 2} | question, inputs)
    assert "{" not in caught.value.sentence
    return caught.value.code


def test_bad_input_is_refused_with_its_reason() -> None:
    fine = {"arrivals_per_hour": 10, "service_minutes": 5, "counters": 2}
    assert refusal({**fine, "arrivals_per_hour": 0}) == "insight.queue_nothing"
    assert refusal({"arrivals_per_hour": 10, "counters": 2}) == "insight.queue_no_service"
    assert refusal({**fine, "opens": "99:99"}) == "insight.queue_clock"
    assert refusal({**fine, "arrivals_per_hour": 1e5, "hours": 24}) == "insight.queue_many"
    assert refusal(fine, arrivals=table((), period=["9"], arrivals=[-1.0])) == "insight.queue_negative"
    only = table((), group=["A"], counters=[1], skills=["permit"])
    assert refusal(fine, counters=only) == "insight.queue_nobody"
    assert refusal(fine, counters=table((), group=["A"], counters=[-1])) == "insight.queue_no_counters"


def test_without_counters_it_says_how_many_and_with_groups_what_each_service_waits() -> None:
    study = kinds.worked("queue", {"arrivals_per_hour": 20, "service_minutes": 6, "days": 5, "hours": 4}, {})
    assert study.step("answer").table["needed"][0] >= 3
    shut = {"arrivals_per_hour": 9, "service_minutes": 6, "days": 2, "counters": 1}
    shut |= {"what_if": [{"name": "shut", "counters": 0}]}
    told = kinds.kind("queue").tell(kinds.worked("queue", shut, {}))
    assert any("nobody is served" in getattr(block, "words", "") for block in told)
    services = table((), service=["permit", "post"], minutes=[12.0, 3.0], priority=[1, 0])
    arrivals = table((), period=["9", "9", "10", "10"], service=["permit", "post"] * 2, arrivals=[8.0, 20, 8, 20])
    counters = table((), group=["A", "B"], counters=[2, 1], skills=["permit; post", "post"])
    study = kinds.worked("queue", {"days": 5}, {"services": services, "arrivals": arrivals, "counters": counters})
    assert {"several_groups", "one_class"} <= {own.code for own in study.notes}
    waits = study.step("services").table
    assert waits["mean_wait"][0] > waits["mean_wait"][1]


def test_the_page_is_right() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "algorithms" / "queues.md"
    outcome = doctest.testfile(str(page), module_relative=False)
    assert outcome.attempted > 10 and outcome.failed == 0
