"""Processes that states of cases run: started as a case comes into a state, ended as it leaves, in the same change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.processes import why
from cityloom.cases.models import Case, ProcessRun, ProcessWork
from cityloom.cases.processes import ending, running, versions
from cityloom.kernel import ids
from cityloom.kernel.refused import Refused


def entered(row: Case, casetype: CaseType, before: str, at: datetime) -> None:
    """End what ran in the state that was left, and start what runs in the one that was entered.

    A process that cannot begin never keeps a case from moving: it stands there as stuck, with its reason.
    """
    if before == row.state:
        return
    if before and casetype.states[before].process:
        _end(row, before, at)
    named = casetype.states[row.state].process
    if not named:
        return
    key = f"{row.id} {row.revision} {row.state}"
    try:
        with transaction.atomic():
            running.start(versions.version_of(named), row, facts_of(row), key, at, in_state=row.state)
    except Refused as refusal:
        _stuck(row, named, key, refusal, at)


def _stuck(row: Case, named: str, key: str, refusal: Refused, at: datetime) -> None:
    version = versions.known_version(named)
    if version is None:
        return  # a type that names no process of this city is refused when it is published
    ProcessRun.objects.get_or_create(
        id=ids.named_id("process-run", key),
        defaults={"process": version, "case": row, "state": "", "standing": running.STUCK, "started_at": at,
                  "changed_at": at, "in_state": row.state, "why": why.kept(refusal)},
    )  # fmt: skip


def _end(row: Case, state: str, at: datetime) -> None:
    runs = ProcessRun.objects.filter(case=row, in_state=state, ended_at=None)
    for run_id in runs.values_list("id", flat=True):
        ProcessWork.objects.filter(run_id=run_id, done_at=None).update(done_at=at, outcome=running.PASSED, ring_at=None)
        ProcessRun.objects.filter(id=run_id).update(standing=running.ENDED, ended_at=at, changed_at=at)


def facts_of(row: Case) -> dict[str, Any]:
    """What conditions may ask of a case: its answers in clear, its category, state and unit."""
    plain = {name: value for name, value in row.answers.items() if isinstance(value, (str, int, float, bool))}
    own = {"category": row.category, "state": row.state, "unit": row.unit, "result": row.result}
    return {name: value for name, value in plain.items() if len(str(value)) <= 200} | own


def try_again(run_id: str, at: datetime) -> None:
    """Let a run that could not begin, or whose last step was not taken, try it once more.

    Raises: Refused, as at first.
    """
    with transaction.atomic():
        row = ProcessRun.objects.select_related("case").filter(id=run_id).first()
        if row is None or not row.why:
            return
        if row.standing == running.ENDED:
            ProcessRun.objects.filter(id=row.id).update(why={})
            ending.ended(row, at)
        elif not row.state:
            running.begin(row, facts_of(row.case) if row.case else {}, at)
