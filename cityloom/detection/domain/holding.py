"""Where a condition on single readings begins to hold, as readings come: what was carried over from earlier ones.

Readings come as columns in order of stream and time. What most readings are like (nothing holds) costs a comparison;
streams at which something holds, or did, are gone through reading by reading.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.moment import Floats, Ints
from cityloom.detection.domain.pack import Condition

Bools = NDArray[np.bool_]
_PLACES = 32
_MOST_KEPT = 24
"""Of the places, so many may be taken by what still counts; a stream with more is kept as a queue of its own."""


class Holds(Protocol):
    """Whether a condition holds at each reading; knows what came before."""

    def holds(self, rows: Rows) -> Bools: ...
    def grow(self, streams: int) -> None: ...
    def save(self) -> dict[str, NDArray[np.generic]]: ...
    def load(self, kept: dict[str, NDArray[np.generic]]) -> None: ...


class Rows:
    """Readings in order of stream and time; `z` in spreads, `begins` the first row of each stream."""

    def __init__(self, stream: Ints, at_s: Floats, value: Floats, z: Floats) -> None:
        self.stream, self.at_s, self.value, self.z = stream, at_s, value, z
        self.begins = np.flatnonzero(np.r_[True, stream[1:] != stream[:-1]]) if len(stream) else np.zeros(0, np.int64)
        self.ends = np.r_[self.begins[1:], len(stream)].astype(np.int64)
        self.who = stream[self.begins]

    def __len__(self) -> int:
        return len(self.stream)

    def only(self, chosen: Bools) -> Rows:
        """The chosen rows."""
        return self if chosen.all() else Rows(self.stream[chosen], self.at_s[chosen], self.value[chosen],
                                              self.z[chosen])  # fmt: skip

    def before(self, values: Floats, carried: Floats) -> Floats:
        """Of each row what the row before it of its stream had; of a stream's first one what was carried."""
        out = np.empty(len(values))
        out[1:] = values[:-1]
        out[self.begins] = carried[self.who]
        return out


class Begins:
    """Where something begins to hold, once it has held for so long."""

    def __init__(self, for_s: float) -> None:
        self._for_s = for_s
        self.since, self.told = np.zeros(0), np.zeros(0, np.bool_)

    def grow(self, streams: int) -> None:
        """Make room for more streams."""
        many = streams - len(self.since)
        self.since, self.told = np.append(self.since, np.full(many, np.nan)), np.append(self.told, np.zeros(many, bool))

    def points(self, rows: Rows, holds: Bools) -> list[tuple[float, int]]:
        """The instants, with their streams."""
        any_holds = np.logical_or.reduceat(holds, rows.begins) if len(rows) else holds
        held = np.isfinite(self.since[rows.who])
        over = held & ~any_holds
        self.since[rows.who[over]], self.told[rows.who[over]] = np.nan, False
        return [point for group in np.flatnonzero(any_holds).tolist() for point in self._of_one(rows, holds, group)]

    def _of_one(self, rows: Rows, holds: Bools, group: int) -> list[tuple[float, int]]:
        stream, part = int(rows.who[group]), slice(int(rows.begins[group]), int(rows.ends[group]))
        since, told, found = float(self.since[stream]), bool(self.told[stream]), []
        for instant, held in zip(rows.at_s[part].tolist(), holds[part].tolist(), strict=True):
            if not held:
                since, told = np.nan, False
                continue
            since = instant if np.isnan(since) else since
            if not told and instant - since >= self._for_s:
                told = True
                found.append((instant, stream))
        self.since[stream], self.told[stream] = since, told
        return found


class Level:
    """`above` and `below`: the reading alone says it."""

    def __init__(self, condition: Condition) -> None:
        self._number, self._is_above = condition.number, condition.form == "above"

    def holds(self, rows: Rows) -> Bools:
        return rows.value > self._number if self._is_above else rows.value < self._number

    def grow(self, streams: int) -> None: ...

    def save(self) -> dict[str, NDArray[np.generic]]:
        return {}

    def load(self, kept: dict[str, NDArray[np.generic]]) -> None: ...


