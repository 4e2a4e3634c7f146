"""Facts that detection publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class DetectionRaised:
    """Several independent sources agree that something happened at a place."""

    detection_id: str
    category: str
    lon: float
    lat: float
    score: float
    first_signal_at: datetime
    raised_at: datetime
