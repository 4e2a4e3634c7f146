"""When a handler that failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

MAX_ATTEMPTS = 10
_FIRST_S = 1.0
_LONGEST_S = 60.0


def next_try(attempts: int, at: datetime) -> datetime | None:
    """The instant of the next attempt after `attempts` failures: 1 s, doubling, at most 60 s; None gives up."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return at + timedelta(seconds=min(_FIRST_S * 2 ** (attempts - 1), _LONGEST_S))
