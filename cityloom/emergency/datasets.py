"""What the lake keeps of incidents: times, kinds and places; no approver, no words, nobody who was helped."""

from __future__ import annotations

from cityloom.emergency import events
from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "incidents", "Incidents and what became of them",
        (events.IncidentOpened, events.ProposalReady, events.EvacuationApproved, events.AlertApproved,
         events.ProposalSentBack, events.PublicWarned, events.HelpCompleted, events.IncidentUpdated,
         events.IncidentClosed, events.IncidentCancelled),
        ("incident_id",),
        (
            Column("category", "text", source="IncidentOpened"),
            Column("revision", "integer", source="ProposalReady, IncidentUpdated"),
            Column("buildings", "integer", unit="buildings", source="ProposalReady"),
            Column("households", "integer", unit="households", source="ProposalReady"),
            Column("channel", "text", source="PublicWarned"),
            Column("done", "integer", unit="tasks", source="HelpCompleted"),
            Column("unable", "integer", unit="tasks", source="HelpCompleted"),
        ),
    ),
    Published(
        "notices", "Notices to departments",
        (events.NoticeSent, events.NoticeAcknowledged, events.NoticeEscalated), ("notice_id",),
        (Column("incident_id", "text", source="all"), Column("department", "text", source="all")),
    ),
)  # fmt: skip
