"""What the city hears in a drill: a background of normal readings, then the event, with its faults."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cityloom.drills.domain.scenario import Happening, Scenario
from cityloom.kernel import ids
from cityloom.kernel.geometry import LocalProjection
from cityloom.signals.domain.reading import CallReport, Reading, Scene
from cityloom.signals.domain.still import synthetic_still

TICK_S = 60.0
_NORMAL = {"pressure": (350.0, 4.0), "settlement": (0.0, 0.4), "traffic_speed": (36.0, 4.0)}
"""Level and spread of a quiet day, in kPa, mm and km/h."""
_MAD_FROM_S = -180.0
STILL_LABEL = "drill scene"


@dataclass(frozen=True)
class Streams:
    """The datastreams around the place, in the order of their ids."""

    id: NDArray[np.int64]
    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """What arrives together, `at_s` seconds after the first signal."""

    at_s: float
    readings: list[Reading] = field(default_factory=list)
    reports: list[CallReport] = field(default_factory=list)
    scenes: list[Scene] = field(default_factory=list)


class Rehearsal:
    """A scenario at a place: the same scenario, streams and exercise give the same messages, to the last digit."""

    def __init__(self, scenario: Scenario, streams: Streams, place: tuple[float, float], exercise_id: str) -> None:
        self.scenario, self.streams, self.exercise_id = scenario, streams, exercise_id
        self._xy = LocalProjection(*place).xy(streams.lon, streams.lat)
        self._plane = LocalProjection(*place)
        self._distance = np.hypot(self._xy[:, 0], self._xy[:, 1])
        rng = ids.seeded(scenario.seed, "levels")
        self._level = np.array([_NORMAL.get(kind, (0.0, 0.0))[0] for kind in streams.kind.tolist()])
        self._spread = np.array([_NORMAL.get(kind, (0.0, 0.0))[1] for kind in streams.kind.tolist()])
        self._level = self._level * (1 + rng.uniform(-0.1, 0.1, len(self._level)))
        self._measured = np.isin(streams.kind.astype(np.str_), list(_NORMAL))

    def background(self) -> list[Reading]:
        """A quiet time before the event, long enough to learn what is normal."""
        step = self.scenario.background_every_s
        times = np.arange(-self.scenario.background_s, -TICK_S, step)
        noise = ids.seeded(self.scenario.seed, "background").normal(0.0, 1.0, (len(times), len(self._level)))
        rows = np.flatnonzero(self._measured)
        return [
            self._reading(f"b{number}", row, float(at_s), float(values[row]))
            for number, at_s in enumerate(times)
            for values in (self._level + self._spread * noise[number],)
            for row in rows.tolist()
        ]  # fmt: skip

    def batches(self) -> list[Batch]:
        """The event, batch by batch, in the order of arrival."""
        times = sorted({_MAD_FROM_S, *self._ticks(), *(item.at_s for item in self.scenario.happenings)})
        batches = [self._batch(number, at_s) for number, at_s in enumerate(times)]
        return self._with_faults(batches)

    def _ticks(self) -> Iterator[float]:
        last = self.scenario.happenings[-1].at_s
        yield from np.arange(-120.0, last + TICK_S, TICK_S).tolist()

    def _batch(self, number: int, at_s: float) -> Batch:
        due = [item for item in self.scenario.happenings if item.at_s == at_s]
        rows = self._speaking(at_s, due)
        noise = ids.seeded(self.scenario.seed, "live", number).normal(0.0, 1.0, len(self._level))
        values = self._values(at_s, noise)
        batch = Batch(at_s, [self._reading(f"r{number}", row, at_s, float(values[row])) for row in rows.tolist()])
        for index, item in enumerate(due):
            if item.kind == "call":
                batch.reports.extend(self._calls(item, f"c{number}.{index}"))
            elif item.kind == "scene":
                batch.scenes.extend(self._scenes(item, f"s{number}.{index}"))
        return batch

    def _speaking(self, at_s: float, due: Sequence[Happening]) -> NDArray[np.int64]:
        """All streams on a whole minute, those that an event touches at its instant; silent ones never."""
        speaking = np.zeros(len(self._level), dtype=bool)
        if at_s % TICK_S == 0:
            speaking |= self._measured
        for item in due:
            if item.kind == "reading":
                speaking |= self._touched(item)
        return np.flatnonzero(speaking & ~self._silent())

    def _touched(self, item: Happening) -> NDArray[np.bool_]:
        return (self.streams.kind == item.stream) & (self._distance <= item.within_m)

    def _silent(self) -> NDArray[np.bool_]:
        chance = ids.seeded(self.scenario.seed, "silent").uniform(0, 1, len(self._level))
        return chance < sum(fault.share for fault in self.scenario.faults_of("silent-sensors"))

    def _values(self, at_s: float, noise: NDArray[np.float64]) -> NDArray[np.float64]:
        values = self._level + self._spread * noise
        for item in self.scenario.happenings:
            if item.kind == "reading" and item.at_s <= at_s:
                for row in np.flatnonzero(self._touched(item)).tolist():
                    values[row] = item.change.of(float(self._level[row]))
        for fault in self.scenario.faults_of("mad-sensor"):
            row = self._nearest_beyond(fault.stream, fault.beyond_m)
            if row is not None:
                values[row] = self._level[row] / max(abs(fault.factor), 1.0)
        return values

    def _nearest_beyond(self, stream: str, beyond_m: float) -> int | None:
        rows = np.flatnonzero((self.streams.kind == stream) & (self._distance >= beyond_m))
        return int(rows[np.argmin(self._distance[rows])]) if len(rows) else None

    def _calls(self, item: Happening, tag: str) -> Iterator[CallReport]:
        rng = ids.seeded(self.scenario.seed, "calls", tag)
        for number in range(item.count):
            lon, lat = self._scattered(rng, item.within_m)
            yield CallReport(
                message_id=self._message(f"{tag}.{number}"), category=item.category, lon=lon, lat=lat,
                at=self._at(item.at_s), caller=f"drill caller {tag}.{number}",
            )  # fmt: skip

    def _scenes(self, item: Happening, tag: str) -> Iterator[Scene]:
        cameras = np.flatnonzero((self.streams.kind == "camera") & (self._distance <= item.within_m))
        if len(cameras):
            nearest = int(cameras[np.argmin(self._distance[cameras])])
            yield Scene(
                message_id=self._message(tag), camera=int(self.streams.id[nearest]), category=item.category,
                at=self._at(item.at_s), still=synthetic_still(item.category, STILL_LABEL),
            )  # fmt: skip

    def _scattered(self, rng: np.random.Generator, within_m: float) -> tuple[float, float]:
        angle, reach = rng.uniform(0, 2 * math.pi), within_m * math.sqrt(rng.uniform(0, 1))
        lon, lat = self._plane.lonlat(np.array([[reach * math.cos(angle), reach * math.sin(angle)]]))[0]
        return round(float(lon), 7), round(float(lat), 7)

    def _with_faults(self, batches: list[Batch]) -> list[Batch]:
        for number, batch in enumerate(batches):
            rng = ids.seeded(self.scenario.seed, "faults", number)
            self._disorder(batch, rng)
            if number:
                self._repeat(batches[number - 1], batch, rng)
        first = next(batch for batch in batches if batch.at_s >= 0)
        for fault in self.scenario.faults_of("bad-readings"):
            first.readings.extend(self._nonsense(fault.count))
        return batches

    def _disorder(self, batch: Batch, rng: np.random.Generator) -> None:
        if self.scenario.faults_of("out-of-order"):
            order = rng.permutation(len(batch.readings)).tolist()
            batch.readings[:] = [batch.readings[row] for row in order]

    def _repeat(self, earlier: Batch, later: Batch, rng: np.random.Generator) -> None:
        share = sum(fault.share for fault in self.scenario.faults_of("duplicate-messages"))
        later.readings.extend(reading for reading in earlier.readings if rng.uniform() < share)
        later.reports.extend(report for report in earlier.reports if rng.uniform() < share)

    def _nonsense(self, count: int) -> Iterator[Reading]:
        """Readings that no city should believe: each is set aside with its reason."""
        now = self._at(0)
        stream, unit = int(self.streams.id[0]), str(self.streams.unit[0])
        kinds = (
            (stream, math.nan, unit, now), (stream, 1.0, "furlong", now), ("no-such-sensor", 1.0, unit, now),
            (stream, 1e12, unit, now), (stream, 1.0, unit, now + timedelta(days=900)),
            (stream, 1.0, unit, now - timedelta(days=900)), (stream, math.inf, unit, now),
        )  # fmt: skip
        for number in range(count):
            datastream, value, code, at = kinds[number % len(kinds)]
            yield Reading(datastream, value, code, at, self._message(f"x{number}"))

    def _reading(self, tag: str, row: int, at_s: float, value: float) -> Reading:
        return Reading(
            datastream=int(self.streams.id[row]), value=round(value, 3), unit=str(self.streams.unit[row]),
            at=self._at(at_s), message_id=self._message(f"{tag}.{row}"),
        )  # fmt: skip

    def _at(self, at_s: float) -> datetime:
        return self.scenario.start + timedelta(seconds=at_s)

    def _message(self, tag: str) -> str:
        return f"{self.exercise_id}.{tag}"
