"""May we, on the city's side of the gate; who may open is the keeper's to say."""

from __future__ import annotations

from collections.abc import Callable, Collection

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

REVIEWERS = ("data-protection-officer",)
WATCHERS = ("data-protection-officer", "auditor", "steward", "operator")


def check_is_one_of(word: str, known: Collection[str]) -> None:
    """Reasons and outcomes are chosen, not written: words of one's own could name a person.

    Raises: Refused `gate.bad_reason`.
    """
    if word not in known:
        raise Refused("gate.bad_reason", "{value} is not one of what can be chosen here: {limit}.", value=word[:40],
                      limit=", ".join(known))  # fmt: skip


def check_can_review(actor: Actor) -> None:
    """Raises: Refused `gate.not_reviewer`."""
    if not actor.roles & set(REVIEWERS):
        raise Refused("gate.not_reviewer", "Only the data protection officer decides this; ask for a decision.")


def check_can_watch(actor: Actor) -> None:
    """Raises: Refused `gate.not_watcher`."""
    if not actor.roles & set(WATCHERS):
        raise Refused("gate.not_watcher", "This page is for auditors, data stewards, operators and the data protection"
                      " officer; ask one of them.")  # fmt: skip


def check_has_role(actor: Actor, roles: Collection[str]) -> None:
    """Raises: Refused `gate.not_your_role`."""
    if not actor.roles & set(roles):
        raise Refused("gate.not_your_role", "This needs another role than yours ({limit}); ask somebody who has it.",
                      limit=", ".join(sorted(roles)))  # fmt: skip


def check_is_another(actor: Actor, *first: str) -> None:
    """Raises: Refused `gate.same_person`."""
    if actor.account in first:
        raise Refused("gate.same_person", "A second person has to do this; you had a part in it already.")


def check_holds(actor: Actor, holder: str) -> None:
    """Raises: Refused `gate.not_your_grant`."""
    if actor.account != holder:
        raise Refused("gate.not_your_grant", "This grant is somebody else's; only its holder can use it.")


def refusal_of(*checks: Callable[[], None]) -> Refused | None:
    """The first refusal of these checks; None where all pass."""
    for check in checks:
        try:
            check()
        except Refused as refusal:
            return refusal
    return None
