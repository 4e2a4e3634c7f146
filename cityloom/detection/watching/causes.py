"""The cause packs that a city has put in force, weighed along its networks as readings and calls come.

Weighing is done beside the road, on a copy of what was said last: at most once a second, and never more than a part of
the time.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

import numpy as np
from django.db import DatabaseError

from cityloom.detection.domain.cause import Cause
from cityloom.detection.domain.gathering import Finding
from cityloom.detection.domain.health import IN_SERVICE, UNKNOWN
from cityloom.detection.domain.lasting import Lasting
from cityloom.detection.domain.lately import Lately
from cityloom.detection.domain.noticing import NOBODY, Lookers, Streams
from cityloom.detection.domain.running import Kept
from cityloom.detection.domain.said import Heard, heard
from cityloom.detection.domain.topology import Network
from cityloom.detection.trust import packs
from cityloom.detection.trust.networks import Networks
from cityloom.detection.watching import found
from cityloom.detection.watching.watch import Judged, Watch
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused
from cityloom.signals import queries as signals

log = logging.getLogger(__name__)
_LOOK_S = 5.0
_EVERY_S = 1.0
_SHARE = 0.2
"""Of the time that passes, so much at most goes into weighing."""
_KEPT = "/lately/"


class Causes:
    """Looks for the causes that are in force; with `aside` in a thread of its own."""

    def __init__(self, watch: Watch, *, aside: bool = True) -> None:
        self._watch, self._aside = watch, aside
        kept = {name.removeprefix(_KEPT): each for name, each in watch.learnt.rules.items() if name.startswith(_KEPT)}
        self._lately = Lately.load(kept)
        self._lookers, self._lasting = Lookers((), NOBODY), Lasting({})
        self._texts: tuple[str, ...] = ()
        self._of: object = None
        self._networks = Networks()
        self._fresh, self._looked_at, self._due = True, -_LOOK_S, 0.0
        self._calls_seen: tuple[str, ...] = ()
        self._found: list[Finding] = []
        self._weighing: threading.Thread | None = None
        self.look()

    def look(self) -> None:
        """See which causes are in force, and what streams there are."""
        if clock.stopwatch() - self._looked_at >= _LOOK_S:
            self._looked_at = clock.stopwatch()
            self._begin(() if self._watch.exercise_id else tuple(packs.causes_in_force()))

    def note(self, judged: Judged) -> None:
        """Take readings that were judged."""
        if not self._texts:
            return
        self._begin(self._texts)
        self._fresh |= self._lately.note(judged.stream, judged.at_s, judged.value, judged.scores, self._lookers.wanted)

    def tick(self, at: datetime) -> None:
        """Tell what was found, and look for more where there is something new."""
        self.look()
        self._begin(self._texts)
        if self._weighing is not None and self._weighing.is_alive():
            return
        self._tell(at)
        if not self._texts or clock.stopwatch() < self._due:
            return
        self._due = clock.stopwatch() + _EVERY_S
        calls = self._calls(at)
        fresh_calls = tuple(calls.source.tolist())
        if not self._fresh and fresh_calls == self._calls_seen:
            return
        self._fresh, self._calls_seen = False, fresh_calls
        self._begin_weighing(calls, at)

    def save(self) -> Kept:
        """What streams said last, so that a restart knows it."""
        return {f"{_KEPT}{name}": each for name, each in self._lately.save().items()} if self._texts else {}

    def close(self) -> None:
        """Wait for what is being weighed, and tell it."""
        if self._weighing is not None:
            self._weighing.join()
        self._tell(self._watch.now())

    def _begin(self, texts: tuple[str, ...]) -> None:
        if texts == self._texts and self._of is self._watch.streams:
            return
        self._texts, self._of, self._fresh = texts, self._watch.streams, True
        streams = _streams(self._watch) if texts else NOBODY
        written = [packs.written(text) for text in texts]
        causes = [one for one in written if isinstance(one, Cause)]
        self._lookers = Lookers(causes, streams)
        self._lasting.lasts_s = {one.name: one.lasts_s for one in causes}
        self._lately.grow(len(streams))
        self._lately.follow(self._lookers.recurring, self._watch.learnt.baseline.calendar)

    def _calls(self, at: datetime) -> Heard:
        """The calls about any of the causes that count now; each caller once."""
        if not self._lookers.categories:
            return heard(())
        since = at - timedelta(seconds=self._lookers.within_s)
        told = signals.reports_between(since, at, self._watch.exercise_id)
        return heard([one for one in told if one.category in self._lookers.categories])

    def _begin_weighing(self, calls: Heard, at: datetime) -> None:
        networks = {cause.network: self._networks.get(cause.network) for cause in self._lookers.causes}
        state = self._watch.state
        working = self._watch.in_service & ((state == IN_SERVICE) | (state == UNKNOWN))
        seen = self._lately.see(at.timestamp())
        lately = seen.still() if self._aside else seen
        task = (self._lookers, lately, working, calls, networks, at.timestamp())
        if self._aside:
            self._weighing = threading.Thread(target=self._weigh, args=task, name="causes", daemon=True)
            self._weighing.start()
        else:
            self._weigh(*task)
            self._tell(at)

    def _weigh(self, lookers: Lookers, lately: Lately, working: np.ndarray, calls: Heard,
               networks: dict[str, Network | None], at_s: float) -> None:  # fmt: skip
        started = clock.stopwatch()
        try:
            self._found = self._lasting.lasted(lookers.findings(lately, working, calls, networks.get, at_s), at_s)
        except Refused as refusal:
            log.warning("weighing causes: %s", refusal.code)
        except Exception:  # the road goes on; the next turn tries again
            log.exception("weighing causes failed; reference %s", ids.new_ulid())
        self._due = max(self._due, clock.stopwatch() + (clock.stopwatch() - started) * (1 / _SHARE - 1))

    def _tell(self, at: datetime) -> None:
        """Raise what was found; what cannot be raised now is raised later."""
        told, self._found = self._found, []
        try:
            found.tell(told, at, self._watch.exercise_id)
        except DatabaseError:
            log.exception("what was found is told later")
            self._found = told


def _streams(watch: Watch) -> Streams:
    """The streams that are watched, as causes see them."""
    columns = watch.streams
    source = np.array([f"datastream:{key}" for key in watch.learnt.ids.tolist()], dtype=object)
    return Streams(source, columns.name, columns.kind, columns.unit, columns.lon, columns.lat)
