"""A case along its table of states, and its clocks turned by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.cases import events, policies
from cityloom.cases.domain import ticking
from cityloom.cases.domain.casetypes import table
from cityloom.cases.domain.casetypes.casetype import CaseType, Step
from cityloom.cases.domain.clocks.running import ClockEvent, What
from cityloom.cases.domain.verdicts import ANEW
from cityloom.cases.models import Case, CaseClock
from cityloom.cases.working import clocks, entering, hearing, recording
from cityloom.cases.working.finding import Found
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class Move:
    """A step that somebody wants to take."""

    step: str
    reason: str = ""
    result: str = ""
    command: str = ""
    about: Sequence[tuple[str, str, str]] = ()
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Planned:
    """What a step changes, before anything is written: `before` is the state that the case stands in."""

    before: str
    deed: Deed
    columns: Mapping[str, object]
    facts: Sequence[object]
    clocks: Sequence[CaseClock]


def move(found: Found, wanted: Move, by: Actor, at: datetime) -> int:
    """Take a step; return the revision after it."""
    planned = plan(found, wanted, by, at)
    with transaction.atomic():
        ended = hearing.end_before(found.row, planned.deed.step, by)
        if recording.change(found.row, planned.deed, planned.columns, planned.facts):
            clocks.save(planned.clocks)
            hearing.hear_step(found.row, ended, planned.deed.step, by, planned.deed.at)
            entering.entered(found.row, found.casetype, planned.before, planned.deed.at)
    return found.row.revision


def plan(found: Found, wanted: Move, by: Actor, at: datetime) -> Planned:
    """What a step would change.

    Raises: Refused, from the table of states, and `cases.reason`.
    """
    row, casetype, at = found.row, found.casetype, max(at, found.row.changed_at)
    step = table.check_can_take(casetype, found.standing, by, wanted.step, wanted.result)
    words = policies.reason_for(step, wanted.reason)
    result = wanted.result or (step.results[0] if len(step.results) == 1 else "")
    before, anew = row.state, casetype.states[row.state].ends or step.name in ANEW
    changed = clocks.after_step(row, casetype, step.to, at, is_opened=anew and not casetype.states[step.to].ends)
    deed = Deed("stepped", by, at, wanted.command, found.role(step.who), step.name, step.to, words,
                dict(wanted.data) | ({"result": result} if result else {}), wanted.about)  # fmt: skip
    changes = _changes(row, casetype, step, result, changed, by, at)
    fact = events.CaseMoved(row.id, row.casetype, row.category, step.name, before, step.to, result, row.unit,
                            casetype.states[step.to].ends, at)  # fmt: skip
    return Planned(before, deed, changes, [fact], changed)


def turn(found: Found, what: What, name: str, words: str, command: str, by: Actor, at: datetime) -> int:
    """Pause, resume or extend a clock of a case; return the revision after it."""
    row, casetype, at = found.row, found.casetype, max(at, found.row.changed_at)
    clock = casetype.clock(name)
    one = next((each for each in row.clocks.filter(clock=name) if each.standing not in ticking.OVER), None)
    if clock is None or one is None:
        raise Refused("cases.no_clock", "No clock {value} runs in this case; there are: {limit}.",
                      value=name[:40], limit=", ".join(each.name for each in casetype.clocks) or "–")  # fmt: skip
    clocks.happened(row, casetype, clock, one, ClockEvent(what, at, words or "-"))
    deed = Deed(what.value, by, at, command, found.role(), text=words, data={"clock": name})
    fact = events.CaseClockChanged(row.id, row.casetype, name, what.value, one.due_at, at)
    with transaction.atomic():
        if recording.change(row, deed, due(row, [one]), [fact]):
            clocks.save([one])
    return row.revision


def due(row: Case, changed: Sequence[CaseClock]) -> dict[str, object]:
    """The columns that clocks decide."""
    ends = clocks.due_of(row, changed)
    return {"due_at": ends, "rank": recording.rank_of(ends, row.closed_at)}


def _changes(
    row: Case, casetype: CaseType, step: Step, result: str, changed: Sequence[CaseClock], by: Actor, at: datetime
) -> dict[str, object]:
    ends = casetype.states[step.to].ends
    closed_at = at if ends else None
    ends_at = None if ends else clocks.due_of(row, changed)
    wanted: dict[str, object] = {
        "state": step.to, "is_open": not ends, "closed_at": closed_at, "due_at": ends_at,
        "rank": recording.rank_of(ends_at, closed_at), "keep_until": casetype.kept_until(at.date()) if ends else None,
    }  # fmt: skip
    if result or (not ends and row.closed_at):
        wanted["result"] = result
    if step.assigns:
        wanted["handler"] = by.account
    return wanted
