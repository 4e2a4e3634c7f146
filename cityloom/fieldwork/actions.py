"""Give tasks to workers, hand over what they need, and take it back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

import numpy as np
from django.db import transaction
from numpy.typing import NDArray

from cityloom.accounts import queries as accounts
from cityloom.bus import actions as bus
from cityloom.fieldwork import policies
from cityloom.fieldwork.domain import states
from cityloom.fieldwork.domain.allocation import allocate
from cityloom.fieldwork.events import TaskFinished, TasksAccepted, TasksAssigned, TasksDelivered
from cityloom.fieldwork.models import Repair, Task, Worker
from cityloom.fieldwork.queries import TaskFacts, as_facts, workers_on_duty
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import cells, clock, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.geometry import LocalProjection
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers

PURPOSE = "emergency-assistance"
FIELDS = ("name", "phone", "need_note")
_BATCH = 500  # tasks in one transaction, which keeps it far below 200 ms
_T = TypeVar("_T")


@dataclass(frozen=True)
class PeopleToAssist:
    """Who needs help and where they live, as arrays of one length."""

    subject: NDArray[np.int64]
    dwelling_id: NDArray[np.int64]
    building_id: NDArray[np.int64]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]


@dataclass(frozen=True)
class TaskSheet:
    """What a worker is handed: it lives in memory on the way to their eyes and is stored nowhere.

    `people` hold `FIELDS`; someone whose envelope is damaged or erased is missing from it.
    """

    task: TaskFacts
    address: str = field(repr=False)
    people: tuple[Mapping[str, str], ...] = field(repr=False)


@dataclass(frozen=True)
class Report:
    """What a worker says about an own task."""

    task_id: str
    by: Actor


@transaction.atomic
def install_workers(
    *, workers: Sequence[accounts.DemoAccount], sites: Sequence[tuple[float, float]], by: Actor, at: datetime
) -> int:
    """Put the social workers among demo accounts on duty, each at the site (lon, lat) of the same rank.

    Run again it changes nothing. Everyone speaks Chinese and every third one English too. Returns how many there are.
    """
    social = [account for account in workers if "social-worker" in account.roles]
    rows = [
        Worker(
            id=ids.named_id("worker", account.account), account_id=account.account, lon=lon, lat=lat,
            cell=cells.cell_of(lon, lat), unit_id=account.unit,
            languages=["zh-Hans", "en"] if number % 3 == 0 else ["zh-Hans"],
        )
        for number, (account, (lon, lat)) in enumerate(zip(social, sites, strict=False))
    ]  # fmt: skip
    Worker.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_BATCH)
    return len(rows)


def assign(
    *, by: Actor, at: datetime, incident_id: str, people: PeopleToAssist, until: datetime, basis: str,
    zone_digest: str, exercise_id: str = "",
) -> list[str]:  # fmt: skip
    """Give each dwelling with someone to help to a worker; return the ids of all its tasks, old and new.

    One task a dwelling, one grant a worker. Run again it assigns only what is new, still waits for someone, or was
    taken back with an earlier zone. Where nobody is on duty the tasks are kept as `waiting`.
    """
    tasks = _tasks_for(people, incident_id, exercise_id, until)
    given = Task.objects.filter(incident_id=incident_id).exclude(state__in=(states.WAITING, states.CANCELLED))
    known = set(given.values_list("id", flat=True))
    fresh = [task for task in tasks if task.id not in known]
    _choose_workers(fresh, exercise_id, at)
    accounts_of = dict(Worker.objects.values_list("id", "account_id"))
    orders = [_order(accounts_of[worker], own, basis, zone_digest) for worker, own in _by_worker(fresh)]
    gate.grant_all(by=by, at=at, orders=orders)
    for batch in _batches(fresh):
        _store(batch, incident_id, exercise_id, at)
    return [task.id for task in tasks]


def deliver(*, at: datetime, task_ids: Sequence[str]) -> list[TaskSheet]:
    """Open what the assigned workers need, each opening in the worker's own name, and mark the tasks as received.

    Returns the sheets to hand over. Tasks that were received before, or have ended, are passed by. A worker whose
    people cannot be opened holds up nobody else: the others are served first, then that refusal is raised.

    Raises: Refused, from the gate or from accounts.
    """
    chosen = Task.objects.filter(id__in=task_ids, state=states.ASSIGNED).select_related("worker").order_by("id")
    sheets, refusals = _sheets(list(chosen), at)
    for batch in _batches([sheet.task for sheet in sheets]):
        _mark_delivered(batch, at)
    if refusals:
        raise refusals[0]
    return sheets


def open_my_task(*, by: Actor, at: datetime, task_id: str) -> TaskSheet:
    """Open the address and the need behind a worker's own task once more; the opening is logged.

    Raises: Refused `fieldwork.unknown`, `fieldwork.not_yours`, `fieldwork.not_delivered` or `fieldwork.ended`.
    """
    task = _found(task_id)
    policies.check_can_open(task, by)
    sheets, refusals = _sheets([task], at)
    if refusals:
        raise refusals[0]
    return sheets[0]


def accept(*, by: Actor, at: datetime, task_id: str) -> None:
    """Say that one is on the way.

    Raises: Refused `fieldwork.unknown`, `fieldwork.not_yours` or `fieldwork.state`.
    """
    _move(states.ACCEPTED, [Report(task_id, by)], at)


def finish(*, by: Actor, at: datetime, task_id: str) -> None:
    """Say that the people are safe; what was opened for it closes.

    Raises: Refused `fieldwork.unknown`, `fieldwork.not_yours` or `fieldwork.state`.
    """
    _move(states.DONE, [Report(task_id, by)], at)


def unable(*, by: Actor, at: datetime, task_id: str) -> None:
    """Say that it could not be done; what was opened for it closes.

    Raises: Refused `fieldwork.unknown`, `fieldwork.not_yours` or `fieldwork.state`.
    """
    _move(states.UNABLE, [Report(task_id, by)], at)


def take_reports(*, at: datetime, state: str, reports: Sequence[Report]) -> None:
    """Take what several workers say at the same time: all of them accepted, finished or could not do their tasks.

    Raises: Refused like `accept`, for the first that cannot be; then none of those in its batch of 500 has changed.
    """
    _move(state, reports, at)


def keep_within(
    *, by: Actor, at: datetime, incident_id: str, building_ids: Sequence[int], until: datetime, basis: str,
    zone_digest: str,
) -> int:  # fmt: skip
    """End the open tasks outside these buildings and put the others under grants for this zone; return how many ended.

    The grants for earlier zones are the caller's to end. Run again it changes nothing.
    """
    near, rows = set(building_ids), Task.objects.filter(incident_id=incident_id, state__in=states.OPEN)
    standing = list(rows.select_related("worker").order_by("id"))
    outside = [task.id for task in standing if task.building_id not in near]
    for batch in _batches(outside):
        rows.filter(id__in=batch).update(state=states.CANCELLED, finished_at=at)
    moved = gate_queries.grants_for_zone(incident_id, zone_digest)
    inside = [task for task in standing if task.building_id in near and task.worker_id and task.grant_id not in moved]
    _renew(inside, by=by, at=at, until=until, basis=basis, zone_digest=zone_digest)
    return len(outside)


def ask_for_repair(
    *, what: str, name: str, kind: str, fault: str, lon: float, lat: float, by: Actor, at: datetime
) -> str:
    """Have something of the city's own looked at; return the repair's id. Asked for again it stays one."""
    key = ids.named_id("repair", what, clock.to_text(at))
    Repair.objects.get_or_create(
        id=key, defaults={"what": what, "name": name[:120], "kind": kind[:20], "fault": fault[:24], "lon": lon,
                          "lat": lat, "asked_at": at},
    )  # fmt: skip
    return key


def end_repair(*, what: str, by: Actor, at: datetime) -> int:
    """Say that something is well again; return how many repairs that ends."""
    return Repair.objects.filter(what=what, ended_at=None, asked_at__lte=at).update(ended_at=at)


def cancel_all(*, by: Actor, at: datetime, incident_id: str) -> int:
    """End every open task of an incident and take back its grants; return how many tasks were open."""
    tasks = Task.objects.filter(incident_id=incident_id)
    grants = list(tasks.exclude(grant_id="").order_by("grant_id").values_list("grant_id", flat=True).distinct())
    ended = tasks.filter(state__in=states.OPEN).update(state=states.CANCELLED, finished_at=at)
    gate.revoke_these(by=by, at=at, grant_ids=grants)
    return ended


def remove_exercise(*, by: Actor, at: datetime, exercise_id: str) -> int:
    """Erase the tasks of an exercise; return how many there were.

    Raises: Refused `fieldwork.not_an_exercise`.
    """
    if not exercise_id:
        raise Refused("fieldwork.not_an_exercise", "Only the tasks of an exercise can be erased; name one.")
    return Task.objects.filter(exercise_id=exercise_id).delete()[0]


def _tasks_for(people: PeopleToAssist, incident_id: str, exercise_id: str, until: datetime) -> list[Task]:
    """One unassigned task for each dwelling, by dwelling."""
    dwellings, first, which = np.unique(people.dwelling_id, return_index=True, return_inverse=True)
    subjects: list[list[int]] = [[] for _ in dwellings]
    for subject, place in zip(people.subject.tolist(), which.tolist(), strict=True):
        subjects[place].append(subject)
    return [
        Task(
            id=ids.named_id("task", exercise_id, incident_id, dwelling), exercise_id=exercise_id,
            incident_id=incident_id, subjects=sorted(subjects[place]), dwelling_id=dwelling,
            building_id=int(people.building_id[row]), lon=float(people.lon[row]), lat=float(people.lat[row]),
            until=until,
        )
        for place, (dwelling, row) in enumerate(zip(dwellings.tolist(), first.tolist(), strict=True))
    ]  # fmt: skip


def _renew(
    tasks: Sequence[Task], *, by: Actor, at: datetime, until: datetime, basis: str, zone_digest: str
) -> None:
    """Put open tasks under new grants, one for each worker, which name nobody else."""
    for task in tasks:
        task.until = until
    orders = [_order(own[0].account, own, basis, zone_digest) for _, own in _by_worker(tasks)]
    gate.grant_all(by=by, at=at, orders=orders)
    Task.objects.bulk_update(tasks, ["grant_id", "until"], batch_size=_BATCH)
    _close_grants(dict.fromkeys([task.id for task in tasks], by), at)  # of those that were finished meanwhile


def _choose_workers(tasks: Sequence[Task], exercise_id: str, at: datetime) -> None:
    """Name the worker of each task, where there is one."""
    workers = workers_on_duty(exercise_id)
    if not tasks or not len(workers.id):
        return
    lon, lat = np.array([task.lon for task in tasks]), np.array([task.lat for task in tasks])
    plane = LocalProjection(float(lon.mean()), float(lat.mean()))
    chosen = allocate(plane.xy(lon, lat), plane.xy(workers.lon, workers.lat), workers.load)
    for task, index in zip(tasks, chosen.tolist(), strict=True):
        task.worker_id, task.state, task.assigned_at = str(workers.id[index]), states.ASSIGNED, at


def _by_worker(tasks: Sequence[Task]) -> Iterator[tuple[str, list[Task]]]:
    """Tasks that have a worker, together for each."""
    own: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        if task.worker_id:
            own[task.worker_id].append(task)
    yield from own.items()


def _order(account: str, tasks: Sequence[Task], basis: str, zone_digest: str) -> gate.GrantOrder:
    """What lets a worker open exactly the people of these tasks; the same tasks in one zone are the same grant."""
    first = tasks[0]
    order = gate.GrantOrder(
        ids.named_id("grant", zone_digest, account, *[task.id for task in tasks]), PURPOSE,
        [subject for task in tasks for subject in task.subjects], FIELDS, account, first.until, basis, zone_digest,
        first.incident_id, first.exercise_id,
    )  # fmt: skip
    for task in tasks:
        task.grant_id = order.grant_id
    return order


@transaction.atomic
def _store(tasks: Sequence[Task], incident_id: str, exercise_id: str, at: datetime) -> None:
    Task.objects.bulk_create(
        tasks, update_conflicts=True, unique_fields=["id"],
        update_fields=["worker", "grant_id", "state", "assigned_at", "delivered_at", "finished_at", "until"],
    )  # fmt: skip
    given = tuple(task.id for task in tasks if task.worker_id)
    if given:
        bus.publish(TasksAssigned(incident_id, given, at), at=at, exercise_id=exercise_id)


def _sheets(tasks: Sequence[Task], at: datetime) -> tuple[list[TaskSheet], list[Refused]]:
    """Open tasks under their grants, each in its worker's name; what is refused to one worker leaves out that one."""
    addresses = registers.addresses([task.dwelling_id for task in tasks])
    openings, own, refusals = [], [], []
    for (account, grant_id), group in _by_grant(tasks):
        try:
            holder = accounts.actor_of(account)
        except Refused as refusal:
            refusals.append(refusal)
            continue
        subjects = [subject for task in group for subject in task.subjects]
        openings.append(gate.Opening(holder, grant_id, subjects, FIELDS, group[0].exercise_id))
        own.append(group)
    sheets = []
    for group, opened in zip(own, gate.open_all(at=at, openings=openings), strict=True):
        if isinstance(opened, Refused):
            refusals.append(opened)
        else:
            sheets += [_sheet(task, addresses, opened) for task in group]
    return sheets, refusals


