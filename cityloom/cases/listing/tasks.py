"""Tasks of processes for whoever may do them: one's own list, one task, and all of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet

from cityloom.cases import catalogue
from cityloom.cases.domain import numbers
from cityloom.cases.domain.casetypes import table
from cityloom.cases.domain.casetypes.table import Standing, within
from cityloom.cases.domain.processes.process import Node
from cityloom.cases.domain.visibility import depth_of, is_asked
from cityloom.cases.listing.processes import nodes_of
from cityloom.cases.models import Case, CaseMember, ProcessWork
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

MOST = 100
_LOOKED_AT = 1_000


@dataclass(frozen=True)
class TaskFacts:
    """A task: what is to be done, in which case, by whom, until when, or what came of it."""

    id: str
    node: Node
    run_id: str
    case_id: str
    case_number: str
    casetype: str
    version: int
    state: str
    category: str
    case_unit: str
    exercise_id: str
    unit: str
    lane: str
    given_to: str
    opened_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    done_by: str
    outcome: str
    answer: str


def tasks_for(actor: Actor, most: int = MOST) -> tuple[list[TaskFacts], bool]:
    """The open tasks that somebody may do, what is due first at the top, and whether there are more."""
    rows = _rows().filter(done_at=None).filter(_for(actor)).distinct()
    ordered = rows.order_by(F("due_at").asc(nulls_last=True), "opened_at", "id")[:_LOOKED_AT]
    found = _allowed(list(ordered), actor)
    return [_task(one) for one in found[:most]], len(found) > most


def task_for(actor: Actor, task_id: str) -> tuple[TaskFacts, bool]:
    """A task that somebody may know of, and whether it is theirs to do.

    Raises: Refused `cases.no_work`.
    """
    one = _rows().filter(id=task_id).first()
    if one is None:
        raise Refused("cases.no_work", "There is no such task; its case may have been erased.")
    return _task(one), bool(_allowed([one], actor))


def tasks_of(case_id: str) -> list[TaskFacts]:
    """The tasks of a case, in the order in which they came up."""
    rows = _rows().filter(run__case__id=case_id).order_by("opened_at", "unit", "id")
    return [_task(one) for one in rows[:_LOOKED_AT]]


def asked_task(actor: Actor, case_id: str) -> str:
    """The open task by which somebody's unit is asked for something in a case; "" for none."""
    rows = _rows().filter(run__case__id=case_id, done_at=None).exclude(unit="").values_list("id", "unit")
    return next((key for key, unit in rows if is_asked(actor.unit, [unit])), "")


def _rows() -> QuerySet[ProcessWork]:
    rows = ProcessWork.objects.filter(kind="person").select_related("run__case")
    return rows.defer("run__state", "run__case__sealed")


def _for(actor: Actor) -> Q:
    """What may be somebody's: what their unit or an account is asked, and tasks of cases that they see."""
    parts = actor.unit.split("/")
    asked = Q(unit__in=["/".join(parts[:depth]) for depth in range(1, len(parts) + 1)]) if actor.unit else Q(pk=None)
    case = Q(run__case__handler=actor.account) | Q(run__case__members__account=actor.account)
    if depth := depth_of(actor.unit):
        case |= Q(**{f"run__case__branch_{depth}": actor.unit})
    return asked | Q(given_to=actor.account) | (Q(unit="") & (case | Q(run__case=None, what__in=list(actor.roles))))


def _allowed(rows: Sequence[ProcessWork], actor: Actor) -> list[ProcessWork]:
    named = _named([one.run.case for one in rows if one.run.case is not None])
    return [one for one in rows if _may(one, actor, named)]


def _may(one: ProcessWork, actor: Actor, named: dict[int, dict[str, frozenset[str]]]) -> bool:
    if one.given_to:
        return one.given_to == actor.account
    if one.unit:
        return is_asked(actor.unit, [one.unit])
    case = one.run.case
    if case is None:
        return not one.what or one.what in actor.roles
    casetype = catalogue.casetype_of(case.casetype, case.version)
    standing = Standing(case.state, case.unit, case.handler, named.get(case.number, {}), {}, "", case.offered_unit)
    roles = table.roles_of(casetype, standing, actor)
    if within(case.unit, actor.unit):
        roles |= actor.roles if one.what else frozenset()
    return bool(roles - {"reporter"}) and (not one.what or one.what in roles)


def _named(cases: Sequence[Case]) -> dict[int, dict[str, frozenset[str]]]:
    found: dict[int, dict[str, frozenset[str]]] = {}
    rows = CaseMember.objects.filter(case__in=[case.number for case in cases], until=None)
    for number, role, account in rows.values_list("case_id", "role", "account"):
        mine = found.setdefault(number, {})
        mine[role] = mine.get(role, frozenset()) | {account}
    return found


def _task(one: ProcessWork) -> TaskFacts:
    case, node = one.run.case, nodes_of(one.run.process_id)[one.node]
    its = (case.id, numbers.spoken(case.number), case.casetype, case.version, case.state, case.category, case.unit,
           case.exercise_id) if case else ("", "", "", 0, "", "", "", "")  # fmt: skip
    return TaskFacts(one.id, node, one.run_id, *its, one.unit, one.what, one.given_to, one.opened_at, one.due_at,
                     one.done_at, one.done_by, one.outcome, one.answer)  # fmt: skip
