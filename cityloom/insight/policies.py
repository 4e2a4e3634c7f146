"""Who may have processes reviewed and studies worked, and read them."""

from __future__ import annotations

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

REVIEWERS = frozenset({"supervisor", "steward", "auditor", "operator", "system"})
READERS = REVIEWERS | {"data-protection-officer", "case-handler", "commander"}
CITY_WIDE = frozenset({"commander", "duty-officer", "operator", "auditor", "steward", "system"})
LEADERS = CITY_WIDE | {"supervisor"}
TOP = "city"
HOTSPOT_ANSWERERS = frozenset({
    "case-handler", "supervisor", "duty-officer", "department-water", "department-gas", "department-traffic",
    "department-police", "department-fire",
})  # fmt: skip
HOTSPOT_READERS = HOTSPOT_ANSWERERS | CITY_WIDE | {"data-protection-officer"}
_HOTSPOTS = "Alarms of hot spots are read by the office that is asked, and by those who lead or check the city."


def check_can_review(by: Actor) -> None:
    """Raises: Refused `insight.role`."""
    if not by.roles & REVIEWERS:
        raise Refused("insight.role", "Processes are reviewed by supervisors, data stewards, auditors and operators; "
                      "ask one of them.")  # fmt: skip


def check_can_read(by: Actor) -> None:
    """Raises: Refused `insight.reader`."""
    if not by.roles & READERS:
        raise Refused("insight.reader", "Reviews of processes are read by those who lead, check or handle cases; "
                      "ask a supervisor.")  # fmt: skip


def check_can_lead(by: Actor) -> None:
    """Raises: Refused `insight.not_allowed`."""
    if not by.roles & LEADERS:
        raise Refused("insight.not_allowed", "The risk brief is for those who lead or are on duty; ask your "
                      "supervisor for what concerns your work.")  # fmt: skip


def is_in_branch(by: Actor, unit: str) -> bool:
    """Whether a unit lies in the branch that somebody leads; whoever is on duty for the city looks at all of it."""
    own = _own_branch(by)
    return bool(unit) and (unit == own or unit.startswith(f"{own}/"))


def branch_of(by: Actor, unit: str) -> str:
    """The branch that somebody looks at: their own, or one below it.

    Raises: Refused `insight.not_your_branch`.
    """
    if unit and not is_in_branch(by, unit):
        raise Refused("insight.not_your_branch", "{value} is not in your branch of the city; its brief is for those "
                      "who lead it.", value=unit[:80])  # fmt: skip
    return unit or _own_branch(by)


def _own_branch(by: Actor) -> str:
    return TOP if by.roles & CITY_WIDE or not by.unit else by.unit


def check_can_study(by: Actor) -> None:
    """Raises: Refused `insight.role`."""
    if not by.roles & REVIEWERS:
        raise Refused("insight.role", "Studies are asked for by supervisors, data stewards, auditors and operators; "
                      "ask one of them.")  # fmt: skip


def check_can_read_studies(by: Actor) -> None:
    """Raises: Refused `insight.reader`."""
    if not by.roles & READERS:
        raise Refused("insight.reader", "Studies are read by those who lead, check or handle cases; ask a supervisor.")


def hotspot_branch(by: Actor) -> str:
    """The branch whose alarms of hot spots somebody reads: the city's for whoever checks or runs it, else their own.

    Raises: Refused `insight.hotspot_reader`.
    """
    if not by.roles & HOTSPOT_READERS:
        raise Refused("insight.hotspot_reader", _HOTSPOTS)
    return TOP if by.roles & CITY_WIDE or not by.unit else by.unit


def check_can_read_hotspot(by: Actor, unit: str) -> None:
    """Raises: Refused `insight.hotspot_reader`."""
    branch = hotspot_branch(by)
    if unit != branch and not unit.startswith(f"{branch}/"):
        raise Refused("insight.hotspot_reader", _HOTSPOTS)


def can_answer_hotspots(by: Actor) -> bool:
    """Whether somebody answers for an office."""
    return bool(by.roles & HOTSPOT_ANSWERERS)


def check_can_answer_hotspot(by: Actor, unit: str) -> None:
    """Raises: Refused `insight.hotspot_reader`, `insight.hotspot_office`."""
    check_can_read_hotspot(by, unit)
    if not can_answer_hotspots(by):
        raise Refused("insight.hotspot_office", "The office that answers for this category says what it was; ask a "
                      "case handler, a desk or a supervisor there.")  # fmt: skip


def check_can_publish(by: Actor) -> None:
    """Raises: Refused `insight.role`."""
    if not by.roles & REVIEWERS:
        raise Refused("insight.role", "Forecasts are published and withdrawn by supervisors, data stewards, auditors "
                      "and operators; ask one of them.")  # fmt: skip


def check_can_read_forecasts(by: Actor) -> None:
    """Raises: Refused `insight.reader`."""
    if not by.roles & READERS:
        raise Refused("insight.reader", "Published forecasts are read by those who lead, check or handle cases; ask a "
                      "supervisor.")  # fmt: skip
