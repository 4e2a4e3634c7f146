"""What people do to tasks of processes: finish, give, ask another unit, withdraw; each stands in the case's history."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.accounts import queries as accounts
from cityloom.cases import policies
from cityloom.cases.domain.casetypes.table import within
from cityloom.cases.domain.processes import answers
from cityloom.cases.domain.processes.process import Node
from cityloom.cases.models import ProcessWork
from cityloom.cases.processes import asking, rows, running, telling, versions
from cityloom.cases.processes.telling import Told
from cityloom.cases.working import finding, recording
from cityloom.cases.working.clocks import calendar
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.kernel.timezones import zone_of

ASKED = "asked"
"""The role of a unit that is asked."""
_AT_ONCE = 200


def finish(task_id: str, outcome: str, note: str, given: Mapping[str, Any], by: Actor, at: datetime) -> None:
    """Finish a task; what the same person finished already stays as it is.

    Raises: Refused, as `actions.finish_task`.
    """
    work = _found(task_id)
    role = check_can_do(work, by)
    if work.outcome == running.DONE and work.done_by == by.account:
        return
    if work.outcome:
        raise _moved_on()
    node = _node(work)
    today = at.astimezone(zone_of(calendar().zone)).date()
    facts, words = answers.read(node.form, outcome, policies.cleaned(note), given, today)
    _check_units(node, facts)
    facts |= {node.fact: outcome, "outcome": outcome} if outcome else {}
    case = work.run.case
    sealed = recording.sealed(case, words, by, at) if case else None

    def tell(done: ProcessWork, its: Node) -> None:
        if case is not None:
            telling.tell(Told(done.run, its, "task-done", by, at, f"task {done.id}", role, done.unit, outcome, sealed))

    running.finish(task_id, facts, by, at, answer=outcome, tell=tell)


def give(task_id: str, account: Actor, command: str, by: Actor, at: datetime) -> None:
    """Give a task to somebody who may do it; nobody else finishes it from then on."""
    with transaction.atomic():
        work = _open(task_id)
        role = check_may_turn(work, by)
        check_can_do(work, account, given=False)
        ProcessWork.objects.filter(id=task_id).update(given_to=account.account)
        if work.run.case is not None:
            telling.tell(Told(work.run, _node(work), "task-given", by, at, command, role, work.unit))


def withdraw(task_id: str, reason: str, by: Actor, at: datetime) -> None:
    """Ask a unit no more; where it was the last one that had not answered, the process goes on."""
    work = _found(task_id)
    role = _check_asks(work, by)
    words = recording.sealed(work.run.case, reason, by, at) if work.run.case else None

    def tell(done: ProcessWork, its: Node) -> None:
        command = f"withdrawn {done.id}"
        telling.tell(Told(done.run, its, "task-withdrawn", by, at, command, role, done.unit, words=words))

    running.finish(task_id, {}, by, at, outcome=running.WITHDRAWN, tell=tell)


def ask_also(task_id: str, unit: str, command: str, by: Actor, at: datetime) -> None:
    """Ask one more unit for what others are being asked by an open task; one that is asked already stays as it is.

    Raises: Refused `cases.no_unit`, `cases.process_moved_on`.
    """
    if unit not in accounts.unit_names_of({unit}):
        raise Refused("cases.no_unit", "{value} is no other unit of this city; choose one of the list.",
                      value=unit[:80])  # fmt: skip
    with transaction.atomic():
        work = _open(task_id)
        role, run = _check_asks(work, by), work.run
        others = ProcessWork.objects.filter(run=run, task=work.task, node=work.node)
        if others.filter(unit=unit).exclude(outcome=running.WITHDRAWN).exists():
            return
        key = ids.named_id(run.id, work.task, work.node, unit, others.count())
        new = ProcessWork(id=key, run=run, task=work.task, node=work.node, kind=work.kind, what=work.what,
                          opened_at=at, due_at=work.due_at, ring_at=work.due_at, unit=unit)  # fmt: skip
        rows.opened([new])
        telling.tell(Told(run, _node(work), "task-asked", by, at, command, role, unit))


def tell_process(run_id: str, message: str, by: Actor, at: datetime) -> int:
    """Let a message come to a run of a case, from somebody who works on it; return how many waited for it."""
    run = running.ProcessRun.objects.select_related("case").filter(id=run_id).first()
    if run is None:
        raise Refused("cases.no_run", "There is no such run of a process; its case may have been erased.")
    if run.case is not None:
        policies.check_can_work(finding.found(run.case.id, by).roles, by)
    else:
        policies.check_can_publish(by)
    return running.deliver([run_id], message, {}, by, at)


def ring_due(at: datetime, exercise_id: str) -> int:
    """Call tasks to mind whose time runs out or is up, each once for each; return how many."""
    due = rows.of_exercise(exercise_id).filter(ring_at__lte=at).order_by("ring_at", "id")
    return sum(_rang(key, at) for key in due.values_list("id", flat=True)[:_AT_ONCE])


def _rang(task_id: str, at: datetime) -> bool:
    with transaction.atomic():
        work = _open(task_id)
        is_over = work.due_at is None or work.due_at <= at
        what = "overdue" if is_over else "reminded"
        still = ProcessWork.objects.filter(id=task_id, done_at=None, ring_at__lte=at)
        if not still.update(rang=what, ring_at=None if is_over else work.due_at):
            return False
        if work.run.case_id is not None:
            command = f"{what} {task_id}"
            telling.tell(Told(work.run, _node(work), f"task-{what}", SYSTEM, at, command, "city", work.unit))
    return True


def check_can_do(work: ProcessWork, by: Actor, *, given: bool = True) -> str:
    """Whether somebody may do a task; return the role in which they do.

    Raises: Refused `cases.not_your_task`, `cases.task_given`.
    """
    if given:
        policies.check_given(work.given_to, by)
    if work.unit:
        policies.check_is_asked(work.unit, by)
        return ASKED
    roles = roles_in(work, by)
    policies.check_can_finish(work.what, roles)
    return work.what or next(iter(sorted(roles)), "")


def check_may_turn(work: ProcessWork, by: Actor) -> str:
    """Whether somebody may say whose task it is: whoever may do it, and whoever works on the case.

    Raises: Refused `cases.not_your_task`.
    """
    case = work.run.case
    if case is not None and (roles := finding.found(case.id, by).roles - {"reporter"}):
        return next(iter(sorted(roles)))
    return check_can_do(work, by, given=False)


def roles_in(work: ProcessWork, by: Actor) -> frozenset[str]:
    """The roles of somebody for a task: in its case, and those of the account where the case is of its branch."""
    case = work.run.case
    if case is None:
        return by.roles
    own = by.roles if within(case.unit, by.unit) or by == SYSTEM else frozenset()
    return finding.of_row(case, by).roles | own


def _check_asks(work: ProcessWork, by: Actor) -> str:
    if not work.unit or work.run.case is None:
        raise Refused("cases.asks_nobody", "This task asks no unit; it is for somebody with a role in the case.")
    roles = finding.found(work.run.case.id, by).roles
    policies.check_can_work(roles, by)
    return next(iter(sorted(roles - {"reporter"})))


def _found(task_id: str) -> ProcessWork:
    found = ProcessWork.objects.select_related("run__case").defer("run__state", "run__case__sealed")
    work = next(iter(found.filter(id=task_id, kind=asking.PERSON)), None)
    if work is None:
        raise Refused("cases.no_work", "There is no such task; its case may have been erased.")
    return work


def _open(task_id: str) -> ProcessWork:
    """A task that is still to be done, locked until the end of the transaction."""
    locked = rows.locked(task_id)
    if locked is None or locked.outcome:
        raise _moved_on()
    return _found(task_id)


def _moved_on() -> Refused:
    return Refused("cases.process_moved_on", "The process does not wait for this any more; look at it anew.")


def _node(work: ProcessWork) -> Node:
    return next(one for one in versions.engine_of(work.run.process_id).nodes if one.id == work.node)


def _check_units(node: Node, facts: Mapping[str, Any]) -> None:
    """Units that are named are units of this city."""
    named = {one for question in node.form.fields if question.kind == "units" for one in facts.get(question.name) or ()}
    unknown = sorted(named - set(accounts.unit_names_of(named))) if named else []
    if unknown:
        raise Refused("cases.no_unit", "{value} is no other unit of this city; choose one of the list.",
                      value=unknown[0])  # fmt: skip
