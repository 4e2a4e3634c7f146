"""The rows of a case's clocks: started, paused and stopped with its steps, and rung when their time comes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime

from django.conf import settings
from django.db import connection

from cityloom.cases import catalogue
from cityloom.cases.domain import ticking
from cityloom.cases.domain.casetypes.casetype import CaseType, Clock
from cityloom.cases.domain.clocks import calendars
from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.running import ClockEvent, ClockState, What
from cityloom.cases.models import Case, CaseClock
from cityloom.kernel import clock as time
from cityloom.kernel import ids

_PAUSED_FOR = "the state of the case"
_CHANGING = ("history", "standing", "was_late", "due_at", "is_provisional", "next_at")


def calendar() -> Calendar:
    """The city's calendar of working time."""
    return calendars.named(settings.CITYLOOM_CALENDAR)


def after_step(row: Case, casetype: CaseType, after: str, at: datetime, *, is_opened: bool) -> list[CaseClock]:
    """The clocks of a case as they are once it stands in `after`: those that changed, not saved yet."""
    state = casetype.states[after]
    held = list(row.clocks.all()) if row.pk else []
    changed = []
    for clock in casetype.clocks:
        if not clock.is_for(row.category):
            continue
        running = [one for one in held if one.clock == clock.name and one.standing not in ticking.OVER]
        for one in running:
            what = ticking.what_happens(clock, ticking.Standing(one.standing), state)
            if what is not None:
                changed.append(happened(row, casetype, clock, one, ClockEvent(what, at, _PAUSED_FOR)))
        if not running and ticking.starts(clock, state, is_opened=is_opened):
            count = sum(one.clock == clock.name for one in held)
            changed.append(_started(row, casetype, clock, at, count))
    return changed


def happened(row: Case, casetype: CaseType, clock: Clock, one: CaseClock, event: ClockEvent) -> CaseClock:
    """A clock after one more event.

    Raises: Refused `cases.clock_*` if it cannot follow.
    """
    one.history = [*one.history, [event.what.value, time.to_text(event.at)]]
    return _reckoned(one, clock, _state(row, casetype, clock, one, event.at))


def reckoned(row: Case, casetype: CaseType, one: CaseClock, at: datetime) -> CaseClock:
    """A clock as it stands at an instant, though nothing happened to it."""
    clock = casetype.clock(one.clock)
    if clock is None:  # a type never loses a clock: a version stays as it is
        return one
    return _reckoned(one, clock, _state(row, casetype, clock, one, at))


def under(row: Case, category: str, held: Sequence[CaseClock], at: datetime) -> list[CaseClock]:
    """The clocks of a case as they stand once it is of another category, not saved yet.

    Those that run have that category's limits; one that is not for it stops, one that is for it alone starts.
    """
    casetype, other, found = catalogue.casetype_of(row.casetype, row.version), copy(row), list[CaseClock]()
    other.category = category
    for clock in casetype.clocks:
        known = [one for one in held if one.clock == clock.name]
        running = [one for one in known if one.standing not in ticking.OVER]
        if not clock.is_for(category):
            stop = ClockEvent(What.STOPPED, at, _PAUSED_FOR)
            found += [happened(other, casetype, clock, one, stop) for one in running]
        elif running:
            found += [reckoned(other, casetype, one, at) for one in running]
        elif not known and ticking.starts(clock, casetype.states[row.state], is_opened=True):
            found.append(_started(other, casetype, clock, row.opened_at, 0))
    return found


def save_many(clocks: Sequence[CaseClock]) -> None:
    """Keep clocks of many cases, in the caller's transaction."""
    CaseClock.objects.bulk_create([one for one in clocks if one._state.adding])
    _update([one for one in clocks if not one._state.adding])


def _update(clocks: Sequence[CaseClock]) -> None:
    """Write what changes of clocks: one statement, many values, since `bulk_update` builds it anew for each."""
    fields = [CaseClock._meta.get_field(name) for name in _CHANGING]
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    values = [[field.get_db_prep_save(getattr(one, field.attname), connection) for field in fields] + [one.id]
              for one in clocks]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE cases_caseclock SET {columns} WHERE id = %s", values)  # noqa: S608 - our own names


def save(clocks: Sequence[CaseClock]) -> None:
    """Keep clocks, in the caller's transaction."""
    for one in clocks:
        one.save(force_insert=one._state.adding, force_update=not one._state.adding)


def due_of(row: Case, changed: Sequence[CaseClock]) -> datetime | None:
    """When the next limit of a case ends, with clocks that changed and are not saved yet."""
    keys = {one.id for one in changed}
    kept = [one for one in row.clocks.all() if one.id not in keys] if row.pk else []
    ends = [one.due_at for one in [*kept, *changed] if one.due_at and one.standing in ticking.RUNNING]
    return min(ends, default=None)


def _started(row: Case, casetype: CaseType, clock: Clock, at: datetime, count: int) -> CaseClock:
    key = ids.named_id("case-clock", row.id, clock.name, count)
    one = CaseClock(id=key, case=row, clock=clock.name, started_at=at, history=[])
    return happened(row, casetype, clock, one, ClockEvent(What.STARTED, at))


def _state(row: Case, casetype: CaseType, clock: Clock, one: CaseClock, at: datetime) -> ClockState:
    history = [ClockEvent(What(what), time.from_text(when), _PAUSED_FOR) for what, when in one.history]
    return ticking.state_of(calendar(), casetype.rules_of(clock, row.category), history, at)


def _reckoned(one: CaseClock, clock: Clock, state: ClockState) -> CaseClock:
    one.standing, one.was_late = state.standing.value, state.was_late
    one.due_at, one.is_provisional = (state.due.at, state.due.is_provisional) if state.due else (None, False)
    ringing = ticking.next_ringing(clock, state, one.rang)
    one.next_at = ringing.at if ringing else None
    return one
