"""What else happens as a case comes into a state, in the same change: a room above says so here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.models import Case

Listener = Callable[[Case, CaseType, str, datetime], None]
"""Called with the case as it stands now, its type, the state before ("" for a new one), and when."""
_LISTENERS: list[Listener] = []


def listen(listener: Listener) -> None:
    """Let something happen whenever a case comes into a state; once, however often it is asked for."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)


def entered(row: Case, casetype: CaseType, before: str, at: datetime) -> None:
    """Let all of it happen, in the caller's transaction."""
    for listener in _LISTENERS:
        listener(row, casetype, before, at)
