"""The counter where a resident lets the register fill in an application: about themselves alone, and told to them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from cityloom.keeper import predicates, protocol, record
from cityloom.keeper.basis import APPLICATIONS
from cityloom.keeper.decision import Facts
from cityloom.keeper.office import Asked, Office
from cityloom.keeper.protocol import Reply
from cityloom.keeper.residents import Residents
from cityloom.kernel import clock, ids
from cityloom.kernel.refused import Refused

TICKET_LASTS = timedelta(seconds=30)
_TICKETS_KEPT = 4096
_PLACE = "lives-in"


@dataclass(frozen=True)
class _Wish:
    """What a resident let the register say, decided and logged; it waits for their envelope."""

    asked: Asked
    subject: int
    fields: list[str]
    questions: list[protocol.Question]
    until: datetime


class Owning:
    """The leaves are on the disk before the number of the person leaves the keeper."""

    def __init__(self, office: Office, residents: Residents) -> None:
        self._office = office
        self._residents = residents
        self._lock = threading.Lock()
        self._wishes: dict[str, _Wish] = {}
        self.answers: dict[type, Callable[..., Reply]] = {
            protocol.AskOwn: self._ask, protocol.TellOwn: self._tell,
        }  # fmt: skip

    def _ask(self, request: protocol.AskOwn) -> Reply:
        office, fields = self._office, sorted(set(request.fields))
        asked = office.asked(request.who, "ask", APPLICATIONS)
        holder = asked.claims.account
        if not fields and not request.questions:
            raise protocol.malformed()
        if fields:
            office.decide(asked, Facts("open", tuple(fields), 1, holder))
        looked_at = {one.question: list(predicates.fields_of(one.question, one.argument)) for one in request.questions}
        for name in looked_at:
            office.decide(asked, Facts("ask", people=1, holder=holder, question=name))
        subject = self._residents.subject(asked, request.link)
        who = [office.vault.pseudonym(subject)]
        if fields:
            office.log_people(asked, None, "opened", who, fields)
        for name, names in looked_at.items():
            office.log_people(asked, None, "asked", who, names, question=name)
        wish = _Wish(asked, subject, fields, list(request.questions), clock.now() + TICKET_LASTS)
        return protocol.Candidates(self._kept(wish), np.array([subject], "<i8").tobytes())

    def _kept(self, wish: _Wish) -> str:
        name, now = ids.new_ulid(), clock.now()
        with self._lock:
            self._wishes = {key: one for key, one in self._wishes.items() if one.until > now}
            if len(self._wishes) >= _TICKETS_KEPT:
                raise Refused("gate.busy", "Too many searches are under way; try again in half a minute.")
            self._wishes[name] = wish
        return name

    def _tell(self, request: protocol.TellOwn) -> Reply:
        with self._lock:
            wish = self._wishes.pop(request.ticket, None)
        asked = self._office.asked(request.who, "ask", APPLICATIONS)
        if wish is None or asked.claims.account != wish.asked.claims.account or wish.until <= clock.now():
            self._office.refuse(asked, "gate.no_search", "That search is over; begin it again.")
        if len(request.envelope) != record.ENVELOPE_BYTES:
            raise protocol.malformed()
        needed = [predicates.fields_of(one.question, one.argument) for one in wish.questions]
        names = sorted({*wish.fields, *(name for names in needed for name in names)})
        values = self._office.vault.open_many(np.array([wish.subject]), request.envelope, names)[0]
        held = None if values is None else dict(zip(names, values, strict=True))
        told = [_answer(one, held, request.lives_there) for one in wish.questions]
        return protocol.OwnTold([held[name] if held else "" for name in wish.fields], told)


def _answer(asked: protocol.Question, held: dict[str, str] | None, lives_there: bool | None) -> bool | None:
    if held is None:
        return None
    if asked.question == _PLACE:
        return lives_there
    names = predicates.fields_of(asked.question, asked.argument)
    return predicates.answer(asked.question, asked.argument, [held[name] for name in names], clock.now().date())
