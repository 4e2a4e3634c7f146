"""What can happen to a task."""

from __future__ import annotations

WAITING, ASSIGNED, DELIVERED, ACCEPTED = "waiting", "assigned", "delivered", "accepted"
DONE, UNABLE, CANCELLED = "done", "unable", "cancelled"

STATES = (WAITING, ASSIGNED, DELIVERED, ACCEPTED, DONE, UNABLE, CANCELLED)
OPEN = (WAITING, ASSIGNED, DELIVERED, ACCEPTED)
READABLE = (DELIVERED, ACCEPTED)

NEXT: dict[str, tuple[str, ...]] = {
    WAITING: (ASSIGNED, CANCELLED),
    ASSIGNED: (DELIVERED, CANCELLED),
    DELIVERED: (ACCEPTED, DONE, UNABLE, CANCELLED),
    ACCEPTED: (DONE, UNABLE, CANCELLED),
    DONE: (),
    UNABLE: (),
    CANCELLED: (),
}
"""Each state and where it can go; `waiting` means that nobody was on duty when the task came up.

A cancelled task is given out anew, as if it had just come up, when a later zone has its dwelling in it again.
"""


def can_become(state: str, target: str) -> bool:
    """Whether a task in one state may go to another."""
    return target in NEXT[state]
