"""What the map shows of the work in the field: where help is under way, and who can be sent.

Nothing here says who is helped or who helps: tasks are counted by building, workers are places where somebody starts.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cityloom.fieldwork import queries
from cityloom.fieldwork.domain import states
from cityloom.fieldwork.models import Task, Worker
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor
from cityloom.ui.domain import geojson
from cityloom.ui.domain.declared import Card

_MOST_TASKS = 20_000
_MOST_WORKERS = 2_000
_OVERSEEING = frozenset({"duty-officer", "commander"})
_WORST_FIRST = (states.UNABLE, states.WAITING, states.ASSIGNED, states.DELIVERED, states.ACCEPTED, states.DONE)


def tasks(actor: Actor, at: datetime | None) -> dict[str, Any]:
    """Buildings with tasks that were not over at an instant, or ended in incidents that were not: counts by state.

    A worker sees those of the own tasks.
    """
    instant = at or clock.now()
    known = Q(assigned_at=None) if at is None else Q(assigned_at__lte=at)
    rows = Task.objects.filter(known | Q(assigned_at__lte=instant), until__gt=instant).exclude(state=states.CANCELLED)
    if not actor.roles & _OVERSEEING:
        rows = rows.filter(worker__account_id=actor.account)
    columns = ("incident_id", "building_id", "exercise_id", "lon", "lat", "state", "assigned_at", "delivered_at",
               "finished_at")  # fmt: skip
    counts: dict[tuple, Counter[str]] = defaultdict(Counter)
    for incident, building, exercise, lon, lat, *standing in rows.values_list(*columns)[:_MOST_TASKS]:
        counts[incident, building, exercise, lon, lat][states.state_at(instant, *standing)] += 1
    return geojson.collection(_building(*place, count) for place, count in counts.items())


def _building(
    incident: str, building: int, exercise: str, lon: float, lat: float, count: Counter[str]
) -> geojson.Feature:
    total = sum(count.values())
    worst = next(state for state in _WORST_FIRST if count[state])
    title = ngettext("%(count)s task", "%(count)s tasks", total) % {"count": total}
    return geojson.point(
        f"{incident}.{building}", lon, lat, title=title, state=worst, tasks=total,
        done=count[states.DONE], exercise=bool(exercise), incident=incident, url=f"/incidents/{incident}/",
    )  # fmt: skip


def task_card(actor: Actor, feature: str, at: datetime | None = None) -> Card | None:
    """The tasks of one building by state; who is helped stays with the worker."""
    incident, _dot, building = feature.partition(".")
    if not (building.isascii() and building.isdecimal() and len(building) <= 18):
        return None
    rows = Task.objects.filter(incident_id=incident, building_id=int(building))
    if not actor.roles & _OVERSEEING:
        rows = rows.filter(worker__account_id=actor.account)
    instant = at or clock.now()
    columns = rows.values_list("state", "assigned_at", "delivered_at", "finished_at")
    count = Counter(states.state_at(instant, *standing) for standing in columns)
    if not count:
        return None
    facts = tuple((_(state), str(count[state])) for state in states.STATES if count[state])
    return Card(_("Help in building {number}").format(number=building), facts, url=f"/incidents/{incident}/")


def workers(_actor: Actor, at: datetime | None) -> dict[str, Any]:
    """Where workers on duty start from, with the number of their open tasks; not where they are, and not who."""
    if at is not None:  # who was on duty earlier is not kept
        return geojson.collection([])
    load = Counter(
        Task.objects.filter(state__in=states.OPEN, worker__isnull=False).values_list("worker_id", flat=True)
    )
    rows = Worker.objects.filter(on_duty=True).order_by("id").values_list("id", "lon", "lat")[:_MOST_WORKERS]
    return geojson.collection(
        geojson.point(number, lon, lat, title=_("Worker on duty"), tasks=load[number],
                      state="busy" if load[number] else "free")
        for number, lon, lat in rows
    )  # fmt: skip


def worker_card(_actor: Actor, feature: str, _at: datetime | None = None) -> Card | None:
    """A worker on duty: how many tasks, which languages."""
    row = Worker.objects.filter(id=feature, on_duty=True).first()
    if row is None:
        return None
    open_tasks = row.task_set.filter(state__in=states.OPEN).count()
    facts = ((_("Open tasks"), str(open_tasks)), (_("Languages"), ", ".join(queries.languages_of(row.account_id))))
    return Card(_("Worker on duty"), tuple(fact for fact in facts if fact[1]),
                note=_("The place where the worker starts; nobody's way is followed."))  # fmt: skip
