"""Runs of processes, durable: each step is one transaction that reads the state, changes it and writes it down.

Killed before its end a step has not happened; killed after, it has; a step that is asked for again finds itself done.
What a service changes in the city's database stands in the same transaction, so that it happens once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.cases.domain.processes import why
from cityloom.cases.domain.processes.process import Node
from cityloom.cases.models import Case, ProcessRun, ProcessVersion, ProcessWork
from cityloom.cases.processes import asking, ending, rows, versions
from cityloom.cases.processes.engine import Engine, Running, Waiting
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

Facts = Mapping[str, Any]
Service = Callable[[ProcessWork, Actor, datetime], Facts]
"""What a service task does, in the transaction of its step; it returns facts for the conditions that follow."""
Telling = Callable[[ProcessWork, Node], None]
"""What is to stand in the history of the case, in the transaction of the step."""
RUNNING, ENDED, STUCK = "running", "ended", "stuck"
DONE, PASSED, WITHDRAWN = "done", "passed", "withdrawn"
AT_ONCE = 200
_SOON = ("cases.process_moved_on", "cases.changed")
"""Somebody was faster: the next round sees how things stand then."""
_log = logging.getLogger("cityloom.cases")


def start(
    version: ProcessVersion, case: Case | None, facts: Facts, key: str, at: datetime, in_state: str = ""
) -> ProcessRun:
    """Start a run; the same key is the same run.

    Raises: Refused `cases.process_fact`.
    """
    run_id = ids.named_id("process-run", key)
    with transaction.atomic():
        row = ProcessRun.objects.filter(id=run_id).first()
        if row is None:
            row = ProcessRun(id=run_id, process=version, case=case, started_at=at, in_state=in_state)
            begin(row, facts, at)
    return row


def begin(row: ProcessRun, facts: Facts, at: datetime) -> None:
    """Let a run begin, in the caller's transaction.

    Raises: Refused `cases.process_fact`.
    """
    engine = versions.engine_of(row.process_id)
    running = engine.start(asking.kept(facts, engine.facts))
    work = [one for each in running.waiting() for one in asking.asked(row, each, at)]
    _note(row, running, at)
    row.why = {}
    row.save(force_insert=row._state.adding)
    rows.opened(work)
    if row.standing == ENDED:
        ending.ended(row, at)


def finish(
    work_id: str, facts: Facts, by: Actor, at: datetime, *, service: Service | None = None, answer: str = "",
    outcome: str = DONE, tell: Telling | None = None,
) -> ProcessRun:  # fmt: skip
    """Finish what a run waits for, and go on; what was done already stays as it is.

    Raises: Refused `cases.no_work`, `cases.process_moved_on`, `cases.process_fact`, and what the service refuses.
    """
    with transaction.atomic():
        work = rows.locked(work_id)
        if work is None:
            raise Refused("cases.no_work", "There is no such task; its case may have been erased.")
        if work.outcome == outcome and work.done_by == by.account:
            return work.run
        engine = versions.engine_of(work.run.process_id)
        running = engine.load(work.run.state) if not work.outcome else None
        waiting = _waited_for(running, work)
        given = service(work, by, at) if service else facts
        rows.done(work, by.account, outcome, answer, at)
        if tell is not None:
            tell(work, waiting.node)
        if running is not None and (service is None or _still_runs(work.run)):
            _go_on(work.run, engine, running, waiting, given, at)
    return work.run


def _waited_for(running: Running | None, work: ProcessWork) -> Waiting:
    found = [one for one in running.waiting() if one.key == (work.task, work.node)] if running else []
    if not found:
        raise Refused("cases.process_moved_on", "The process does not wait for this any more; look at it anew.")
    return found[0]


def _still_runs(run: ProcessRun) -> bool:
    """Whether a service's step of the case has not led it out of the state, and ended the run with it."""
    return run.case_id is None or ProcessRun.objects.filter(id=run.id, standing=RUNNING).exists()


