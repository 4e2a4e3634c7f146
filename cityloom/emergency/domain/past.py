"""The state that an incident was in, from what is dated in its records."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cityloom.emergency.domain import states


@dataclass(frozen=True)
class Revision:
    """The newest revision that there was: what for, whether it had been returned, and who had approved it."""

    purpose: str
    is_sent_back: bool
    approved_as: Collection[str]


def state_of(newest: Revision | None, ended_as: str = "") -> str:
    """The state that these records lead to; `ended_as` is the last state of an incident that was over, else ""."""
    if ended_as:
        return ended_as
    if newest is None:
        return "open"
    if newest.purpose != "evacuation":
        return "warned" if newest.is_sent_back else "clearing"
    if newest.is_sent_back:
        return "sent-back"
    if states.SECOND in newest.approved_as:
        return "warned"
    return "ordered" if states.COMMANDER in newest.approved_as else "proposed"
