"""A made-up motorway cross whose truth is known: traffic that jams by itself most days, and roads that get blocked.

Simulated, synthetic, and labelled so: cells of half a kilometre, each passing on what it holds and what the next can
take (Daganzo 1994, The cell transmission model, Transportation Research B 28(4)), steps of 15 s. Demand has its hours,
better and worse days, weekends and rain; some places are narrower for good, and there it jams at most rush hours;
an incident takes a part of a cell's capacity for half an hour to an hour and a half, and is a case where it makes a
queue: speeds show no others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench._causes_tally import Case
from bench._made_up_causes import PLANE
from cityloom.detection.domain.topology import Network

CELLS, CELL_M, STEP_S, READ_S = 60, 500.0, 15.0, 300.0
WEEKS, LEARNT_WEEKS = 6, 2
_FREE, _BACK, _JAM, _CAPACITY = 100.0, 18.0, 500.0, 7600.0  # km/h, km/h, vehicles a km, vehicles an hour: four lanes
_DAY = 86_400.0


@dataclass(frozen=True)
class Roads:
    """Speeds in km/h by instant and detector, their places, the roads, and what blocked them when."""

    at_s: np.ndarray
    value: np.ndarray
    lonlat: np.ndarray
    network: Network
    cases: list[Case]


@dataclass(frozen=True)
class _Blocked:
    start_s: float
    end_s: float
    road: int
    cell: int
    left: float


def roads(seed: int) -> Roads:
    """Six weeks, two of them without incidents; a detector each kilometre of four one-way roads."""
    chance = np.random.default_rng(seed)
    blocked = _blocked(chance)
    speed = _simulated(chance, blocked)
    at_s = np.arange(len(speed)) * READ_S
    seen = speed[:, :, ::2].reshape(len(speed), -1)
    seen = seen + 3 * chance.standard_t(4, seen.shape) / np.sqrt(2)
    seen[chance.random(seen.shape) < 0.01] = np.nan
    for detector in range(seen.shape[1]):  # each fails by itself for some hours in six weeks
        start = int(chance.integers(0, len(seen)))
        seen[start : start + 36, detector] = chance.uniform(5, 120)
    network, middle = _network()
    lonlat = PLANE.lonlat(middle)
    cases = [Case(one.start_s, one.end_s, *lonlat[one.road * CELLS + one.cell].tolist(),
                  "half and more" if one.left <= 0.5 else "less than half")
             for one in blocked if _has_queue(speed, one)]  # fmt: skip
    places = lonlat.reshape(4, CELLS, 2)[:, ::2].reshape(-1, 2)
    return Roads(at_s, np.clip(seen, 0, 160), places, network, cases)


def _has_queue(speed: np.ndarray, one: _Blocked) -> bool:
    """Whether it slows anything down within the two kilometres before it: at night a lane less is enough."""
    rows = slice(int(one.start_s / READ_S), int(one.end_s / READ_S))
    return bool(speed[rows, one.road, one.cell - 4 : one.cell].min() < _FREE / 2)


def _blocked(chance: np.random.Generator) -> list[_Blocked]:
    """An incident about every ten hours by day, from the third week on; each is over before the next begins."""
    found: list[_Blocked] = []
    for start in np.arange(LEARNT_WEEKS * 7 * _DAY, WEEKS * 7 * _DAY - _DAY, 10 * 3600.0):
        when = start + chance.uniform(0, 4 * 3600)
        hour = when % _DAY / 3600
        if 6 <= hour <= 21:
            when = when // READ_S * READ_S
            found.append(_Blocked(when, when + chance.uniform(1800, 5400) // READ_S * READ_S, int(chance.integers(4)),
                                  int(chance.integers(8, CELLS - 4)), float(chance.uniform(0.2, 0.7))))  # fmt: skip
    return found


def _simulated(chance: np.random.Generator, blocked: list[_Blocked]) -> np.ndarray:
    """Mean speed of each cell in each five minutes, (instants, 4, cells)."""
    narrow = np.ones((4, CELLS))
    for road in range(4):
        narrow[road, chance.choice(np.arange(15, CELLS - 5), 2, replace=False)] = chance.uniform(0.8, 0.9, 2)
    ramp = chance.uniform(0.5, 1.5, (4, CELLS)) * (np.arange(CELLS) % 4 == 0)
    each = int(READ_S / STEP_S)
    held, hours = np.zeros((4, CELLS)), STEP_S / 3600
    kept = np.zeros((int(WEEKS * 7 * _DAY / READ_S), 4, CELLS))
    day, factor, wet = -1, np.ones(4), (0.0, 0.0)
    for read in range(len(kept)):
        now = read * READ_S
        if int(now // _DAY) != day:
            day = int(now // _DAY)
            factor = np.exp(chance.normal(0, 0.03) + chance.normal(0, 0.04, 4))
            begins = now + chance.uniform(0, 20) * 3600
            wet = (begins, begins + chance.uniform(1, 4) * 3600) if chance.random() < 0.25 else (0.0, 0.0)
        wanted = _demand(now, day) * factor * chance.lognormal(0, 0.03, 4)
        slow = 0.9 if wet[0] <= now < wet[1] else 1.0
        capacity = _CAPACITY * slow * narrow
        for one in blocked:
            if one.start_s <= now < one.end_s:
                capacity[one.road, one.cell] *= one.left
        total = np.zeros((2, 4, CELLS))
        for _ in range(each):
            held, flow = _step(held, wanted, ramp, capacity, _FREE * slow, hours)
            total += (flow, held)
        density = np.maximum(total[1] / each / (CELL_M / 1000), 1e-6)
        kept[read] = np.where(density > 1, np.minimum(total[0] / each / hours / density, _FREE * slow), _FREE * slow)
    return kept


def _step(held: np.ndarray, wanted: np.ndarray, ramp: np.ndarray, capacity: np.ndarray, free: float,
          hours: float) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """What cells hold a step later, and what left each."""
    long = CELL_M / 1000
    sends = np.minimum(held * free * hours / long, capacity * hours)
    takes = np.minimum(capacity * hours, np.maximum(_JAM * long - held, 0) * _BACK * hours / long)
    takes_next = np.concatenate([takes[:, 1:], np.full((4, 1), np.inf)], axis=1)
    flow = np.minimum(sends, takes_next)
    enters = np.concatenate([np.minimum(wanted[:, None] * 0.75 * hours, takes[:, :1]), flow[:, :-1]], axis=1)
    joins = np.minimum(wanted[:, None] * 0.04 * ramp * hours, np.maximum(takes - enters, 0))
    leaves = flow * np.where(ramp > 0, 0.045, 0.0)  # a part goes off at each junction
    enters[:, 1:] -= leaves[:, :-1]
    return held + enters + joins - flow, flow


def _demand(now: float, day: int) -> np.ndarray:
    """Vehicles an hour that want to enter each road: two of them are full in the morning, two in the evening."""
    hour, rest = now % _DAY / 3600, day % 7 in (2, 3)  # it begins on a Thursday, as 1970 did
    peak = [np.exp(-((hour - middle) ** 2) / 2 / 1.3**2) for middle in (8.0, 17.5)]
    base = 2200 + 2600 / (1 + np.exp(-(hour - 6.5) * 2)) - 2600 / (1 + np.exp(-(hour - 20.5) * 1.2))
    if rest:
        return np.full(4, base * 0.85)
    return base + np.array([5400 * peak[0] + 900 * peak[1], 900 * peak[0] + 5400 * peak[1]] * 2)


def _network() -> tuple[Network, np.ndarray]:
    """The roads cell by cell, each one-way, and the middle of each cell in metres of `PLANE`."""
    along = (np.arange(CELLS + 1) - CELLS / 2) * CELL_M
    ways = [np.column_stack([along, np.full(CELLS + 1, 10.0)]), np.column_stack([-along, np.full(CELLS + 1, -10.0)]),
            np.column_stack([np.full(CELLS + 1, 10.0), along]), np.column_stack([np.full(CELLS + 1, -10.0), -along])]
    nodes = np.vstack(ways)
    begin = np.concatenate([np.arange(CELLS) + road * (CELLS + 1) for road in range(4)])
    lonlat = PLANE.lonlat(nodes)
    network = Network(
        np.arange(len(nodes)).astype(str).astype(object), lonlat[:, 0], lonlat[:, 1],
        np.array([f"road-{at}" for at in range(len(begin))], object), begin, begin + 1, np.full(len(begin), CELL_M),
        directed=True,
    )  # fmt: skip
    return network, (nodes[begin] + nodes[begin + 1]) / 2
