"""Hold what the cause packs tell against what is true."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.gathering import Finding, findings
from cityloom.detection.domain.lasting import Lasting
from cityloom.detection.domain.online import Baseline
from cityloom.detection.domain.recurring import Recurring
from cityloom.detection.domain.said import Heard, Said
from cityloom.detection.domain.topology import Network
from cityloom.kernel.geometry import distance_m

WEEK_S = 7 * 86_400.0
_AFTER_S = 1800.0
"""What is told so long after a cause is over is still its."""
_EPISODE_S = 7200.0
THRESHOLDS = (0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999)
Moment = tuple[float, Said, Heard]


@dataclass(frozen=True)
class Case:
    """A cause that is there: from when to when, where, and how large."""

    start_s: float
    end_s: float
    lon: float
    lat: float
    size: str


@dataclass
class Tally:
    """What became of each case, and what was told without one."""

    cases: list[Case]
    near_m: float
    found: dict[int, tuple[float, float]] = field(default_factory=dict)
    false: list[tuple[float, float, float]] = field(default_factory=list)

    def take(self, at_s: float, one: Finding) -> None:
        """Note a finding: the nearest case that is there, or a false alarm; what goes on is told once."""
        open_now = [number for number, case in enumerate(self.cases) if case.start_s <= at_s <= case.end_s + _AFTER_S]
        near = sorted((distance_m(self.cases[number].lon, self.cases[number].lat, one.lon, one.lat), number)
                      for number in open_now)  # fmt: skip
        if near and near[0][0] <= self.near_m:
            metres, number = near[0]
            self.found.setdefault(number, (at_s - self.cases[number].start_s, metres))
        elif not any(at_s - when < _EPISODE_S and distance_m(lon, lat, one.lon, one.lat) < self.near_m
                     for when, lon, lat in self.false):  # fmt: skip
            self.false.append((at_s, one.lon, one.lat))

    @property
    def precision(self) -> float:
        """What share of what is told is true."""
        return len(self.found) / max(len(self.found) + len(self.false), 1)

    def tell(self, name: str, weeks: float) -> None:
        """Print recall by size, precision, delay, false alarms a week and metres."""
        delay = [seconds / 60 for seconds, _ in self.found.values()]
        metres = [off for _, off in self.found.values()]
        print(f"{name}: {len(self.found)} of {len(self.cases)} found, precision {self.precision:.0%}, "
              f"false alarms {len(self.false) / weeks:.2f} a week")  # fmt: skip
        if delay:
            print(f"  delay median {np.median(delay):.0f} min, 90 % within {np.quantile(delay, 0.9):.0f} min; "
                  f"place error median {np.median(metres):.0f} m, "
                  f"90 % within {np.quantile(metres, 0.9):.0f} m")  # fmt: skip
        for size in sorted({case.size for case in self.cases}):
            of = [number for number, case in enumerate(self.cases) if case.size == size]
            print(f"  {size}: {sum(number in self.found for number in of)} of {len(of)}")


@dataclass(frozen=True)
class Watched:
    """All that a pack finds at each moment, from a probability of a half on: what is told depends on the threshold."""

    cause: Cause
    cases: list[Case]
    near_m: float
    weeks: float
    looks: list[tuple[float, list[Finding]]]

    def at(self, raise_at: float) -> Tally:
        """What it would tell if it told from such a probability on."""
        found, lasting = Tally(self.cases, self.near_m), Lasting({self.cause.name: self.cause.lasts_s})
        for at_s, looked in self.looks:
            for one in lasting.told([each for each in looked if each.probability >= raise_at], at_s):
                found.take(at_s, one)
        return found

    def tell(self) -> None:
        """Print the pack's row at its own threshold, and precision against recall at others."""
        self.at(self.cause.raise_at).tell(self.cause.name, self.weeks)
        print("  threshold: recall, precision, false alarms a week")
        for raise_at in THRESHOLDS:
            one = self.at(raise_at)
            recall = len(one.found) / max(len(self.cases), 1)
            print(f"  {raise_at:6}: {recall:4.0%} {one.precision:4.0%} {len(one.false) / self.weeks:6.2f}")


def watch(cause: Cause, networks: dict[str, Network], moments: Iterator[Moment], cases: list[Case], *,
          near_m: float, weeks: float) -> Watched:  # fmt: skip
    """What a pack finds at each moment."""
    open_minded = replace(cause, raise_at=THRESHOLDS[0])
    looks = [(at_s, findings([open_minded], networks, said, heard, at_s)) for at_s, said, heard in moments]
    return Watched(cause, cases, near_m, weeks, looks)


@dataclass
class Feed:
    """Streams in columns, judged by the online baseline as they come; `step_s` is their cadence."""

    kind: np.ndarray
    name: np.ndarray
    unit: np.ndarray
    lon: np.ndarray
    lat: np.ndarray
    calendar: Calendar = field(default_factory=Calendar)
    recurs: bool = False

    def __post_init__(self) -> None:
        self.recurring = Recurring(len(self.kind), self.calendar)
        self.baseline = Baseline(len(self.kind), self.calendar)
        self.before = np.full(len(self.kind), np.nan)

    def moments(self, at_s: np.ndarray, value: np.ndarray, heard: Heard, since_s: float) -> Iterator[Moment]:
        """What each instant says, from one on; before it is only learnt. NaN is no reading."""
        who, step_s = np.arange(len(self.kind)), float(np.median(np.diff(at_s)))
        source = np.array([f"datastream:{number}" for number in who], dtype=object)
        for now, row in zip(at_s.tolist(), value, strict=True):
            scores = self.baseline.score(who, np.full(len(who), now), row)
            moved = np.nan_to_num(row - self.before)
            self.before = np.where(np.isfinite(row), row, self.before)
            low, high = self.recurring.usual(now) if self.recurs else (None, None)
            if self.recurs:
                self.recurring.learn(now, row)
            if now >= since_s:
                count = len(who)
                expected = np.where(np.isfinite(row) & (scores.reason > 0), scores.expected, np.nan)
                yield now, Said(
                    source, self.name, self.kind, self.unit, self.lon, self.lat, np.full(count, now), row, expected,
                    scores.spread, moved, np.full(count, step_s), np.ones(count, bool), low, high,
                ), heard  # fmt: skip
