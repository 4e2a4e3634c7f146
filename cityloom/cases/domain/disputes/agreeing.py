"""What was agreed, and what may be said of it: an agreement is not settled before it is kept."""

from __future__ import annotations

from datetime import date, timedelta

from cityloom.kernel.refused import Refused

OPEN, FULFILLED, PARTLY, NOT, DROPPED = "open", "fulfilled", "partly", "not", "dropped"
CHECKED = (FULFILLED, PARTLY, NOT)
REMIND = timedelta(days=3)
MOST_ITEMS = 40
REMINDED, OVERDUE = "reminded", "overdue"
PLANNED, HELD, FAILED, POSTPONED = "planned", "held", "failed", "postponed"
ENDS = (HELD, FAILED, POSTPONED)
"""How a planned session may end."""
LONGEST_AHEAD = timedelta(days=3660)


def standing(state: str, until_on: date, today: date) -> str:
    """How an item stands: as it was checked, or overdue where nobody has and its day is over."""
    return OVERDUE if state == OPEN and until_on < today else state


def rings(state: str, until_on: date, today: date, rang: str) -> str:
    """What is to be said of an item's time now: a reminder before its day, that it is over after it, each once."""
    if state != OPEN or rang == OVERDUE:
        return ""
    if until_on < today:
        return OVERDUE
    return REMINDED if not rang and today >= until_on - REMIND else ""


def check_day(until_on: date, today: date) -> None:
    """Raises: Refused `cases.item_day`, for a day that is over or beyond all sight."""
    if not today <= until_on <= today + LONGEST_AHEAD:
        raise Refused("cases.item_day", "{value} is no day until which something can be agreed; choose one from today "
                      "on, within ten years.", value=until_on.isoformat())  # fmt: skip


def check_outcome(outcome: str, known: tuple[str, ...]) -> None:
    """Raises: Refused `cases.outcome`."""
    if outcome not in known:
        raise Refused("cases.outcome", "{value} cannot be said of it; there is: {limit}.",
                      value=outcome[:20] or "–", limit=", ".join(known))  # fmt: skip
