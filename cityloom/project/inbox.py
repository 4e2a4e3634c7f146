"""The city's inbox: files that arrive are loaded by a process of its own, so that nothing urgent waits for a load."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.project.errand import Errand
from cityloom.registers import actions

_LOOK_S = 5.0
_PAUSE_S = 30.0


def errand() -> Errand:
    """Take in what is complete; no two looks are the same, since files may have come between them."""
    return Errand(
        "inbox", lambda at: at if actions.is_anything_due(folder(), at) else None, look_s=_LOOK_S, pause_s=_PAUSE_S
    )


def folder() -> Path:
    """Where files arrive."""
    return Path(settings.CITYLOOM["INBOX_DIR"])


def take_in() -> None:
    """Take in what is complete."""
    actions.take_in(folder(), by=SYSTEM, at=clock.now())
