"""What was known of an incident at an instant, for those who look back."""

from __future__ import annotations

from collections.abc import Iterable

_FOLLOWS = {
    "IncidentOpened": "open", "EvacuationApproved": "ordered", "IncidentClosed": "closed",
    "IncidentCancelled": "cancelled",
}  # fmt: skip
_FINAL = ("closed", "cancelled")


def state_after(happened: Iterable[tuple[str, str]]) -> str:
    """The state of an incident after what happened, oldest first: the name of the event and its proposal's purpose.

    The purpose is "" for what is not about a proposal.
    """
    state = "open"
    for what, purpose in happened:
        if state in _FINAL:
            break
        state = _next(what, purpose) or state
    return state


def _next(what: str, purpose: str) -> str:
    is_end = purpose not in ("", "evacuation")
    if what == "ProposalReady":
        return "clearing" if is_end else "proposed"
    if what == "ProposalSentBack":
        return "warned" if is_end else "sent-back"
    if what == "AlertApproved" and not is_end:
        return "warned"
    return _FOLLOWS.get(what, "")


def task_state(state: str, stages: Iterable[tuple[str, bool]]) -> str:
    """A task's state as known: its own, unless a later stage had not been reached; stages are latest first.

    A stage is the state that stands for it and whether it had been reached.
    """
    for stage, reached in stages:
        if reached:
            return state if stage == "ended" else stage
    return "waiting"
