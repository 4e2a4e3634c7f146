"""How fast a drill goes, and what its time is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cityloom.kernel.refused import Refused

PACES = (1, 10, 60, 0)
"""Times the wall's clock; 0 is as fast as possible."""
LEAD_S = 10.0
"""A drill that people watch begins so long before its first signal."""


@dataclass(frozen=True)
class Pace:
    """A drill's clock: it was `drill_at` at `wall_at`, and goes on `times` as fast; it may stand still."""

    drill_at: datetime
    wall_at: datetime
    times: int
    is_paused: bool = False

    def at(self, wall_at: datetime, goal: datetime | None) -> datetime:
        """The drill's time at a moment of the wall's clock; as fast as possible it is at its goal already."""
        if self.is_paused:
            return self.drill_at
        if not self.times:
            return max(goal or self.drill_at, self.drill_at)
        run = timedelta(seconds=(wall_at - self.wall_at).total_seconds() * self.times)
        return self.drill_at + max(run, timedelta(0))


def check_pace(times: int) -> int:
    """Raises: Refused `drill.pace`."""
    if times not in PACES:
        raise Refused("drill.pace", "A drill does not go {value} times as fast; choose one of the paces of the page.",
                      value=times)  # fmt: skip
    return times