class Unusual(Level):
    """So many spreads from what was expected."""

    def __init__(self, condition: Condition) -> None:
        self._number, self._direction = condition.number, condition.direction

    def holds(self, rows: Rows) -> Bools:
        z = {"up": rows.z, "down": -rows.z, "either": np.abs(rows.z)}[self._direction]
        return np.asarray(z >= self._number)


class Unchanged:
    """The same value for so long."""

    def __init__(self, condition: Condition) -> None:
        self._number = condition.number
        self._value, self._moved_s = np.zeros(0), np.zeros(0)

    def grow(self, streams: int) -> None:
        """Make room for more streams."""
        more = np.full(streams - len(self._value), np.nan)
        self._value, self._moved_s = np.append(self._value, more), np.append(self._moved_s, more)

    def holds(self, rows: Rows) -> Bools:
        if not len(rows):
            return np.zeros(0, np.bool_)
        moved = rows.value != rows.before(rows.value, self._value)
        place = np.where(moved, np.arange(len(rows)), -1)
        latest = np.maximum.accumulate(place)
        first = np.repeat(rows.begins, rows.ends - rows.begins)
        since = np.where(latest >= first, rows.at_s[latest], self._moved_s[rows.stream])
        last = rows.ends - 1
        self._value[rows.who], self._moved_s[rows.who] = rows.value[last], since[last]
        return np.asarray(rows.at_s - since >= self._number)

    def save(self) -> dict[str, NDArray[np.generic]]:
        return {"value": self._value, "moved_s": self._moved_s}

    def load(self, kept: dict[str, NDArray[np.generic]]) -> None:
        self._value[: len(kept["value"])] = kept["value"]
        self._moved_s[: len(kept["value"])] = kept["moved_s"]


