"""The worker's thread for the lake: events go into it in batches, each once; then its tables are kept in order.

A thread of its own, because a commit waits for the disk and joining files takes seconds, and people wait for alerts.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from django.db import close_old_connections

from cityloom.bus import queries as bus
from cityloom.gate import queries as gate
from cityloom.kernel import clock, ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.envelope import Envelope
from cityloom.kernel.refused import Refused
from cityloom.lake.domain.published import Published
from cityloom.project.home import Home
from cityloom.project.wiring import OPENINGS, PUBLISHED
from cityloom.signals import actions as signals

log = logging.getLogger(__name__)
_OUTBOX, _FLOWS = "outbox", "flows"
_ROWS = 2_000
_SECONDS = 30.0
_LOOK_S = 5.0
_FIRST_KEPT_S, _KEPT_EVERY_S = 600.0, 3600.0
_VACUUM_EVERY_S = 86_400.0
_MOST_AT_ONCE = 20_000


class Publisher:
    """Takes what the bus has told to the lake.

    Each table knows by Delta's `txn` up to which position of the outbox it has come, so that a kill at any point
    neither loses nor doubles an event; the outbox keeps what is not in the lake yet.
    """

    def __init__(self, lake: Path, published: tuple[Published, ...] = PUBLISHED) -> None:
        self._lake, self._published = lake, published
        self._position = -1
        self._waits_since: float | None = None
        self._flows_up_to = ""

    def tend(self, at: datetime, *, now: bool = False) -> int:
        """Take over what waits, where there is enough of it or it has waited long enough; return how many events."""
        until = bus.seen_position()
        if until <= self._position:
            return 0
        if self._waits_since is None:
            self._waits_since = clock.steady()
        is_time = clock.steady() - self._waits_since >= _SECONDS
        if not (now or is_time or until - self._position >= _ROWS):
            return 0
        taken = self._take(until)
        self._waits_since = None
        return taken

    def count_openings(self, at: datetime) -> int:
        """Add the openings of the days that are over, from the keeper's counts; return how many lines."""
        from cityloom.lake import catalogue
        from cityloom.lake.table import Once, Table

        yesterday = at.date() - timedelta(days=1)
        if self._flows_up_to == yesterday.isoformat():
            return 0
        table = Table(self._lake, OPENINGS)
        done = table.written_up_to(_FLOWS)
        first = datetime.fromordinal(done + 1).date() if done > 0 else yesterday - timedelta(days=30)
        found = [one for one in gate.flows(SYSTEM, first=first, last=yesterday) if not one.is_exercise]
        if found:
            catalogue.declare(self._lake, OPENINGS)
            table.append(_openings(found), Once(_FLOWS, yesterday.toordinal()))
        self._flows_up_to = yesterday.isoformat()
        return len(found)

    def keep(self, at: datetime, *, vacuum: bool = False) -> None:
        """Join small files, let go of what is too old and, where asked, remove what no version needs."""
        from cityloom.lake import catalogue

        for table in catalogue.tables(self._lake):
            table.compact()
            if table.dataset.keep_days:
                table.forget((at - timedelta(days=table.dataset.keep_days)).date().isoformat())
            if vacuum:
                table.vacuum()

    def run(self, stop: threading.Event) -> None:
        """Go round until told to stop."""
        started = clock.stopwatch()
        kept, vacuumed = started + _FIRST_KEPT_S - _KEPT_EVERY_S, started
        while not stop.wait(_LOOK_S):
            close_old_connections()
            at, passed = clock.now(), clock.stopwatch()
            _tried("publish to the lake", lambda at=at: self.tend(at))
            if passed - kept >= _KEPT_EVERY_S:
                kept, is_due = passed, passed - vacuumed >= _VACUUM_EVERY_S
                vacuumed = passed if is_due else vacuumed
                _tried("count openings", lambda at=at: self.count_openings(at))
                _tried("sum up old readings", lambda at=at: sum_up(at))
                _tried("keep the lake", lambda at=at, is_due=is_due: self.keep(at, vacuum=is_due))

    def _take(self, until: int) -> int:
        """Take over the events up to a position."""
        types = [kind for one in self._published for kind in one.types]
        after, taken = self._begin(), 0
        while rows := bus.events_of_types(types, after=after, until=until, limit=_MOST_AT_ONCE):
            for one in self._published:
                taken += self._append(one, [row for row in rows if row[1].type in one.types])
            after = rows[-1][0]
        self._position = until
        return taken

    def _begin(self) -> int:
        """Up to where every table has come; at the start of the process that is asked of the tables."""
        if self._position >= 0:
            return self._position
        from cityloom.lake.table import Table

        known = [Table(self._lake, one.dataset).written_up_to(_OUTBOX) for one in self._published]
        return min(known, default=0)

    def _append(self, published: Published, rows: list[tuple[int, Envelope]]) -> int:
        if not rows:
            return 0
        from cityloom.lake import catalogue
        from cityloom.lake.table import Once, Table

        table = Table(self._lake, published.dataset)
        done = table.written_up_to(_OUTBOX)
        new = [(position, envelope) for position, envelope in rows if position > done]
        if not new:
            return 0
        catalogue.declare(self._lake, published.dataset)
        table.append(published.facts([envelope for _position, envelope in new]), Once(_OUTBOX, new[-1][0]))
        return len(new)


def sum_up(at: datetime) -> int:
    """Sum up readings that are old, where the home has a rule for it; return how many."""
    try:
        text = Home.from_environment().keeping.read_text("utf-8-sig")
    except OSError:
        return 0
    return signals.thin_readings(text=text, by=SYSTEM, at=at)


def _openings(flows: list[gate.Flow]) -> dict[str, object]:
    """The keeper's counts as columns; a line is about a unit."""
    from cityloom.lake.domain.things import thing_of

    noon = [int(datetime.fromisoformat(f"{one.day}T12:00+00:00").timestamp()) * 1_000_000 for one in flows]
    columns = {name: [getattr(one, name) for one in flows] for name in ("unit", "role", "purpose", "kind", "people")}
    things = [thing_of("units", one.unit) for one in flows]
    return columns | {"thing": things, "at": noon, "leaves": [one.entries for one in flows]}


def _tried(name: str, job: Callable[[], object]) -> None:
    """Do a job; one that fails is logged, and tried again on a later round."""
    try:
        job()
    except Refused as refusal:
        log.warning("%s: %s", name, refusal.code)
    except Exception:  # the thread outlives any job: the defect is in the log, the next round tries again
        log.exception("%s failed; reference %s", name, ids.new_ulid())
