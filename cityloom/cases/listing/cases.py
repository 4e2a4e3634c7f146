"""Cases as others may know them: what somebody may see, what happened, and what is sealed, opened for those who see."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cityloom.accounts import queries as accounts
from cityloom.cases import catalogue, policies
from cityloom.cases.domain import numbers
from cityloom.cases.domain.visibility import InView, Rights, rights_of, sees
from cityloom.cases.listing.page import CasePage, CaseRow, Wanted, page_of
from cityloom.cases.models import Case, CaseClock, CaseEvent, CaseLink, CaseMember, ProcessWork
from cityloom.gate import queries as gate
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

_ANSWERS = "answers"
_FIELDS = ("number", "id", "casetype", "version", "state", "category", "confidentiality", "unit", "offered_unit",
           "handler", "lon", "lat", "opened_at", "changed_at", "closed_at", "due_at", "result", "matter", "origin",
           "rank", "is_open", "exercise_id", "made_up", "revision", "answers")  # fmt: skip


@dataclass(frozen=True)
class CaseFacts(CaseRow):
    """A case without what is sealed; `answers` are those that may stand in clear."""

    revision: int
    answers: dict[str, Any]

    @property
    def spoken(self) -> str:
        """The number as people say it."""
        return numbers.spoken(self.number)


@dataclass(frozen=True)
class EventFacts:
    """Something that happened to a case; `has_words`: there is a reason or note, sealed."""

    id: str
    revision: int
    at: datetime
    kind: str
    step: str
    before: str
    after: str
    account: str
    role: str
    unit: str
    data: dict[str, Any]
    about: list[dict[str, str]]
    has_words: bool


@dataclass(frozen=True)
class ClockFacts:
    """A limit of a case, as it stood when something last happened to it."""

    clock: str
    started_at: datetime
    standing: str
    due_at: datetime | None
    is_provisional: bool
    was_late: bool


@dataclass(frozen=True)
class Words:
    """What is sealed in a case, opened for somebody who sees it; `fault` says why it cannot be opened now."""

    answers: dict[str, Any]
    by_event: dict[str, str]
    fault: str = ""


def rights(actor: Actor) -> Rights:
    """What an actor may see; one statement."""
    return rights_of(actor, catalogue.seen_by())


def cases_for(actor: Actor, wanted: Wanted) -> CasePage:
    """A page of the cases that somebody may see, what is due first at the top; two statements, whatever the rights.

    Raises: Refused `cases.cursor`.
    """
    return page_of(rights(actor), wanted)


def case_for(actor: Actor, case_id: str) -> CaseFacts:
    """A case that somebody may see.

    Raises: Refused `cases.unknown`, `cases.not_yours`.
    """
    row = Case.objects.filter(id=case_id).defer("sealed").first()
    if row is None:
        raise _unknown()
    policies.check_can_see(rights(actor), _in_view(row))
    return facts(row)


def case_numbered(actor: Actor, text: str) -> CaseFacts:
    """The case with a number that somebody says.

    Raises: Refused `cases.number`, `cases.unknown`, `cases.not_yours`.
    """
    return case_for(actor, id_numbered(text))


def id_numbered(text: str) -> str:
    """The id of the case with a number that somebody says.

    Raises: Refused `cases.number`, `cases.unknown`.
    """
    key = Case.objects.filter(number=numbers.heard(text)).values_list("id", flat=True).first()
    if key is None:
        raise _unknown()
    return key


def facts_of(case_id: str) -> CaseFacts:
    """A case, for other capabilities: they ask for what they have opened themselves.

    Raises: Refused `cases.unknown`.
    """
    row = Case.objects.filter(id=case_id).defer("sealed").first()
    if row is None:
        raise _unknown()
    return facts(row)


def history_of(case_id: str) -> list[EventFacts]:
    """What happened to a case, in order."""
    rows = CaseEvent.objects.filter(case__id=case_id).order_by("revision")
    return [
        EventFacts(row.id, row.revision, row.at, row.kind, row.step, row.before, row.after, row.account, row.role,
                   row.unit, row.data, row.objects_about, row.sealed is not None)
        for row in rows
    ]  # fmt: skip


def clocks_of(case_id: str) -> list[ClockFacts]:
    """The limits of a case, those that end first first."""
    rows = CaseClock.objects.filter(case__id=case_id).order_by("started_at", "id")
    found = [ClockFacts(row.clock, row.started_at, row.standing, row.due_at, row.is_provisional, row.was_late)
             for row in rows]  # fmt: skip
    return sorted(found, key=lambda one: (one.due_at is None, one.due_at or one.started_at))


def links_of(case_id: str) -> list[tuple[str, str]]:
    """What else a case belongs to, as pairs of kind and id."""
    return list(CaseLink.objects.filter(case__id=case_id).order_by("id").values_list("kind", "other"))


def cases_linked_with(kind: str, other: str, *, open_only: bool = True) -> list[str]:
    """The ids of the cases that something belongs to, the oldest first."""
    rows = CaseLink.objects.filter(kind=kind, other=other).order_by("case_id")
    if open_only:
        rows = rows.filter(case__is_open=True)
    return list(rows.values_list("case__id", flat=True))


def words_of(case_id: str, by: Actor) -> Words:
    """The sealed answers and reasons of a case, opened for somebody who sees it.

    Raises: Refused `cases.unknown`, `cases.not_yours`.
    """
    case_for(by, case_id)
    shown = shown_to_asked(by, case_id)
    rows = CaseEvent.objects.filter(case__id=case_id).exclude(sealed=None).values_list("id", "sealed")
    if shown is not None:
        rows = rows.filter(kind="task-done").exclude(data__has_key="asked")
    sealed = {key: bytes(text) for key, text in rows}
    if (answers := Case.objects.values_list("sealed", flat=True).get(id=case_id)) is not None:
        sealed[_ANSWERS] = bytes(answers)
    if not sealed:
        return Words({}, {})
    try:
        texts = gate.open_texts(by=by, matter=case_id, sealed=list(sealed.values()))
    except Refused as refusal:
        return Words({}, {}, sentence_of(refusal))
    opened = {key: text for key, text in zip(sealed, texts, strict=True) if text is not None}
    answers = json.loads(opened.pop(_ANSWERS, "{}"))
    return Words(answers if shown is None else {key: answers[key] for key in shown & answers.keys()}, opened)


def shown_to_asked(by: Actor, case_id: str) -> frozenset[str] | None:
    """The answers of a case that somebody sees who is only asked for an opinion; None for whoever sees all of it."""
    row = Case.objects.defer("sealed").get(id=case_id)
    if sees(rights(by), replace(_in_view(row), asked=())):
        return None
    state = catalogue.casetype_of(row.casetype, row.version).states[row.state]
    return frozenset(row.answers) if state.process_shows is None else state.process_shows


def known_matters(names: Collection[str]) -> dict[str, frozenset[str] | None]:
    """Which of these matters are cases, each with those whom it is given to; None where it is the whole unit's."""
    rows = Case.objects.filter(id__in=set(names) - {""}).values_list("id", "number", "handler")
    found = {key: (number, handler) for key, number, handler in rows}
    members: dict[int, set[str]] = {}
    pairs = CaseMember.objects.filter(case_id__in=[number for number, _ in found.values()], until=None)
    for number, account in pairs.values_list("case_id", "account"):
        members.setdefault(number, set()).add(account)
    return {key: _given(handler, members.get(number, set())) for key, (number, handler) in found.items()}


def _given(handler: str, members: set[str]) -> frozenset[str] | None:
    return frozenset({handler} - {""} | members) or None


def unit_names(rows: Sequence[CaseRow]) -> dict[str, str]:
    """What the units of some cases are called; one statement."""
    return accounts.unit_names_of({row.unit for row in rows} | {row.offered_unit for row in rows} - {""})


def facts(row: Case) -> CaseFacts:
    return CaseFacts(*(getattr(row, name) for name in _FIELDS))


def _in_view(row: Case) -> InView:
    named = CaseMember.objects.filter(case=row, until=None).values_list("account", flat=True)
    branches = (row.branch_1, row.branch_2, row.branch_3, row.branch_4)
    return InView(row.casetype, branches, row.handler, row.offered_unit, frozenset(named), asked_of(row.id))


def asked_of(case_id: str) -> frozenset[str]:
    """The units that are being asked for something in a case just now."""
    rows = ProcessWork.objects.filter(run__case__id=case_id, done_at=None).exclude(unit="")
    return frozenset(rows.values_list("unit", flat=True))


def _unknown() -> Refused:
    return Refused("cases.unknown", "There is no such case; it may have been erased, or belonged to a drill.")
