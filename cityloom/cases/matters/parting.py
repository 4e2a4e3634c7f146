"""What people decide of matters: two are one, a report is of another thing, two are not the same, another one leads."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.cases import events, policies
from cityloom.cases.domain.duplicates import matters
from cityloom.cases.matters import uniting
from cityloom.cases.matters.sharing import lead_of
from cityloom.cases.matters.uniting import PART, Why
from cityloom.cases.models import Case, CasePair
from cityloom.cases.working import finding, moving, recording
from cityloom.cases.working.finding import Found
from cityloom.cases.working.moving import Move
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor


def join(found: Found, other_id: str, reason: str, by: Actor, at: datetime) -> str:
    """Let the matters of two cases be one, because a person says so; return the case that goes on."""
    other = finding.found(other_id, by)
    policies.check_can_work(other.roles, by)
    return uniting.unite(lead_of(found.row.id), lead_of(other_id), Why(reason=reason), by, at)


def part(found: Found, reason: str, command: str, by: Actor, at: datetime) -> None:
    """Take a report out of its matter; it stays out, and what it led is led by the next.

    Raises: Refused `cases.matter_alone`, `cases.matter_moved`, `cases.reason`, and what the table of states refuses.
    """
    words = policies.needed_reason(reason)
    with transaction.atomic():
        row, rest = _held(found)
        _pass_on(row, rest, words, command, by, at) if row.matter == row.id else _free(row, words, command, by, at)
        _keep_apart(row, rest, by, at)


def let_lead(found: Found, reason: str, command: str, by: Actor, at: datetime) -> None:
    """Let a joined report go on instead of the one that leads now, which joins it.

    Raises: Refused `cases.matter_alone`, `cases.matter_moved`, `cases.reason`, and what the table of states refuses.
    """
    words = policies.needed_reason(reason)
    with transaction.atomic():
        row, _ = _held(found)
        lead = Case.objects.get(id=row.matter)
        _free(row, words, command, by, at)
        Case.objects.filter(matter=lead.id).update(matter=row.id)
        uniting.join(lead, row, Why(reason=words), by, at)


def pass_on(lead: Case, words: str, command: str, by: Actor, at: datetime) -> None:
    """Let the next report of a matter go on, where the one that led does not stand any more."""
    with transaction.atomic():
        rest = [number for number in uniting.members_of(lead.id) if number != lead.number]
        if uniting.locked([lead.id]) and rest:
            _pass_on(lead, rest, words, command, by, at)


def keep_apart(found: Found, other_id: str, command: str, by: Actor, at: datetime) -> None:
    """Note that two reports are not about the same; nothing joins or suggests them again.

    Raises: Refused `cases.matter_one`.
    """
    row, other = found.row, finding.row_of(other_id)
    if row.matter == other.matter:
        part(found, str(other.number), command, by, at)
        return
    deed = Deed("kept-apart", by, at, command, found.role(), data={"other": other.number},
                about=[("case", other.id, "not the same")])  # fmt: skip
    with transaction.atomic():
        _keep_apart(row, [other.number], by, at)
        recording.change(row, deed, {}, [events.CaseNoted(row.id, row.casetype, "kept-apart", at)])


def _held(found: Found) -> tuple[Case, list[int]]:
    """The row of a case, its matter held until the transaction ends, and the numbers of the others in it."""
    row = finding.row_of(found.row.id)
    members = uniting.members_of(row.matter)
    matters.check_not_alone(len(members))
    matters.check_leads(bool(uniting.locked([row.matter])))
    return row, [number for number in members if number != row.number]


def _free(row: Case, words: str, command: str, by: Actor, at: datetime) -> None:
    """Let a joined case stand for itself again, by the step of its table."""
    moving.move(finding.of_row(row, by), Move(PART, words, command=command), by, at)
    Case.objects.filter(number=row.number).update(matter=row.id)
    row.matter = row.id


def _pass_on(lead: Case, rest: list[int], words: str, command: str, by: Actor, at: datetime) -> None:
    following = Case.objects.get(number=matters.next_lead(rest))
    _free(following, words, command, by, at)
    Case.objects.filter(number__in=rest).update(matter=following.id)
    deed = Deed("passed-on", by, at, command, "", text=words, data={"lead": following.number},
                about=[("case", following.id, "goes on as")])  # fmt: skip
    recording.change(lead, deed, {}, [events.CaseNoted(lead.id, lead.casetype, "passed-on", at)])


def _keep_apart(row: Case, others: list[int], by: Actor, at: datetime) -> None:
    ordered = [(min(row.number, other), max(row.number, other)) for other in others]
    CasePair.objects.bulk_create(
        [CasePair(one_id=one, other_id=other, says="apart", account=by.account, at=at) for one, other in ordered],
        update_conflicts=True, unique_fields=["one", "other"], update_fields=["says", "account", "at"],
    )  # fmt: skip
