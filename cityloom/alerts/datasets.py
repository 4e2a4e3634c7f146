"""What the lake keeps of alerts: which channel took which, and when; not to whom."""

from __future__ import annotations

from cityloom.alerts import events
from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "warnings", "Alerts and their delivery",
        (events.AlertIssued, events.AlertDelivered, events.AlertUndeliverable), ("alert_id",),
        (
            Column("incident_id", "text", source="all"), Column("message_type", "text", source="all"),
            Column("channel", "text", source="AlertDelivered, AlertUndeliverable"),
            Column("attempts", "integer", unit="attempts", source="AlertDelivered, AlertUndeliverable"),
            Column("code", "text", source="AlertUndeliverable"),
        ),
    ),
)  # fmt: skip
