"""What is normal for each stream, learnt reading by reading, and how far off each reading is.

One row of numbers a stream, whole batches at a time. Level and spread are moved by bounded steps, so that wild readings
move them little; the shape of day and week is learnt beside them; what has changed for good is found by a cumulative
sum over what the reading before did not let expect, and the level follows it.
"""

from __future__ import annotations

import json
import zlib

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain.baseline import LEAST_READINGS
from cityloom.detection.domain.calendar import DAY_SLOTS, WEEK_SLOTS, Calendar
from cityloom.detection.domain.moment import (
    AT,
    FIELDS,
    LATE,
    LEARNING,
    OUT_OF_RANGE,
    TO_SIGMA,
    UNREADABLE,
    Floats,
    Ints,
    Moment,
    Scores,
)
from cityloom.kernel.refused import Refused

_SIGMA_OF_MEDIAN = 1.4826
_LARGEST = 1e100
_CHUNK = 4096  # streams at once: what is worked on stays in the cache
_KEPT = {"rows": 1, "shape": 1, "first": 0, "low": 0, "high": 0}
"""What a baseline consists of, and which axis counts the streams."""
_VERSION = 1
_BROKEN = "What was learnt of the streams is damaged, so it cannot be used; let them be learnt anew from the history."
_OLDER = ("What was learnt of the streams has version {value} and this program reads {limit}; let them be learnt anew "
          "from the history.")  # fmt: skip


