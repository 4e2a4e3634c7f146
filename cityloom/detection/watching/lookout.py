"""All that watches the readings of a city, in the process that keeps them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime

from django.db import DatabaseError

from cityloom.detection.domain.calendar import Calendar
from cityloom.detection.watching import learnt
from cityloom.detection.watching.causes import Causes
from cityloom.detection.watching.faults import Faults
from cityloom.detection.watching.rules import Rules
from cityloom.detection.watching.telling import Teller
from cityloom.detection.watching.watch import Kept, Watch
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor

log = logging.getLogger(__name__)
_SENSORS_EVERY_S = 10.0
_OTHERS_EVERY_S = 5.0
_KEPT_EVERY_S = 120.0


class Lookout:
    """Judges what is kept, tells what is odd, looks after sensors, and keeps what was learnt."""

    def __init__(
        self, *, by: Actor, exercise_id: str = "", calendar: Calendar | None = None,
        now: Callable[[], datetime] = clock.now, aside: bool = True,
    ) -> None:  # fmt: skip
        self._now, self.watch = now, Watch(exercise_id=exercise_id, calendar=calendar, now=now)
        self._teller = Teller(self.watch)
        self._faults = None if exercise_id else Faults(self.watch)
        self._rules = Rules(self.watch)
        self._causes = Causes(self.watch, aside=aside)
        self._due = dict.fromkeys(("sensors", "others"), 0.0) | {"keep": clock.stopwatch() + _KEPT_EVERY_S}
        self._keeping: threading.Thread | None = None

    def note(self, kept: Kept) -> None:
        """Judge what was kept; what cannot be told now is told on a later tick."""
        with self.watch.turn:
            self._judge(kept)
            self._tell(self._now())
            self._rules.tell(self._now())

    def catch_up(self, turn: Callable[[], None] = lambda: None) -> int:
        """Judge what is kept and was not judged yet; return how many readings that were."""
        many = 0
        with self.watch.turn:
            for kept in self.watch.behind(self._now()):
                self._judge(kept)
                many += len(kept.slot)
                turn()
            self._tell(self._now())
        return many

    def tick(self, at: datetime) -> None:
        """Do what is due."""
        with self.watch.turn:
            self.watch.be_due()
            self._tell(at)
            self._rules.look(at)
            self._rules.tell(at)
            self._causes.tick(at)
            if self._is_due("others", _OTHERS_EVERY_S):
                self.catch_up()
            if self._faults and self._is_due("sensors", _SENSORS_EVERY_S):
                self._faults.look(at)
            if self._is_due("keep", _KEPT_EVERY_S):
                self._keep_aside()

    def tell(self) -> None:
        """Tell at once what is odd."""
        self._teller.tell(self._now(), now=True)

    def close(self) -> None:
        """Keep what was learnt."""
        if self._keeping:
            self._keeping.join()
        self._causes.close()
        self.watch.learnt.rules = self._rules.save() | self._causes.save()
        learnt.keep(self.watch.folder, self.watch.learnt)

    def _judge(self, kept: Kept) -> None:
        judged = self.watch.judge(kept)
        self._teller.note(judged, self.watch.told_of(judged, self._now().timestamp()))
        self._rules.note(judged)
        self._causes.note(judged)

    def _tell(self, at: datetime) -> None:
        try:
            self._teller.tell(at)
        except DatabaseError:
            log.exception("what is odd is told later")

    def _keep_aside(self) -> None:
        """Keep a copy in a thread: the disk takes longer than readings can wait."""
        if self._keeping and self._keeping.is_alive():
            return
        self.watch.learnt.rules = self._rules.save() | self._causes.save()
        copy = self.watch.learnt.copy()
        self._keeping = threading.Thread(target=learnt.keep, args=(self.watch.folder, copy), name="learnt")
        self._keeping.start()

    def _is_due(self, what: str, every_s: float) -> bool:
        due = clock.stopwatch() >= self._due[what]
        if due:
            self._due[what] = clock.stopwatch() + every_s
        return due
