"""The road of a city's readings: from what senders wrote to what is kept, and how many were set aside and why."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
from django.conf import settings
from django.db.models import Count, Max

from cityloom.kernel import clock
from cityloom.signals.domain import bridge as bridging
from cityloom.signals.domain import tally, wire
from cityloom.signals.domain.judging import Judged, Streams, judge
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.models import Datastream, RejectedSignal
from cityloom.signals.readings import looking
from cityloom.signals.readings.earlier import Floats, Ints
from cityloom.signals.readings.ring import MINUTES, Ring
from cityloom.signals.readings.store import Store, Taken, folder_of

KIND = "reading"
MOST_TOLD = 100
"""So many of the rows that are set aside are named, the first ones."""
_TOLD_EVERY_S = 10.0
_LOOK_FOR_NEW_S = 30.0


@dataclass(frozen=True)
class Kept:
    """Readings that are new and on the disk, in order by stream and instant; `slot` is the place of a stream in `ids`.

    `impossible` are the slots of others, which were set aside as outside their sensors' ranges.
    """

    ids: Ints
    slot: Ints
    at_us: Ints
    result: Floats
    impossible: Ints


Noted = Callable[[Kept], None]
Coming = Callable[[Ints, Ints], None]


@dataclass
class Told:
    """What became of readings so far; `aside` are the first rows that were set aside, counted from 0, and why."""

    kept: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    aside: list[tuple[int, str]] = field(default_factory=list)

    def add(self, kept: int, duplicates: int, rejected: Counter[str]) -> None:
        """Count more."""
        self.kept += kept
        self.duplicates += duplicates
        self.rejected += rejected

    def add_rows(self, rows: int, aside: Iterable[tuple[int, str]], most: int = MOST_TOLD) -> None:
        """Count rows, some of which were set aside; their places are counted from the first of these."""
        room = max(most - len(self.aside), 0)
        self.aside += [(self.rows + place, code) for place, code in sorted(aside)[:room]]
        self.rows += rows


class Road:
    """Takes readings for the city that this process has open, or for an exercise; one at a time owns the store.

    `coming` is told of what is about to be kept, by streams and instants; `noted` of what was kept, before its sender
    is told so; `now` is the time by which readings are judged.
    Raises: Refused `lake.appender_taken`.
    """

    def __init__(
        self, *, exercise_id: str = "", noted: Noted = lambda kept: None, now: Callable[[], datetime] = clock.now,
        coming: Coming | None = None,
    ) -> None:  # fmt: skip
        self._exercise_id, self._root, self._noted, self._now = exercise_id, root(exercise_id), noted, now
        self._coming = coming
        self._open()
        self._turn = threading.RLock()
        self._untold: Counter[str] = Counter()
        self._told_at = self._looked_at = clock.stopwatch()
        self._installed = _installed()
        self.told = Told()

    def take_messages(self, messages: Sequence[bridging.Message], topics: Sequence[bridging.Topic]) -> None:
        """Keep what messages of a broker say. Raises: Refused `lake.disk_full`."""
        arrived, faults = bridging.readings(messages, topics)
        self.take([arrived], self._now(), faults)

    def take(
        self, blocks: Iterable[wire.Arrived], at: datetime, faults: Counter[str] | None = None, *,
        most_told: int = MOST_TOLD,
    ) -> Told:  # fmt: skip
        """Keep readings; return what became of these. Raises: Refused `lake.disk_full`, `signals.not_noted`."""
        here = Told()
        with self._turn:
            for arrived in blocks:
                judged = judge(arrived, self._store.streams, at)
                if judged.rejected["unknown_sensor"] and self._look_for_new():
                    judged = judge(arrived, self._store.streams, at)
                if self._coming and len(judged.slot):
                    self._coming(self._store.streams.id[judged.slot], judged.at_us)
                taken = self._store.take(judged)
                here.add(len(taken.slot), taken.duplicates, taken.rejected)
                here.add_rows(arrived.lines, _aside(arrived, judged, taken, most_told), most_told)
                self._ring.add(taken.slot, taken.at_us, taken.result)
                if len(taken.slot) or len(judged.impossible):
                    ids = self._store.streams.id
                    self._noted(Kept(ids, taken.slot, taken.at_us, taken.result, judged.impossible))
            here.add(0, 0, faults or Counter())
            self.told.add(here.kept, here.duplicates, here.rejected)
            self._untold += here.rejected
        return here

    def tick(self) -> None:
        """Do what is due: to the lake, what was set aside into the city's list, and a look for new sensors."""
        with self._turn:
            self._store.tick()
            if clock.stopwatch() - self._looked_at >= _LOOK_FOR_NEW_S:
                self._look_for_new()
            if self._untold and clock.stopwatch() - self._told_at >= _TOLD_EVERY_S:
                self._tell()

    def close(self) -> None:
        """Put everything where it belongs, and let others take readings."""
        with self._turn:
            self._store.close()
            self._tell()

    def _open(self) -> None:
        streams = streams_of_city()
        self._store = Store(self._root, streams)
        since_us = microseconds(self._now()) - MINUTES * 60_000_000
        self._ring = Ring(folder_of(self._root), streams.id, since_us)
        self._fill_ring(since_us)

    def _fill_ring(self, since_us: int) -> None:
        """Take up what came in the last minutes before this process."""
        last_us = self._store.tally["last_us"]
        spoke = np.flatnonzero(last_us >= since_us)
        if len(spoke):
            ids = self._store.streams.id
            found = looking.between(self._root, ids[spoke], since_us, int(last_us.max()) + 1)
            slot = self._store.streams.slots_of_ids(found.thing)
            order = tally.order_of(slot, found.at_us)
            self._ring.add(slot[order], found.at_us[order], found.result[order])

    def _look_for_new(self) -> bool:
        """Take up sensors that were installed since the last look; say whether there are any."""
        self._looked_at, now, before = clock.stopwatch(), _installed(), self._installed
        if now != before:
            self._store.close()
            self._open()
            self._installed = now
        return now != before

    def _tell(self) -> None:
        at, rows = self._now(), +self._untold
        RejectedSignal.objects.bulk_create(
            RejectedSignal(exercise_id=self._exercise_id, kind=KIND, code=code[:24], count=count, rejected_at=at)
            for code, count in rows.items()
        )
        self._untold, self._told_at = Counter(), clock.stopwatch()


