"""Who may have processes reviewed, and read reviews."""

from __future__ import annotations

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

REVIEWERS = frozenset({"supervisor", "steward", "auditor", "operator", "system"})
READERS = REVIEWERS | {"data-protection-officer", "case-handler", "commander"}


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
