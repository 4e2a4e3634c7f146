"""May this person do that to a case; what a step and a note need."""

from __future__ import annotations

import re

from cityloom.cases.domain.casetypes.casetype import CaseType, Step
from cityloom.cases.domain.visibility import InView, Rights, sees
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused

LONGEST_TEXT = 4_000
SHORTEST_REASON = 3
KEY_MAKERS = frozenset({"operator", "system"})
MOST_FILES = 20
MOST_FILE_BYTES = 60 * 1024 * 1024
PUBLISHERS = frozenset({"supervisor", "steward", "operator", "system"})
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Controls, and marks that would turn the direction of the text around them."""


def check_can_see(rights: Rights, case: InView) -> None:
    """Raises: Refused `cases.not_yours`."""
    if not sees(rights, case):
        raise Refused("cases.not_yours", "This case is for the unit that is responsible for it; ask its desk.")


def check_can_open(casetype: CaseType, by: Actor) -> None:
    """Raises: Refused `cases.may_not_open`."""
    if not casetype.access.opened_by & by.roles:
        raise Refused("cases.may_not_open", "Your roles do not open cases of this kind; ask a case handler.")


def check_can_publish(by: Actor) -> None:
    """Raises: Refused `cases.may_not_publish`."""
    if not PUBLISHERS & by.roles:
        raise Refused("cases.may_not_publish", "Case types are published by supervisors, data stewards and operators; "
                      "ask one of them.")  # fmt: skip


def check_can_rule(by: Actor) -> None:
    """Raises: Refused `cases.may_not_rule`."""
    if not PUBLISHERS & by.roles:
        raise Refused("cases.may_not_rule", "Routing rules and classifiers are put in force by supervisors, data "
                      "stewards and operators; ask one of them.")  # fmt: skip


def check_can_make_key(by: Actor) -> None:
    """Raises: Refused `cases.may_not_make_key`."""
    if not KEY_MAKERS & by.roles:
        raise Refused("cases.may_not_make_key", "Keys for programs are made by operators; ask one.")


def check_is_no_ruling(casetype: CaseType, name: str) -> None:
    """A step that may refuse, of a type that knows grounds, is taken with them: a refusal says which, and who decided.

    Raises: Refused `cases.ruling`.
    """
    step = casetype.step(name)
    if casetype.grounds and step and any(casetype.results[one].is_against for one in step.results):
        raise Refused("cases.ruling", "This is decided with its grounds and conditions; use the page to decide it.")


def check_can_work(roles: frozenset[str], by: Actor) -> None:
    """Notes, hand-overs and links are for those with a role in the case who are not merely its reporter.

    Raises: Refused `cases.no_role`.
    """
    if not roles - {"reporter"}:
        raise Refused("cases.no_role", "You have no role in this case; ask the unit that is responsible for it.")


def check_can_finish(lane: str, roles: frozenset[str]) -> None:
    """A task in a lane is for those who have the lane's role; a task in none for whoever has any.

    Raises: Refused `cases.not_your_task`.
    """
    if (lane and lane not in roles) or not roles - {"reporter"}:
        raise Refused("cases.not_your_task", "This task is for somebody with the role {value}; ask one of them.",
                      value=lane or "-")  # fmt: skip


def check_not_too_many(more: int, held: int) -> None:
    """Raises: Refused `cases.many_files`."""
    if more + held > MOST_FILES:
        raise Refused("cases.many_files", "A case may have {limit} files, and these would be {value}; send those that"
                      " show it best.", value=more + held, limit=MOST_FILES)  # fmt: skip


def check_not_too_large(size_bytes: int) -> None:
    """Raises: Refused `cases.many_bytes`."""
    if size_bytes > MOST_FILE_BYTES:
        raise Refused("cases.many_bytes", "The files of a case may have {limit} MB together, and these would have"
                      " {value}; send smaller ones.", value=size_bytes // 1024 // 1024,
                      limit=MOST_FILE_BYTES // 1024 // 1024)  # fmt: skip


def check_given(given_to: str, by: Actor) -> None:
    """A task that was given to somebody is done by them.

    Raises: Refused `cases.task_given`.
    """
    if given_to and given_to != by.account:
        raise Refused("cases.task_given", "This task is given to somebody else; take it over first.")


def check_is_asked(unit: str, by: Actor) -> None:
    """What a unit is asked is answered by those of it, or of a unit below it.

    Raises: Refused `cases.not_your_task`.
    """
    if not (by.unit == unit or by.unit.startswith(f"{unit}/")):
        raise Refused("cases.not_asked", "Another unit is asked here; its own people answer.")


def check_not_changed(revision: int, seen: int) -> None:
    """Raises: Refused `cases.changed`, where somebody was faster."""
    if seen and revision != seen:
        raise Refused("cases.changed", "Somebody else changed this case meanwhile: you saw revision {value}, it is "
                      "revision {limit} now. Look at what is new, then decide again.",
                      value=seen, limit=revision)  # fmt: skip


def cleaned(text: str) -> str:
    """What somebody wrote, without controls and marks that turn it.

    Raises: Refused `cases.text_long`.
    """
    words = _CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if len(words) > LONGEST_TEXT:
        raise Refused("cases.text_long", "This text has {value} signs; it may have {limit}. Shorten it.",
                      value=len(words), limit=LONGEST_TEXT)  # fmt: skip
    return words


def reason_for(step: Step, text: str) -> str:
    """The reason of a step, as it is kept.

    Raises: Refused `cases.reason`, `cases.text_long`.
    """
    return needed_reason(text) if step.reason == "required" else cleaned(text)


def needed_reason(text: str) -> str:
    """A reason that has to be there.

    Raises: Refused `cases.reason`, `cases.text_long`.
    """
    words = cleaned(text)
    if len(words) < SHORTEST_REASON:
        raise Refused("cases.reason", "Say why, in a few words: {limit} signs at least. Those concerned may read it.",
                      limit=SHORTEST_REASON)  # fmt: skip
    return words
