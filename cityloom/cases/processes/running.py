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

from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.process import Node
from cityloom.cases.models import Case, ProcessRun, ProcessVersion, ProcessWork
from cityloom.cases.processes import rows, versions
from cityloom.cases.processes.engine import Running, Waiting
from cityloom.cases.working.clocks import calendar
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

Facts = Mapping[str, Any]
Service = Callable[[ProcessWork, Actor, datetime], Facts]
"""What a service task does, in the transaction of its step; it returns facts for the conditions that follow."""
PERSON, SERVICE, TIMER, MESSAGE = "person", "service", "timer", "message"
RUNNING, ENDED, STUCK = "running", "ended", "stuck"
DONE, PASSED = "done", "passed"
AT_ONCE = 200
_SOON = ("cases.process_moved_on", "cases.changed")
"""Somebody was faster: the next round sees how things stand then."""
_LONGEST_FACT = 200
_log = logging.getLogger("cityloom.cases")


def start(version: ProcessVersion, case: Case | None, facts: Facts, key: str, at: datetime) -> ProcessRun:
    """Start a run; the same key is the same run.

    Raises: Refused `cases.process_fact`.
    """
    engine = versions.engine_of(version.id)
    run_id = ids.named_id("process-run", key)
    with transaction.atomic():
        row = ProcessRun.objects.filter(id=run_id).first()
        if row is None:
            running = engine.start(_kept(facts, engine.facts))
            row = ProcessRun(id=run_id, process=version, case=case, started_at=at)
            _note(row, running, at)
            row.save(force_insert=True)
            rows.opened([_work(row, each, at) for each in running.waiting()])
    return row


def finish(work_id: str, facts: Facts, by: Actor, at: datetime, *, service: Service | None = None) -> ProcessRun:
    """Finish what a run waits for, and go on; what was done already stays as it is.

    Raises: Refused `cases.no_work`, `cases.process_moved_on`, `cases.process_fact`, and what the service refuses.
    """
    with transaction.atomic():
        work = rows.locked(work_id)
        if work is None:
            raise Refused("cases.no_work", "There is no such task; its case may have been erased.")
        if work.outcome == DONE:
            return work.run
        if work.outcome == PASSED:
            raise Refused("cases.process_moved_on", "The process does not wait for this any more; look at it anew.")
        engine = versions.engine_of(work.run.process_id)
        running = engine.load(work.run.state)
        before = running.waiting()
        running.finish(work.task, work.node, _kept(service(work, by, at) if service else facts, engine.facts))
        rows.done(work, by.account, DONE, at)
        _write(work.run, running, [each for each in before if each.key != (work.task, work.node)], at)
    return work.run


def deliver(run_ids: list[str], message: str, facts: Facts, by: Actor, at: datetime) -> int:
    """Let a message come to the runs that wait for it; return how many did."""
    waiting = ProcessWork.objects.filter(run_id__in=run_ids, kind=MESSAGE, what=message, done_at=None)
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


def work_due(services: Mapping[str, Service], at: datetime) -> int:
    """Let timers fire and services work, each in a step of its own; return how many did. What is refused waits."""
    timers = ProcessWork.objects.filter(kind=TIMER, due_at__lte=at, done_at=None, refusal="").order_by("due_at", "id")
    done = sum(_worked(each, None, at) for each in timers[:AT_ONCE])
    while True:
        asked = ProcessWork.objects.filter(kind=SERVICE, done_at=None, refusal="").order_by("id")[:AT_ONCE]
        now = sum(_worked(each, services.get(each.what.partition(":")[0], _no_service), at) for each in asked)
        done += now
        if not now:
            return done


def _worked(work: ProcessWork, service: Service | None, at: datetime) -> bool:
    try:
        finish(work.id, {}, SYSTEM, at, service=service)
    except Refused as refusal:
        if refusal.code not in _SOON:
            ProcessWork.objects.filter(id=work.id, done_at=None).update(refusal=refusal.code)
        return False
    except Exception:
        _log.exception("work %s of a process failed", work.id)
        ProcessWork.objects.filter(id=work.id, done_at=None).update(refusal="defect")
        return False
    return True


def try_again(work_id: str) -> None:
    """Let the worker try what was refused once more."""
    ProcessWork.objects.filter(id=work_id, done_at=None).update(refusal="")


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
    rows.written(row)
    now, known = {each.key for each in running.waiting()}, {each.key for each in before}
    rows.passed(row, sorted(known - now), PASSED, at)
    rows.opened([_work(row, each, at) for each in running.waiting() if each.key not in known])


def _work(row: ProcessRun, waiting: Waiting, at: datetime) -> ProcessWork:
    task, node = waiting.task, waiting.node
    kind, what = _asked(node)
    due_at = node.timer.due(calendar(), at) if node.timer else None
    return ProcessWork(id=ids.named_id(row.id, row.revision, task, node.id), run=row, task=task, node=node.id,
                       kind=kind, what=what, opened_at=at, due_at=due_at)  # fmt: skip


def _asked(node: Node) -> tuple[str, str]:
    """What kind of thing a node waits for, and of whom or what."""
    if node.kind in model.PERSONAL:
        return PERSON, node.lane
    if node.kind == model.SERVICE:
        return SERVICE, node.does
    return (TIMER, "") if node.timer else (MESSAGE, node.message)


def _kept(facts: Facts, asked: set[str]) -> dict[str, Any]:
    """Of what is said, the facts that conditions ask for, and nothing else: no more is written down.

    Raises: Refused `cases.process_fact`.
    """
    kept = {name: facts[name] for name in asked if name in facts}
    for name, value in kept.items():
        if not isinstance(value, (str, int, float, bool, type(None))) or len(str(value)) > _LONGEST_FACT:
            raise Refused("cases.process_fact", "{value} does not fit: {limit}.", value=name,
                          limit="text, number, true/false")  # fmt: skip
    return kept
