"""When the rules of a pack would have fired on recorded readings."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.online import Baseline
from cityloom.detection.domain.pack import Condition, Pack, Rule
from cityloom.kernel import units
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused

_NO_KIND = "No stream of the file is of the kind {value}, which the rule asks of; the file has {limit}."
_NO_PLACE = "The rule {value} asks what lies within some metres, and the file has no lon and lat; add these columns."
_MANY = "The rule {value} holds more than {limit} times in this file; make it stricter, or take a shorter file."
_MOST = 200_000


@dataclass(frozen=True)
class Recorded:
    """Readings as columns in order of stream and time, and the streams as columns; places may be missing (NaN)."""

    stream: NDArray[np.int64]
    at_s: NDArray[np.float64]
    value: NDArray[np.float64]
    name: NDArray[np.object_]
    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def of(self, stream: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The instants and values of one stream."""
        rows = slice(*np.searchsorted(self.stream, (stream, stream + 1)).tolist())
        return self.at_s[rows], self.value[rows]


@dataclass(frozen=True)
class Fired:
    """One instant at which a rule fired, and the streams that it fired for."""

    at_s: float
    streams: tuple[str, ...]


_Point = tuple[float, tuple[int, ...]]


def fired(pack: Pack, recorded: Recorded) -> dict[str, list[Fired]]:
    """When each rule would have fired, oldest first.

    Raises: Refused `detection.no_such_kind`, `detection.no_place`, `detection.fires_too_often`, `unit.mismatch`.
    """
    return dict(by_rule(pack, recorded))


def by_rule(pack: Pack, recorded: Recorded) -> Iterator[tuple[str, list[Fired]]]:
    """The same, one rule after another.

    Raises: Refused like `fired`.
    """
    return ((rule.name, _of_rule(rule, recorded)) for rule in pack.rules)


def _of_rule(rule: Rule, recorded: Recorded) -> list[Fired]:
    told: list[Fired] = []
    quiet_until: dict[int, float] = {}
    for at_s, streams in _Search(rule.name, recorded).points(rule.when):
        if all(at_s >= quiet_until.get(stream, -np.inf) for stream in streams):
            told.append(Fired(at_s, tuple(str(recorded.name[stream]) for stream in streams)))
            quiet_until |= dict.fromkeys(streams, at_s + rule.quiet_s)
    return told


