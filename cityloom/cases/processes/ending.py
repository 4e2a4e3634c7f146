"""The end of a process: the step of the case that it leads to, where the type names one."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.cases.domain.processes import why
from cityloom.cases.models import ProcessRun
from cityloom.cases.processes import rows
from cityloom.cases.working import finding, moving
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_REASON = "The process has come to its end."


def ended(run: ProcessRun, at: datetime) -> None:
    """Take the step that the end of a process is; what the table refuses is kept with its reason, and can be tried."""
    if run.case is None or not run.in_state:
        return
    found = finding.found(run.case.id, SYSTEM)
    step = found.casetype.states[run.in_state].process_then
    if not step or found.row.state != run.in_state:
        return
    try:
        with transaction.atomic():
            moving.move(found, moving.Move(step, _REASON, command=f"process {run.id} end"), SYSTEM, at)
    except Refused as refusal:
        if refusal.code == "cases.changed":
            raise
        rows.reckoned(run, why.kept(refusal))
