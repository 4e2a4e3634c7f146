"""Sensors that fail: how many are told in which state, how late, and how often one that works is told.

Run: python -m bench.sensor_faults [--only water,speeds,nab] [--seed N]   (water needs the recording of bench.causes)
Faults are made up and put into half of the streams, one each, after a time of learning; the rest stays as it is:
* water: three quiet weeks of L-TOWN simulated by WNTR (synthetic), 36 meters, readings each five minutes;
* speeds: a week of METR-LA, 207 detectors, readings each five minutes;
* nab: the series of the Numenta Anomaly Benchmark that are at hand, without their labels (what is odd in them is odd).
Asked once an hour, as the city asks. A state that is told of a stream without that fault, or before it, is false.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np

from bench.causes import burst_recording, week_of_speeds
from bench.leaks import DATA
from cityloom.detection.domain.health import STATES, health
from cityloom.detection.domain.moment import LEVEL, STEP
from cityloom.detection.domain.online import Baseline

DAY_S, HOUR_S, WEEK_S = 86_400.0, 3600.0, 7 * 86_400.0
FAULTS = ("silent", "out_of_range", "stuck", "noisy", "drifting", "spikes")
_OVER_S = 6 * HOUR_S
"""A state that is told within so long after a fault has ended is still its."""


@dataclass(frozen=True)
class Fault:
    """What is wrong with a stream from when to when."""

    stream: int
    kind: str
    start_s: float
    end_s: float


@dataclass
class Told:
    """For each state how many faults there were, their delays in hours where told, and what was told without one."""

    many: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    delays: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    false: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    weeks: float = 0.0

    def add(self, other: Told) -> None:
        """Count what another recording showed."""
        for kind, count in other.many.items():
            self.many[kind] += count
        for kind, delays in other.delays.items():
            self.delays[kind] += delays
        for kind, count in other.false.items():
            self.false[kind] += count
        self.weeks += other.weeks

    def tell(self, name: str) -> None:
        """Print a line for each state."""
        print(f"{name}: {self.weeks:.0f} sensor-weeks watched")
        for kind in FAULTS:
            found, false = len(self.delays[kind]), self.false[kind]
            delay = f"{np.median(self.delays[kind]):.1f} h" if found else "-"
            precision = f"{found / (found + false):.0%}" if found + false else "-"
            print(f"  {kind:12} found {found} of {self.many[kind]}, precision {precision}, delay median {delay}, "
                  f"false {100 * false / self.weeks:.2f} a week and 100 sensors")  # fmt: skip


def main() -> None:
    """Print how the states are told."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default=",".join(RECORDINGS))
    parser.add_argument("--seed", type=int, default=12)
    wanted = parser.parse_args()
    for name in wanted.only.split(","):
        started, told = time.process_time(), Told()
        for at_s, value, high in RECORDINGS[name](wanted.seed):
            told.add(watched(at_s, value.copy(), high, np.random.default_rng(wanted.seed)))
        told.tell(name)
        print(f"  {time.process_time() - started:.0f} s of processor time", flush=True)


def water(seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """What the meters say in three weeks without a burst."""
    _, _, at_s, value, _ = burst_recording(seed)
    quiet = at_s < 21 * DAY_S
    yield at_s[quiet], value[quiet], 2000.0


def speeds(seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """A week of speeds; what no detector said is left out."""
    at_s, value, _ = week_of_speeds()
    yield at_s, value, 200.0


def nab(seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, float]]:
    """Each series by itself, twice: one is left as it is."""
    for path in sorted((DATA / "sensors" / "NAB" / "data").glob("*/*.csv")):
        with path.open(newline="") as file:
            rows = [(datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC).timestamp(), float(row["value"]))
                    for row in csv.DictReader(file)]  # fmt: skip
        at_s, value = np.array(rows).T
        order = np.argsort(at_s, kind="stable")
        yield at_s[order], np.column_stack([value[order]] * 2 * len(FAULTS)), np.nan


