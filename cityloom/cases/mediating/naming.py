"""Who is named in a dispute, who stands too near to it, and what a mediator declares."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.cases.domain.casetypes.casetype import MEDIATOR
from cityloom.cases.domain.casetypes.table import within
from cityloom.cases.domain.disputes import nearness, sides
from cityloom.cases.domain.disputes.nearness import Ties
from cityloom.cases.mediating import entering
from cityloom.cases.mediating.parties import PURPOSE
from cityloom.cases.models import Case, CaseEvent, CaseLink, CaseMember, DisputeParty
from cityloom.cases.working import giving
from cityloom.cases.working.finding import Found
from cityloom.gate import actions as gate
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

OPENERS = frozenset({"case-handler", "social-worker", "supervisor"})
"""Roles of accounts that may hold what a party entrusted to the city."""


def name(found: Found, role: str, member: Actor, command: str, by: Actor, at: datetime) -> int:
    """Name an account in a dispute; return the revision after it.

    Raises: Refused `cases.may_not_name`, `cases.named_oneself`, `cases.cannot_mediate`, `cases.too_near`.
    """
    check_can_name(found, by)
    if by.account == member.account and by != SYSTEM:
        raise Refused("cases.named_oneself", "Nobody names themselves in a dispute; the supervisor of the unit or "
                      "another one whom the case names does.")  # fmt: skip
    if not OPENERS & member.roles:
        raise Refused("cases.cannot_mediate", "That account has none of the roles {limit}; name one that has.",
                      limit=", ".join(sorted(OPENERS)))  # fmt: skip
    if role == MEDIATOR:
        nearness.check_is_far(ties_of(found.row, member))
    return giving.name_member(found, role, member, command, by, at)


def check_can_name(found: Found, by: Actor) -> None:
    """Those whom the case names, and supervisors of its unit, who see no more of it than that it is there.

    Raises: Refused `cases.may_not_name`.
    """
    if not found.roles and not oversees(found, by):
        raise Refused("cases.may_not_name", "Mediators are named by the supervisor of the responsible unit or the "
                      "clerk of the case; ask one of them.")  # fmt: skip


def oversees(found: Found, by: Actor) -> bool:
    """Whether somebody supervises the unit of a case."""
    return bool(found.casetype.access.seen_by & by.roles) and within(found.row.unit, by.unit)


def ties_of(row: Case, member: Actor) -> Ties:
    """What ties an account to a dispute, as far as the city knows without opening anything."""
    units = DisputeParty.objects.filter(case=row, ended_at=None).exclude(unit="").values_list("unit", flat=True)
    declared = CaseEvent.objects.filter(case=row, kind="declared", account=member.account)
    has_declared = any(one.data.get("interest") == entering.YES for one in declared)
    return Ties(has_declared, _worked_on_source(row, member.account), member.unit, frozenset(units))


def leave(found: Found, role: str, account: str, command: str, by: Actor, at: datetime) -> int:
    """End somebody's part in a dispute; return the revision after it.

    Raises: Refused `cases.may_not_name`, `cases.no_member`.
    """
    check_can_name(found, by)
    named = CaseMember.objects.filter(case=found.row, role=role, account=account, until=None)
    with transaction.atomic():
        if not named.update(until=at):
            raise Refused("cases.no_member", "That account has no such part in this case; reload the page.")
        entering.noted(found, "left", by, at, command, data={"role": role})
    return found.row.revision


def declare(found: Found, interest: bool, number: str, text: str, command: str, by: Actor, at: datetime) -> bool:
    """Keep what a mediator declares; with an interest, or where the keeper knows them as a party, they are out of it.

    `number` is the mediator's own number of identity: the keeper compares it with those of this case's parties, and it
    is kept nowhere. Returns whether the mediator stays.
    Raises: Refused `cases.not_mediator`, and from the gate.
    """
    row = found.row
    if by.account not in entering.mediators_of(row):
        raise Refused("cases.not_mediator", "Only a mediator whom this case names declares; ask to be named first.")
    ends = interest or _is_party(row, number, at)
    with transaction.atomic():
        said = entering.YES if ends else entering.NO
        if entering.noted(found, "declared", by, at, command, text=text, data={"interest": said}) and ends:
            CaseMember.objects.filter(case=row, role=MEDIATOR, account=by.account).update(until=at)
    return not ends


def _worked_on_source(row: Case, account: str) -> bool:
    """Whether an account had a hand in a case that this one arises from, whichever way they are linked."""
    there = CaseLink.objects.filter(case=row, kind="case").values_list("other", flat=True)
    back = CaseLink.objects.filter(kind="case", other=row.id).values_list("case__id", flat=True)
    sources = Case.objects.filter(id__in=[*there, *back])
    worked = CaseEvent.objects.filter(case__in=sources, account=account, kind="stepped")
    return sources.filter(handler=account).exists() or worked.exists()


def _is_party(row: Case, number: str, at: datetime) -> bool:
    """A yes or no of the keeper about this case alone; nothing is opened."""
    if not sides.plain_number(number):
        return False
    mine = set(DisputeParty.objects.filter(case=row).exclude(packet=None).values_list("packet", flat=True))
    words = [sides.word_in_case(row.id, number)]
    return bool(mine & set(gate.find_packets(by=SYSTEM, at=at, purpose=PURPOSE, words=words)))
