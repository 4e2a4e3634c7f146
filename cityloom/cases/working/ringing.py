"""What happens by itself when time is up: a reminder, an escalation to a backstop, a decision by silence."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from cityloom.cases import catalogue, events
from cityloom.cases.domain import ticking
from cityloom.cases.domain.casetypes.casetype import CaseType, Clock
from cityloom.cases.models import Case, CaseClock
from cityloom.cases.working import clocks, finding, moving, recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

_AT_ONCE = 200


def ring_due(at: datetime, exercise_id: str) -> int:
    """Ring what is due, each in a transaction of its own; return how many rang."""
    rows = CaseClock.objects.filter(next_at__lte=at, case__exercise_id=exercise_id).select_related("case")
    return sum(_rang(one, at) for one in rows.order_by("next_at", "id")[:_AT_ONCE])


def _rang(one: CaseClock, at: datetime) -> bool:
    """Ring a clock, unless somebody changes its case just now: then it rings at the next round, if still due."""
    try:
        return _ring(one, at)
    except Refused as refusal:
        if refusal.code != "cases.changed":
            raise
        return False


def _ring(one: CaseClock, at: datetime) -> bool:
    """Let a clock ring for what comes next; killed before the end of it, it rings at the next round."""
    row = one.case
    casetype = catalogue.casetype_of(row.casetype, row.version)
    clock, due_at = casetype.clock(one.clock), one.due_at
    if clock is None or due_at is None:
        return False
    what = _what(clock, one, at)
    with transaction.atomic():
        one.rang = [*one.rang, what]
        clocks.reckoned(row, casetype, one, at)
        changes = moving.due(row, [one]) | _escalated(row, clock, what)
        deed = Deed(what, SYSTEM, at, f"{one.id} {what}", data={"clock": clock.name, "due": due_at.isoformat()})
        fact = events.CaseClockRang(row.id, row.casetype, clock.name, what, row.unit, due_at, at)
        if not recording.change(row, deed, changes, [fact]):
            return False
        clocks.save([one])
        if what == ticking.DEEMED:
            _decide(row, casetype, clock, one, at)
    return True


def _what(clock: Clock, one: CaseClock, at: datetime) -> str:
    """What it rings for: a reminder that nobody heard in time is left out."""
    if one.due_at is not None and at < one.due_at:
        return ticking.REMINDED
    return ticking.DEEMED if clock.deemed else ticking.OVERDUE


def _escalated(row: Case, clock: Clock, what: str) -> dict[str, object]:
    """Whom it is offered to besides when time is up: the unit above, or the desk where all comes in."""
    if what != ticking.OVERDUE or not clock.escalate_to or row.offered_unit:
        return {}
    above = row.unit.rpartition("/")[0]
    backstop = above if "/" in above else settings.CITYLOOM_INTAKE_UNIT
    return {} if backstop == row.unit else {"offered_unit": backstop}


def _decide(row: Case, casetype: CaseType, clock: Clock, one: CaseClock, at: datetime) -> None:
    """Take the step that silence is, where the case still stands where it is possible."""
    found = finding.found(row.id, SYSTEM)
    step = casetype.step(clock.deemed)
    if step is not None and row.state in step.sources:
        moving.move(found, moving.Move(clock.deemed, command=f"{one.id} deemed step"), SYSTEM, at)
