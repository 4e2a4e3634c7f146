"""What fieldwork tells the city."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class TasksAssigned:
    """Tasks of an incident were given to workers."""

    incident_id: str
    task_ids: tuple[str, ...]
    assigned_at: datetime


@dataclass(frozen=True)
class TasksDelivered:
    """Workers received tasks, with what is needed to do them."""

    incident_id: str
    task_ids: tuple[str, ...]
    delivered_at: datetime


@dataclass(frozen=True)
class TasksAccepted:
    """Workers have said that they are at it."""

    incident_id: str
    task_ids: tuple[str, ...]
    accepted_at: datetime


@dataclass(frozen=True)
class TaskFinished:
    """A task came to its end; `state` is `done` or `unable`."""

    task_id: str
    incident_id: str
    worker_id: str
    state: str
    finished_at: datetime
