"""Who may judge what was detected, and what a judgement needs."""

from __future__ import annotations

from datetime import datetime

from cityloom.detection.domain.judging import DUPLICATE, LONGEST_REASON, VERDICTS
from cityloom.detection.domain.missing import SOURCES
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

JUDGES = frozenset({"duty-officer", "supervisor"})
PACK_WRITERS = frozenset({
    "duty-officer", "supervisor", "operator", "steward", "department-water", "department-gas", "department-traffic",
    "system",
})  # fmt: skip
PACK_DECIDERS = frozenset({"duty-officer", "supervisor", "operator", "system"})
SHORTEST_REASON = 5


def check_can_judge(by: Actor) -> None:
    """Raises: Refused `detection.role`."""
    if not by.roles & JUDGES:
        raise Refused("detection.role", "Detections are judged by duty officers and supervisors; ask one of them.")


def check_judgement(verdict: str, reason: str, duplicate_of: str) -> str:
    """The reason, as it is kept.

    Raises: Refused `detection.verdict`, `detection.which`, `detection.reason`.
    """
    if verdict not in VERDICTS:
        raise Refused("detection.verdict", "Nothing was chosen; say whether it was real, a false alarm or a duplicate.")
    if verdict == DUPLICATE and not duplicate_of:
        raise Refused("detection.which", "A duplicate is one of something; give the number of the detection that came "
                      "first.")  # fmt: skip
    words = " ".join(reason.split())
    if len(words) < SHORTEST_REASON:
        raise Refused("detection.reason", "Say in a few words how you know; at least {limit} signs.",
                      limit=SHORTEST_REASON)  # fmt: skip
    return words[:LONGEST_REASON]


def check_miss(source: str, happened_at: datetime, at: datetime) -> None:
    """Raises: Refused `detection.miss_source`, `detection.miss_later`."""
    if source not in SOURCES:
        raise Refused("detection.miss_source", "Nothing was chosen; say how it became known.")
    if happened_at > at:
        raise Refused("detection.miss_later", "{value} is not over yet; say when it began.",
                      value=happened_at.strftime("%Y-%m-%d %H:%M"))  # fmt: skip


def check_can_write_packs(by: Actor) -> None:
    """Raises: Refused `detection.role`."""
    if not by.roles & PACK_WRITERS:
        raise Refused("detection.role", "Rule packs are written by duty officers, operators, data stewards, supervisors"
                      " and the departments of water, gas and traffic; ask one of them.")  # fmt: skip


def check_can_put_in_force(by: Actor, written_by: str, reason: str) -> str:
    """The reason, as it is kept; whoever wrote the rules may put them in force alone, and says why.

    Raises: Refused `detection.role`, `detection.alone`.
    """
    if not by.roles & PACK_DECIDERS:
        raise Refused("detection.role", "Rules are put in force by duty officers, supervisors and operators; ask one of"
                      " them.")  # fmt: skip
    words = " ".join(reason.split())[:LONGEST_REASON]
    if by.account == written_by and len(words) < SHORTEST_REASON:
        raise Refused("detection.alone", "You wrote these rules yourself: have somebody else put them in force, or say "
                      "why nobody else looks at them.")  # fmt: skip
    return words
