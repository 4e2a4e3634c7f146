"""What can happen to a task."""

from __future__ import annotations

from datetime import datetime

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


def state_at(
    instant: datetime, state: str, assigned_at: datetime | None, delivered_at: datetime | None,
    finished_at: datetime | None,
) -> str:  # fmt: skip
    """What a task that is in `state` now was at an instant; accepting leaves no time, so it counts as delivered."""
    if finished_at is not None and finished_at <= instant:
        return state
    if finished_at is None and (delivered_at or assigned_at or instant) <= instant:
        return state
    if delivered_at is not None and delivered_at <= instant:
        return DELIVERED
    return ASSIGNED if assigned_at is not None and assigned_at <= instant else WAITING
