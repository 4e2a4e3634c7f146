"""A dispute as its page shows it, and the disputes of a unit as a supervisor knows them: that they are there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone

from cityloom.cases.domain import numbers
from cityloom.cases.domain.casetypes.casetype import MEDIATOR
from cityloom.cases.domain.disputes import agreeing
from cityloom.cases.mediating import entering, parties
from cityloom.cases.models import AgreementItem, Case, CaseMember, DisputeParty, MediationSession
from cityloom.gate import queries as gate
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

_MOST = 300


@dataclass(frozen=True)
class SessionFacts:
    """A session; what is sealed is opened for those whom the case names."""

    number: int
    planned_at: datetime
    state: str
    absent: str
    mediator: str
    place: str
    minutes: str


@dataclass(frozen=True)
class ItemFacts:
    """An item of the agreement, and how it stands today."""

    number: int
    side: str
    words: str
    until_on: date
    standing: str


@dataclass(frozen=True)
class Mediation:
    """What there is in a dispute besides what every case has; `fault` says why words cannot be opened now."""

    parties: list[DisputeParty]
    sessions: list[SessionFacts]
    items: list[ItemFacts]
    members: list[tuple[str, str]]
    declared: dict[str, str]
    fault: str = ""

    @property
    def mediators(self) -> list[str]:
        """Those who may lead a session."""
        return [account for role, account in self.members if role == MEDIATOR]


@dataclass(frozen=True)
class Existing:
    """That a dispute is there: its number, its clock, and whether somebody is named for it."""

    id: str
    spoken: str
    opened_at: datetime
    due_at: datetime | None
    is_open: bool
    has_mediator: bool
    has_clerk: bool


def mediation_of(row: Case, by: Actor, at: datetime) -> Mediation:
    """What one of those whom a dispute names sees of it; the parties' names are opened apart."""
    sessions = list(MediationSession.objects.filter(case=row).order_by("number"))
    items = list(AgreementItem.objects.filter(case=row).order_by("number"))
    kept = [one.place_sealed for one in sessions] + [one.minutes_sealed for one in sessions]
    words, fault = _opened(row, by, [*kept, *(one.words_sealed for one in items)])
    count, today = len(sessions), timezone.localtime(at).date()
    return Mediation(
        parties.rows_of(row),
        [SessionFacts(one.number, one.planned_at, one.state, one.absent, one.mediator, words[place],
                      words[place + count]) for place, one in enumerate(sessions)],
        [ItemFacts(one.number, one.side, words[place + 2 * count], one.until_on,
                   agreeing.standing(one.state, one.until_on, today)) for place, one in enumerate(items)],
        members_of(row), entering.declared_by(row), fault,
    )  # fmt: skip


def members_of(row: Case) -> list[tuple[str, str]]:
    """Who is named in a dispute now, as pairs of role and account."""
    return list(CaseMember.objects.filter(case=row, until=None).order_by("since").values_list("role", "account"))


def existing_for(by: Actor, types: list[str]) -> list[Existing]:
    """The disputes of a supervisor's branch, what is due first at the top: no more of each than that it is there."""
    mine = Case.objects.filter(casetype__in=types, confidentiality="secret", exercise_id="")
    below = mine.filter(unit=by.unit) | mine.filter(unit__startswith=f"{by.unit}/")
    rows = list(below.order_by("-is_open", "rank", "number").defer("sealed", "answers")[:_MOST]) if by.unit else []
    named = CaseMember.objects.filter(case__in=rows, until=None).values_list("case_id", "role")
    roles: dict[int, set[str]] = {}
    for number, role in named:
        roles.setdefault(number, set()).add(role)
    return [
        Existing(one.id, numbers.spoken(one.number), one.opened_at, one.due_at, one.is_open,
                 MEDIATOR in roles.get(one.number, ()), bool(roles.get(one.number, set()) - {MEDIATOR}))
        for one in rows
    ]  # fmt: skip


def _opened(row: Case, by: Actor, sealed: list[bytes | None]) -> tuple[list[str], str]:
    """Each text, "" where there is none; and why they cannot be opened now, "" where they were."""
    there = [bytes(one) for one in sealed if one is not None]
    if not there:
        return [""] * len(sealed), ""
    try:
        found = iter(gate.open_texts(by=by, matter=row.id, sealed=there))
    except Refused as refusal:
        return [""] * len(sealed), sentence_of(refusal)
    return ["" if one is None else next(found) or "" for one in sealed], ""
