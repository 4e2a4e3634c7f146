"""Questions about tasks and workers; nothing that is sealed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import Count, Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from cityloom.fieldwork.domain import states
from cityloom.fieldwork.models import Repair, Task, Worker
from cityloom.kernel.actor import Actor
from cityloom.ui.domain import series
from cityloom.ui.domain.declared import Reading, WorkItem

_MOST = 100
_SPANS = 50_000  # tasks that a line of figures looks at


@dataclass(frozen=True)
class TaskFacts:
    """A task without anything about the people in it except their number."""

    id: str
    incident_id: str
    exercise_id: str
    kind: str
    building_id: int
    dwelling_id: int
    lon: float
    lat: float
    people: int
    worker_id: str
    account: str
    state: str
    assigned_at: datetime | None
    delivered_at: datetime | None
    finished_at: datetime | None
    until: datetime


@dataclass(frozen=True)
class WorkersOnDuty:
    """Who can be sent, as arrays of one length; `load` counts open tasks."""

    id: NDArray[np.str_]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    load: NDArray[np.int64]


@dataclass(frozen=True)
class RepairFacts:
    """Something to be looked at; `what` names it, as in `datastream:17`."""

    id: str
    what: str
    name: str
    kind: str
    fault: str
    lon: float
    lat: float
    asked_at: datetime
    ended_at: datetime | None


def repairs(*, open_only: bool = True, most: int = 100) -> list[RepairFacts]:
    """What is to be repaired, the latest first."""
    return _repairs(Repair.objects.filter(ended_at=None) if open_only else Repair.objects.all(), most)


def repairs_of(what: str, *, most: int = 100) -> list[RepairFacts]:
    """What was or is to be repaired of one thing, the latest first."""
    return _repairs(Repair.objects.filter(what=what), most)


def _repairs(rows: QuerySet[Repair], most: int) -> list[RepairFacts]:
    fields = ("id", "what", "name", "kind", "fault", "lon", "lat", "asked_at", "ended_at")
    return [RepairFacts(*row) for row in rows.order_by("-asked_at", "id").values_list(*fields)[:most]]


def tasks_of(incident_id: str) -> list[TaskFacts]:
    """The tasks of an incident, those that still need someone first."""
    tasks = Task.objects.filter(incident_id=incident_id).select_related("worker").order_by("id")
    return sorted(map(as_facts, tasks), key=lambda task: states.STATES.index(task.state))


def my_tasks(actor: Actor) -> list[TaskFacts]:
    """The open tasks of whoever is signed in, oldest first."""
    tasks = Task.objects.filter(worker__account_id=actor.account, state__in=states.OPEN).select_related("worker")
    return [as_facts(task) for task in tasks.order_by("assigned_at", "id")]


def counts_by_state(incident_id: str) -> dict[str, int]:
    """How many tasks of an incident stand where; every state is in it."""
    rows = Task.objects.filter(incident_id=incident_id).values_list("state").annotate(Count("id"))
    return dict.fromkeys(states.STATES, 0) | dict(rows)


def exercise_of(task_id: str) -> str:
    """The exercise that a task belongs to; "" for a real one, and for one that there is not."""
    return Task.objects.filter(id=task_id).values_list("exercise_id", flat=True).first() or ""


def undelivered(incident_id: str) -> list[str]:
    """The ids of the tasks that have a worker but were not received yet."""
    tasks = Task.objects.filter(incident_id=incident_id, state=states.ASSIGNED)
    return list(tasks.order_by("id").values_list("id", flat=True))


def people_helped_last(limit: int) -> list[int]:
    """The subjects of the newest tasks that were received, at most so many of them."""
    received = Task.objects.exclude(delivered_at=None).order_by("-delivered_at", "id")[:limit]
    return [subject for subjects in received.values_list("subjects", flat=True) for subject in subjects][:limit]


def load_of(exercise_id: str) -> dict[str, int]:
    """Open tasks by worker in an exercise, or in the real city for ""."""
    tasks = Task.objects.filter(exercise_id=exercise_id, state__in=states.OPEN, worker__isnull=False)
    return dict(tasks.values_list("worker_id").annotate(Count("id")))


def workers_on_duty(exercise_id: str) -> WorkersOnDuty:
    """Everyone who can be sent, with what they carry in this exercise."""
    rows = list(Worker.objects.filter(on_duty=True).order_by("id").values_list("id", "lon", "lat"))
    load = load_of(exercise_id)
    return WorkersOnDuty(
        id=np.array([row[0] for row in rows], dtype="U26"),
        lon=np.array([row[1] for row in rows], dtype=float),
        lat=np.array([row[2] for row in rows], dtype=float),
        load=np.array([load.get(row[0], 0) for row in rows], dtype=np.int64),
    )


def languages_of(account: str) -> tuple[str, ...]:
    """The languages that a worker speaks; none for someone who is not a worker."""
    languages: Iterable[list[str]] = Worker.objects.filter(account_id=account).values_list("languages", flat=True)
    return tuple(next(iter(languages), []))


def as_facts(task: Task) -> TaskFacts:
    """What others may know of a task."""
    return TaskFacts(
        id=task.id, incident_id=task.incident_id, exercise_id=task.exercise_id, kind=task.kind,
        building_id=task.building_id, dwelling_id=task.dwelling_id, lon=task.lon, lat=task.lat,
        people=len(task.subjects), worker_id=task.worker_id or "", account=task.account, state=task.state,
        assigned_at=task.assigned_at, delivered_at=task.delivered_at, finished_at=task.finished_at, until=task.until,
    )  # fmt: skip


# --- what the overview shows


def tasks_to_do(actor: Actor, at: datetime) -> list[WorkItem]:
    """The actor's own open tasks, oldest first; without the people in them, who are opened with the task."""
    return [_to_do(task) for task in my_tasks(actor)[:_MOST]]


def _to_do(task: TaskFacts) -> WorkItem:
    is_here = task.state in (states.DELIVERED, states.ACCEPTED)
    return WorkItem(
        title=_("Help someone to leave"), url=reverse("task", args=[task.id]) if is_here else "", urgency="now",
        since=task.assigned_at, due_at=task.until, is_exercise=bool(task.exercise_id),
        note=_("Task {reference}. Opening it is logged.").format(reference=task.id[-6:]) if is_here
        else _("It is on its way to you."),
    )  # fmt: skip


def open_task_count(actor: Actor, at: datetime) -> Reading:
    """How many tasks had been given to workers and were not ended, and over the last day."""
    instants = series.hours_to(at)
    given = Task.objects.filter(exercise_id="", assigned_at__lte=at).exclude(finished_at__lt=instants[0])
    spans = given.order_by("-assigned_at").values_list("assigned_at", "finished_at")[:_SPANS]
    counted = series.lasting(spans, instants)
    drilled = Task.objects.exclude(exercise_id="").filter(assigned_at__lte=at)
    under_way = drilled.filter(Q(finished_at=None) | Q(finished_at__gt=at)).count()
    note = _("{count} more in exercises").format(count=under_way) if under_way else ""
    return Reading(counted[-1][1], counted, state="wait" if counted[-1][1] else "good", note=note)
