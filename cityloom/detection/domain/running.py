"""The rules of a pack on readings as they come: they fire where they would have on the same readings recorded."""

from __future__ import annotations

import heapq
import json
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.holding import HOLDS, Begins, Holds, Rows
from cityloom.detection.domain.moment import Floats
from cityloom.detection.domain.pack import Condition, Pack, Rule
from cityloom.kernel import units
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused

_MOST_WAITING = 100_000
"""Points that a sequence or a neighbourhood remembers; the oldest are let go."""
Point = tuple[float, tuple[int, ...]]
Kept = dict[str, NDArray[np.generic]]


class Streams(Protocol):
    """Columns of streams; new ones come behind those that are known."""

    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: Floats
    lat: Floats


@dataclass(frozen=True)
class Slice:
    """Readings in order of stream and time, and the instant before which none comes any more."""

    rows: Rows
    until_s: float


@dataclass(frozen=True)
class Firing:
    """A rule fired at an instant for streams, which are columns here."""

    rule: Rule
    at_s: float
    streams: tuple[int, ...]


class Running:
    """A pack at work. Readings of one stream come in order of time; what comes late to others is taken as it comes."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self._places = _Places()
        self._rules = [(rule, _node(rule.when, self._places)) for rule in pack.rules]
        self._quiet_until: list[dict[int, float]] = [{} for _ in pack.rules]

    def know(self, streams: Streams) -> None:
        """Learn what streams there are."""
        self._places.know(streams.lon, streams.lat)
        for _, node in self._rules:
            node.know(streams)

    def advance(self, rows: Rows, until_s: float) -> list[Firing]:
        """What fires before an instant, by these readings and by those that did not come."""
        slice_ = Slice(rows, until_s)
        return [Firing(rule, at_s, streams)
                for (rule, node), quiet_until in zip(self._rules, self._quiet_until, strict=True)
                for at_s, streams in node.points(slice_)
                if _is_loud(rule, at_s, streams, quiet_until)]  # fmt: skip

    def save(self) -> Kept:
        """What it remembers, for `load`."""
        out: Kept = {}
        for number, ((_, node), quiet_until) in enumerate(zip(self._rules, self._quiet_until, strict=True)):
            out |= {f"{number}.{name}": each for name, each in node.save().items()}
            out[f"{number}.quiet"] = np.array(list(quiet_until.items()), np.float64).reshape(-1, 2)
        return out

    def load(self, kept: Kept) -> None:
        """Go on where a pack of the same text stopped; the streams must be known."""
        for number, (_, node) in enumerate(self._rules):
            start = f"{number}."
            own = {name.removeprefix(start): each for name, each in kept.items() if name.startswith(start)}
            self._quiet_until[number] = {int(stream): until for stream, until in own.pop("quiet").tolist()}
            node.load(own)


class _Places:
    """Where streams are, to ask whether two are near to each other."""

    def __init__(self) -> None:
        self._xy = np.zeros((0, 2))
        self._plane: LocalProjection | None = None

    def know(self, lon: Floats, lat: Floats) -> None:
        if len(lon) and self._plane is None:
            self._plane = LocalProjection(float(lon[0]), float(lat[0]))
        if self._plane is not None:
            self._xy = self._plane.xy(lon, lat)

    def are_near(self, one: int, other: int, within_m: float | None) -> bool:
        """Whether they are; a place that is not known is near to nothing."""
        return within_m is None or float(np.hypot(*(self._xy[one] - self._xy[other]))) <= within_m


class _Node(Protocol):
    def know(self, streams: Streams) -> None: ...
    def points(self, slice_: Slice) -> list[Point]: ...
    def save(self) -> Kept: ...
    def load(self, kept: Kept) -> None: ...


class _Single(ABC):
    """What one stream says alone."""

    def __init__(self, condition: Condition) -> None:
        self._condition = condition
        self._asked, self._own = np.zeros(0, np.bool_), np.zeros(0, np.int64)
        self._place, self._is_plain = np.zeros(0, np.int64), True
        self._scale, self._shift = np.ones(0), np.zeros(0)
        self._ahead: list[Point] = []

    def know(self, streams: Streams) -> None:
        known = len(self._asked)
        kind, unit = streams.kind[known:].astype(str), streams.unit[known:].astype(str)
        scale, shift = _conversion(unit, self._condition.unit, kind == self._condition.kind)
        asked = (kind == self._condition.kind) & np.isfinite(scale)
        self._asked, self._own = np.append(self._asked, asked), np.append(self._own, known + np.flatnonzero(asked))
        self._place = np.cumsum(self._asked) - 1
        self._scale, self._shift = np.append(self._scale, scale[asked]), np.append(self._shift, shift[asked])
        self._is_plain = bool((self._scale == 1.0).all() and (self._shift == 0.0).all())
        self._grow(len(self._own))

    def points(self, slice_: Slice) -> list[Point]:
        found = self._found(self._rows(slice_.rows), slice_.until_s)
        fresh: list[Point] = [(at_s, (int(self._own[place]),)) for at_s, place in found]
        return _due(self._ahead, fresh, slice_.until_s)

    def _rows(self, rows: Rows) -> Rows:
        """The readings that are asked of, in the unit that is asked for; streams are counted among themselves."""
        if len(rows):
            rows = rows.only(self._asked[rows.stream])
        if not len(rows) or (len(self._own) == len(self._asked) and self._is_plain):
            return rows
        place = self._place[rows.stream]
        value = rows.value if self._is_plain else rows.value * self._scale[place] + self._shift[place]
        return Rows(place, rows.at_s, value, rows.z)

    def save(self) -> Kept:
        return {"ahead": _packed(self._ahead)}

    def load(self, kept: Kept) -> None:
        self._ahead = _unpacked(kept["ahead"])

    @abstractmethod
    def _grow(self, streams: int) -> None: ...

    @abstractmethod
    def _found(self, rows: Rows, until_s: float) -> list[tuple[float, int]]: ...


class _Reading(_Single):
    """A condition on readings that come."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition)
        self._holds: Holds = HOLDS[condition.form](condition)
        self._begins = Begins(condition.for_s)

    def _grow(self, streams: int) -> None:
        self._holds.grow(streams)
        self._begins.grow(streams)

    def _found(self, rows: Rows, until_s: float) -> list[tuple[float, int]]:
        return self._begins.points(rows, self._holds.holds(rows)) if len(rows) else []

    def save(self) -> Kept:
        return super().save() | self._holds.save() | {"since": self._begins.since, "told": self._begins.told}

    def load(self, kept: Kept) -> None:
        super().load(kept)
        self._holds.load(kept)
        self._begins.since[: len(kept["since"])] = kept["since"]
        self._begins.told[: len(kept["told"])] = kept["told"]


