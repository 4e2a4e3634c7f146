"""The counter where new rows of a file are compared with people of the register who may be the same.

Who is named shares two of three with a row: what the name sounds like, the day of birth, the phone. Only they are
opened, each with an entry of the log, and at most five for a row (decision 0026).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from cityloom.keeper import protocol, record
from cityloom.keeper.basis import REGISTER
from cityloom.keeper.decision import Facts
from cityloom.keeper.leaf import leaves
from cityloom.keeper.office import WEIGHED, Asked, Office
from cityloom.keeper.opening import enveloped
from cityloom.keeper.protocol import Reply, Signed
from cityloom.kernel import clock, ids

FIELDS = ("name", "national_id", "phone", "birth_date")
"""What is opened of those who may be the same, in the order of the reply; what they need stays sealed."""
MOST_ROWS = 4_000
_LASTS = timedelta(minutes=2)
_KEPT = 16


@dataclass(frozen=True)
class _Ticket:
    account: str
    subjects: NDArray[np.int64]
    until: datetime


class Matching:
    """The city's own system asks, as a part of a load; nobody else may."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lock = threading.Lock()
        self._tickets: OrderedDict[str, _Ticket] = OrderedDict()
        self.answers: dict[type, Callable[..., Reply]] = {protocol.Seek: self._seek, protocol.Weigh: self._weigh}

    def _asked(self, who: Signed, people: int) -> Asked:
        asked = self._office.asked(who, "match", REGISTER)
        self._office.decide(asked, Facts("match", FIELDS, people))
        return asked

    def _seek(self, request: protocol.Seek) -> Reply:
        count, rest = divmod(len(request.records), record.RECORD.itemsize)
        if rest or not 0 < count <= MOST_ROWS:
            raise protocol.malformed()
        asked = self._asked(request.who, count)
        self._office.log.append([self._office.leaf_about(asked, "sought", people=count)])
        records = np.frombuffer(request.records, np.uint8).reshape(count, -1)
        rows, subjects = self._office.vault.alike(records)
        return protocol.Sought(self._kept(asked, np.unique(subjects)), rows.tobytes(), subjects.tobytes())

    def _kept(self, asked: Asked, subjects: NDArray[np.int64]) -> str:
        name = ids.new_ulid()
        with self._lock:
            self._tickets[name] = _Ticket(asked.claims.account, subjects, clock.now() + _LASTS)
            while len(self._tickets) > _KEPT:
                self._tickets.popitem(last=False)
        return name

    def _weigh(self, request: protocol.Weigh) -> Reply:
        office = self._office
        subjects = enveloped(request.subjects, request.envelopes)
        with self._lock:
            ticket = self._tickets.pop(request.ticket, None)
        asked = self._asked(request.who, len(subjects))
        if ticket is None or ticket.account != asked.claims.account or ticket.until <= clock.now():
            office.refuse(asked, "gate.no_search", "That search is over; begin it again.")
        if not np.isin(subjects, ticket.subjects).all() or len(np.unique(subjects)) != len(subjects):
            office.refuse(asked, "gate.not_granted", "Only those who were named may be opened, each once.",
                          people=subjects)  # fmt: skip
        unlocked = office.vault.unlock(subjects)
        names = office.vault.names_of(unlocked)
        office.spend_on_weighing(asked, names)
        facts = office.facts_about(asked) | {"fields": sorted(FIELDS)}
        office.log.append(leaves(WEIGHED, facts, names), office.alarms_about(asked, names))
        return protocol.Opened(office.vault.open_unlocked(unlocked, request.envelopes, FIELDS))
