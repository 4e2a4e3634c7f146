"""A person decides: granted, with conditions, or refused with grounds; the applicant is told, and may object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.approving import recording
from cityloom.cases.approving.recording import PERSON, Decided
from cityloom.cases.domain.approvals import deciding
from cityloom.cases.domain.casetypes import table
from cityloom.cases.models import CaseDecision
from cityloom.cases.working import finding, moving
from cityloom.cases.working import recording as history
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

DECIDE, NOTIFY = "decide", "notify"


@dataclass(frozen=True)
class Ruling:
    """What an official decides: the result, conditions and grounds by name, words of their own, the last day."""

    result: str
    words: str
    conditions: Sequence[str] = ()
    grounds: Sequence[str] = ()
    valid_until: date | None = None


def decide(case_id: str, ruling: Ruling, seen: int, command: str, by: Actor, at: datetime) -> int:
    """Decide an application in one's own name; return the revision of the case after it.

    Whoever can read it with a code is told in the same moment; for others `notify` waits for a letter or a call.
    Raises: Refused `cases.changed`, `cases.role`, `cases.ground`, `cases.condition`, and as `actions.take_step`.
    """
    found = finding.found(case_id, by)
    command = command or ids.new_ulid()
    if history.is_done(found.row, command):
        return found.row.revision
    policies.check_not_changed(found.row.revision, seen)
    step = table.check_can_take(found.casetype, found.standing, by, DECIDE, ruling.result)
    words = policies.needed_reason(ruling.words)
    reasons = deciding.checked(found.casetype, found.row.category, ruling.result, ruling.conditions, ruling.grounds)
    if ruling.valid_until is not None and ruling.valid_until < at.date():
        raise Refused("cases.valid_until", "The last day of a permit lies in the past; give a later one.")
    sealed = gate.seal_texts(by=by, at=at, matter=case_id, texts=[recording.as_text({}, [], words)])[0]
    decided = Decided(
        PERSON, ruling.result, reasons, tuple(ruling.conditions), tuple(ruling.grounds),
        valid_until=ruling.valid_until, role=found.role(step.who), sealed=sealed,
    )  # fmt: skip
    with transaction.atomic():
        moving.move(found, moving.Move(DECIDE, words, ruling.result, command), by, at)
        recording.write(found.row, decided, by, at)
        if found.row.followers.exists():
            moving.move(finding.found(case_id, SYSTEM), moving.Move(NOTIFY, command=f"{command} told"), SYSTEM, at)
    return finding.row_of(case_id).revision


def last_of(case_id: str) -> CaseDecision | None:
    """The decision that stands: the last one with a result."""
    rows = CaseDecision.objects.filter(case__id=case_id).exclude(result="").select_related("table", "case")
    return rows.order_by("-number").first()
