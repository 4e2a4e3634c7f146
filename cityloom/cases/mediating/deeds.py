"""What people do in a dispute; each may be sent again with the same `command` and is then done once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from cityloom.cases.domain.disputes import sides
from cityloom.cases.domain.disputes.sides import Opened
from cityloom.cases.mediating import agreement, entering, naming, parties, sessions
from cityloom.cases.working import finding, recording
from cityloom.cases.working.finding import Found
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor


def add_party(
    *, case_id: str, side: str, capacity: str, name: str, by: Actor, at: datetime, contact: str = "", number: str = "",
    unit: str = "", command: str = "",
) -> str:  # fmt: skip
    """Write a party of a dispute down, sealed at once; return its id. `number` can be asked about, and is never shown.

    Raises: Refused `cases.no_role`, `cases.no_dispute`, `cases.party_side`, `cases.party_capacity`,
    `cases.party_name`, `cases.party_long`, `cases.many_parties`, `cases.no_unit`, and from the gate.
    """
    found, command = entering.dispute_for(case_id, by), command or ids.new_ulid()
    said = sides.said(side, capacity, name, contact, number, unit)
    if recording.is_done(found.row, command):
        return ids.named_id("party", found.row.id, command)
    return parties.add(found, said, command, by, at)


def mark_party(*, case_id: str, party: str, what: str, by: Actor, at: datetime, command: str = "") -> int:
    """Say that a party was `invited` or `heard`, or has `left`; return the revision of the case.

    Raises: Refused `cases.no_role`, `cases.no_party`, `cases.outcome`.
    """
    return _once(case_id, command, by, lambda found, key: parties.mark(found, party, what, key, by, at))


def open_parties(*, case_id: str, by: Actor, at: datetime) -> dict[str, Opened]:
    """Open the names and contacts of a dispute's parties, by the party's id; each opening is a leaf of the log.

    Raises: Refused `cases.no_role`, `cases.no_parties`, and what the gate refuses.
    """
    return parties.open_all(entering.dispute_for(case_id, by), by, at)


def declare(
    *, case_id: str, interest: bool, by: Actor, at: datetime, number: str = "", text: str = "", command: str = ""
) -> bool:
    """Declare, as the mediator, whether anything ties one to the matter; return whether one stays its mediator.

    The keeper compares one's own `number` of identity with those of this case's parties; nobody keeps it.
    Raises: Refused `cases.not_mediator`, `cases.party_long`, and from the gate.
    """
    found = entering.dispute_for(case_id, by)
    return naming.declare(found, interest, number, text, command or ids.new_ulid(), by, at)


def end_member(*, case_id: str, role: str, account: str, by: Actor, at: datetime, command: str = "") -> int:
    """End somebody's part in a dispute; return the revision of the case.

    Raises: Refused `cases.may_not_name`, `cases.no_member`.
    """
    found, command = finding.found(case_id, by), command or ids.new_ulid()
    entering.check_is_dispute(found)
    if recording.is_done(found.row, command):
        return found.row.revision
    return naming.leave(found, role, account, command, by, at)


def plan_session(
    *, case_id: str, on: datetime, mediator: str, by: Actor, at: datetime, place: str = "", command: str = ""
) -> int:
    """Plan a session with one of the case's mediators; return the revision of the case. The place is sealed.

    Raises: Refused `cases.no_role`, `cases.session_past`, `cases.session_planned`, `cases.not_mediator`,
    `cases.not_declared`, `cases.state`.
    """
    return _once(case_id, command, by, lambda found, key: sessions.plan(found, on, place, mediator, key, by, at))


def end_session(
    *, case_id: str, number: int, outcome: str, by: Actor, at: datetime, absent: str = "", minutes: str = "",
    command: str = "",
) -> int:  # fmt: skip
    """Say that a session was `held`, `failed` (which side was `absent`) or `postponed`; return the case's revision.

    Raises: Refused `cases.no_role`, `cases.no_session`, `cases.outcome`, `cases.not_declared`, `cases.role`.
    """
    ended = sessions.Ended(number, outcome, absent, minutes)
    return _once(case_id, command, by, lambda found, key: sessions.end(found, ended, key, by, at))


def write_item(
    *, case_id: str, side: str, words: str, until_on: date, by: Actor, at: datetime, command: str = ""
) -> int:
    """Write down what a side agrees to do until a day, sealed; return the revision of the case.

    Raises: Refused `cases.no_role`, `cases.not_now`, `cases.item_day`, `cases.reason`, `cases.many_items`.
    """
    return _once(case_id, command, by, lambda found, key: agreement.write(found, side, words, until_on, key, by, at))


def check_item(
    *, case_id: str, number: int, outcome: str, by: Actor, at: datetime, reason: str = "", command: str = ""
) -> int:
    """Say that an item is `fulfilled`, `partly` or `not`, or was `dropped`; return the revision of the case.

    Raises: Refused `cases.no_role`, `cases.not_now`, `cases.no_item`, `cases.outcome`, `cases.reason`.
    """
    return _once(case_id, command, by, lambda found, key: agreement.check(found, number, outcome, reason, key, by, at))


def _once(case_id: str, command: str, by: Actor, act: Callable[[Found, str], object]) -> int:
    found, command = entering.dispute_for(case_id, by), command or ids.new_ulid()
    if not recording.is_done(found.row, command):
        act(found, command)
        found.row.refresh_from_db(fields=["revision"])
    return found.row.revision
