"""Which reports are one matter: the first of them goes on, any may be taken out again, and then stays out.

Uniting is what union-find does: however often and in whatever order, the same reports are one matter with one lead.
"""

from __future__ import annotations

from collections.abc import Mapping

from cityloom.cases.domain.duplicates.joining import MOST_MEMBERS
from cityloom.kernel.refused import Refused

_ITSELF = "The two are one matter already; choose another case."
_MOVED = "One of the two goes on as another case by now. Reload the page and decide again."
_TYPES = "{value} and {limit} are of different kinds and cannot be one matter; link them instead."
_OVER = "The case that came first is over, so nothing can go on as it; reopen it first, or leave them apart."
_FULL = "A matter has at most {limit} reports; this would make {value}. Open a case for the cause, and link them."
_ONE = "They are one matter by now. Take this report out of it instead, if it is about another thing."
_ALONE = "This report is in no matter with others, so it cannot be taken out of one."
Leads = Mapping[int, int]
"""The number of the case that goes on, for each report."""


def united(now: Leads, first: int, second: int) -> dict[int, int]:
    """The leads after the matters of two reports have become one."""
    lead, later = sorted((now[first], now[second]))
    return {report: lead if held == later else held for report, held in now.items()}


def parted(now: Leads, report: int) -> dict[int, int]:
    """The leads after a report was taken out of its matter; where it led, the next of the rest leads."""
    rest = [one for one, held in now.items() if held == now[report] and one != report]
    lead = now[report] if now[report] != report else next_lead(rest) if rest else report
    return {one: report if one == report else lead if one in rest else held for one, held in now.items()}


def next_lead(reports: list[int]) -> int:
    """Of some reports the one that goes on for them: the one that came first."""
    return min(reports)


def check_two(first: str, second: str, types: Mapping[str, str], *, is_open: bool) -> None:
    """Two matters may be united; `types` are those of the cases that go on.

    Raises: Refused `cases.matter_itself`, `cases.matter_moved`, `cases.matter_types`, `cases.matter_over`.
    """
    if first == second:
        raise Refused("cases.matter_itself", _ITSELF)
    if len(types) < 2:
        raise Refused("cases.matter_moved", _MOVED)
    if types[first] != types[second]:
        raise Refused("cases.matter_types", _TYPES, value=types[first], limit=types[second])
    if not is_open:
        raise Refused("cases.matter_over", _OVER)


def check_room(count: int) -> None:
    """Raises: Refused `cases.matter_full`."""
    if count > MOST_MEMBERS:
        raise Refused("cases.matter_full", _FULL, value=count, limit=MOST_MEMBERS)


def check_not_alone(count: int) -> None:
    """Raises: Refused `cases.matter_alone`."""
    if count < 2:
        raise Refused("cases.matter_alone", _ALONE)


def check_leads(leads: bool) -> None:
    """Raises: Refused `cases.matter_moved`."""
    if not leads:
        raise Refused("cases.matter_moved", _MOVED)


def check_are_two(first: str, second: str) -> None:
    """Raises: Refused `cases.matter_one`."""
    if first == second:
        raise Refused("cases.matter_one", _ONE)
