"""Addresses are looked up by a process of its own, for every load that brought more than it placed itself."""

from __future__ import annotations

import os

from cityloom.project.errand import Errand
from cityloom.registers import actions

_LOOK_S = 10.0


def errand() -> Errand:
    """Look addresses up where a load has come, or another city, since all was looked up."""
    return Errand("placer", lambda at: actions.known_by_address(), look_s=_LOOK_S)


def look_up() -> None:
    """Look up what waits."""
    os.nice(10)  # nobody waits for it, and people may wait for what shares its processor
    actions.place_what_waits()
