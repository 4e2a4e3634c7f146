"""Facts that insight publishes; they are about places and categories, never about who reported anything."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class HotspotRaised:
    """There is more of a category around a place than its past lets expect; `unit` is asked what has changed there."""

    alarm_id: str
    category: str
    unit: str
    lon: float
    lat: float
    since: str
    recurrence_years: float
    raised_at: datetime


@dataclass(frozen=True)
class HotspotAnswered:
    """An office says what an alarm was: `answer` is explained, works, opened or nothing."""

    alarm_id: str
    category: str
    unit: str
    answer: str
    answered_at: datetime
