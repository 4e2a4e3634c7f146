"""Facts that this capability publishes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class AlertIssued:
    """An approved alert was accepted for delivery on its channels."""

    alert_id: str
    incident_id: str
    identifier: str
    message_type: str
    status: str
    document_digest: str
    channels: tuple[str, ...]
    issued_at: datetime


@dataclass(frozen=True)
class AlertDelivered:
    """A channel took an alert."""

    alert_id: str
    incident_id: str
    message_type: str
    channel: str
    attempts: int
    delivered_at: datetime


@dataclass(frozen=True)
class AlertUndeliverable:
    """A channel will not get an alert any more, or nobody knows whether it did; an operator must see this."""

    alert_id: str
    incident_id: str
    message_type: str
    channel: str
    code: str
    attempts: int
    decided_at: datetime
