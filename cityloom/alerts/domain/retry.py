"""When a channel that failed is tried again."""

from __future__ import annotations

from datetime import datetime, timedelta

MAX_ATTEMPTS = 8
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=2)
LEASE = timedelta(seconds=60)
"""Longer than any channel may take: an attempt that started longer ago and has no end was cut off by a crash."""


def next_try_at(attempts: int, at: datetime) -> datetime | None:
    """Two seconds after the first failure, then twice as long each time, at most two minutes; None after the eighth."""
    if attempts >= MAX_ATTEMPTS:
        return None
    return at + min(FIRST_WAIT * 2 ** (attempts - 1), LONGEST_WAIT)
