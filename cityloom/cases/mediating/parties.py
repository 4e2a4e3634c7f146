"""The parties of a dispute: sealed as they come, opened for those whom the case names, one leaf for each."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from cityloom.accounts import queries as accounts
from cityloom.cases.domain.casetypes.casetype import MEDIATOR
from cityloom.cases.domain.disputes import sides
from cityloom.cases.domain.disputes.sides import MOST_PARTIES, Opened, Said
from cityloom.cases.mediating import entering
from cityloom.cases.models import Case, DisputeParty
from cityloom.cases.working.finding import Found
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused

PURPOSE = "dispute-parties"
MARKS = {"invited": "invited_at", "heard": "heard_at", "left": "ended_at"}
_OPEN_FOR = timedelta(hours=1)
_ERASED_AT_ONCE = 500


def add(found: Found, said: Said, command: str, by: Actor, at: datetime) -> str:
    """Write a party down; return its id. Sealed before the transaction, kept in it.

    Raises: Refused `cases.many_parties`, `cases.no_unit`, and from the gate: then nothing was kept.
    """
    row = found.row
    if DisputeParty.objects.filter(case=row).count() >= MOST_PARTIES:
        raise Refused("cases.many_parties", "A dispute has at most {limit} parties; write a representative down for "
                      "those who stand together.", limit=MOST_PARTIES)  # fmt: skip
    if said.unit and said.unit not in accounts.unit_names_of({said.unit}):
        raise Refused("cases.no_unit", "{value} is no other unit of this city; choose one of the list.",
                      value=said.unit[:80])  # fmt: skip
    words = [sides.word_in_case(row.id, said.number)] if said.number else []
    packet = gate.seal_packet(by=SYSTEM, at=at, purpose=PURPOSE, parts=said.parts(), words=words)
    party = DisputeParty(id=ids.named_id("party", row.id, command), case=row, side=said.side, capacity=said.capacity,
                         unit=said.unit, packet=packet.id, added_at=at)  # fmt: skip
    with transaction.atomic():
        if entering.noted(found, "party", by, at, command, data={"side": said.side, "capacity": said.capacity}):
            gate.keep_packets([packet])
            party.save(force_insert=True)
    return party.id


def mark(found: Found, party_id: str, what: str, command: str, by: Actor, at: datetime) -> None:
    """Say that a party was invited or heard, or is none any more.

    Raises: Refused `cases.outcome`, `cases.no_party`.
    """
    if what not in MARKS:
        raise Refused("cases.outcome", "{value} cannot be said of it; there is: {limit}.",
                      value=what[:20] or "–", limit=", ".join(MARKS))  # fmt: skip
    party = DisputeParty.objects.filter(id=party_id, case=found.row, ended_at=None).first()
    if party is None:
        raise Refused("cases.no_party", "There is no such party in this case any more; reload the page.")
    setattr(party, MARKS[what], at)
    with transaction.atomic():
        kind = {"invited": "invited", "heard": "heard", "left": "party-left"}[what]
        if entering.noted(found, kind, by, at, command, data={"side": party.side}):
            party.save(update_fields=[MARKS[what]])


def open_all(found: Found, by: Actor, at: datetime) -> dict[str, Opened]:
    """Who the parties are, for one whom the case names; a mediator who has declared nothing yet sees no contacts.

    Raises: Refused `cases.no_parties`, and from the gate.
    """
    row = found.row
    known = dict(DisputeParty.objects.filter(case=row).exclude(packet=None).values_list("packet", "id"))
    if not known:
        raise Refused("cases.no_parties", "No party is written down in this case yet.")
    fields = ["party", "contact"] if _may_reach(found, by) else ["party"]
    packets = sorted(known)
    grant_id = gate.grant(by=SYSTEM, at=at, purpose=PURPOSE, subjects=packets, fields=fields, holder=by.account,
                          until=at + _OPEN_FOR)  # fmt: skip
    found_parts = gate.open_packets(by=by, at=at, grant_id=grant_id, packets=packets, fields=fields)
    return {known[packet]: sides.opened(parts) for packet, parts in found_parts.items() if "party" in parts}


def erase(numbers: Collection[int], at: datetime) -> None:
    """Zero the keys of all parties of some cases, also for every backup."""
    for rows in _batches(DisputeParty.objects.filter(case_id__in=numbers).exclude(packet=None)):
        gate.erase_packets(by=SYSTEM, at=at, purpose=PURPOSE, packets=rows)


def _batches(rows: object) -> list[list[int]]:
    packets = list(rows.values_list("packet", flat=True))  # type: ignore[attr-defined] # rows of parties
    return [packets[first : first + _ERASED_AT_ONCE] for first in range(0, len(packets), _ERASED_AT_ONCE)]


def _may_reach(found: Found, by: Actor) -> bool:
    return found.roles != {MEDIATOR} or entering.declared_by(found.row).get(by.account) == entering.NO


def rows_of(row: Case) -> list[DisputeParty]:
    """The parties of a dispute, those of the first side first."""
    order = {side: at for at, side in enumerate(sides.SIDES)}
    return sorted(DisputeParty.objects.filter(case=row), key=lambda one: (order[one.side], one.added_at))
