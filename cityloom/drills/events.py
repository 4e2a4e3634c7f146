"""Facts that drills publish, for pages that show how a drill goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DrillChanged:
    """A drill was started, paced, paused, disturbed, stopped or finished; `what` says which."""

    drill_id: str
    what: str
