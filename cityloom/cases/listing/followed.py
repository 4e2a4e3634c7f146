"""What somebody who reported a matter follows: found by their secret alone."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from cityloom.cases import catalogue
from cityloom.cases.domain import reporting, ticking, verdicts
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.clocks import calendars
from cityloom.cases.domain.clocks.running import ClockEvent, What
from cityloom.cases.domain.verdicts import CONFIRM, REOPEN, Ended, Happened
from cityloom.cases.models import Case, CaseEvent, CaseFollower
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

FOLLOWER = "follower:"
_LAST = "review"
"""The type of case with which somebody looks again; there is none after it."""
_TAKEN_BACK = "withdrawn"


@dataclass(frozen=True)
class Followed:
    """The case that a secret was given for, and the one that goes on about the same matter: mostly the same."""

    follower: CaseFollower
    own: Case
    lead: Case

    @property
    def by(self) -> Actor:
        """Whoever holds the secret; nobody else is known of them."""
        return Actor(f"{FOLLOWER}{self.follower.pk}", "", frozenset({"reporter"}))

    @property
    def is_joined(self) -> bool:
        """Whether the matter goes on in another case."""
        return self.own.pk != self.lead.pk

    @property
    def is_first(self) -> bool:
        """Whether they reported the case that goes on, and were the first."""
        return self.follower.is_first and not self.is_joined


def digest_of(secret: str) -> str:
    """What is kept of a secret that opens a case to whoever reported it."""
    key = settings.SECRET_KEY.encode()
    return hmac.new(key, f"case follower\n{secret}".encode(), hashlib.sha256).hexdigest()


def followed(secret: str) -> Followed:
    """What a secret opens: the first case that it was given for.

    Raises: Refused `cases.no_follower`.
    """
    rows = CaseFollower.objects.filter(digest=digest_of(secret)).select_related("case")
    row = rows.order_by("id").first()
    if row is None:
        raise Refused("cases.no_report", "Nothing is followed with this code; look at each sign again. A report that is"
                      " past its time is erased.")  # fmt: skip
    own = row.case
    lead = own if own.matter == own.id else Case.objects.filter(id=own.matter).first() or own
    return Followed(row, own, lead)


def reviews_followed(secret: str) -> list[Case]:
    """The other cases that the same secret was given for: another look that was asked for; the newest first."""
    rows = CaseFollower.objects.filter(digest=digest_of(secret)).select_related("case").order_by("id")
    return [row.case for row in rows[1:]][::-1]


def reporters_of(lead: Case) -> int:
    """How many follow a matter, whichever of its cases they reported."""
    return CaseFollower.objects.filter(case__matter=lead.matter).count()


def end_of(row: Case) -> Ended | None:
    """The end that those who reported a case are asked about, or were; None while it goes on."""
    casetype = catalogue.casetype_of(row.casetype, row.version)
    history = happened(row)
    end = verdicts.last_end(casetype, history)
    if end is None:
        return None
    has_first = CaseFollower.objects.filter(case=row, is_first=True).exists()
    return Ended(end.revision, end.at, _asked_until(row, casetype, end.at), row.state, verdicts.was_reopened(history),
                 has_first)  # fmt: skip


@dataclass(frozen=True)
class MayAdd:
    """Whether somebody may say more about their matter, and take back what they reported."""

    may_add: bool
    may_withdraw: bool


def may_add_as_reporter(followed: Followed) -> MayAdd:
    """What somebody may do while their matter goes on."""
    lead = followed.lead
    step = reporting.way_out(catalogue.casetype_of(lead.casetype, lead.version))
    leaves = followed.is_joined or reporters_of(lead) > 1
    return MayAdd(lead.is_open, lead.is_open and (leaves or bool(step and lead.state in step.sources)))


@dataclass(frozen=True)
class WayOn:
    """What somebody may do about the end of their matter: say whether it is solved, reopen it, ask for another look."""

    ended: Ended | None = None
    may_answer: bool = False
    may_reopen: bool = False
    may_ask_again: bool = False


def way_on_of(followed: Followed, at: datetime) -> WayOn:
    """What somebody may do about the end of their matter now."""
    lead, ended = followed.lead, end_of(followed.lead)
    casetype = catalogue.casetype_of(lead.casetype, lead.version)
    if ended is None or not ended.is_asked(at):
        has_ended = not lead.is_open and lead.casetype != _LAST and lead.result != _TAKEN_BACK
        return WayOn(ended, may_ask_again=has_ended)
    answered = followed.follower.answered >= ended.revision
    decides = followed.is_first or not ended.has_first
    reopen = casetype.step(REOPEN)
    may_reopen = bool(answered and decides and not ended.was_reopened and reopen and lead.state in reopen.sources)
    return WayOn(ended, not answered, may_reopen, answered and not may_reopen)


def happened(row: Case) -> list[Happened]:
    """The steps of a case, in order."""
    rows = CaseEvent.objects.filter(case=row, kind="stepped").order_by("revision")
    return [Happened(*values) for values in rows.values_list("revision", "at", "step", "after", "role")]


def _asked_until(row: Case, casetype: CaseType, since: datetime) -> datetime | None:
    """How long those who reported it are asked: what the type's clock of silence allows since it was done."""
    asked = verdicts.asked_in(casetype)
    clock = next((one for one in casetype.clocks if one.deemed and one.since & set(asked)), None)
    if clock is None or casetype.step(CONFIRM) is None:
        return None
    rules = casetype.rules_of(clock, row.category)
    calendar = calendars.named(settings.CITYLOOM_CALENDAR)
    state = ticking.state_of(calendar, rules, [ClockEvent(What.STARTED, since)], since)
    return state.due.at if state.due else None