class Baseline:
    """What is known of each stream; `score` judges a batch and learns from it."""

    def __init__(self, streams: int, calendar: Calendar | None = None) -> None:
        self.calendar = calendar or Calendar()
        self.rows = np.zeros((len(FIELDS), streams))
        self.rows[AT["at_s"]] = -np.inf
        self.shape = np.zeros((DAY_SLOTS + WEEK_SLOTS, streams), np.complex64)
        self.first = np.zeros((streams, LEAST_READINGS, 2))
        self.low = np.full(streams, -np.inf)
        self.high = np.full(streams, np.inf)

    def __len__(self) -> int:
        return self.rows.shape[1]

    def column(self, name: str) -> Floats:
        """One of `FIELDS`, by stream."""
        return self.rows[AT[name]]

    def spread(self) -> Floats:
        """The spread of each stream, in its unit: at least the least step that it has ever made."""
        return np.maximum(self.column("deviation") * TO_SIGMA, self.column("least_step"))

    def grow(self, streams: int) -> None:
        """Make room for more streams; those that are known keep their place."""
        more = Baseline(max(streams - len(self), 0), self.calendar)
        for name, axis in _KEPT.items():
            setattr(self, name, np.concatenate([getattr(self, name), getattr(more, name)], axis=axis))

    def to_bytes(self) -> bytes:
        """All that was learnt, for `from_bytes`; the calendar is the city's and not part of it."""
        head = json.dumps({"version": _VERSION, "streams": len(self), "fields": FIELDS}).encode() + b"\n"
        body = head + b"".join(np.ascontiguousarray(getattr(self, name)).tobytes() for name in _KEPT)
        return body + zlib.crc32(body).to_bytes(4, "little")

    @classmethod
    def from_bytes(cls, kept: bytes, calendar: Calendar | None = None) -> Baseline:
        """Go on where another process stopped.

        Raises: Refused `detection.baseline_unreadable`.
        """
        head, _, rest = kept[:-4].partition(b"\n")
        if zlib.crc32(kept[:-4]).to_bytes(4, "little") != kept[-4:] or not head.startswith(b"{"):
            raise Refused("detection.baseline_unreadable", _BROKEN)
        stated = json.loads(head)
        if stated.get("version") != _VERSION or stated.get("fields") != list(FIELDS):
            raise Refused("detection.baseline_unreadable", _OLDER, value=stated.get("version"), limit=_VERSION)
        found, start = cls(stated["streams"], calendar), 0
        for name in _KEPT:
            room = getattr(found, name)
            room[:] = np.frombuffer(rest, room.dtype, room.size, start).reshape(room.shape)
            start += room.nbytes
        return found

    def score(self, stream: Ints, at_s: Floats, value: Floats) -> Scores:
        """Judge readings by what was known before each, then learn from it.

        Readings of one stream are taken in the order given, so that it does not matter how they are cut into batches.
        One that is not later than the stream's last is judged late and teaches nothing; neither does one that is no
        number. `at_s` is in seconds since 1970; what is ahead of the clock must have been refused before, since
        nothing older teaches anything afterwards.
        """
        found = Scores.of(len(stream))
        readable = (np.abs(value) < _LARGEST) & np.isfinite(at_s) & (stream >= 0) & (stream < len(self))
        found.reason[~readable] = UNREADABLE
        for rows in _rounds(stream, np.flatnonzero(readable)):
            for start in range(0, len(rows), _CHUNK):
                self._judge(rows[start : start + _CHUNK], stream, at_s, value, found)
        return found

    def _judge(self, rows: Ints, stream: Ints, at_s: Floats, value: Floats, found: Scores) -> None:
        """One reading of each of several different streams."""
        late = at_s[rows] <= self.rows[AT["at_s"]].take(stream[rows])
        if late.any():
            found.reason[rows[late]] = LATE
            rows = rows[~late]
        who = stream[rows]
        young = self.rows[0].take(who) < LEAST_READINGS
        if young.any():
            self._begin(rows[young], who[young], at_s, value, found)
            rows, who = rows[~young], who[~young]
        if len(rows):
            self._judge_known(rows, who, at_s[rows], value[rows], found)

    def _begin(self, rows: Ints, who: Ints, at_s: Floats, value: Floats, found: Scores) -> None:
        """Keep the first readings of streams, and begin with their median and spread, as the exact baseline does."""
        count = self.rows[0, who].astype(np.int64)
        self.first[who, count, 0], self.first[who, count, 1] = at_s[rows], value[rows]
        self.rows[0, who] += 1
        self.rows[AT["at_s"], who], self.rows[AT["value"], who] = at_s[rows], value[rows]
        found.reason[rows] = np.where(self._is_out(who, value[rows]), OUT_OF_RANGE, LEARNING)
        found.score[rows] = found.reason[rows] == OUT_OF_RANGE
        ready = who[count == LEAST_READINGS - 1]
        if len(ready):
            self._settle(ready)

    def _settle(self, who: Ints) -> None:
        at_s, value = self.first[who, :, 0], self.first[who, :, 1]
        level = np.median(value, axis=1)
        sigma = np.median(np.abs(value - level[:, None]), axis=1) * _SIGMA_OF_MEDIAN
        moves = np.abs(np.diff(value, axis=1))
        same = np.cumprod(moves[:, ::-1] == 0, axis=1).sum(axis=1)
        begun = {
            "level": level, "reference": level, "deviation": sigma / TO_SIGMA,
            "residual": value[:, -1] - level, "step": np.median(moves, axis=1), "step_now": np.median(moves, axis=1),
            "least_step": np.where(moves > 0, moves, np.inf).min(axis=1), "power": 1.0, "quiet_s": at_s[:, -1],
            "cadence_s": np.median(np.diff(at_s, axis=1), axis=1), "since_change": LEAST_READINGS,
            "run": same, "run_s": np.take_along_axis(at_s, (LEAST_READINGS - 1 - same)[:, None], axis=1)[:, 0],
            "moved": (moves > 0).sum(axis=1),
        }  # fmt: skip
        begun["least_step"] = np.where(np.isfinite(begun["least_step"]), begun["least_step"], 0.0)
        for name, values in begun.items():
            self.rows[AT[name], who] = values

    def _is_out(self, who: Ints, value: Floats) -> NDArray[np.bool_]:
        return (value < self.low[who]) | (value > self.high[who])

    def _judge_known(self, rows: Ints, who: Ints, at_s: Floats, value: Floats, found: Scores) -> None:
        day, week = self.calendar.slots(at_s)
        day, week = day * len(self) + who, (week + DAY_SLOTS) * len(self) + who
        slots = self.shape.reshape(-1)  # a slot of all streams lies together: they are mostly asked at one time
        old = self.rows.take(who, axis=1)
        now = Moment(old, at_s, value, slots.take(day), slots.take(week), self._is_out(who, value))
        slots[day], slots[week] = now.learn_shape()
        now.tell(found, rows)
        now.learn()
        for kept, new in zip(self.rows, old, strict=True):
            kept[who] = new


def _rounds(stream: Ints, rows: Ints) -> list[Ints]:
    """The readings as rounds in which each stream is there once at most, in the order given."""
    if len(rows) == 0:
        return []
    key = np.sort(stream[rows] * len(stream) + rows)  # faster than a stable order of the streams
    ordered = key % len(stream)
    whose = key // len(stream)
    first = np.flatnonzero(np.append(True, whose[1:] != whose[:-1]))
    if len(first) == len(rows):
        return [ordered]
    sizes = np.diff(np.append(first, len(rows)))
    turn = np.arange(len(rows)) - np.repeat(first, sizes)
    by_turn = np.argsort(turn, kind="stable")
    return np.split(ordered[by_turn], np.cumsum(np.bincount(turn))[:-1])
