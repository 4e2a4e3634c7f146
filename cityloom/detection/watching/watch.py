"""Readings are watched as they come: each is judged by what its stream did before, and what is odd is told at once.

What was learnt says of each stream up to which instant it was: after a restart whatever is kept behind that instant is
judged once more, and nothing older teaches anything, so that a kill between any two steps costs nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cityloom.detection.domain import health
from cityloom.detection.domain.baseline import LEAST_READINGS
from cityloom.detection.domain.calendar import DAY_SLOTS, Calendar
from cityloom.detection.domain.fusion import WINDOW_S
from cityloom.detection.domain.moment import AT, Floats, Ints, Scores
from cityloom.detection.domain.scoring import RULES, stream_weights, z_scores
from cityloom.detection.watching import learnt, seen
from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals

log = logging.getLogger(__name__)
FRESH_S = 3_600.0
"""What happened longer ago teaches what is usual, and wakes nobody."""
_LEARN_FROM = timedelta(days=7)
_SLICE_US = 3_600_000_000
_USUAL_EVERY_S = 1.0
_FACTS_EVERY_S = 30.0
_QUIET_ROAD_S = 120.0
"""A road on which nothing came for so long says nothing of its sensors."""


class Kept(Protocol):
    """Readings that are new, in order by stream and instant; `slot` is the place of a stream in `ids`."""

    ids: Ints
    slot: Ints
    at_us: Ints
    result: Floats
    impossible: Ints


@dataclass(frozen=True)
class Columns:
    """What streams are, by the watch's own columns; those out of service are of no kind, and nowhere."""

    name: NDArray[np.object_]
    kind: NDArray[np.object_]
    unit: NDArray[np.object_]
    lon: Floats
    lat: Floats

    @classmethod
    def of(cls, many: int, at: Ints, facts: signals.Datastreams) -> Columns:
        """Put facts in their places."""
        texts = [np.full(many, "", dtype=object) for _ in range(3)]
        places = [np.full(many, np.nan) for _ in range(2)]
        for column, values in zip((*texts, *places), (facts.name, facts.kind, facts.unit, facts.lon, facts.lat),
                                  strict=True):  # fmt: skip
            column[at] = values
        return cls(*texts, *places)


@dataclass(frozen=True)
class Judged:
    """Readings with what was thought of them; `stream` is the watch's own column."""

    stream: Ints
    at_s: Floats
    value: Floats
    scores: Scores


