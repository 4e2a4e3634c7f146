"""The rows of a step, in statements that are written out: making them anew is most of what the ORM would spend here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet

from cityloom.cases.models import Case, ProcessRun, ProcessWork

_OWN = ("id", "task", "node", "kind", "what", "outcome", "unit", "given_to", "done_by")
_ITS_RUN = ("id", "process_id", "case_id", "state", "revision", "in_state", "standing")
_READ = (
    f"SELECT {', '.join(f'w.{name}' for name in _OWN)}, {', '.join(f'r.{name}' for name in _ITS_RUN)} "  # noqa: S608 - our own words
    "FROM cases_processwork w JOIN cases_processrun r ON r.id = w.run_id WHERE w.id = %s"
)
_CASE = (
    "SELECT c.number FROM cases_processwork w JOIN cases_processrun r ON r.id = w.run_id "
    "JOIN cases_case c ON c.number = r.case_id WHERE w.id = %s FOR UPDATE OF c"
)
_DONE = (
    "UPDATE cases_processwork SET done_at = %s, done_by = %s, outcome = %s, answer = %s, refusal = '', ring_at = NULL "
    "WHERE id = %s"
)
_PASSED = (
    "UPDATE cases_processwork SET done_at = %s, outcome = %s, answer = %s, ring_at = NULL "
    "WHERE run_id = %s AND task = %s AND node = %s AND done_at IS NULL"
)
_STATE = (
    "UPDATE cases_processrun SET state = %s, standing = %s, revision = %s, changed_at = %s, ended_at = %s WHERE id = %s"
)
_OPENED = (
    "INSERT INTO cases_processwork (id, run_id, task, node, kind, what, opened_at, due_at, unit, ring_at, done_by, "
    "outcome, refusal, given_to, answer, rang, why) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, '', '', '', '', '', '', '{}')"
)
_OF_CASE = ("id", "casetype", "unit", "exercise_id", "state", "revision")
_CHANGED = (
    "UPDATE cases_case SET revision = revision + 1, changed_at = CASE WHEN changed_at < %s THEN %s ELSE changed_at END "  # noqa: S608 - our own words
    f"WHERE number = %s RETURNING {', '.join(_OF_CASE)}"
)
_ANSWERS = "SELECT id, done_at, outcome, answer FROM cases_processwork WHERE run_id = %s AND task = %s AND node = %s"


def of_exercise(exercise_id: str) -> QuerySet[ProcessWork]:
    """Work of cases of an exercise, whose time is its own; with "" of real cases, and of runs that have no case."""
    its = Q(run__case__exercise_id=exercise_id)
    return ProcessWork.objects.filter(its if exercise_id else its | Q(run__case=None))


def changed(number: int | None, at: datetime) -> Case:
    """A case that changes once more, with what its history and its events say of it."""
    now = _at(at)
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, [now, now, number])
        found = dict(zip(_OF_CASE, cursor.fetchone(), strict=True))
    return Case(number=number, **found)


def locked(work_id: str) -> ProcessWork | None:
    """A work with its run, nobody else's until the transaction ends; of both what a step needs.

    The case is locked before its run, as steps of the case do, so that two never wait for each other.
    """
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        if lock:
            cursor.execute(_CASE, [work_id])
        cursor.execute(_READ + lock, [work_id])
        row = cursor.fetchone()
    if row is None:
        return None
    run = ProcessRun(**dict(zip(_ITS_RUN, row[len(_OWN) :], strict=True)))
    return ProcessWork(run=run, **dict(zip(_OWN, row, strict=False)))


def done(work: ProcessWork, by: str, outcome: str, answer: str, at: datetime) -> None:
    """A work that was done."""
    _execute(_DONE, [_at(at), by, outcome, answer, work.id])


def passed(run: ProcessRun, task: tuple[str, str], outcome: str, answer: str, at: datetime) -> None:
    """What a run does not wait for any more."""
    _execute(_PASSED, [_at(at), outcome, answer, run.id, *task])


def answers(run: ProcessRun, task: tuple[str, str]) -> list[tuple[str, bool, str, str]]:
    """Of all whom a task asks: the id of the work, whether it is over, its outcome, and what was said."""
    with connection.cursor() as cursor:
        cursor.execute(_ANSWERS, [run.id, *task])
        return [(key, at is not None, outcome, answer) for key, at, outcome, answer in cursor.fetchall()]


def written(run: ProcessRun) -> None:
    """The state of a run as it is after a step."""
    _execute(_STATE, [run.state, run.standing, run.revision, _at(run.changed_at), _at(run.ended_at), run.id])


def opened(work: Sequence[ProcessWork]) -> None:
    """What a run waits for besides."""
    for one in work:
        _execute(_OPENED, [one.id, one.run_id, one.task, one.node, one.kind, one.what, _at(one.opened_at),
                           _at(one.due_at), one.unit, _at(one.ring_at)])  # fmt: skip


def reckoned(run: ProcessRun, why: dict[str, Any]) -> None:
    """Why a run is stuck, or its last step was not taken."""
    ProcessRun.objects.filter(id=run.id).update(why=why)


def _execute(statement: str, said: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, said)


def _at(at: datetime | None) -> Any:
    """An instant as this database keeps it."""
    return connection.ops.adapt_datetimefield_value(at)
