"""Sessions of a mediation: planned, held, missed or postponed; where, and what was said, is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from cityloom.cases import policies
from cityloom.cases.domain.disputes import agreeing, sides
from cityloom.cases.mediating import entering
from cityloom.cases.models import MediationSession
from cityloom.cases.working import moving, recording
from cityloom.cases.working.finding import Found
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_PLANNED = "planned"
_STEP_OF = {agreeing.HELD: "hear", agreeing.FAILED: "unplan", agreeing.POSTPONED: "unplan"}


def plan(found: Found, on: datetime, place: str, mediator: str, command: str, by: Actor, at: datetime) -> int:
    """Plan a session; return its number. The case comes to stand in `planned`.

    Raises: Refused `cases.session_past`, `cases.not_mediator`, `cases.not_declared`, `cases.session_planned`, and what
    the table of states refuses.
    """
    row = found.row
    _check_plan(found, on, mediator, at)
    sealed = recording.sealed(row, policies.cleaned(place), by, at)
    number = MediationSession.objects.filter(case=row).count() + 1
    with transaction.atomic():
        if entering.noted(found, "planned", by, at, command, data={"number": number}):
            MediationSession.objects.create(
                id=ids.named_id("session", row.id, command), case=row, number=number, planned_at=on,
                place_sealed=sealed, mediator=mediator,
            )  # fmt: skip
            if row.state != _PLANNED:
                moving.move(found, moving.Move("plan", command=f"{command} step"), by, at)
    return number


@dataclass(frozen=True, repr=False)
class Ended:
    """How a planned session ended; `absent` is the side that did not appear."""

    number: int
    outcome: str
    absent: str = ""
    minutes: str = ""


def end(found: Found, ended: Ended, command: str, by: Actor, at: datetime) -> None:
    """Say how a planned session ended, with its minutes, sealed; the case goes on by that.

    Raises: Refused `cases.outcome`, `cases.no_session`, `cases.party_side`, `cases.not_declared`.
    """
    row = found.row
    agreeing.check_outcome(ended.outcome, agreeing.ENDS)
    if ended.outcome == agreeing.FAILED:
        agreeing.check_outcome(ended.absent, sides.SIDES)
    one = MediationSession.objects.filter(case=row, number=ended.number, state=agreeing.PLANNED).first()
    if one is None:
        raise Refused("cases.no_session", "No session {value} is planned in this case; reload the page.",
                      value=ended.number)  # fmt: skip
    if ended.outcome == agreeing.HELD:
        entering.check_has_declared(row, one.mediator)
    one.state, one.ended_at = ended.outcome, at
    one.absent = ended.absent if ended.outcome == agreeing.FAILED else ""
    one.minutes_sealed = recording.sealed(row, policies.cleaned(ended.minutes), by, at)
    with transaction.atomic():
        data = {"number": ended.number} | ({"absent": one.absent} if one.absent else {})
        if entering.noted(found, ended.outcome, by, at, command, data=data):
            one.save(update_fields=["state", "ended_at", "absent", "minutes_sealed"])
            if row.state == _PLANNED:
                moving.move(found, moving.Move(_STEP_OF[ended.outcome], command=f"{command} step"), by, at)


def _check_plan(found: Found, on: datetime, mediator: str, at: datetime) -> None:
    if not at < on <= at + agreeing.LONGEST_AHEAD:
        raise Refused("cases.session_past", "A session is planned for a time that is still to come, within ten years.")
    if mediator not in entering.mediators_of(found.row):
        raise Refused("cases.not_mediator", "Only a mediator whom this case names leads a session; name one first.")
    entering.check_has_declared(found.row, mediator)
    if MediationSession.objects.filter(case=found.row, state=agreeing.PLANNED).exists():
        raise Refused("cases.session_planned", "A session is planned already; say first how it ended, or postpone it.")
