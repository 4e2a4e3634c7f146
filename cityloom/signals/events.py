"""Facts that signals publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SignalsRecorded:
    """A batch of signals was stored; the window runs from its earliest to its latest phenomenon."""

    observation_count: int
    datastream_ids: tuple[int, ...]
    report_ids: tuple[str, ...]
    scene_ids: tuple[str, ...]
    window_start: datetime
    window_end: datetime