class Falls:
    """The value lies so much below the highest of the time before it; `rises` is the same of negative values.

    Each stream has some places for its last readings. An upper bound of them tells at once where nothing can hold; when
    the places are full, what is too old or not higher than all behind it is let go.
    """

    def __init__(self, condition: Condition) -> None:
        self._number, self._within_s = condition.number, condition.within_s
        self._sign = -1.0 if condition.form == "rises" else 1.0
        self._at_s, self._value = np.zeros((0, _PLACES)), np.zeros((0, _PLACES))
        self._taken, self._top = np.zeros(0, np.int64), np.zeros(0)
        self._queues: dict[int, deque[tuple[float, float]]] = {}

    def grow(self, streams: int) -> None:
        """Make room for more streams."""
        many = streams - len(self._taken)
        self._at_s, self._value = (np.concatenate([each, np.zeros((many, _PLACES))])
                                   for each in (self._at_s, self._value))  # fmt: skip
        self._taken = np.append(self._taken, np.zeros(many, np.int64))
        self._top = np.append(self._top, np.full(many, -np.inf))

    def holds(self, rows: Rows) -> Bools:
        found = np.zeros(len(rows), np.bool_)
        if not len(rows):
            return found
        value = rows.value * self._sign
        top = np.maximum(np.maximum.reduceat(value, rows.begins), self._top[rows.who])
        may_hold = top - np.minimum.reduceat(value, rows.begins) >= self._number
        size = rows.ends - rows.begins
        many = (size > _PLACES - self._taken[rows.who]) & (size > 1)
        apart = many | np.isin(rows.who, list(self._queues)) if self._queues else many
        self._top[rows.who] = top
        for group in np.flatnonzero(may_hold | apart).tolist():
            part = slice(int(rows.begins[group]), int(rows.ends[group]))
            found[part] = self._of_one(int(rows.who[group]), rows.at_s[part], value[part], is_kept=bool(many[group]))
        self._append(rows, value, ~apart)
        return found

    def _of_one(self, stream: int, at_s: Floats, value: Floats, *, is_kept: bool) -> list[bool]:
        """The exact answer for one stream, by a queue of falling maxima; it is kept where places do not suffice."""
        queue = self._queues.get(stream) or self._queue(stream)
        own = stream in self._queues
        found = []
        for instant, now in zip(at_s.tolist(), value.tolist(), strict=True):
            self._push(queue, instant, now)
            found.append(queue[0][1] - now >= self._number)
        if own or is_kept:
            self._put(stream, queue)
        return found

    def _push(self, queue: deque[tuple[float, float]], instant: float, now: float) -> None:
        while queue and queue[0][0] < instant - self._within_s:
            queue.popleft()
        while queue and queue[-1][1] <= now:
            queue.pop()
        queue.append((instant, now))

    def _queue(self, stream: int) -> deque[tuple[float, float]]:
        queue: deque[tuple[float, float]] = deque()
        taken = int(self._taken[stream])
        for instant, now in zip(self._at_s[stream, :taken].tolist(), self._value[stream, :taken].tolist(), strict=True):
            self._push(queue, instant, now)
        return queue

    def _put(self, stream: int, queue: deque[tuple[float, float]]) -> None:
        """Keep a queue in the stream's places, or by itself where it is too long for them."""
        self._top[stream] = queue[0][1]
        if len(queue) > _MOST_KEPT:
            self._queues[stream], self._taken[stream] = queue, 0
            return
        self._queues.pop(stream, None)
        self._taken[stream] = len(queue)
        self._at_s[stream, : len(queue)], self._value[stream, : len(queue)] = np.array(queue).T

    def _append(self, rows: Rows, value: Floats, groups: Bools) -> None:
        """Add rows behind what is there; where the places are full then, let go of what no longer counts."""
        who, begin, size = rows.who[groups], rows.begins[groups], (rows.ends - rows.begins)[groups]
        if not len(who):
            return
        turn = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        row, stream = np.repeat(begin, size) + turn, np.repeat(who, size)
        place = stream * _PLACES + self._taken[stream] + turn
        self._at_s.reshape(-1)[place], self._value.reshape(-1)[place] = rows.at_s[row], value[row]
        self._taken[who] += size
        full = who[self._taken[who] == _PLACES]
        if len(full):
            self._let_go(full)

    def _let_go(self, full: Ints) -> None:
        at_s, value = self._at_s[full], self._value[full]
        later = np.maximum.accumulate(value[:, ::-1], axis=1)[:, ::-1]
        kept = at_s >= at_s[:, -1:] - self._within_s
        kept[:, :-1] &= value[:, :-1] > later[:, 1:]
        order = np.argsort(~kept, axis=1, kind="stable")
        self._at_s[full] = np.take_along_axis(at_s, order, axis=1)
        self._value[full] = np.take_along_axis(value, order, axis=1)
        self._taken[full], self._top[full] = kept.sum(axis=1), self._value[full, 0]
        for stream in full[self._taken[full] > _MOST_KEPT].tolist():
            self._put(stream, self._queue(stream))

    def save(self) -> dict[str, NDArray[np.generic]]:
        long = [(stream, *pair) for stream, queue in self._queues.items() for pair in queue]
        return {"at_s": self._at_s, "value": self._value, "taken": self._taken, "top": self._top,
                "long": np.array(long).reshape(-1, 3)}  # fmt: skip

    def load(self, kept: dict[str, NDArray[np.generic]]) -> None:
        many = len(kept["taken"])
        for name in ("at_s", "value", "taken", "top"):
            getattr(self, f"_{name}")[:many] = kept[name]
        for stream, at_s, value in kept["long"].tolist():
            self._queues.setdefault(int(stream), deque()).append((at_s, value))


HOLDS = {"above": Level, "below": Level, "unusual": Unusual, "unchanged": Unchanged, "falls": Falls, "rises": Falls}
