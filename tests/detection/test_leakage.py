"""What a litre does to the sensors of a network, and leaks that only show over days."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from cityloom.detection.domain.hydraulics import solved
from cityloom.detection.domain.leakage import LEAK, MENDED, SENSOR, Event, Watch, learn
from cityloom.detection.domain.topology import Network
from cityloom.kernel.refused import Refused
from tests.detection.drawn_networks import grid

DAY_S, HOUR_S = 86_400.0, 3600.0
NETWORK = grid(side=6)
NODES = np.array([3, 14, 17, 20, 25, 33, 35])
FELT = solved(NETWORK).pressure(NODES)
RESTS = np.full(len(NODES), 0.02)


def test_a_chain_of_pipes_feels_a_leak_up_to_where_it_is():
    count = 6
    line = Network(
        np.arange(count).astype(str).astype(object), np.arange(count) * 1e-3, np.zeros(count),
        np.arange(count - 1).astype(str).astype(object), np.arange(count - 1), np.arange(1, count),
        np.full(count - 1, 100.0), held=np.array([0]),
    )  # fmt: skip
    at_node = solved(line).pressure(np.arange(count))
    assert at_node[0] == pytest.approx(0.0)
    assert (np.diff(at_node[:, 2]) <= 1e-12).all()  # further from the reservoir it is felt more, up to the leak
    assert at_node[4, 2] == pytest.approx(at_node[5, 2])  # and behind it no more
    assert solved(line).flow(np.array([0]))[0, 2:] == pytest.approx(1.0)


def test_what_is_drawn_behind_a_regulator_is_felt_before_it_and_not_the_other_way_round():
    line = Network(
        np.array(list("abcd"), object), np.arange(4) * 1e-3, np.zeros(4), np.array(["p", "v", "q"], object),
        np.array([0, 1, 2]), np.array([1, 2, 3]), np.full(3, 100.0),
        passed=np.array(["pipe", "regulator", "pipe"], object), held=np.array([0]),
    )  # fmt: skip
    at_node = solved(line).pressure(np.arange(4))
    assert at_node[1, 2] < -1e-6
    assert at_node[3, 0] == pytest.approx(0.0, abs=1e-12)


def test_a_part_without_a_reservoir_has_answers_too():
    assert np.isfinite(solved(dataclasses.replace(NETWORK, held=np.zeros(0, np.int64))).pressure(NODES)).all()


def recording(days: int, litres: float = 0.0, edge: int = 0, start: int = 0, end: int = 10**6, off: float = 0.0,
              seed: int = 1) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Hourly pressures: a week that all share, demand by chance, noise, a leak, and a sensor that is off."""
    chance = np.random.default_rng(seed)
    at_s = np.arange(days * 24) * HOUR_S
    day = at_s / DAY_S
    draws = 1 + 0.5 * np.sin(2 * np.pi * day) + chance.normal(0, 0.1, len(day))
    value = 40 + np.outer(draws, FELT.mean(axis=1) * 20) + chance.normal(0, 0.02, (len(day), len(NODES)))
    leaks = (day >= start) & (day < end)
    value += np.outer(leaks * litres, FELT[:, edge])
    value[:, 2] += np.where(leaks, off, 0.0)
    return at_s, value


def watched(at_s: np.ndarray, value: np.ndarray, quiet_days: int = 42) -> list[Event]:
    before = at_s < quiet_days * DAY_S
    quiet = learn(at_s[before], value[before], RESTS)
    watch = Watch(quiet, FELT, NETWORK.length_m)
    events = (watch.observe(end, left) for end, left in quiet.days(at_s, value) if end > quiet_days * DAY_S)
    return [event for event in events if event]


@pytest.mark.parametrize("edge", [10, 33, 50])
def test_a_leak_is_found_near_its_pipe_and_its_mending_too(edge):
    events = watched(*recording(100, litres=6.0, edge=edge, start=60, end=85))
    assert [event.kind for event in events[:2]] == [LEAK, MENDED]
    first = events[0]
    assert 60 < first.at_s / DAY_S < 70
    assert np.hypot(*(NETWORK.middle[first.place] - NETWORK.middle[edge])) <= 450
    assert 2 < first.litres < 18
    assert first.weight.sum() == pytest.approx(1.0)
    assert 84 < events[1].at_s / DAY_S < 95


def test_quiet_weeks_raise_nothing():
    assert watched(*recording(120)) == []


def test_a_sensor_that_is_off_by_itself_is_told_apart():
    event, *_ = watched(*recording(90, off=1.5, start=60))
    assert (event.kind, event.place) == (SENSOR, 2)


def test_a_sensor_that_falls_silent_is_no_leak():
    at_s, value = recording(80)
    value[at_s > 60 * DAY_S, 2] = np.nan
    assert watched(at_s, value) == []


def test_days_too_few_to_know_what_is_usual_are_refused():
    at_s, value = recording(10)
    with pytest.raises(Refused) as refusal:
        learn(at_s, value, RESTS)
    assert refusal.value.code == "detection.quiet_short"
