"""The states of an incident: one table, from which rules, sentences and the diagram are made."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

STATES = {
    "open": "A detection became an incident; the proposal is being computed.",
    "proposed": "A document waits for the commander.",
    "sent-back": "The document was returned; a new revision is needed.",
    "ordered": "The commander approved: notices and tasks are out; the alert waits for a second person.",
    "warned": "Two people approved the same document: the alert is out.",
    "clearing": "The commander gave the all clear or the cancellation; its alert waits for a second person.",
    "closed": "All clear: grants are revoked, tasks are ended.",
    "cancelled": "Withdrawn: grants are revoked, tasks are ended.",
}
FINAL = frozenset({"closed", "cancelled"})
PURPOSES = ("evacuation", "all-clear", "cancellation")
"""What a proposal is for; each has its own document and the same two approvals."""

URGENCY = {
    "open": "now", "proposed": "now", "sent-back": "now", "ordered": "now", "clearing": "today", "warned": "today",
    "closed": "later", "cancelled": "later",
}  # fmt: skip
"""How soon somebody has to look at an incident in a state: it waits for a decision, it is under way, it is over."""

COMMANDER = "commander"
SECOND = "alert-approver"
_DRAFTERS = frozenset({"system", "duty-officer", "commander"})
_STAFF = frozenset({"duty-officer", "commander"})
_COMMAND = frozenset({COMMANDER})
_SECOND = frozenset({SECOND})
_APPROVERS = frozenset({COMMANDER, SECOND})


@dataclass(frozen=True)
class Transition:
    """One row: in `state`, someone with one of `roles` may do `action`, and one of the states in `to` follows."""

    state: str
    action: str
    to: tuple[str, ...]
    roles: frozenset[str]
    does: str


TABLE = (
    Transition("open", "propose", ("proposed",), _DRAFTERS, "computes the first revision"),
    Transition("open", "cancel", ("cancelled",), _COMMAND, "ends it before anything was ordered"),
    Transition("proposed", "approve", ("ordered",), _COMMAND, "orders the evacuation: notices and tasks go out"),
    Transition("proposed", "send-back", ("sent-back",), _COMMAND, "asks for another revision"),
    Transition("proposed", "cancel", ("cancelled", "clearing"), _COMMAND, "withdraws what was ordered before, if any"),
    Transition("sent-back", "propose", ("proposed",), _DRAFTERS, "computes another revision"),
    Transition("sent-back", "cancel", ("cancelled", "clearing"), _COMMAND, "withdraws what was ordered before, if any"),
    Transition("ordered", "approve-alert", ("warned",), _SECOND, "sends the alert"),
    Transition("ordered", "send-back", ("sent-back",), _SECOND, "asks for another revision; orders stand meanwhile"),
    Transition("ordered", "update", ("proposed",), _STAFF, "drafts a revision; orders stand meanwhile"),
    Transition("ordered", "all-clear", ("closed", "clearing"), _COMMAND, "ends it; an alert that is out is ended too"),
    Transition("ordered", "cancel", ("cancelled", "clearing"), _COMMAND, "withdraws it; an alert that is out too"),
    Transition("warned", "update", ("proposed",), _STAFF, "drafts a revision that updates the alert"),
    Transition("warned", "all-clear", ("closed", "clearing"), _COMMAND, "drafts and approves the all-clear alert"),
    Transition("warned", "cancel", ("cancelled", "clearing"), _COMMAND, "drafts and approves the alert's withdrawal"),
    Transition("clearing", "approve-alert", ("closed", "cancelled"), _SECOND, "sends the last alert and ends it"),
    Transition("clearing", "send-back", ("warned",), _SECOND, "keeps the evacuation in force"),
)
ACTIONS = tuple(dict.fromkeys(row.action for row in TABLE))
_BY_KEY = {(row.state, row.action): row for row in TABLE}


def transition(state: str, action: str) -> Transition | None:
    """The row for an action in a state; None where the action is not possible there."""
    return _BY_KEY.get((state, action))


def roles_for(action: str) -> frozenset[str]:
    """Everyone who may ever do an action."""
    return frozenset().union(*(row.roles for row in TABLE if row.action == action))


def states_for(action: str) -> tuple[str, ...]:
    """The states in which an action is possible."""
    return tuple(row.state for row in TABLE if row.action == action)


def state_by(purpose: str, approved_as: Set[str], *, is_sent_back: bool) -> str:
    """The state of an incident that is not over, by its newest document: what that is for and who has approved it."""
    if purpose != "evacuation":
        return "warned" if is_sent_back else "clearing"
    if is_sent_back:
        return "sent-back"
    if {COMMANDER, SECOND} <= approved_as:
        return "warned"
    return "ordered" if COMMANDER in approved_as else "proposed"


def mermaid() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> open"]
    for row in TABLE:
        lines += [f"    {_name(row.state)} --> {_name(to)}: {row.action}" for to in row.to]
    lines += [f"    {_name(state)} --> [*]" for state in STATES if state in FINAL]
    return "\n".join(lines)


def markdown() -> str:
    """The page docs/reference/incident-states.md, whole."""
    states = "\n".join(f"| {state} | {meaning} |" for state, meaning in STATES.items())
    rows = "\n".join(
        f"| {r.state} | {r.action} | {', '.join(sorted(r.roles))} | {' or '.join(r.to)} | {r.does} |" for r in TABLE
    )
    return f"""# Incident states

Generated from `cityloom/emergency/domain/states.py` by `python -m cityloom.emergency.domain.states`; do not edit.

```mermaid
{mermaid()}
```

| state | meaning |
|---|---|
{states}

| in state | action | who | then | what it does |
|---|---|---|---|---|
{rows}

Where two states are named, an alert that is already out decides: ending it needs a second person first (`clearing`).
What is not in the table is refused with a sentence. One account never gives both approvals of one document.
"""


def _name(state: str) -> str:
    return state.replace("-", "_")


if __name__ == "__main__":
    import sys

    sys.stdout.write(markdown())
