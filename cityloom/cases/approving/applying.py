"""An application taken in: opened and, where a published table says so, granted in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.cases import catalogue
from cityloom.cases.approving import recording, registered, tables
from cityloom.cases.approving.recording import TABLE, Decided
from cityloom.cases.attaching import adding
from cityloom.cases.domain import answers
from cityloom.cases.domain.approvals import fitting, verdict
from cityloom.cases.domain.approvals.verdict import Verdict
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.listing import tables as published
from cityloom.cases.models import CaseDecision, TableVersion
from cityloom.cases.working import finding, moving, opening
from cityloom.cases.working.opening import Asked
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import InLanguages, Refused

FILES = "files of the application"


@dataclass(frozen=True)
class Applied:
    """The case of an application, and whether it was granted at once."""

    case_id: str
    is_granted: bool


def apply(asked: Asked, vouched: Mapping[str, Any], by: Actor, at: datetime) -> Applied:
    """Open the case of an application and decide it at once where a table grants it; the same `key` is the same one.

    `vouched` are answers that a register has given. What a table does not grant waits for a person. Files are looked
    through first, so that a bad one opens nothing; sent again, what is missing of them is added.
    Raises: Refused `cases.no_application`, `cases.no_evidence`, `files.*`, and as `opening.open_case`.
    """
    case_id = ids.named_id("case", asked.casetype, asked.origin, asked.key) if asked.key else ids.new_ulid()
    if CaseDecision.objects.filter(case__id=case_id).exists():
        _attach(case_id, asked, at)
        return Applied(case_id, _is_granted(case_id))
    casetype = catalogue.newest(asked.casetype)
    _check_is_applied_for(casetype)
    _check_evidence(casetype, asked)
    adding.looked_through(asked.files)
    asked = replace(asked, key=asked.key or case_id, answers=registered.corrected(casetype, asked))
    read = answers.read(casetype, asked.category, asked.answers)
    row = tables.deciding(casetype, casetype.categories.get(asked.category), by, at)
    said = _verdict(row, casetype, asked, read.clear | read.sealed, vouched)
    kept = _kept(asked, casetype, row, said, by, at)
    _attach(kept.case_id, asked, at)
    return kept


def _attach(case_id: str, asked: Asked, at: datetime) -> None:
    if asked.files:
        adding.add(case_id, asked.files, FILES, SYSTEM, at)


def _check_is_applied_for(casetype: CaseType) -> None:
    if casetype.step(fitting.AT_ONCE) is None:
        raise Refused("cases.no_application", "Nobody applies for {value}; choose something of the list.",
                      value=casetype.name)  # fmt: skip


def _check_evidence(casetype: CaseType, asked: Asked) -> None:
    """What an applicant sends has its evidence with it; an official at the counter has seen it."""
    sent = {one[2] for one in asked.files if len(one) > 2}
    for one in casetype.evidence:
        if asked.origin == "web" and one.is_required and one.is_for(asked.category) and one.name not in sent:
            raise Refused("cases.no_evidence", "“{value}” is needed for this application; add it as a file.",
                          value=InLanguages(one.title))  # fmt: skip


def _verdict(
    row: TableVersion | None, casetype: CaseType, asked: Asked, given: Mapping[str, Any], vouched: Mapping[str, Any]
) -> Verdict | None:
    """What the table says; None where no table decides."""
    if row is None:
        return None
    table = published.read(row)
    known = dict(vouched) | registered.known(casetype, asked.category, given)
    return verdict.reached(table, casetype, asked.category,
                           verdict.facts_of(table, casetype, asked.category, given, known))  # fmt: skip


def _kept(
    asked: Asked, casetype: CaseType, row: TableVersion | None, said: Verdict | None, by: Actor, at: datetime
) -> Applied:
    case_id = ids.named_id("case", asked.casetype, asked.origin, asked.key)
    sealed = None
    if said is not None:
        text = recording.as_text(said.facts, said.ways)
        sealed = gate.seal_texts(by=SYSTEM, at=at, matter=case_id, texts=[text])[0]
    with transaction.atomic():
        opening.open_case(asked, by, at)
        found = finding.found(case_id, SYSTEM)
        if said is None or row is None or found.row.decisions.exists():  # another click was faster
            return Applied(case_id, _is_granted(case_id))
        until = verdict.valid_until(at.date(), said.months)
        decided = Decided(TABLE, said.result, said.reasons, said.conditions, (), row, said.rows, until, "city", sealed)
        recording.write(found.row, decided, SYSTEM, at)
        if said.result:
            step = moving.Move(fitting.AT_ONCE, result=said.result, command="granted at once")
            moving.move(found, step, SYSTEM, at)
    return Applied(case_id, bool(said.result))


def _is_granted(case_id: str) -> bool:
    return CaseDecision.objects.filter(case__id=case_id, how=TABLE).exclude(result="").exists()


