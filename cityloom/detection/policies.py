"""Who may judge what was detected, and what a judgement needs."""

from __future__ import annotations

from cityloom.detection.domain.judging import DUPLICATE, LONGEST_REASON, VERDICTS
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

JUDGES = frozenset({"duty-officer", "supervisor"})
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
