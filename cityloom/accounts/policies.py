"""Who may sign in, and what needs a second person or a fresh proof."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

STEP_UP_FOR = timedelta(minutes=5)
LONGEST_TERM = timedelta(days=30)
SECOND_FACTORS = frozenset({"passkey", "totp", "recovery-code"})
_MAKERS = ("steward", "operator")
_APPROVERS = ("operator", "data-protection-officer")
TERM_READERS = ("auditor", "steward", *_APPROVERS)


class StepUpNeeded(Refused):
    """An act that wants a fresh proof of who is there; pages answer it by asking for one."""


@dataclass(frozen=True)
class StepUp:
    """When someone last proved anew who they are, and how: passkey, totp, recovery-code, password, provider, demo."""

    at: datetime
    method: str


@dataclass(frozen=True)
class Standing:
    """What decides whether an account may sign in."""

    is_active: bool
    suspended_for: str = ""
    term_ends_at: datetime | None = None
    term_is_approved: bool = True


def check_may_sign_in(standing: Standing, at: datetime) -> None:
    """Raises: Refused `accounts.closed`, `.suspended`, `.unapproved` or `.term_over`."""
    if not standing.is_active:
        raise Refused("accounts.closed", "This account is closed; ask an operator of the city to open it again.")
    if standing.suspended_for:
        raise Refused(
            "accounts.suspended",
            "This account is suspended ({value}). Ask the data protection officer or an operator; the person who "
            "suspended it cannot lift it alone.", value=standing.suspended_for,
        )  # fmt: skip
    if not standing.term_is_approved:
        raise Refused(
            "accounts.unapproved",
            "This account waits for a second person: ask an operator or the data protection officer to approve it.",
        )
    if standing.term_ends_at is not None and at >= standing.term_ends_at:
        raise Refused("accounts.term_over", "The time of this account is over; ask your sponsor in the city.")


def check_stepped_up(step_up: StepUp | None, *, has_second_factor: bool, at: datetime) -> StepUp:
    """Return a step-up that is fresh, and as strong as the account can be.

    Raises: StepUpNeeded `accounts.step_up`.
    """
    if step_up is None or not timedelta(0) <= at - step_up.at <= STEP_UP_FOR:
        raise StepUpNeeded("accounts.step_up", "Confirm that it is you, then do it again.")
    if has_second_factor and step_up.method not in SECOND_FACTORS:
        raise StepUpNeeded("accounts.step_up", "Confirm that it is you with your second factor, then do it again.")
    return step_up


def check_can_make_term(by: Actor, *, at: datetime, ends_at: datetime) -> None:
    """Raises: Refused `accounts.role` or `accounts.term_length`."""
    if not by.roles & set(_MAKERS):
        raise Refused("accounts.role", "Only a steward or an operator may make an account for a contractor; ask one.")
    if not at < ends_at <= at + LONGEST_TERM:
        raise Refused(
            "accounts.term_length", "A contractor's account ends within {limit} days; give an earlier end.",
            limit=LONGEST_TERM.days,
        )  # fmt: skip


def check_can_sponsor(sponsor: Actor, *, kind: str) -> None:
    """Raises: Refused `accounts.sponsor`."""
    if kind != "staff" or not sponsor.roles:
        raise Refused("accounts.sponsor", "A sponsor is someone with a role on the city's own staff; name another.")


def check_can_approve_term(by: Actor, *, made_by: str, account: str) -> None:
    """Raises: Refused `accounts.role` or `accounts.same_person`."""
    _check_second(by, first=(made_by, account))


def check_can_reinstate(by: Actor, *, suspended_by: str, account: str) -> None:
    """Raises: Refused `accounts.role` or `accounts.same_person`."""
    _check_second(by, first=(suspended_by, account))


def check_can_read_terms(by: Actor) -> None:
    """Raises: Refused `accounts.role`."""
    if not by.roles & set(TERM_READERS):
        raise Refused("accounts.role", "This list is for auditors, stewards, operators and data protection officers.")


def _check_second(by: Actor, *, first: Collection[str]) -> None:
    if not by.roles & set(_APPROVERS):
        raise Refused("accounts.role", "Only an operator or the data protection officer may do this; ask one.")
    if by.account in first:
        raise Refused("accounts.same_person", "A second person has to do this; ask another operator.")
