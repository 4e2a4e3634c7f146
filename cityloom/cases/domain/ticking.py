"""The clocks of a case over its steps: which start, pause, go on and stop where it comes to stand in a state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cityloom.cases.domain.casetypes.casetype import CaseType, Clock, State
from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.running import ClockEvent, ClockRules, ClockState, Standing, What, clock_at

RUNNING = (Standing.RUNNING, Standing.BREACHED)
OVER = (Standing.STOPPED, Standing.DEEMED_APPROVED)
REMINDED, OVERDUE, DEEMED = "reminded", "overdue", "deemed"


@dataclass(frozen=True)
class Ringing:
    """What a clock says next, and when."""

    what: str
    at: datetime


def starts(clock: Clock, after: State, *, is_opened: bool) -> bool:
    """Whether a clock starts where a case comes to stand in a state; `is_opened`: for the first time, or anew."""
    if after.name in clock.until:
        return False
    return after.name in clock.since if clock.since else is_opened


def what_happens(clock: Clock, standing: Standing, after: State) -> What | None:
    """What happens to a clock that is not over where its case comes to stand in a state."""
    if after.ends or after.name in clock.until:
        return What.STOPPED
    if after.pauses and standing is Standing.RUNNING:
        return What.PAUSED
    if not after.pauses and standing is Standing.PAUSED:
        return What.RESUMED
    return None


def state_of(calendar: Calendar, rules: ClockRules, history: Sequence[ClockEvent], at: datetime) -> ClockState:
    """How a clock stands."""
    return clock_at(calendar, rules, history, at)


def next_ringing(clock: Clock, state: ClockState, rang: Sequence[str]) -> Ringing | None:
    """What a clock rings for next; None where it stands still, is over or has rung for all."""
    if state.due is None or state.standing in (Standing.STOPPED, Standing.PAUSED):
        return None
    if state.reminders and REMINDED not in rang and OVERDUE not in rang and DEEMED not in rang:
        return Ringing(REMINDED, state.reminders[0])
    what = DEEMED if clock.deemed else OVERDUE
    return None if what in rang else Ringing(what, state.due.at)


def limits_of(casetype: CaseType, category: str) -> dict[str, str]:
    """Each clock of a type with its limit in words, as a case of a category has it."""
    return {clock.name: str(casetype.limit_of(clock, category)) for clock in casetype.clocks}