def _by_grant(tasks: Sequence[Task]) -> Iterator[tuple[tuple[str, str], list[Task]]]:
    """Tasks together for each worker's account and grant."""
    own: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in tasks:
        own[task.account, task.grant_id].append(task)
    yield from own.items()


def _sheet(task: Task, addresses: Mapping[int, str], opened: Mapping[int, Mapping[str, str]]) -> TaskSheet:
    return TaskSheet(
        task=as_facts(task), address=addresses.get(task.dwelling_id, ""),
        people=tuple(opened[subject] for subject in task.subjects if subject in opened),
    )  # fmt: skip


@transaction.atomic
def _mark_delivered(tasks: Sequence[TaskFacts], at: datetime) -> None:
    received = [task.id for task in tasks]
    Task.objects.filter(id__in=received, state=states.ASSIGNED).update(state=states.DELIVERED, delivered_at=at)
    first = tasks[0]
    bus.publish(TasksDelivered(first.incident_id, tuple(received), at), at=at, exercise_id=first.exercise_id)


def _found(task_id: str) -> Task:
    """The task. Raises: Refused `fieldwork.unknown`."""
    task = Task.objects.filter(id=task_id).select_related("worker").first()
    if task is None:
        raise Refused("fieldwork.unknown", "There is no such task; go back to your list.")
    return task


