"""One clock: what it is to do, what has happened to it, and how it stands; a pure state from a list of events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.deadlines import Due, Pause, due_at, opening_of_share
from cityloom.cases.domain.clocks.limits import Limit
from cityloom.kernel.refused import Refused


class What(StrEnum):
    """What can happen to a clock."""

    STARTED, PAUSED, RESUMED, EXTENDED, STOPPED = "started", "paused", "resumed", "extended", "stopped"


class Standing(StrEnum):
    """How a clock stands. When time is up it is breached or, where the law says so, what was asked for is approved."""

    RUNNING, PAUSED, STOPPED = "running", "paused", "stopped"
    BREACHED, DEEMED_APPROVED = "breached", "deemed-approved"


@dataclass(frozen=True)
class ClockRules:
    """The limit, the shares of it at which to remind, what may be added how often, and whether silence grants.

    Raises: Refused `cases.clock_rules`.
    """

    limit: Limit
    reminders: tuple[float, ...] = ()
    extension: Limit | None = None
    most_extensions: int = 1
    deemed_approved: bool = False

    def __post_init__(self) -> None:
        if self.extension is not None and self.extension.unit != self.limit.unit:
            raise Refused("cases.clock_rules", "A limit in {limit} is extended in {limit}, not in {value}.",
                          value=self.extension.unit, limit=self.limit.unit)  # fmt: skip
        if not all(0 < share < 1 for share in self.reminders):
            raise Refused("cases.clock_rules", "A reminder stands at a share of the limit between 0 and 1, as in "
                          "{limit}.", limit=0.8)  # fmt: skip


@dataclass(frozen=True)
class ClockEvent:
    """What happened when; pauses and extensions say why."""

    what: What
    at: datetime
    reason: str = ""


@dataclass(frozen=True)
class ClockState:
    """How a clock stands at an instant. `due` is None while it is paused: nobody knows when it goes on."""

    standing: Standing
    limit: Limit
    started_at: datetime
    due: Due | None
    pauses: tuple[Pause, ...] = ()
    paused_since: datetime | None = None
    extensions: int = 0
    stopped_at: datetime | None = None
    was_late: bool = False
    reminders: tuple[datetime, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether nothing can change it any more."""
        return self.standing in (Standing.STOPPED, Standing.DEEMED_APPROVED)


def clock_at(calendar: Calendar, rules: ClockRules, events: Sequence[ClockEvent], now: datetime) -> ClockState:
    """How a clock with these events stands; those later than `now` have not happened yet.

    Raises: Refused `cases.clock_*` for an event that cannot follow those before it.
    """
    return _on_time(rules, _folded(calendar, rules, [event for event in events if event.at <= now]), now)


def check_next(calendar: Calendar, rules: ClockRules, events: Sequence[ClockEvent], event: ClockEvent) -> ClockState:
    """The state after one more event.

    Raises: Refused `cases.clock_*` if it cannot follow.
    """
    return _on_time(rules, _folded(calendar, rules, [*events, event]), event.at)


def _folded(calendar: Calendar, rules: ClockRules, events: Sequence[ClockEvent]) -> ClockState:
    state = None
    for event in events:
        state = _after(calendar, rules, state, event)
    if state is None:
        raise Refused("cases.clock_not_started", "This clock has not been started.")
    return state


def _after(calendar: Calendar, rules: ClockRules, state: ClockState | None, event: ClockEvent) -> ClockState:
    if event.what is What.STARTED or state is None:
        return _started(calendar, rules, state, event)
    _check_order(rules, state, event)
    return _STEPS[event.what](calendar, rules, state, event)


def _started(calendar: Calendar, rules: ClockRules, state: ClockState | None, event: ClockEvent) -> ClockState:
    if state is not None:
        raise Refused("cases.clock_started", "This clock runs already; it starts once.")
    if event.what is not What.STARTED:
        raise Refused("cases.clock_not_started", "This clock has not been started.")
    return _reckoned(calendar, rules, ClockState(Standing.RUNNING, rules.limit, event.at, None))


