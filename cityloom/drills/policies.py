"""Who may run drills."""

from __future__ import annotations

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

RUNNERS = frozenset({"commander", "duty-officer", "operator"})


def check_can_run(by: Actor) -> None:
    """Raises: Refused `drill.role`."""
    if not by.roles & RUNNERS:
        raise Refused("drill.role", "You cannot run a drill: commanders, duty officers and operators do; ask one.")


def check_can_start(by: Actor, running: str) -> None:
    """One drill at a time: two would fight for the same people at the screens.

    Raises: Refused `drill.role`, `drill.one_at_a_time`.
    """
    check_can_run(by)
    if running:
        raise Refused("drill.one_at_a_time", "Drill {value} is running; stop it, or let it end, before another begins.",
                      value=running)  # fmt: skip


def check_is_running(state: str) -> None:
    """Raises: Refused `drill.not_running`."""
    if state not in ("queued", "running"):
        raise Refused("drill.not_running", "This drill is {value}, so it can no longer be changed; begin another.",
                      value=state)  # fmt: skip


def check_can_remove(by: Actor, state: str) -> None:
    """Raises: Refused `drill.role`, `drill.still_running`."""
    check_can_run(by)
    if state in ("queued", "running"):
        raise Refused("drill.still_running", "This drill is running; stop it before you remove it.")
