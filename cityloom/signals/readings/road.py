"""The road of a city's readings: from what senders wrote to what is kept, and how many were set aside and why."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db.models import Count, Max

from cityloom.kernel import clock
from cityloom.signals.domain import bridge as bridging
from cityloom.signals.domain import wire
from cityloom.signals.domain.judging import Streams, judge
from cityloom.signals.models import Datastream, RejectedSignal
from cityloom.signals.readings.store import Store

KIND = "reading"
_TOLD_EVERY_S = 10.0
_LOOK_FOR_NEW_S = 30.0


@dataclass
class Told:
    """What became of readings so far."""

    kept: int = 0
    duplicates: int = 0
    rejected: Counter[str] = field(default_factory=Counter)


class Road:
    """Takes readings for the city that this process has open; one at a time owns the store.

    Raises: Refused `lake.appender_taken`.
    """

    def __init__(self) -> None:
        self._store = Store(root(), streams_of_city())
        self._turn = threading.Lock()
        self._untold: Counter[str] = Counter()
        self._told_at = self._looked_at = clock.stopwatch()
        self._installed = _installed()
        self.told = Told()

    def take_messages(self, messages: Sequence[bridging.Message], topics: Sequence[bridging.Topic]) -> None:
        """Keep what messages of a broker say. Raises: Refused `lake.disk_full`."""
        arrived, faults = bridging.readings(messages, topics)
        self.take([arrived], clock.now(), faults)

    def take(self, blocks: Iterable[wire.Arrived], at: datetime, faults: Counter[str] | None = None) -> None:
        """Keep readings. Raises: Refused `lake.disk_full`."""
        with self._turn:
            for arrived in blocks:
                taken = self._store.take(judge(arrived, self._store.streams, at))
                self._note(len(taken.slot), taken.duplicates, taken.rejected)
            self._note(0, 0, faults or Counter())

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

    def _look_for_new(self) -> None:
        self._looked_at, now = clock.stopwatch(), _installed()
        if now != self._installed:
            self._store.close()
            self._store, self._installed = Store(root(), streams_of_city()), now

    def _note(self, kept: int, duplicates: int, rejected: Counter[str]) -> None:
        self.told.kept += kept
        self.told.duplicates += duplicates
        self.told.rejected += rejected
        self._untold += rejected

    def _tell(self) -> None:
        at, rows = clock.now(), +self._untold
        RejectedSignal.objects.bulk_create(
            RejectedSignal(kind=KIND, code=code[:24], count=count, rejected_at=at) for code, count in rows.items()
        )
        self._untold, self._told_at = Counter(), clock.stopwatch()


def _installed() -> tuple[int, int]:
    """What changes when sensors are installed or taken away."""
    found = Datastream.objects.exclude(kind="").aggregate(last=Max("id"), many=Count("id"))
    return found["last"] or 0, found["many"]


def root() -> Path:
    """The lake of this city."""
    return Path(settings.CITYLOOM["LAKE_DIR"])


def streams_of_city() -> Streams:
    """Every datastream that the city installed, in service or not: what it sends is stored all the same."""
    installed = Datastream.objects.exclude(kind="").order_by("id")
    rows = list(installed.values_list("id", "name", "low", "high", "cell"))
    ids, names, low, high, cells = map(list, zip(*rows, strict=True)) if rows else ([], [], [], [], [])
    return Streams(ids, names, low, high, cells)
