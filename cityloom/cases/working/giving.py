"""Whose a case is: given to somebody, offered to another unit, taken over there."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from cityloom.accounts import queries as accounts
from cityloom.cases import events
from cityloom.cases.domain.casetypes.table import within
from cityloom.cases.models import Case, CaseMember
from cityloom.cases.working import recording
from cityloom.cases.working.finding import Found
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused


def give(found: Found, handler: Actor, reason: str, command: str, by: Actor, at: datetime) -> int:
    """Give a case to a handler; return the revision after it."""
    row = found.row
    _check_stays_secret(found)
    if not within(handler.unit, row.unit) and not within(row.unit, handler.unit):
        raise Refused("cases.not_of_unit", "That account is of another unit than {value}; offer the case to that unit.",
                      value=row.unit)  # fmt: skip
    deed = Deed("given", by, at, command, found.role(), text=reason)
    recording.change(row, deed, {"handler": handler.account}, [_fact(row, "given", row.unit, at)])
    return row.revision


def offer(found: Found, unit: str, reason: str, command: str, by: Actor, at: datetime) -> int:
    """Offer a case to another unit; return the revision after it."""
    row = found.row
    _check_stays_secret(found)
    if unit == row.unit or unit not in accounts.unit_names_of({unit}):
        raise Refused("cases.no_unit", "{value} is no other unit of this city; choose one of the list.",
                      value=unit[:80])  # fmt: skip
    deed = Deed("offered", by, at, command, found.role(), text=reason, data={"unit": unit})
    recording.change(row, deed, {"offered_unit": unit}, [_fact(row, "offered", unit, at)])
    return row.revision


def accept(found: Found, command: str, by: Actor, at: datetime) -> int:
    """Let the unit that a case was offered to lead it; return the revision after it."""
    row = found.row
    if not row.offered_unit or not found.roles or not within(row.offered_unit, by.unit):
        raise Refused("cases.no_offer", "This case is not offered to your unit; whoever has it may offer it.")
    before, unit = row.unit, row.offered_unit
    deed = Deed("taken-over", by, at, command, found.role(), data={"unit": unit, "before": before})
    changes = {"offered_unit": "", "handler": by.account} | recording.placed(unit, row.confidentiality)
    recording.change(row, deed, changes, [_fact(row, "taken-over", unit, at)])
    return row.revision


def name_member(found: Found, role: str, member: Actor, command: str, by: Actor, at: datetime) -> int:
    """Name an account for a role of the case; return the revision after it."""
    row = found.row
    named = found.casetype.named
    if role not in named:
        raise Refused("cases.no_such_role", "This kind of case names nobody as {value}; it names: {limit}.",
                      value=role[:40], limit=", ".join(named) or "–")  # fmt: skip
    as_what = found.role() or next(iter(sorted(by.roles)), "")  # a supervisor has no role in the case
    deed = Deed("named", by, at, command, as_what, data={"role": role})
    with transaction.atomic():
        CaseMember.objects.update_or_create(
            case=row, role=role, account=member.account, defaults={"since": at, "until": None}
        )
        recording.change(row, deed, {}, [events.CaseNoted(row.id, row.casetype, "member", at)])
    return row.revision


def _check_stays_secret(found: Found) -> None:
    """Whoever a secret case is given or offered to would see it: it names people instead, one by one."""
    if found.row.confidentiality == "secret" and found.casetype.named:
        raise Refused("cases.kept_secret", "Only those whom it names see this case, so it is neither given nor "
                      "offered; name somebody in it instead.")  # fmt: skip


def _fact(row: Case, how: str, unit: str, at: datetime) -> events.CaseGiven:
    return events.CaseGiven(row.id, row.casetype, unit, how, at)
