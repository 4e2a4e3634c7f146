"""The counter where people are looked for: a search names dozens who might be meant, and opens the one who is."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import index, protocol, record
from cityloom.keeper.basis import RESIDENT
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.protocol import Reply, Signed
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

TICKET_LASTS = timedelta(seconds=30)
_TICKETS_KEPT = 4096


@dataclass(frozen=True)
class _Ticket:
    """A search that waits for the envelopes of those whom it named; `account` is set where it is to become a link."""

    asked: Asked
    field: str
    value: str
    subjects: NDArray[np.int64]
    until: datetime
    account: str = ""


class Searches:
    """Each search costs the budgets as an opening does, whether it finds anybody or not."""

    def __init__(self, office: Office, link: Callable[[Asked, str, int], Reply]) -> None:
        self._office = office
        self._link = link
        self._lock = threading.Lock()
        self._tickets: dict[str, _Ticket] = {}
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.Search: self._search, protocol.LinkSearch: self._link_search, protocol.Match: self._match,
        }  # fmt: skip

    def _search(self, request: protocol.Search) -> Reply:
        return self._begin(request.who, "search", request.purpose, request.field, request.value, request.incident_id)

    def _link_search(self, request: protocol.LinkSearch) -> Reply:
        return self._begin(request.who, "link", RESIDENT, request.field, request.value, account=request.account)

    def _begin(
        self, who: Signed, action: str, purpose: str, field: str, value: str, incident_id: str = "", account: str = ""
    ) -> Reply:  # fmt: skip
        office = self._office
        asked = office.asked(who, action, purpose, incident_id)
        office.decide(asked, Facts(action, people=1, question=field))
        probe = bytes.fromhex(office.vault.keyed(b"probe", field.encode(), index.normalised(field, value)))
        office.spend(asked, [probe])
        office.log.append([office.leaf_about(asked, "probed", field=field)])
        ticket = _Ticket(
            asked, field, value, office.vault.candidates(field, value), clock.now() + TICKET_LASTS, account
        )
        name = ids.new_ulid()
        with self._lock:
            self._tickets = {key: one for key, one in self._tickets.items() if one.until > clock.now()}
            if len(self._tickets) >= _TICKETS_KEPT:
                raise Refused("gate.busy", "Too many searches are under way; try again in half a minute.")
            self._tickets[name] = ticket
        return protocol.Candidates(name, ticket.subjects.tobytes())

    def _match(self, request: protocol.Match) -> Reply:
        with self._lock:
            ticket = self._tickets.pop(request.ticket, None)
        asked = self._office.asked(request.who, "search", ticket.asked.purpose if ticket else RESIDENT)
        if ticket is None or asked.claims.account != ticket.asked.claims.account or ticket.until <= clock.now():
            self._office.refuse(asked, "gate.no_search", "That search is over; begin it again.")
        if len(request.envelopes) != len(ticket.subjects) * record.ENVELOPE_BYTES:
            raise protocol.malformed()
        found = self._matching(ticket, request.envelopes)
        if ticket.account:
            return self._linked(ticket, found)
        self._office.log_people(ticket.asked, None, "searched", self._office.vault.pseudonyms(found), [ticket.field])
        return protocol.Named(found.tobytes())

    def _matching(self, ticket: _Ticket, envelopes: bytes) -> NDArray[np.int64]:
        wanted = index.normalised(ticket.field, ticket.value)
        people = self._office.vault.open_many(ticket.subjects, envelopes, [ticket.field])
        meant = [values is not None and index.normalised(ticket.field, values[0]) == wanted for values in people]
        return ticket.subjects[np.array(meant, bool)]

    def _linked(self, ticket: _Ticket, found: NDArray[np.int64]) -> Reply:
        if len(found) != 1:
            self._office.refuse(ticket.asked, "gate.no_resident", "The register has nobody, or more than one, with that"
                                " identity; ask the register's office to correct it.")  # fmt: skip
        return self._link(ticket.asked, ticket.account, int(found[0]))
