"""Facts that the gate publishes; none of them says whom an opening was about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class GateAlarmRaised:
    """The keeper rang an alarm for the data protection officer."""

    number: int
    kind: str
    purpose: str
    unit: str
    people: int
    at: datetime


@dataclass(frozen=True)
class GlassBroken:
    """A commander opened people at once; a review is due."""

    grant_id: str
    account_id: str
    people: int
    due_at: datetime


@dataclass(frozen=True)
class GlassReviewed:
    """Somebody else has said whether it was right."""

    grant_id: str
    outcome: str


@dataclass(frozen=True)
class OpeningContested:
    """A resident objects to an entry of the log."""

    contest_id: str
    leaf_index: int
    reason: str
    due_at: datetime


@dataclass(frozen=True)
class ContestAnswered:
    """The objection has an answer."""

    contest_id: str
    outcome: str


@dataclass(frozen=True)
class StatusSet:
    """A status burdens people from now on; they have been told."""

    batch: str
    kind: str
    people: int
    until: datetime
