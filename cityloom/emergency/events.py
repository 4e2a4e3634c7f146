"""Facts that the emergency capability publishes; no personal data in any of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class IncidentOpened:
    """A detection has become an incident."""

    incident_id: str
    detection_id: str
    category: str
    lon: float
    lat: float
    first_signal_at: datetime
    opened_at: datetime


@dataclass(frozen=True)
class ProposalReady:
    """A revision of the evacuation waits for people to approve it."""

    incident_id: str
    proposal_id: str
    revision: int
    digest: str
    buildings: int
    households: int


@dataclass(frozen=True)
class EvacuationApproved:
    """A commander has approved the document with this digest."""

    incident_id: str
    proposal_id: str
    digest: str
    approved_by: str
    approved_at: datetime


@dataclass(frozen=True)
class AlertApproved:
    """A second person has approved the same document, so its alert may leave."""

    incident_id: str
    proposal_id: str
    digest: str
    approved_by: str
    approved_at: datetime


@dataclass(frozen=True)
class ProposalSentBack:
    """A proposal was returned; the reason is free text and stays with the proposal."""

    incident_id: str
    proposal_id: str
    sent_back_by: str


@dataclass(frozen=True)
class NoticeSent:
    """A department was told what is asked of it."""

    incident_id: str
    notice_id: str
    department: str


@dataclass(frozen=True)
class NoticeAcknowledged:
    """A department has said that it acts."""

    incident_id: str
    notice_id: str
    department: str
    acknowledged_by: str


@dataclass(frozen=True)
class NoticeEscalated:
    """A department stayed silent too long."""

    incident_id: str
    notice_id: str
    department: str


@dataclass(frozen=True)
class PublicWarned:
    """The first channel has taken the alert."""

    incident_id: str
    channel: str


@dataclass(frozen=True)
class HelpCompleted:
    """Every task of an incident has come to its end."""

    incident_id: str
    done: int
    unable: int


@dataclass(frozen=True)
class IncidentUpdated:
    """The zone or the words of an incident change; the new revision must be approved like the first."""

    incident_id: str
    proposal_id: str
    revision: int


@dataclass(frozen=True)
class IncidentClosed:
    """All clear: people may return."""

    incident_id: str
    closed_by: str


@dataclass(frozen=True)
class IncidentCancelled:
    """The incident was a mistake, or was never needed."""

    incident_id: str
    cancelled_by: str


@dataclass(frozen=True)
class EntryWritten:
    """Somebody wrote into the log of an incident; the words stay sealed there."""

    incident_id: str
    entry_id: str
    role: str