def _go_on(run: ProcessRun, engine: Engine, running: Running, done: Waiting, given: Facts, at: datetime) -> None:
    """Go on after something was done: of a task that asks several units, after the last of them alone."""
    node = done.node
    if node.loop:
        answers = rows.answers(run, done.key)
        if not all(is_over for _, is_over, _, _ in answers):
            return
        given = asking.counted(node, [answer for _, _, _, answer in answers])
    elif node.attached_to and node.interrupts:
        given = {**given, **asking.fell_silent(run, running.waiting(), node, at)}
    before = running.waiting()
    running.finish(done.task, node.id, asking.kept(given, engine.facts))
    _write(run, running, [each for each in before if each.key != done.key], at)


def deliver(run_ids: list[str], message: str, facts: Facts, by: Actor, at: datetime) -> int:
    """Let a message come to the runs that wait for it; return how many did."""
    waiting = ProcessWork.objects.filter(run_id__in=run_ids, kind=asking.MESSAGE, what=message, done_at=None)
    found = list(waiting.order_by("opened_at", "id").values_list("id", flat=True))
    return sum(_if_it_waits(each, facts, by, at) for each in found)


def _if_it_waits(work_id: str, facts: Facts, by: Actor, at: datetime) -> bool:
    """Finish it, unless what came before in the same round has passed it over."""
    try:
        finish(work_id, facts, by, at)
    except Refused as refusal:
        if refusal.code != "cases.process_moved_on":
            raise
        return False
    return True


def work_due(services: Mapping[str, Service], at: datetime, exercise_id: str = "") -> int:
    """Let timers fire and services work, each in a step of its own; return how many did. What is refused waits."""
    here = rows.of_exercise(exercise_id)
    timers = here.filter(kind=asking.TIMER, due_at__lte=at, done_at=None, refusal="")
    done = sum(_worked(each, None, at) for each in timers.order_by("due_at", "id")[:AT_ONCE])
    while True:
        asked = here.filter(kind=asking.SERVICE, done_at=None, refusal="").order_by("id")[:AT_ONCE]
        now = sum(_worked(each, services.get(each.what.partition(":")[0], _no_service), at) for each in asked)
        done += now
        if not now:
            return done


def _worked(work: ProcessWork, service: Service | None, at: datetime) -> bool:
    try:
        finish(work.id, {}, SYSTEM, at, service=service)
    except Refused as refusal:
        if refusal.code not in _SOON:
            _hold(work, refusal.code, why.kept(refusal))
        return False
    except Exception:
        _log.exception("work %s of a process failed", work.id)
        _hold(work, "defect", why.DEFECT)
        return False
    return True


def _hold(work: ProcessWork, code: str, reason: dict[str, Any]) -> None:
    ProcessWork.objects.filter(id=work.id, done_at=None).update(refusal=code, why=reason)


def try_again(work_id: str) -> None:
    """Let the worker try what was refused once more."""
    ProcessWork.objects.filter(id=work_id, done_at=None).update(refusal="", why={})


def _no_service(work: ProcessWork, by: Actor, at: datetime) -> Facts:
    raise Refused("cases.no_service", "There is no service {value} here.", value=work.what[:80])


def _note(row: ProcessRun, running: Running, at: datetime) -> None:
    """How a run stands now, in its row."""
    row.state, row.changed_at = running.state(), at
    row.standing = ENDED if running.is_ended else RUNNING if running.waiting() else STUCK
    row.ended_at = at if running.is_ended else None


def _write(row: ProcessRun, running: Running, before: Sequence[Waiting], at: datetime) -> None:
    """The state and what it waits for now; what it does not wait for any more was passed over."""
    _note(row, running, at)
    row.revision += 1
    now, known = {each.key for each in running.waiting()}, {each.key for each in before}
    rows.written(row)
    for key in sorted(known - now):
        rows.passed(row, key, PASSED, "", at)
    rows.opened([one for each in running.waiting() if each.key not in known for one in asking.asked(row, each, at)])
    if row.standing == ENDED:
        ending.ended(row, at)