def _aside(arrived: wire.Arrived, judged: Judged, taken: Taken, most: int) -> Iterator[tuple[int, str]]:
    """Where what was set aside stood, and why."""
    if not taken.rejected:
        return
    yield from arrived.faults.items()
    places = arrived.places
    for code, where in judged.aside:
        yield from ((place, code) for place in places[where[:most]].tolist())
    good = places if judged.good is None else places[judged.good]
    yield from ((place, "contradicts") for place in good[np.sort(taken.differing)[:most]].tolist())


def _installed() -> tuple[int, int]:
    """What changes when sensors are installed or taken away."""
    found = Datastream.objects.exclude(kind="").aggregate(last=Max("id"), many=Count("id"))
    return found["last"] or 0, found["many"]


def root(exercise_id: str = "") -> Path:
    """The lake of this city, or the folder of an exercise, whose readings never come among the city's own."""
    lake = Path(settings.CITYLOOM["LAKE_DIR"])
    return lake.parent / "exercises" / exercise_id if exercise_id else lake


def streams_of_city() -> Streams:
    """Every datastream that the city installed, in service or not: what it sends is stored all the same."""
    installed = Datastream.objects.exclude(kind="").order_by("id")
    rows = list(installed.values_list("id", "name", "low", "high", "cell"))
    ids, names, low, high, cells = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [], [])
    return Streams(ids, names, low, high, cells)
