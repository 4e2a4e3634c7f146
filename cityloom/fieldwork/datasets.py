"""What the lake keeps of tasks: when they were given and done; not by whom, and not for whom."""

from __future__ import annotations

from cityloom.fieldwork import events
from cityloom.lake.domain.dataset import Column
from cityloom.lake.domain.published import Published

PUBLISHED = (
    Published(
        "tasks", "Tasks of collectors and rescuers",
        (events.TasksAssigned, events.TasksDelivered, events.TasksAccepted, events.TaskFinished),
        ("task_id", "task_ids"),
        (Column("incident_id", "text", source="all"), Column("state", "text", source="TaskFinished")),
    ),
)  # fmt: skip
