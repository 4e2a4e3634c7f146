"""The only door to time: every instant in Cityloom comes from here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

_ASKED_YEARS = (1900, 2200)


class Clock(Protocol):
    """Anything that can say what time it is."""

    def now(self) -> datetime:
        """The current aware UTC instant."""
        ...

    def steady(self) -> float:
        """Seconds on a counter that nobody can set back; only differences mean anything."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - the one door to the computer's clock

    def steady(self) -> float:
        return time.clock_gettime(time.CLOCK_BOOTTIME)  # goes on while the computer sleeps, as the calendar does


class DrillClock:
    """A clock that stands still until it is moved; drills and tests run on it, and nobody sleeps."""

    def __init__(self, start: datetime) -> None:
        self._now = require_aware(start)

    def now(self) -> datetime:
        return self._now

    def steady(self) -> float:
        return self._now.timestamp()

    def advance_to(self, instant: datetime) -> None:
        """Move forward to `instant`; a moment already passed leaves the clock where it is."""
        self._now = max(self._now, require_aware(instant))

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        self.advance_to(self._now + timedelta(seconds=seconds))


_clock: ContextVar[Clock] = ContextVar("cityloom_clock", default=SystemClock())  # noqa: B039 - stateless default


def now() -> datetime:
    """The current aware UTC instant, on the clock in use."""
    return _clock.get().now()


def steady() -> float:
    """Seconds on a counter of the clock in use that nobody can set back; only differences mean anything."""
    return _clock.get().steady()


@contextmanager
def use(clock: Clock) -> Iterator[Clock]:
    """Run a block on another clock."""
    token = _clock.set(clock)
    try:
        yield clock
    finally:
        _clock.reset(token)


def stopwatch() -> float:
    """Seconds on a monotonic counter; only differences mean anything, and never in a decision."""
    return time.perf_counter()


def require_aware(instant: datetime) -> datetime:
    """Return `instant` in UTC; raise ValueError if it has no time zone."""
    if instant.tzinfo is None:
        raise ValueError("An instant needs a time zone.")
    return instant.astimezone(UTC)


def to_text(instant: datetime) -> str:
    """ISO 8601 with milliseconds and a Z (RFC 3339)."""
    return require_aware(instant).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def asked_for(text: str, zone: tzinfo | None = None) -> datetime:
    """The instant that a person's address or form asks for; without an offset it is meant in `zone`, and in that zone.

    Raises: ValueError for what is none, and outside 1900 to 2200, so that a zone or some days more cannot overflow.
    """
    found = datetime.fromisoformat(text)
    if not _ASKED_YEARS[0] <= found.year <= _ASKED_YEARS[1]:
        raise ValueError("An instant that is asked for lies between 1900 and 2200.")
    if found.tzinfo is None and zone is not None:
        return found.replace(tzinfo=zone)
    return require_aware(found)


def from_text(text: str) -> datetime:
    """Read what `to_text` writes, and any other RFC 3339 instant."""
    return require_aware(datetime.fromisoformat(text))
