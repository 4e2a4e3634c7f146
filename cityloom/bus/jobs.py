"""Events between machines: what lies in the outbox goes to a broker, and what comes from it to the handlers here.

The outbox stays the record. An event is with the broker before the position behind it is written down, and the broker
is told to forget it after its handlers have run or have said why not: killed between any two steps, a process leaves
what is done again, and known to be done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from datetime import datetime

from django.db import close_old_connections

from cityloom.bus import actions, plugins, queries
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

log = logging.getLogger(__name__)
LEASE_S = 30.0
_RENEWED_S = 10.0
_LOOK_S = 0.04
_AGAIN_S = 5.0
_AT_ONCE = 500


class Carrier:
    """Sends and takes events over a line, for all capabilities or for those that this machine serves.

    One process at a time sends, and one serves a capability, so that its handlers see events in their order; when it
    dies another one goes on after `LEASE_S`.
    """

    def __init__(self, line: plugins.Line, capabilities: Collection[str] = (), *, holder: str = "") -> None:
        self._line, self._only = line, frozenset(capabilities)
        self._holder = holder or ids.new_ulid()
        self._held: dict[str, tuple[float, bool]] = {}
        self._feed: queries.Feed | None = None
        self._goes_well = True

    @property
    def is_up(self) -> bool:
        """Whether events go to the broker and come back; while they do not, they are delivered where they happen."""
        return self._line.is_up and self._goes_well

    def serves(self, capability: str) -> bool:
        """Whether handlers of a capability run on this machine."""
        return not self._only or capability in self._only

    def deliver(self, at: datetime) -> int:
        """Deliver what is due here: all while the broker is away, else only what it does not carry."""
        drain = actions.drain_beside if self.is_up else actions.drain
        return drain(at=at, serves=self.serves)

    def turn(self, at: datetime, wait_s: float = _LOOK_S) -> int:
        """Send what has happened, and deliver what has come; return how many events came."""
        if not self._line.is_up:
            self._feed = None
            threading.Event().wait(wait_s)
            return 0
        try:
            self.send()
            return self.take(at, wait_s)
        except plugins.LineAway as away:
            self._feed = None
            log.warning("the broker between machines: %s", away)
            return 0

    def send(self) -> int:
        """Give the broker what has happened since; return how many events. Raises: LineAway."""
        if not self._holds(actions.RELAY):
            self._feed = None
            return 0
        feed = self._feed or self._begin()
        self._feed = None  # until this has gone well
        rows = feed.read(_AT_ONCE)
        waiting = queries.unsettled_among([position for position, _ in rows])
        mine = [(position, one) for position, one in rows if position in waiting and not one.exercise_id]
        heard = [one for _, one in mine if one.type in actions.routes()]
        self._line.send([(one.id, one.type, one.to_json().encode()) for one in heard])
        if rows:
            actions.settle_unheard(positions=[place for place, one in mine if one.type not in actions.routes()])
            actions.note_carried(position=feed.position)
        self._feed = feed
        return len(heard)

    def take(self, at: datetime, wait_s: float = 0.0) -> int:
        """Deliver what has come for the capabilities that are this process's; return how many events."""
        self._line.serve([one for one in self._capabilities() if self._holds(one)])
        carried = self._line.come(wait_s)
        for capability in dict.fromkeys(one.capability for one in carried):
            self._deliver(capability, [one for one in carried if one.capability == capability], at)
        return len(carried)

    def run(self, stop: threading.Event, now: Callable[[], datetime] = clock.now) -> None:
        """Go on until told to stop."""
        while not stop.is_set():
            try:
                self.turn(now())
                self._goes_well = True
            except Refused as refusal:
                log.warning("events between machines: %s", refusal.code)
                stop.wait(1.0)
            except Exception:  # this outlives any defect: it is in the log, the next turn tries again
                self._goes_well = False
                log.exception("events between machines; reference %s", ids.new_ulid())
                close_old_connections()
                stop.wait(1.0)
        self.close()

    def close(self) -> None:
        """Let others go on at once."""
        self._line.close()
        actions.end_leases(holder=self._holder)
        close_old_connections()

    def _begin(self) -> queries.Feed:
        """From behind what is with the broker; the first time from what waits."""
        position, _ = queries.carried_until(actions.RELAY)
        feed = queries.Feed()
        feed.position = position or queries.first_unsettled() - 1
        return feed

    def _deliver(self, capability: str, carried: list[plugins.Carried], at: datetime) -> None:
        try:
            left = actions.deliver(event_ids=[one.event_id for one in carried], capability=capability, at=at)
        except BaseException:
            self._line.put_back(carried, _AGAIN_S)
            raise
        self._line.settle([one for one in carried if one.event_id not in left])
        self._line.put_back([one for one in carried if one.event_id in left], _AGAIN_S)

    def _capabilities(self) -> list[str]:
        names = {actions.capability_of(name) for route in actions.routes().values() for name in route.handlers}
        return sorted(name for name in names if self.serves(name))

    def _holds(self, name: str) -> bool:
        """Whether something is this process's to do; asked again now and then, not on each turn."""
        now = clock.stopwatch()
        asked, is_mine = self._held.get(name, (-_RENEWED_S, False))
        if now - asked >= _RENEWED_S:
            is_mine = actions.lease(name=name, holder=self._holder, seconds=LEASE_S)
            self._held[name] = (now, is_mine)
        return is_mine
