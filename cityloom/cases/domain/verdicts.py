"""What somebody who reported a matter says of its end, and what follows of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.kernel.refused import Refused

CONFIRM, REOPEN = "confirm", "reopen"
"""The steps of a type in which those who reported a matter say that it is solved, or that it goes on."""
ANEW = (REOPEN, "take-up-again")
"""The steps after which a case goes on with limits of its own, though its office had only said that it is done."""
LEAST_SATISFIED, MOST_SATISFIED = 1, 5


class Solved(StrEnum):
    """Whether it is solved."""

    YES, PARTLY, NO = "yes", "partly", "no"


class Follows(StrEnum):
    """What an answer leads to: the case closes, goes on, its handler is told, or the answer is counted and no more."""

    CLOSE, GO_ON, TELL, COUNT = "close", "go-on", "tell", "count"


@dataclass(frozen=True)
class Happened:
    """A step of the history of a case, as far as verdicts look at it."""

    revision: int
    at: datetime
    step: str
    after: str
    role: str


@dataclass(frozen=True)
class Ended:
    """The last time that a case was said to be done; `until` is how long those who reported it are asked."""

    revision: int
    at: datetime
    until: datetime | None
    state: str
    was_reopened: bool
    has_first: bool

    def is_asked(self, at: datetime) -> bool:
        """Whether an answer is taken at an instant."""
        return self.until is None or at < self.until


def asked_in(casetype: CaseType) -> tuple[str, ...]:
    """The states in which a type asks those who reported a matter whether it is solved."""
    step = casetype.step(CONFIRM)
    return step.sources if step else ()


def last_end(casetype: CaseType, history: Sequence[Happened]) -> Happened | None:
    """The step by which a case was last said to be done, unless it went on after it."""
    asked = asked_in(casetype)
    at = max((place for place, one in enumerate(history) if one.after in asked), default=None)
    if at is None or any(one.after and not casetype.states[one.after].ends for one in history[at + 1 :]):
        return None
    return history[at]


def was_reopened(history: Sequence[Happened]) -> bool:
    """Whether somebody who reported it has had it reopened before: the second time a supervisor looks at it."""
    return any(one.step == REOPEN and one.role == "reporter" for one in history)


def follows_of(solved: Solved, ended: Ended, *, is_first: bool) -> Follows:
    """What an answer leads to.

    Whoever reported it first decides, or whoever answers where nobody is first; of the others a no is for the handler
    to read.
    """
    decides = is_first or not ended.has_first
    if solved is Solved.NO:
        return Follows.GO_ON if decides and not ended.was_reopened else Follows.TELL
    return Follows.CLOSE if decides else Follows.COUNT


def check_answer(solved: str, satisfaction: int | None) -> Solved:
    """Raises: Refused `cases.verdict`, `cases.satisfaction`."""
    if solved not in list(Solved):
        raise Refused("cases.verdict", "Say whether it is solved: yes, partly or no.")
    if satisfaction is not None and not LEAST_SATISFIED <= satisfaction <= MOST_SATISFIED:
        raise Refused("cases.satisfaction", "How satisfied you are is a number from {value} to {limit}, or left out.",
                      value=LEAST_SATISFIED, limit=MOST_SATISFIED)  # fmt: skip
    return Solved(solved)


def check_is_asked(ended: Ended | None, answered: int, at: datetime) -> Ended:
    """Raises: Refused `cases.not_asked`, `cases.verdict_late`, `cases.verdict_given`."""
    if ended is None:
        raise Refused("cases.not_asked", "Nobody says that this is done yet; you are asked when somebody does.")
    if not ended.is_asked(at):
        raise Refused("cases.verdict_late", "The time to answer is over; ask for another look at it instead.")
    if answered >= ended.revision:
        raise Refused("cases.verdict_given", "You have answered this already; thank you.")
    return ended
