"""Simulated recordings of a water network with leaks whose places and times are known: synthetic, and labelled so.

The network that is simulated differs from the file that detection knows: roughness and demands are off by chance, homes
draw at random, the year has a summer, and meters round. WNTR (its EPANET) is imported here alone.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

STEP_S = 900
_EMITTER, _BASE_DEMAND, _PRESSURE, _FLOW = 3, 1, 11, 8  # of EPANET's programming interface
_DURATION, _STEP, _NOW = 0, 1, 11
_DISCHARGE = 0.75


@dataclass(frozen=True)
class Leak:
    """A hole of `diameter_m` in a pipe; it grows in a straight line from `start_s` to `peak_s`, until it is mended."""

    pipe: str
    start_s: float
    end_s: float
    diameter_m: float
    peak_s: float

    def area_m2(self, at_s: float) -> float:
        """How large the hole is at an instant."""
        if not self.start_s <= at_s < self.end_s:
            return 0.0
        grown = 1.0 if at_s >= self.peak_s else (at_s - self.start_s) / (self.peak_s - self.start_s)
        return math.pi * (self.diameter_m * grown / 2) ** 2


@dataclass(frozen=True)
class Meters:
    """Which nodes have pressure sensors, which links flow meters, which tanks level sensors."""

    pressure: tuple[str, ...]
    flow: tuple[str, ...]
    level: tuple[str, ...] = ()


def recorded(inp: Path, meters: Meters, leaks: list[Leak], *, days: float, start_day: int, seed: int, work: Path,
             step_s: int = STEP_S) -> dict[str, np.ndarray]:  # fmt: skip
    """Readings every quarter of an hour: pressures in m, flows in L/s, levels in m, by column; `at_s` from the start.

    `start_day` is the day of the year on which it begins, a Monday; leaks are timed in seconds from then.
    """
    import wntr  # heavy, and only the bench has it
    from wntr.epanet.toolkit import ENepanet

    chance = np.random.default_rng(seed)
    network = wntr.network.WaterNetworkModel(str(inp))
    demand = _Demand(network, chance)
    holes = _with_holes(wntr, network, leaks, chance, work)
    engine = ENepanet()
    engine.ENopen(str(work / "year.inp"), str(work / "year.rpt"), "")
    try:
        return _run(engine, meters, leaks, holes, demand, (days, start_day, step_s), chance)
    finally:
        engine.ENclose()


class _Demand:
    """What each junction draws, by its categories' week and by chance."""

    def __init__(self, network: Any, chance: np.random.Generator) -> None:
        self.names = list(network.junction_name_list)
        patterns = {name: pattern.multipliers for name, pattern in network.patterns()}
        self.step_s = network.options.time.pattern_timestep
        self.patterns = list(patterns.values())
        place = {name: at for at, name in enumerate(patterns)}
        self.base = np.zeros((len(self.names), len(self.patterns)))
        for row, name in enumerate(self.names):
            for each in network.get_node(name).demand_timeseries_list:
                self.base[row, place.get(each.pattern_name or "1", 0)] += each.base_value
        self.base *= chance.lognormal(0, 0.2, (len(self.names), 1))
        self.chance, self.day, self.whole = chance, -1, 0.0

    def at(self, at_s: float, start_day: int) -> np.ndarray:
        """m3/s of each junction at an instant."""
        now = np.array([values[int(at_s / self.step_s) % len(values)] for values in self.patterns])
        day = int(at_s // 86_400)
        if day != self.day:
            self.day, self.whole = day, 0.7 * self.whole + self.chance.normal(0, 0.02)
        season = 1 - 0.08 * math.cos(2 * math.pi * (start_day + at_s / 86_400 - 20) / 365)
        erratic = self.chance.lognormal(0, 0.3, len(self.names))
        return self.base @ now * season * math.exp(self.whole) * erratic


def _with_holes(wntr: Any, network: Any, leaks: list[Leak], chance: np.random.Generator, work: Path) -> list[str]:
    """Write the network that is simulated: rougher or smoother than its file, with a node in each pipe that leaks."""
    for _, pipe in network.pipes():
        pipe.roughness *= chance.lognormal(0, 0.08)
    holes = []
    for number, leak in enumerate(leaks):
        holes.append(f"leak-{number}")
        network = wntr.morph.split_pipe(network, leak.pipe, f"{leak.pipe}-b{number}", holes[-1])
    for _, junction in network.junctions():
        junction.demand_timeseries_list.clear()
        junction.add_demand(0.0, None)
    network.options.time.hydraulic_timestep = STEP_S
    network.options.time.pattern_timestep = STEP_S
    network.options.hydraulic.emitter_exponent = 0.5
    work.mkdir(parents=True, exist_ok=True)
    wntr.network.write_inpfile(network, str(work / "year.inp"), units="LPS")
    text = (work / "year.inp").read_text()
    (work / "year.inp").write_text(re.sub(r"(?m)^STATUS\s+YES", "STATUS NO", text))
    return holes


def _run(engine: Any, meters: Meters, leaks: list[Leak], holes: list[str], demand: _Demand,
         span: tuple[float, int, int], chance: np.random.Generator) -> dict[str, np.ndarray]:  # fmt: skip
    days, start_day, step_s = span
    homes = [engine.ENgetnodeindex(name) for name in demand.names]
    torn = [engine.ENgetnodeindex(name) for name in holes]
    gauges = [engine.ENgetnodeindex(name) for name in (*meters.pressure, *meters.level)]
    flows = [engine.ENgetlinkindex(name) for name in meters.flow]
    engine.ENsettimeparam(_DURATION, int(days * 86_400))
    engine.ENsettimeparam(_STEP, step_s)
    engine.ENopenH()
    engine.ENinitH(0)
    at, rows, now, step = [], [], 0, 1
    while step > 0:
        is_due = now % step_s == 0
        if is_due:
            for node, litres in zip(homes, demand.at(now, start_day) * 1000, strict=True):
                engine.ENsetnodevalue(node, _BASE_DEMAND, litres)
            for node, leak in zip(torn, leaks, strict=True):
                engine.ENsetnodevalue(node, _EMITTER, _DISCHARGE * math.sqrt(2 * 9.81) * leak.area_m2(now) * 1000)
        engine.ENrunH()
        if is_due:
            at.append(now)
            rows.append([engine.ENgetnodevalue(node, _PRESSURE) for node in gauges]
                        + [engine.ENgetlinkvalue(pipe, _FLOW) for pipe in flows])  # fmt: skip
        step = engine.ENnextH()
        now += step
    engine.ENcloseH()
    values = np.array(rows)
    values += chance.normal(0, 0.01, values.shape)
    names = [*(f"pressure:{name}" for name in meters.pressure), *(f"level:{name}" for name in meters.level),
             *(f"flow:{name}" for name in meters.flow)]  # fmt: skip
    return {"at_s": np.array(at, float), "names": np.array(names), "values": np.round(values, 2)}
