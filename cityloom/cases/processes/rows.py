"""The rows of a step, in statements that are written out: making them anew is most of what the ORM would spend here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from cityloom.cases.models import ProcessRun, ProcessWork

_READ = (
    "SELECT w.id, w.task, w.node, w.kind, w.what, w.outcome, r.id, r.process_id, r.case_id, r.state, r.revision "
    "FROM cases_processwork w JOIN cases_processrun r ON r.id = w.run_id WHERE w.id = %s"
)
_DONE = "UPDATE cases_processwork SET done_at = %s, done_by = %s, outcome = %s, refusal = '' WHERE id = %s"
_PASSED = (
    "UPDATE cases_processwork SET done_at = %s, outcome = %s "
    "WHERE run_id = %s AND task = %s AND node = %s AND done_at IS NULL"
)
_STATE = (
    "UPDATE cases_processrun SET state = %s, standing = %s, revision = %s, changed_at = %s, ended_at = %s WHERE id = %s"
)
_OPENED = (
    "INSERT INTO cases_processwork (id, run_id, task, node, kind, what, opened_at, due_at, done_by, outcome, refusal) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, '', '', '')"
)


def locked(work_id: str) -> ProcessWork | None:
    """A work with its run, nobody else's until the transaction ends; of both what a step needs."""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(_READ + lock, [work_id])
        row = cursor.fetchone()
    if row is None:
        return None
    own, (run_id, process_id, case_id, state, revision) = row[:6], row[6:]
    run = ProcessRun(id=run_id, process_id=process_id, case_id=case_id, state=state, revision=revision)
    names = ("id", "task", "node", "kind", "what", "outcome")
    return ProcessWork(run=run, **dict(zip(names, own, strict=True)))


def done(work: ProcessWork, by: str, outcome: str, at: datetime) -> None:
    """A work that was done."""
    _execute(_DONE, [_at(at), by, outcome, work.id])


def passed(run: ProcessRun, tasks: Sequence[tuple[str, str]], outcome: str, at: datetime) -> None:
    """What a run does not wait for any more."""
    for task, node in tasks:
        _execute(_PASSED, [_at(at), outcome, run.id, task, node])


def written(run: ProcessRun) -> None:
    """The state of a run as it is after a step."""
    _execute(_STATE, [run.state, run.standing, run.revision, _at(run.changed_at), _at(run.ended_at), run.id])


def opened(work: Sequence[ProcessWork]) -> None:
    """What a run waits for besides."""
    for one in work:
        _execute(_OPENED, [one.id, one.run_id, one.task, one.node, one.kind, one.what, _at(one.opened_at),
                           _at(one.due_at)])  # fmt: skip


def _execute(statement: str, said: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, said)


def _at(at: datetime | None) -> Any:
    """An instant as this database keeps it."""
    return connection.ops.adapt_datetimefield_value(at)
