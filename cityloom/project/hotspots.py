"""Hot spots are looked for once a day, early in the morning, by a process of its own."""

from __future__ import annotations

import logging
import os
from datetime import datetime

from cityloom.insight import actions, queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.project.errand import Errand
from cityloom.registers import queries as registers

log = logging.getLogger(__name__)
_LOOK_S = 60.0
_HOUR = 5
"""Yesterday is over, and offices see what they are asked when they come."""


def errand() -> Errand:
    """Look once each day."""
    return Errand("hotspots", _wanted, look_s=_LOOK_S)


def _wanted(at: datetime) -> str | None:
    local = at.astimezone(registers.time_zone())
    return f"{local:%Y-%m-%d}" if local.hour >= _HOUR and queries.is_hotspot_look_due(local.date()) else None


def look() -> None:
    """Look at the days up to yesterday."""
    os.nice(10)  # nobody waits for it, and people may wait for what shares its processor
    try:
        found = actions.look_for_hotspots(by=SYSTEM, at=clock.now())
    except Refused as refusal:
        log.info("hot spots: %s", refusal.code)
        return
    log.info("hot spots: %d cases, %d places, %d raised", found.cases, found.places, len(found.raised))
