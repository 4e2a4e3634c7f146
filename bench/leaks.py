"""Leaks in a simulated year of L-TOWN: how many are found, how late, how near, and how many alarms are false.

Run: python -m bench.leaks [--quiet] [--detail]   (needs `sh tools/setup.sh bench` for WNTR, unless the year is cached)
The leaks are those of BattLeDIM 2020's configuration for 2019 (Vrachimis et al. 2022, J. Water Res. Plan. Man.): pipes,
times, diameters; 4 of the 23 are there from the beginning, and so are part of what is learnt as usual. Sensors as
there: 33 pressures, the level of the tank, two inflows. The recordings are simulated here and synthetic, since the
competition's own are not at hand: a first measure, no place in its table. `--quiet` simulates a year without leaks.
"""

from __future__ import annotations

import argparse
import csv
import os
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.sparse.csgraph import dijkstra

from bench._leak_year import Leak, Meters, recorded
from bench._networks import water_network
from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.hydraulics import solved
from cityloom.detection.domain.leakage import LEAK, MENDED, Event, Watch, learn
from cityloom.detection.domain.topology import Network

DATA = Path(os.environ.get("CITYLOOM_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
INP = DATA / "sensors" / "L-TOWN.inp"
CACHE = Path(tempfile.gettempdir()) / "cityloom-bench"
METERS = Meters(
    tuple(f"n{number}" for number in (
        1, 4, 31, 54, 105, 114, 163, 188, 215, 229, 288, 296, 332, 342, 410, 415, 429, 458, 469, 495, 506, 516, 519,
        549, 613, 636, 644, 679, 722, 726, 740, 752, 769,
    )), ("p227", "p235"), ("T1",),
)  # fmt: skip
DAY_S, LEARNT_DAYS, DAYS = 86_400.0, 56, 422
BEGINS, BEGINS_DAY = datetime(2018, 11, 5, tzinfo=UTC), 309  # a Monday; the year that is watched begins with 2019
NEAR_M = 300.0
"""BattLeDIM counts a leak as found where the pipe that is named lies within so many metres along pipes."""
LEAST = {"pressure": 0.02, "level": 0.02, "flow": 0.1}


def main() -> None:
    """Print each leak, then shares, delays, metres and false alarms."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("--detail", action="store_true")
    wanted = parser.parse_args()
    leaks = [] if wanted.quiet else list(listed())
    year = simulated("quiet" if wanted.quiet else "battledim", leaks, seed=8 if wanted.quiet else 2019)
    network = water_network(INP)
    started = time.process_time()
    events = list(watched(network, year))
    seconds = time.process_time() - started
    score = Score(network, leaks)
    for event in events:
        note = score.take(event)
        if wanted.detail:
            place = _place(network, year, event)
            print(f"day {event.at_s / DAY_S - LEARNT_DAYS:4.0f} {event.kind:7} {place:20} {note}")
    score.tell(seconds)


def listed() -> Iterator[Leak]:
    """The leaks of the list; those that began before 2019 are there throughout."""
    with (Path(__file__).parent / "_leaks_battledim.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            start, end, peak = (
                (datetime.fromisoformat(row[name]).replace(tzinfo=UTC) - BEGINS).total_seconds()
                for name in ("start", "end", "peak")
            )
            old = start <= (LEARNT_DAYS + 1) * DAY_S
            yield Leak(row["pipe"], -1.0 if old else start, end, float(row["diameter_m"]), -1.0 if old else peak)


def simulated(name: str, leaks: list[Leak], *, seed: int) -> dict[str, np.ndarray]:
    """The recording, from the cache where it is there."""
    CACHE.mkdir(parents=True, exist_ok=True)
    kept = CACHE / f"leaks-{name}.npz"
    if not kept.exists():
        started = time.perf_counter()
        found = recorded(INP, METERS, leaks, days=DAYS, start_day=BEGINS_DAY, seed=seed, work=CACHE / name)
        np.savez(kept, **found)  # type: ignore[arg-type]
        print(f"simulated {DAYS} days in {time.perf_counter() - started:.0f} s")
    with np.load(kept) as found:
        return dict(found)


def watched(network: Network, year: dict[str, np.ndarray]) -> Iterator[Event]:
    """What the watch tells of the year, after eight weeks of learning."""
    names = [str(name).split(":") for name in year["names"]]
    watch = None
    at_s, value = year["at_s"], year["values"].astype(np.float64)
    before = at_s < LEARNT_DAYS * DAY_S
    quiet = learn(at_s[before], value[before], np.array([LEAST[kind] for kind, _ in names]), Calendar())
    watch = Watch(quiet, felt(network, names), network.length_m)
    for end, left in quiet.days(at_s, value):
        if end > LEARNT_DAYS * DAY_S and (event := watch.observe(end, left)):
            yield event


def felt(network: Network, names: list[list[str]]) -> np.ndarray:
    """What each sensor feels of a litre in each pipe."""
    picture = solved(network)
    node = {code: row for row, code in enumerate(network.node)}
    edge = {code: row for row, code in enumerate(network.edge)}
    rows = [picture.pressure(np.array([node[code]]))[0] if kind == "pressure"
            else picture.flow(np.array([edge[code]]))[0] if kind == "flow" else np.zeros(len(network.begin))
            for kind, code in names]  # fmt: skip
    return np.array(rows)


class Score:
    """Holds what is told against what is true."""

    def __init__(self, network: Network, leaks: list[Leak]) -> None:
        self.network, self.leaks = network, leaks
        self.far = dijkstra(network.graph, directed=False)
        self.edge = {code: row for row, code in enumerate(network.edge)}
        self.open: list[int] = []
        self.found: dict[int, tuple[float, float]] = {}
        self.false = 0

    def metres(self, one: int, other: int) -> float:
        """Along pipes, from the nearer ends; 0 in the same pipe."""
        ends = [(a, b) for a in (self.network.begin[one], self.network.end[one])
                for b in (self.network.begin[other], self.network.end[other])]  # fmt: skip
        return 0.0 if one == other else float(min(self.far[a, b] for a, b in ends))

    def take(self, event: Event) -> str:
        """Note an event; say what became of it. What lies near to an open finding is that one's, no other alarm."""
        if event.kind not in (LEAK, MENDED):
            return ""
        known = [place for place in self.open if self.metres(place, event.place) <= NEAR_M]
        if event.kind == MENDED:
            self.open = [place for place in self.open if place not in known]
            return "ends one that was told" if known else ""
        if known:
            return "more of one that was told"
        self.open.append(event.place)
        return self._judge(event)

    def _judge(self, event: Event) -> str:
        near = sorted((self.metres(event.place, self.edge[leak.pipe]), number) for number, leak in enumerate(self.leaks)
                      if leak.start_s <= event.at_s <= leak.end_s + 3 * DAY_S)  # fmt: skip
        near = [(metres, number) for metres, number in near if metres <= NEAR_M]
        fresh = [(metres, number) for metres, number in near if number not in self.found]
        new = [(metres, number) for metres, number in fresh if self.leaks[number].start_s > 0] or fresh
        if not near:
            self.false += 1
            return "FALSE"
        if new:
            metres, number = new[0]
            self.found[number] = ((event.at_s - self.leaks[number].start_s) / DAY_S, metres)
            return f"found {self.leaks[number].pipe} at {metres:.0f} m"
        return "a leak that was found before"

    def tell(self, seconds: float) -> None:
        """Print the table and the shares."""
        for number, leak in enumerate(self.leaks):
            kind = "there before" if leak.start_s < 0 else "abrupt" if leak.peak_s <= leak.start_s else "growing"
            when, where = self.found.get(number, (0.0, 0.0))
            told = f"found after {when:5.1f} d, {where:4.0f} m off" if number in self.found else "missed"
            print(f"{leak.pipe:5} {kind:12} {litres(leak):4.1f} L/s at most  {told}")
        new = [number for number, leak in enumerate(self.leaks) if leak.start_s > 0]
        both = sorted(self.found[number] for number in new if number in self.found)
        year = (DAYS - LEARNT_DAYS) / 365
        print(f"of {len(new)} that began in the year {len(both)} found, of {len(self.leaks)} in all {len(self.found)}; "
              f"{self.false / year:.1f} false alarms a year; {seconds:.1f} s of processor time")  # fmt: skip
        if both:
            print(f"median delay {np.median([days for days, _ in both]):.1f} d, "
                  f"median place error {np.median([metres for _, metres in both]):.0f} m along pipes")  # fmt: skip


def litres(leak: Leak) -> float:
    """What it loses at most, at 45 m of pressure."""
    largest = leak.area_m2(leak.end_s - 1)
    return float(0.75 * np.sqrt(2 * 9.81 * 45) * largest * 1000)


def _place(network: Network, year: dict[str, np.ndarray], event: Event) -> str:
    if event.kind in (LEAK, MENDED):
        return f"{network.edge[event.place]} {event.litres:.1f} L/s"
    return str(year["names"][event.place]) if event.kind == "sensor" else ""


if __name__ == "__main__":
    main()