class _Search:
    """Conditions become points in time: where each begins to hold, and for which streams."""

    def __init__(self, rule: str, recorded: Recorded) -> None:
        self.rule, self.recorded = rule, recorded
        placed = np.isfinite(recorded.lon) & np.isfinite(recorded.lat)
        self.placed = bool(placed.all()) and len(placed) > 0
        if self.placed:
            plane = LocalProjection(float(recorded.lon[0]), float(recorded.lat[0]))
            self.xy = plane.xy(recorded.lon, recorded.lat)

    def _unusual(self, condition: Condition, stream: int) -> NDArray[np.bool_]:
        rows = slice(*np.searchsorted(self.recorded.stream, (stream, stream + 1)).tolist())
        z = self.z[rows]
        return {"up": z, "down": -z, "either": np.abs(z)}[condition.direction] >= condition.number

    @cached_property
    def z(self) -> NDArray[np.float64]:
        """How many spreads each reading is from what its stream's own past lets expect; all streams at once."""
        return Baseline(len(self.recorded.name)).score(self.recorded.stream, self.recorded.at_s, self.recorded.value).z

    def points(self, condition: Condition) -> list[_Point]:
        """Where a condition begins to hold, oldest first."""
        found = {"sequence": self._sequence, "together": self._together, "any": self._any}.get(
            condition.form, self._single
        )(condition)
        if len(found) > _MOST:
            raise Refused("detection.fires_too_often", _MANY, value=self.rule, limit=_MOST)
        return sorted(found)

    def _any(self, condition: Condition) -> list[_Point]:
        return [point for inner in condition.inner for point in self.points(inner)]

    def _sequence(self, condition: Condition) -> list[_Point]:
        """Chains of points in the order stated, each after the one before and all within the time of the first."""
        chains = [(at_s, at_s, streams) for at_s, streams in self.points(condition.inner[0])]
        for inner in condition.inner[1:]:
            next_points = self.points(inner)
            chains = [chain for each in chains if (chain := self._next(each, next_points, condition)) is not None]
        return [(last_s, streams) for _, last_s, streams in chains]

    def _next(
        self, chain: tuple[float, float, tuple[int, ...]], points: list[_Point], condition: Condition
    ) -> tuple[float, float, tuple[int, ...]] | None:
        first_s, last_s, streams = chain
        instants = [at_s for at_s, _ in points]
        for at_s, who in points[int(np.searchsorted(instants, last_s, side="right")) :]:
            if at_s > first_s + condition.within_s:
                return None
            if self._near(streams[0], who[0], condition.within_m):
                return first_s, at_s, tuple(dict.fromkeys((*streams, *who)))
        return None

    def _together(self, condition: Condition) -> list[_Point]:
        """Where enough streams, near to one of them, hold within the time."""
        found, recent = [], deque[_Point]()
        for at_s, streams in self.points(condition.inner[0]):
            recent.append((at_s, streams))
            while recent[0][0] < at_s - condition.within_s:
                recent.popleft()
            near = [who[0] for _, who in recent if self._near(streams[0], who[0], condition.within_m)]
            different = tuple(dict.fromkeys(near))
            if len(different) >= condition.at_least:
                found.append((at_s, different))
        return found

    def _near(self, one: int, other: int, within_m: float | None) -> bool:
        if within_m is None:
            return True
        if not self.placed:
            raise Refused("detection.no_place", _NO_PLACE, value=self.rule)
        return float(np.hypot(*(self.xy[one] - self.xy[other]))) <= within_m

    def _single(self, condition: Condition) -> list[_Point]:
        """What one stream says alone."""
        streams = np.flatnonzero(self.recorded.kind == condition.kind).tolist()
        if not streams:
            kinds = ", ".join(sorted(set(self.recorded.kind.tolist())))[:200]
            raise Refused("detection.no_such_kind", _NO_KIND, value=condition.kind, limit=kinds)
        return [(at_s, (stream,)) for stream in streams for at_s in self._instants(condition, stream)]

    def _instants(self, condition: Condition, stream: int) -> Iterator[float]:
        at_s, value = self.recorded.of(stream)
        if condition.form == "unusual":
            return _begins(at_s, self._unusual(condition, stream), condition.for_s)
        if condition.form == "silent":
            end = float(self.recorded.at_s.max())
            gaps = pairwise([*at_s.tolist(), end])
            return (before + condition.number for before, after in gaps if after - before > condition.number)
        unit = str(self.recorded.unit[stream])
        if condition.unit and unit:  # both conversions are straight lines
            start = units.convert(0.0, unit, condition.unit)
            value = value * (units.convert(1.0, unit, condition.unit) - start) + start
        return _begins(at_s, _HOLDS[condition.form](condition, at_s, value), condition.for_s)


def _begins(at_s: NDArray[np.float64], holds: NDArray[np.bool_], for_s: float) -> Iterator[float]:
    """Where something begins to hold, once it has held for so long."""
    since: float | None = None
    told = False
    for instant, held in zip(at_s.tolist(), holds.tolist(), strict=True):
        if not held:
            since, told = None, False
            continue
        since = instant if since is None else since
        if not told and instant - since >= for_s:
            told = True
            yield instant


def _falls(condition: Condition, at_s: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the value lies so much below the highest of the time before it; a queue of falling maxima, one pass."""
    highest: deque[tuple[float, float]] = deque()
    found = np.zeros(len(at_s), np.bool_)
    for row, (instant, now) in enumerate(zip(at_s.tolist(), value.tolist(), strict=True)):
        while highest and highest[0][0] < instant - condition.within_s:
            highest.popleft()
        while highest and highest[-1][1] <= now:
            highest.pop()
        highest.append((instant, now))
        found[row] = highest[0][1] - now >= condition.number
    return found


def _unchanged(condition: Condition, at_s: NDArray[np.float64], value: NDArray[np.float64]) -> NDArray[np.bool_]:
    moved = np.append(True, value[1:] != value[:-1])
    since = at_s[np.maximum.accumulate(np.where(moved, np.arange(len(value)), 0))]
    return at_s - since >= condition.number


_Holds = Callable[[Condition, NDArray[np.float64], NDArray[np.float64]], NDArray[np.bool_]]
_HOLDS: dict[str, _Holds] = {
    "above": lambda condition, _at, value: value > condition.number,
    "below": lambda condition, _at, value: value < condition.number,
    "falls": _falls,
    "rises": lambda condition, at_s, value: _falls(condition, at_s, -value),
    "unchanged": _unchanged,
}
