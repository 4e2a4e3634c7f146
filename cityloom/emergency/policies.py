"""May this person do that to this incident, now; every refusal is a sentence that fits on the button."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from cityloom.emergency.domain import states
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

_DOING = {
    "propose": "propose an evacuation", "approve": "approve the evacuation", "approve-alert": "approve the alert",
    "send-back": "send the document back", "update": "change the evacuation", "all-clear": "give the all clear",
    "cancel": "cancel the incident",
}  # fmt: skip
_TITLES = {
    "system": "the city itself", "duty-officer": "a duty officer", "commander": "a commander",
    "alert-approver": "a second approver for alerts",
}  # fmt: skip
_APPROVALS = {"approve": states.COMMANDER, "approve-alert": states.SECOND}
DEPARTMENT_ROLE = "department-"
_WRITERS = ("commander", "duty-officer", "alert-approver", "operator", "supervisor")
SILENCE = timedelta(seconds=60)
"""After this a notice without an answer is escalated."""


@dataclass(frozen=True)
class Standing:
    """Where an incident and its current document stand: `approvals` maps each role to the account that gave it."""

    state: str
    proposed_by: str
    approvals: dict[str, str]


def approval_action(role: str) -> str:
    """The action that an approval in a role is.

    Raises: Refused `emergency.role_unknown`.
    """
    for action, approving in _APPROVALS.items():
        if approving == role:
            return action
    raise Refused("emergency.role_unknown", "Nobody approves as {value}; approve as {limit}.",
                  value=role[:20], limit=" or ".join(_APPROVALS.values()))  # fmt: skip


def check_can(action: str, standing: Standing, by: Actor) -> states.Transition:
    """Return the row of the state table that lets `by` do `action` here.

    Raises: Refused `emergency.state`, `emergency.role` or `emergency.same_account`.
    """
    row = states.transition(standing.state, action)
    if row is None:
        raise _wrong_state(action, standing.state)
    if not row.roles & by.roles:
        raise _wrong_role(action, row)
    if action in _APPROVALS:
        _check_other_account(action, standing, by)
    return row


def check_can_approve(standing: Standing, by: Actor, role: str) -> states.Transition:
    """Return the row of the state table for an approval in a role.

    Raises: Refused like `check_can`, and `emergency.role_unknown`.
    """
    return check_can(approval_action(role), standing, by)


def check_is_digest(given: str, stored: str) -> None:
    """What is approved must be what was shown.

    Raises: Refused `emergency.digest`.
    """
    if not given or given != stored:
        raise Refused(
            "emergency.digest",
            "The document has changed since it was shown to you, so nothing was approved; "
            "reload the page, read it again, and approve what you see.",
        )


def check_is_current(revision: int, current: int) -> None:
    """Only the newest revision can be decided on.

    Raises: Refused `emergency.stale`.
    """
    if revision != current:
        raise Refused(
            "emergency.stale",
            "Revision {value} has been replaced by revision {limit}; reload the page and decide on the newer one.",
            value=revision, limit=current,
        )  # fmt: skip


def check_can_write(role: str, by: Actor) -> None:
    """The log is written by those who work on the incident, each in a role that is theirs.

    Raises: Refused `emergency.entry_role`.
    """
    if role not in by.roles or role not in writing_roles(by):
        raise Refused(
            "emergency.entry_role",
            "You cannot write into the log of an incident: it is kept by command, departments and operators; "
            "tell one of them.",
        )


def writing_roles(by: Actor) -> tuple[str, ...]:
    """The roles in which somebody may write into the log of an incident, in the order of command."""
    own = [role for role in _WRITERS if role in by.roles]
    return (*own, *sorted(role for role in by.roles if role.startswith(DEPARTMENT_ROLE)))


def check_can_acknowledge(department: str, by: Actor) -> None:
    """A notice is acknowledged by the department that it was sent to.

    Raises: Refused `emergency.not_your_notice`.
    """
    if not by.has(DEPARTMENT_ROLE + department):
        raise Refused(
            "emergency.not_your_notice",
            "You cannot acknowledge this notice: it was sent to the {value} department; its own desk answers it.",
            value=department,
        )


def _wrong_state(action: str, state: str) -> Refused:
    allowed = " or ".join(states.states_for(action)) or "no state"
    return Refused(
        "emergency.state",
        f"You cannot {_DOING.get(action, 'do that')}: the incident is {{value}}; it must be {{limit}}.",
        value=state, limit=allowed,
    )  # fmt: skip


def _wrong_role(action: str, row: states.Transition) -> Refused:
    titles = " or ".join(_TITLES[role] for role in sorted(row.roles))
    return Refused(
        "emergency.role",
        f"You cannot {_DOING[action]}: only {{limit}} may; ask one to sign in.",
        limit=titles,
    )


def _check_other_account(action: str, standing: Standing, by: Actor) -> None:
    done = "proposed it" if by.account == standing.proposed_by and action == "approve" else ""
    if by.account in standing.approvals.values():
        done = "already approved it"
    if done:
        raise Refused(
            "emergency.same_account",
            f"You cannot {_DOING[action]}: you {done}; another account must.",
        )
