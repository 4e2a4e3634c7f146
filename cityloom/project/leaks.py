"""Leaks are looked for once a day, early in the morning, by a process of its own."""

from __future__ import annotations

import logging
import os
from datetime import datetime

from cityloom.detection import actions, queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.project.errand import Errand
from cityloom.registers import queries as registers

log = logging.getLogger(__name__)
_LOOK_S = 60.0
_HOUR = 4
"""The night's readings are in the lake by then, and people see what was found when they come."""


def errand() -> Errand:
    """Look once each day, where there is a network with sensors on it."""
    return Errand("leaks", _wanted, look_s=_LOOK_S)


def _wanted(at: datetime) -> str | None:
    local = at.astimezone(registers.time_zone())
    return f"{local:%Y-%m-%d}" if local.hour >= _HOUR and queries.are_leaks_wanted() else None


def look() -> None:
    """Look at all days up to today."""
    os.nice(10)  # nobody waits for it, and people may wait for what shares its processor
    try:
        found = actions.look_for_leaks(by=SYSTEM, at=clock.now())
    except Refused as refusal:
        log.info("leaks: %s", refusal.code)
        return
    log.info("leaks: %d sensors, %d days, %d raised", found.sensors, found.days, len(found.raised))