class Watch:
    """Judges readings and learns from them; one at a time for a city, or for an exercise."""

    def __init__(
        self, *, exercise_id: str = "", calendar: Calendar | None = None, now: Callable[[], datetime] = clock.now
    ) -> None:
        self.exercise_id, self.folder, self.now = exercise_id, seen.folder_of(exercise_id), now
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.learnt = _loaded(self.folder, calendar)
        self.turn = threading.RLock()
        self._asked: Ints = np.zeros(0, np.int64)
        self._column_of: Ints = self._asked
        self._usual_at = self._facts_at = -_FACTS_EVERY_S
        self.facts = signals.datastreams(())
        self.streams = Columns.of(0, np.zeros(0, np.int64), self.facts)
        self.in_service = np.zeros(0, np.bool_)
        self.can_speak = self.in_service
        self.cadence_s = np.zeros(0)
        self.state = np.zeros(0, np.int64)
        self._found = health.Health(self.state.astype(np.int8), np.zeros(0), np.zeros(0))
        self._look_at_facts()

    def judge(self, kept: Kept) -> Judged:
        """Judge what was kept, and learn from it."""
        self.be_due()
        columns = self._columns(kept.ids)
        stream, at_s = columns[kept.slot], kept.at_us / 1e6
        scores = self.learnt.baseline.score(stream, at_s, kept.result)
        odd = np.flatnonzero(scores.score > 0)
        if len(odd):
            np.maximum.at(self.learnt.odd_s, stream[odd], at_s[odd])
        if len(kept.impossible):
            self.learnt.impossible_s[columns[kept.impossible]] = self.now().timestamp()
        return Judged(stream, at_s, kept.result, scores)

    def told_of(self, judged: Judged, now_s: float) -> Ints:
        """Which of these rows weigh something for what happens now at a place, by what was usual before."""
        fresh = (judged.scores.score > 0) & (judged.at_s > now_s - FRESH_S)
        rows = np.flatnonzero(fresh)
        rows = rows[self.can_speak[judged.stream[rows]]]
        stream, kind = judged.stream[rows], self.streams.kind[judged.stream[rows]]
        usual, spread = self.learnt.expected[stream], self.learnt.spread[stream]
        weight = stream_weights(z_scores(judged.value[rows], usual, spread, kind), kind)
        return rows[(weight > 0) & self.learnt.is_known[stream]]

    def behind(self, at: datetime) -> Iterator[Kept]:
        """What is kept and was not judged yet: of a process that ended, or of others that keep readings too."""
        ids, last_us = signals.last_instants(self.exercise_id)
        columns = self._columns(ids)
        learnt_us = self._learnt_us()[columns]
        rows = np.flatnonzero(last_us > learnt_us)
        if not len(rows):
            return
        earliest = int((at - _LEARN_FROM).timestamp() * 1e6)
        begin, end = max(int(learnt_us[rows].min()) + 1, earliest), int(last_us[rows].max()) + 1
        for since in range(begin, end, _SLICE_US):
            found = signals.readings_of(ids[rows], since, min(since + _SLICE_US, end), self.exercise_id)
            if len(found):
                yield self._unjudged(found)

    def be_due(self) -> None:
        """Look at sensors and at what is usual, where that is some time ago."""
        now = clock.stopwatch()
        if now - self._facts_at >= _FACTS_EVERY_S:
            self._look_at_facts()
        if self.exercise_id or now - self._usual_at >= _USUAL_EVERY_S:
            self._usual_at = now
            self.note_usual(self.now().timestamp())

    def note_usual(self, now_s: float) -> None:
        """Keep what is usual of the streams that have been ordinary for ten minutes, and let others see it."""
        kept, rows = self.learnt, self.learnt.baseline.rows
        day, week = kept.baseline.calendar.slots(np.array([now_s]))
        shape = kept.baseline.shape
        days, weeks = shape[int(day[0])], shape[DAY_SLOTS + int(week[0])]
        usual = rows[AT["level"]] + days.real + weeks.real * (weeks.imag / (weeks.imag + 1))
        begun = rows[AT["count"]] >= LEAST_READINGS
        calm = begun & ((rows[AT["at_s"]] > kept.odd_s + WINDOW_S) | ~kept.is_known)
        np.copyto(kept.expected, usual, where=calm)
        np.copyto(kept.spread, kept.baseline.spread(), where=calm)
        kept.is_known |= calm
        self._tell()

    def health(self, now_s: float) -> health.Health:
        """The state of every sensor, as far as the road itself was alive."""
        kept = self.learnt
        at_s = kept.baseline.column("at_s")
        found = health.health(kept.baseline, self.as_of(now_s), cadence_s=self.cadence_s)
        wrong = kept.impossible_s > np.maximum(at_s, now_s - FRESH_S)
        found.state[wrong], found.found[wrong], found.limit[wrong] = health.OUT_OF_RANGE, 1.0, 1.0
        self._found, self.state = found, found.state.astype(np.int64)
        return found

    def as_of(self, now_s: float) -> float:
        """Up to when the road has told what there is: until now, or where nothing came for a while until then."""
        at_s = self.learnt.baseline.column("at_s")
        latest = float(at_s.max()) if len(at_s) else -np.inf
        return now_s if not np.isfinite(latest) or now_s - latest < _QUIET_ROAD_S else latest

    def _tell(self) -> None:
        kept, rows = self.learnt, np.zeros(len(self.learnt.ids), seen.ROW)
        rows["id"], rows["at_us"] = kept.ids, self._learnt_us()
        for name in ("value", "count"):
            rows[name] = kept.baseline.column(name)
        rows["expected"], rows["spread"], rows["state"] = kept.expected, kept.spread, self.state
        rows["found"], rows["limit"] = self._found.found, self._found.limit
        seen.tell(self.folder, rows)

    def _learnt_us(self) -> Ints:
        at_s = self.learnt.baseline.column("at_s")
        known = np.isfinite(at_s)
        return np.where(known, np.round(np.where(known, at_s, 0.0) * 1e6), -1).astype(np.int64)

    def _unjudged(self, found: signals.Readings) -> Kept:
        slot = np.searchsorted(self._asked, found.datastream_id)
        late = found.at_us <= self._learnt_us()[self._column_of[slot]]
        return _Kept(self._asked, slot[~late], found.at_us[~late], found.result[~late], slot[:0])

    def _columns(self, ids: Ints) -> Ints:
        """The column of each of these streams, in order of their ids; new ones get one."""
        if ids is not self._asked:
            fresh = np.setdiff1d(ids, self.learnt.ids)
            if len(fresh):
                self.learnt.grow(fresh)
                self._look_at_facts()
            order = np.argsort(self.learnt.ids)
            self._asked = ids
            self._column_of = order[np.searchsorted(self.learnt.ids, ids, sorter=order)]
        return self._column_of

    def _look_at_facts(self) -> None:
        """Read what sensors there are, and which of them count."""
        self._facts_at, ids = clock.stopwatch(), self.learnt.ids
        self.facts = signals.datastreams(ids)
        order = np.argsort(ids)
        at = order[np.searchsorted(ids, self.facts.id, sorter=order)]
        self.in_service, self.cadence_s = np.zeros(len(ids), np.bool_), np.full(len(ids), np.nan)
        self.can_speak = self.in_service.copy()
        self.in_service[at], self.cadence_s[at] = True, self.facts.cadence_s
        self.can_speak[at] = np.isin(self.facts.kind.astype(str), list(RULES))
        self.streams = Columns.of(len(ids), at, self.facts)
        if len(self.state) != len(ids):
            self.state = np.append(self.state, np.zeros(len(ids) - len(self.state), np.int64))
            self._found = health.Health(self.state.astype(np.int8), np.zeros(len(ids)), np.zeros(len(ids)))


@dataclass(frozen=True)
class _Kept:
    ids: Ints
    slot: Ints
    at_us: Ints
    result: Floats
    impossible: Ints


def _loaded(folder: Path, calendar: Calendar | None) -> learnt.Learnt:
    try:
        return learnt.load(folder, calendar)
    except Refused as refusal:
        log.warning("%s", refusal.code)
        return learnt.Learnt.nothing(calendar)