def _move(target: str, reports: Sequence[Report], at: datetime) -> None:
    """Change the state of tasks together, each once; saying the same thing twice is harmless."""
    for some in _batches(reports):
        _change(target, some, at)
    if target not in states.OPEN:
        by = {report.task_id: report.by for report in reports}
        _close_grants(by, at)


@transaction.atomic
def _change(target: str, reports: Sequence[Report], at: datetime) -> None:
    locked = Task.objects.select_for_update(of=("self",)).select_related("worker")
    tasks = {task.id: task for task in locked.filter(id__in=[report.task_id for report in reports])}
    moved = []
    for report in reports:
        task = tasks.get(report.task_id) or _found(report.task_id)
        if task.state != target or task.account != report.by.account:
            policies.check_can_become(task, report.by, target)
            task.state = target
            moved.append(task)
    ended = target not in states.OPEN
    changed = {"state": target} | ({"finished_at": at} if ended else {})
    Task.objects.filter(id__in=[task.id for task in moved]).update(**changed)
    if ended:
        _tell_finished(moved, at)
    elif target == states.ACCEPTED:
        _tell_accepted(moved, at)


def _tell_accepted(tasks: Sequence[Task], at: datetime) -> None:
    for incident_id, exercise_id in sorted({(task.incident_id, task.exercise_id) for task in tasks}):
        own = tuple(sorted(task.id for task in tasks if task.incident_id == incident_id))
        bus.publish(
            TasksAccepted(incident_id, own, at), at=at, exercise_id=exercise_id,
            event_id=ids.named_id("tasks-accepted", *own, at.isoformat()),
        )  # fmt: skip


def _tell_finished(tasks: Sequence[Task], at: datetime) -> None:
    for task in tasks:
        bus.publish(
            TaskFinished(task.id, task.incident_id, task.worker_id or "", task.state, at),
            at=at, exercise_id=task.exercise_id, event_id=ids.named_id("task-finished", task.id),
        )  # fmt: skip


def _close_grants(by: Mapping[str, Actor], at: datetime) -> None:
    """Take back each grant whose last task has ended, in the name of whoever ended it."""
    grants = dict(Task.objects.filter(id__in=list(by)).values_list("grant_id", "id"))
    still = Task.objects.filter(grant_id__in=list(grants), state__in=states.OPEN).values_list("grant_id", flat=True)
    holders: dict[Actor, list[str]] = defaultdict(list)
    for grant_id in sorted(set(grants) - set(still)):
        holders[by[grants[grant_id]]].append(grant_id)
    for holder, ended in holders.items():
        gate.revoke_these(by=holder, at=at, grant_ids=ended)


def _batches(rows: Sequence[_T]) -> Iterator[Sequence[_T]]:
    for start in range(0, len(rows), _BATCH):
        yield rows[start : start + _BATCH]