def _check_order(rules: ClockRules, state: ClockState, event: ClockEvent) -> None:
    ended = [state.started_at, *(goes_on for _, goes_on in state.pauses), state.paused_since, state.stopped_at]
    if event.at < max(at for at in ended if at is not None):
        raise Refused("cases.clock_out_of_order", "This is before what last happened to the clock; give a later time.")
    if _on_time(rules, state, event.at).is_over:
        raise Refused("cases.clock_over", "This clock has come to its end; nothing can change it any more.")


def _paused(calendar: Calendar, rules: ClockRules, state: ClockState, event: ClockEvent) -> ClockState:
    if state.paused_since is not None:
        raise Refused("cases.clock_paused", "This clock is paused already; let it go on first.")
    _check_reason(event)
    _check_in_time(state, event)
    return replace(state, standing=Standing.PAUSED, paused_since=event.at, due=None, reminders=())


def _resumed(calendar: Calendar, rules: ClockRules, state: ClockState, event: ClockEvent) -> ClockState:
    if state.paused_since is None:
        raise Refused("cases.clock_runs", "This clock is not paused; there is nothing to let go on.")
    pauses = (*state.pauses, (state.paused_since, event.at))
    return _reckoned(calendar, rules, replace(state, standing=Standing.RUNNING, pauses=pauses, paused_since=None))


def _extended(calendar: Calendar, rules: ClockRules, state: ClockState, event: ClockEvent) -> ClockState:
    if rules.extension is None or state.extensions >= rules.most_extensions:
        most = rules.most_extensions if rules.extension else 0
        raise Refused("cases.clock_not_extended", "This clock can be extended {limit} times, and that is used up.",
                      limit=most)  # fmt: skip
    _check_reason(event)
    _check_in_time(state, event)
    limit = replace(state.limit, amount=state.limit.amount + rules.extension.amount)
    return _reckoned(calendar, rules, replace(state, limit=limit, extensions=state.extensions + 1))


def _stopped(calendar: Calendar, rules: ClockRules, state: ClockState, event: ClockEvent) -> ClockState:
    late = state.due is not None and event.at > state.due.at
    pauses = (*state.pauses, (state.paused_since, event.at)) if state.paused_since else state.pauses
    return replace(state, standing=Standing.STOPPED, stopped_at=event.at, was_late=late, pauses=pauses,
                   paused_since=None, reminders=())  # fmt: skip


_STEPS = {What.PAUSED: _paused, What.RESUMED: _resumed, What.EXTENDED: _extended, What.STOPPED: _stopped}


def _check_reason(event: ClockEvent) -> None:
    if not event.reason.strip():
        raise Refused("cases.clock_reason", "A clock is paused or extended for a reason; give it.")


def _check_in_time(state: ClockState, event: ClockEvent) -> None:
    if state.due is not None and event.at > state.due.at:
        raise Refused("cases.clock_late", "The time of this clock was up at {value}; it can be neither paused nor "
                      "extended now.", value=state.due.at.isoformat(timespec="minutes"))  # fmt: skip


def _reckoned(calendar: Calendar, rules: ClockRules, state: ClockState) -> ClockState:
    """The state with its end and reminders reckoned anew; nothing is reckoned while it is paused."""
    if state.paused_since is not None:
        return state
    due = due_at(calendar, state.started_at, state.limit, state.pauses)
    since, limit, pauses = state.started_at, state.limit, state.pauses
    reminders = sorted(opening_of_share(calendar, since, limit, share, pauses) for share in rules.reminders)
    return replace(state, due=due, reminders=tuple(at for at in reminders if at < due.at))


def _on_time(rules: ClockRules, state: ClockState, now: datetime) -> ClockState:
    if state.standing is not Standing.RUNNING or state.due is None or now <= state.due.at:
        return state
    up = Standing.DEEMED_APPROVED if rules.deemed_approved else Standing.BREACHED
    return replace(state, standing=up, was_late=True)
