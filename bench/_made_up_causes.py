"""Made-up recordings of gas leaks, floods and blocked roads, whose truth is known: synthetic, and labelled so.

Not made with the packs' own arithmetic: noise has heavy tails and a memory, effects carry by another law and by chance,
sensors fail by themselves, and callers gather where nothing is wrong, too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench._causes_tally import Case
from cityloom.detection.domain.said import Heard
from cityloom.detection.domain.topology import Network
from cityloom.kernel.geometry import LocalProjection

PLANE = LocalProjection(113.93, 22.53)
STEP_S = 300.0
SIDE_M = 4000.0
WEEKS, LEARNT_WEEKS = 5, 1


@dataclass(frozen=True)
class MadeUp:
    """Columns of streams with their readings, the calls, the cases, and the network where there is one."""

    kind: np.ndarray
    unit: np.ndarray
    xy: np.ndarray
    at_s: np.ndarray
    value: np.ndarray
    heard: Heard
    cases: list[Case]
    network: Network | None = None


def streets(step_m: float = 200.0) -> Network:
    """Mains under a grid of streets, 4 km by 4 km."""
    side = int(SIDE_M / step_m) + 1
    x, y = np.meshgrid(np.arange(side), np.arange(side))
    lonlat = PLANE.lonlat(np.column_stack([x.ravel() * step_m, y.ravel() * step_m]))
    row = np.arange(side * side).reshape(side, side)
    begin, end = np.r_[row[:, :-1].ravel(), row[:-1].ravel()], np.r_[row[:, 1:].ravel(), row[1:].ravel()]
    names = np.array([f"{a}-{b}" for a, b in zip(begin, end, strict=True)], object)
    return Network(np.arange(side * side).astype(str).astype(object), lonlat[:, 0], lonlat[:, 1], names, begin, end,
                   np.full(len(begin), step_m))  # fmt: skip


def noise(chance: np.random.Generator, steps: int, streams: int, memory: float) -> np.ndarray:
    """Noise of spread about 1 with heavy tails and a memory, and for each stream two hours of a fault in a month."""
    found = chance.standard_t(4, (steps, streams)) / np.sqrt(2)
    for at in range(1, steps):
        found[at] = memory * found[at - 1] + np.sqrt(1 - memory**2) * found[at]
    for stream in range(streams):
        for start in chance.integers(0, steps, int(steps * STEP_S / 86_400 / 30)):
            found[start : start + 24, stream] += chance.choice([-1, 1]) * chance.uniform(6, 30)
    return found


def calls(chance: np.random.Generator, categories: tuple[str, ...], idle: float, told: list[tuple[Case, float, float]],
          days: float) -> Heard:  # fmt: skip
    """Calls by chance (a day and km2), groups of friends who call about nothing, and those that cases bring."""
    x, y, at = [], [], []
    for _ in range(chance.poisson(idle * days * (SIDE_M / 1000) ** 2)):
        many = 1 + chance.geometric(0.9) - 1
        where, when = chance.uniform(0, SIDE_M, 2), chance.uniform(0, days * 86_400)
        for _ in range(many):
            at.append(when + chance.exponential(600))
            x.append(where[0] + chance.normal(0, 60))
            y.append(where[1] + chance.normal(0, 60))
    for case, many, metres in told:
        middle = PLANE.xy(np.array([case.lon]), np.array([case.lat]))[0]
        for _ in range(chance.poisson(many)):
            angle, off = chance.uniform(0, 2 * np.pi), chance.exponential(metres)
            at.append(case.start_s + chance.exponential(1500))
            x.append(middle[0] + off * np.cos(angle))
            y.append(middle[1] + off * np.sin(angle))
    order = np.argsort(at)
    lonlat = PLANE.lonlat(np.column_stack([x, y]))[order]
    names = np.array([f"report:{number}" for number in range(len(order))], object)
    category = chance.choice(np.array(categories, object), len(order))
    return Heard(names, category, lonlat[:, 0], lonlat[:, 1], np.array(at)[order])


def cases_at(chance: np.random.Generator, count: int, hours: float, sizes: tuple[str, ...],
             where: Callable[[], np.ndarray]) -> list[Case]:  # fmt: skip
    """Cases one after the other over the weeks that are watched."""
    begins = np.linspace(LEARNT_WEEKS + 0.1, WEEKS - 0.2, count) * 7 * 86_400
    found = []
    for begin in begins:
        start = float((begin + chance.uniform(0, 8 * 3600)) // STEP_S * STEP_S)
        lon, lat = PLANE.lonlat(where()[None])[0].tolist()
        found.append(Case(start, start + hours * 3600, lon, lat, str(chance.choice(sizes))))
    return found


def gas(seed: int) -> MadeUp:
    """Methane in a chamber every 400 m; a leak fills those within some ten metres to a hundred; people smell it."""
    chance = np.random.default_rng(seed)
    network = streets()
    xy = np.stack(np.meshgrid(np.arange(0, SIDE_M, 400.0), np.arange(0, SIDE_M, 400.0)), -1).reshape(-1, 2)
    at_s = np.arange(0, WEEKS * 7 * 86_400, STEP_S)
    value = 1.0 + 0.5 * noise(chance, len(at_s), len(xy), 0.9) + 0.3 * np.sin(at_s / 86_400 * 2 * np.pi)[:, None]
    cases = cases_at(chance, 24, 3.0, ("small", "middle", "large"), lambda: _on(chance, network))
    for case in cases:
        centre = PLANE.xy(np.array([case.lon]), np.array([case.lat]))[0]
        reach = chance.lognormal(np.log(70), 0.4)
        strong = {"small": 10.0, "middle": 30.0, "large": 90.0}[case.size]
        off = strong / (1 + (np.hypot(*(xy - centre).T) / reach) ** 2)
        rows = (at_s >= case.start_s) & (at_s < case.end_s)
        rise = 1 - np.exp(-(at_s[rows] - case.start_s + STEP_S) / 900)
        value[rows] += np.outer(rise, off * (off > 0.5)) * chance.lognormal(0, 0.3, len(xy))
    told = [(case, {"small": 1.0, "middle": 2.5, "large": 5.0}[case.size], 90.0) for case in cases]
    heard = calls(chance, ("gas-smell", "gas-leak"), 0.04, told, WEEKS * 7)
    columns = np.full(len(xy), "methane", object), np.full(len(xy), "%", object)
    return MadeUp(*columns, xy, at_s, np.clip(value, 0, 100), heard, cases, network)


def flood(seed: int) -> MadeUp:
    """Five gauges of rain and 25 of water in low places; storms come often, and only some of them flood a place."""
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, SIDE_M, (25, 2))
    rain_at = np.array([[0, 0], [SIDE_M, 0], [0, SIDE_M], [SIDE_M, SIDE_M], [SIDE_M / 2, SIDE_M / 2]])
    at_s = np.arange(0, WEEKS * 7 * 86_400, STEP_S)
    rain, water = np.zeros((len(at_s), 5)), 0.3 + 0.03 * noise(chance, len(at_s), 25, 0.95)
    cases = cases_at(chance, 24, 2.5, ("shallow", "deep"), lambda: low[chance.integers(25)] + chance.normal(0, 80, 2))
    storms = [(case.start_s - 1800, 40.0) for case in cases] + [(s, 25.0) for s in chance.uniform(0, at_s[-1], 60)]
    for start, strong in storms:
        rows = (at_s >= start) & (at_s < start + 4500)
        rain[rows] += strong * chance.lognormal(0, 0.3, 5)
        water[(at_s >= start) & (at_s < start + 9000)] += strong / 400 * chance.lognormal(0, 0.4, 25)  # drains fill
    for case in cases:
        centre = PLANE.xy(np.array([case.lon]), np.array([case.lat]))[0]
        rows = (at_s >= case.start_s) & (at_s < case.end_s)
        rise = 1 - np.exp(-(at_s[rows] - case.start_s + STEP_S) / 1500)
        water[rows] += np.outer(rise, {"shallow": 0.3, "deep": 0.9}[case.size] * (np.hypot(*(low - centre).T) < 250))
    told = [(case, {"shallow": 1.5, "deep": 4.0}[case.size], 120.0) for case in cases]
    heard = calls(chance, ("flooding", "flood"), 0.03, told, WEEKS * 7)
    kind = np.r_[np.full(5, "rain", object), np.full(25, "water_level", object)]
    unit = np.r_[np.full(5, "mm/h", object), np.full(25, "m", object)]
    return MadeUp(kind, unit, np.vstack([rain_at, low]), at_s, np.hstack([rain, water]), heard, cases)


def _on(chance: np.random.Generator, network: Network) -> np.ndarray:
    """A spot on a main, in metres of `PLANE`."""
    edge = chance.integers(len(network.begin))
    ends = PLANE.xy(network.lon[[network.begin[edge], network.end[edge]]], network.lat[[network.begin[edge],
                    network.end[edge]]])  # fmt: skip
    return np.asarray(ends[0] + chance.random() * (ends[1] - ends[0]))
