"""Who plans the city's zones, what the state of a plan allows, and who may see who stands behind an entry."""

from __future__ import annotations

from datetime import date

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

PLANNERS = frozenset({"steward", "system"})
DRAFT, PUBLISHED = "draft", "published"
OPENERS = frozenset({"steward", "case-handler"})


def check_can_plan(by: Actor) -> None:
    """Raises: Refused `zones.role`."""
    if not by.roles & PLANNERS:
        raise Refused("zones.role", "Zones are planned by data stewards; ask one.")


def check_can_change(by: Actor, state: str) -> None:
    """Raises: Refused `zones.role`, `zones.published`."""
    check_can_plan(by)
    if state != DRAFT:
        raise Refused("zones.published", "This plan is published and stays as it is; rebalance it into a new draft.")


def check_can_publish(by: Actor, state: str, valid_from: date, today: date, last_from: date | None) -> None:
    """A plan begins today or later, and after the one before it began: what was in force on a past day stays.

    Raises: Refused `zones.role`, `zones.published`, `zones.past`, `zones.before_last`.
    """
    check_can_change(by, state)
    if valid_from < today:
        raise Refused("zones.past", "{value} is over; choose today ({limit}) or a later day.",
                      value=valid_from.isoformat(), limit=today.isoformat())  # fmt: skip
    if last_from is not None and valid_from <= last_from:
        raise Refused("zones.before_last", "Another plan begins on {limit}; choose a later day than that, not {value}.",
                      value=valid_from.isoformat(), limit=last_from.isoformat())  # fmt: skip


def check_can_open_people(actor: Actor) -> None:
    """Only those who keep the registers true or handle a case. Raises: Refused `registers.role`."""
    if not actor.roles & OPENERS:
        raise Refused("registers.role", "Who represents an organisation is opened by stewards and case handlers; ask "
                      "one of them.")  # fmt: skip


def check_can_search_people(actor: Actor) -> None:
    """Raises: Refused `registers.role`."""
    if not actor.roles & SEARCHERS:
        raise Refused("registers.role", "What files said of people is looked up by data stewards and the data "
                      "protection officer; ask one of them.")  # fmt: skip


SEARCHERS = frozenset({"steward", "data-protection-officer"})
STEWARDS = frozenset({"steward", "system"})
SHORTEST_REASON = 5


def check_can_decide(by: Actor) -> None:
    """Raises: Refused `registers.role`."""
    if not by.roles & STEWARDS:
        raise Refused("registers.role", "Which source is right is decided by data stewards; ask one.")


def check_reason(reason: str) -> str:
    """A decision's reason in one line. Raises: Refused `registers.reason`."""
    said = " ".join(reason.split())
    if not SHORTEST_REASON <= len(said) <= 300:
        raise Refused("registers.reason", "A decision needs its reason, in {value} to {limit} signs and without "
                      "anybody's name; write how you know.", value=SHORTEST_REASON, limit=300)  # fmt: skip
    return said


def check_can_export(actor: Actor) -> None:
    """Raises: Refused `registers.role`."""
    if not actor.roles & PLANNERS:
        raise Refused("registers.role", "Registers are saved as files by data stewards; ask one.")


MOST_OPEN_CORRECTIONS = 20
LONGEST_WORDS = 2_000


def check_can_ask(value: str, reason: str, waiting: int, *, none: bool = False) -> None:
    """Raises: Refused `registers.correction_empty`, `registers.correction_both`, `registers.correction_long`,
    `registers.corrections_many`."""
    if none and value.strip():
        raise Refused("registers.correction_both", "Either there is none any more, or there is what you wrote; leave "
                      "one of the two away.")  # fmt: skip
    if not (value.strip() or none) or len(reason.strip()) < SHORTEST_REASON:
        raise Refused("registers.correction_empty", "Say what it should be, and how one can see that it is so.")
    if max(len(value), len(reason)) > LONGEST_WORDS:
        raise Refused("registers.correction_long", "That is longer than {limit} signs; say it in fewer words.",
                      limit=LONGEST_WORDS)  # fmt: skip
    if waiting >= MOST_OPEN_CORRECTIONS:
        raise Refused("registers.corrections_many", "{value} of your requests wait for an answer already; ask for "
                      "more when some are answered.", value=waiting)  # fmt: skip


def check_undecided(state: str) -> None:
    """Raises: Refused `registers.correction_decided`."""
    if state != "asked":
        raise Refused("registers.correction_decided", "This request is answered already; look at its answer.")


def check_can_judge_links(by: Actor) -> None:
    """Raises: Refused `registers.role`."""
    if not by.roles & STEWARDS:
        raise Refused("registers.role", "Whether two entries are one is decided by data stewards; ask one.")
