"""A clock that can be believed: one that jumps or runs backwards opens nothing."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused

TOLERANCE = timedelta(seconds=30)
BEHIND_THE_LOG = timedelta(seconds=5)


class ClockGuard:
    """Compares the computer's clock with a counter that only goes forward, and with the newest entry of the log."""

    def __init__(self, newest: datetime | None) -> None:
        self._lock = threading.Lock()
        self._newest = newest
        self._seen_at, self._steady_s = clock.now(), clock.steady()

    def now(self) -> datetime:
        """The time, where it can be believed. Raises: Refused `gate.clock`."""
        with self._lock:
            moment, steady_s = clock.now(), clock.steady()
            expected = self._seen_at + timedelta(seconds=steady_s - self._steady_s)
            if abs(moment - expected) > TOLERANCE:
                raise _jumped(moment - expected)
            if self._newest is not None and moment < self._newest - BEHIND_THE_LOG:
                raise _jumped(moment - self._newest)
            self._seen_at, self._steady_s = moment, steady_s
            self._newest = moment if self._newest is None else max(self._newest, moment)
        return moment


def _jumped(by: timedelta) -> Refused:
    return Refused(
        "gate.clock", "The keeper's clock is {value} seconds away from where it must be, so nothing is opened; set the"
        " computer's clock right, then start the keeper again.", value=round(by.total_seconds()),
    )  # fmt: skip