class _Silent(_Single):
    """Readings that do not come."""

    def __init__(self, condition: Condition) -> None:
        super().__init__(condition)
        self._last_s, self._told = np.zeros(0), np.zeros(0, np.bool_)
        self._look_at_s = np.inf

    def _grow(self, streams: int) -> None:
        many = streams - len(self._last_s)
        self._last_s = np.append(self._last_s, np.full(many, np.nan))
        self._told = np.append(self._told, np.zeros(many, np.bool_))

    def _found(self, rows: Rows, until_s: float) -> list[tuple[float, int]]:
        return [*self._ended(rows), *self._still(until_s)]

    def _ended(self, rows: Rows) -> list[tuple[float, int]]:
        """Gaps that are over, and were not told while they lasted."""
        if not len(rows):
            return []
        before = rows.before(rows.at_s, self._last_s)
        gap = rows.at_s - before > self._condition.number
        gap[rows.begins] &= ~self._told[rows.who]
        self._last_s[rows.who], self._told[rows.who] = rows.at_s[rows.ends - 1], False
        self._look_at_s = min(self._look_at_s, float(rows.at_s.min()) + self._condition.number)
        found = np.flatnonzero(gap)
        return list(zip((before[found] + self._condition.number).tolist(), rows.stream[found].tolist(), strict=True))

    def _still(self, until_s: float) -> list[tuple[float, int]]:
        """Streams that have been silent for so long now."""
        if until_s <= self._look_at_s:
            return []
        gone = np.flatnonzero(~self._told & (until_s - self._last_s > self._condition.number))
        self._told[gone] = True
        waiting = self._last_s[~self._told]
        self._look_at_s = float(np.nanmin(waiting, initial=np.inf)) + self._condition.number
        return list(zip((self._last_s[gone] + self._condition.number).tolist(), gone.tolist(), strict=True))

    def save(self) -> Kept:
        return super().save() | {"last_s": self._last_s, "told": self._told}

    def load(self, kept: Kept) -> None:
        super().load(kept)
        many = len(kept["told"])
        self._last_s[:many], self._told[:many], self._look_at_s = kept["last_s"], kept["told"], -np.inf


class _Combined:
    """Conditions inside a condition."""

    def __init__(self, condition: Condition, places: _Places) -> None:
        self._condition, self._places = condition, places
        self._inner = [_node(inner, places) for inner in condition.inner]

    def know(self, streams: Streams) -> None:
        for node in self._inner:
            node.know(streams)

    def points(self, slice_: Slice) -> list[Point]:
        return sorted(self._found([node.points(slice_) for node in self._inner], slice_.until_s))

    def save(self) -> Kept:
        return {f"{number}.{name}": each for number, node in enumerate(self._inner)
                for name, each in node.save().items()}  # fmt: skip

    def load(self, kept: Kept) -> None:
        for number, node in enumerate(self._inner):
            start = f"{number}."
            node.load({name.removeprefix(start): each for name, each in kept.items() if name.startswith(start)})

    def _found(self, found: list[list[Point]], until_s: float) -> Iterable[Point]:
        """Of `any`: all of them."""
        return [point for points in found for point in points]