def put_in(at_s: np.ndarray, value: np.ndarray, high: float, chance: np.random.Generator) -> list[Fault]:
    """Change every second stream by one fault each, which begins after two fifths of the time."""
    found, span = [], at_s[-1] - at_s[0]
    for stream in range(0, value.shape[1], 2):
        kind = FAULTS[(stream // 2) % len(FAULTS)]
        if kind == "out_of_range" and not np.isfinite(high):
            continue
        start = at_s[0] + span * chance.uniform(0.4, 0.5)
        end = start + (span * 0.45 if kind == "drifting" else min(2 * DAY_S, span * 0.3))
        rows = np.flatnonzero((at_s >= start) & (at_s < end))
        spread = float(np.nanstd(value[: rows[0], stream])) or 1.0
        step = float(np.nanmean(np.abs(np.diff(value[: rows[0], stream])))) or spread / 10
        value[rows, stream] = _CHANGES[kind](value[rows, stream], spread, step, high, chance)
        found.append(Fault(stream, kind, start, end))
    return found


def _spiky(values: np.ndarray, spread: float, chance: np.random.Generator) -> np.ndarray:
    where = chance.choice(len(values), max(len(values) // 100, 3), replace=False)
    values = values.copy()
    values[where] += chance.choice([-1, 1], len(where)) * 10 * spread
    return values


_Change = Callable[[np.ndarray, float, float, float, np.random.Generator], np.ndarray]
_CHANGES: dict[str, _Change] = {
    "silent": lambda values, spread, step, high, chance: np.full(len(values), np.nan),
    "out_of_range": lambda values, spread, step, high, chance: np.full(len(values), high * 1.5),
    "stuck": lambda values, spread, step, high, chance: np.full(len(values), values[np.isfinite(values)][0]),
    "noisy": lambda values, spread, step, high, chance: values + chance.normal(0, 4 * step, len(values)),
    "drifting": lambda values, spread, step, high, chance: values + np.linspace(0, 6 * spread, len(values)),
    "spikes": lambda values, spread, step, high, chance: _spiky(values, spread, chance),
}


def watched(at_s: np.ndarray, value: np.ndarray, high: float, chance: np.random.Generator) -> Told:
    """What is told of a recording with faults in it."""
    faults = {fault.stream: fault for fault in put_in(at_s, value, high, chance)}
    told, base, who = Told(), Baseline(value.shape[1]), np.arange(value.shape[1])
    if np.isfinite(high):
        base.low[:], base.high[:] = -high / 10, high
    for fault in faults.values():
        told.many[fault.kind] += 1
    since, hour = at_s[0] + 0.35 * (at_s[-1] - at_s[0]), 0.0
    told.weeks = (at_s[-1] - since) / WEEK_S * value.shape[1]
    before = np.zeros(value.shape[1], np.int8)
    done: set[int] = set()
    for now, row in zip(at_s.tolist(), value, strict=True):
        says = np.isfinite(row)
        scores = base.score(who[says], np.full(int(says.sum()), now), row[says])
        if now >= since:
            _note_spikes(told, faults, done, who[says][np.isin(scores.reason, (LEVEL, STEP))], now)
        if now - hour >= HOUR_S:
            hour = now
            state = health(base, now).state
            if now >= since:
                _note(told, faults, done, state, before, now)
            before = state
    return told


def _note_spikes(told: Told, faults: dict[int, Fault], done: set[int], odd: np.ndarray, now: float) -> None:
    """A spike is no state: it is told by the reading itself. What is odd without a spike is counted elsewhere."""
    for stream in odd.tolist():
        fault = faults.get(stream)
        if fault and fault.kind == "spikes" and stream not in done and fault.start_s <= now <= fault.end_s:
            done.add(stream)
            told.delays["spikes"].append((now - fault.start_s) / HOUR_S)


def _note(told: Told, faults: dict[int, Fault], done: set[int], state: np.ndarray, before: np.ndarray,
          now: float) -> None:  # fmt: skip
    for stream in np.flatnonzero((state > 1) & (state != before)).tolist():
        kind, fault = STATES[state[stream]], faults.get(stream)
        if fault and fault.kind == kind and fault.start_s <= now <= fault.end_s + _OVER_S:
            if stream not in done:
                done.add(stream)
                told.delays[kind].append((now - fault.start_s) / HOUR_S)
        elif not (fault and fault.start_s <= now <= fault.end_s + DAY_S):  # while it fails, another state is no news
            told.false[kind] += 1


RECORDINGS = {"water": water, "speeds": speeds, "nab": nab}

if __name__ == "__main__":
    main()