class _Together(_Combined):
    """Enough streams, near to one of them, within the time."""

    def __init__(self, condition: Condition, places: _Places) -> None:
        super().__init__(condition, places)
        self._recent: deque[Point] = deque(maxlen=_MOST_WAITING)

    def _found(self, found: list[list[Point]], until_s: float) -> Iterable[Point]:
        condition = self._condition
        for at_s, streams in found[0]:
            self._recent.append((at_s, streams))
            while self._recent[0][0] < at_s - condition.within_s:
                self._recent.popleft()
            near = [who[0] for _, who in self._recent
                    if self._places.are_near(streams[0], who[0], condition.within_m)]  # fmt: skip
            different = tuple(dict.fromkeys(near))
            if len(different) >= condition.at_least:
                yield at_s, different

    def save(self) -> Kept:
        return super().save() | {"recent": _packed(self._recent)}

    def load(self, kept: Kept) -> None:
        super().load(kept)
        self._recent.extend(_unpacked(kept["recent"]))


class _Sequence(_Combined):
    """One after the other, all within the time of the first; chains wait for their next link."""

    def __init__(self, condition: Condition, places: _Places) -> None:
        super().__init__(condition, places)
        self._chains: list[list[tuple[float, Point]]] = [[] for _ in self._inner[1:]]

    def _found(self, found: list[list[Point]], until_s: float) -> Iterable[Point]:
        grown = [(at_s, (at_s, streams)) for at_s, streams in found[0]]
        for stage, points in enumerate(found[1:]):
            waiting, grown = [*self._chains[stage], *grown], []
            still = []
            for first_s, chain in waiting:
                longer = self._longer(first_s, chain, points)
                if longer is not None:
                    grown.append((first_s, longer))
                elif first_s + self._condition.within_s >= until_s:
                    still.append((first_s, chain))
            self._chains[stage] = still[-_MOST_WAITING:]
        return [chain for _, chain in grown]

    def _longer(self, first_s: float, chain: Point, points: Sequence[Point]) -> Point | None:
        last_s, streams = chain
        for at_s, who in points:
            if at_s > first_s + self._condition.within_s:
                return None
            if at_s > last_s and self._places.are_near(streams[0], who[0], self._condition.within_m):
                return at_s, tuple(dict.fromkeys((*streams, *who)))
        return None

    def save(self) -> Kept:
        chains = json.dumps(self._chains).encode()
        return super().save() | {"chains": np.frombuffer(chains, np.uint8)}

    def load(self, kept: Kept) -> None:
        super().load(kept)
        self._chains = [[(first_s, (last_s, tuple(streams))) for first_s, (last_s, streams) in stage]
                        for stage in json.loads(kept["chains"].tobytes())]  # fmt: skip


def _node(condition: Condition, places: _Places) -> _Node:
    if condition.form in HOLDS:
        return _Reading(condition)
    if condition.form == "silent":
        return _Silent(condition)
    return {"any": _Combined, "together": _Together, "sequence": _Sequence}[condition.form](condition, places)


def _is_loud(rule: Rule, at_s: float, streams: tuple[int, ...], quiet_until: dict[int, float]) -> bool:
    if any(at_s < quiet_until.get(stream, -np.inf) for stream in streams):
        return False
    quiet_until |= dict.fromkeys(streams, at_s + rule.quiet_s)
    return True


def _due(ahead: list[Point], fresh: list[Point], until_s: float) -> list[Point]:
    """The points before an instant, oldest first; the others wait in `ahead`."""
    if not ahead and not fresh:
        return []
    for point in fresh:
        heapq.heappush(ahead, point)
    found = []
    while ahead and ahead[0][0] < until_s:
        found.append(heapq.heappop(ahead))
    return found


def _conversion(unit: NDArray[np.str_], to: str, asked: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """What values in these units are to be multiplied by, and what added; NaN where one cannot become the other."""
    scale, shift = np.ones(len(unit)), np.zeros(len(unit))
    for one in np.unique(unit[asked]).tolist() if to else ():
        try:
            start = units.convert(0.0, one, to) if one else 0.0
            step = units.convert(1.0, one, to) - start if one else 1.0
        except Refused:
            start, step = np.nan, np.nan
        scale[unit == one], shift[unit == one] = step, start
    return scale, shift


def _packed(points: Iterable[Point]) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(list(points)).encode(), np.uint8)


def _unpacked(packed: NDArray[np.generic]) -> list[Point]:
    return [(at_s, tuple(streams)) for at_s, streams in json.loads(packed.tobytes())]
