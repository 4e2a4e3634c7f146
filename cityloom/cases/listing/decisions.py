"""Decisions on an application, as those who see it read them: result, reasons, the version that decided, until when."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from cityloom.cases.models import Case, CaseDecision, CaseEvent
from cityloom.gate import queries as gate
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused


@dataclass(frozen=True)
class DecisionFacts:
    """One decision; without a `result` a table left it to a person. `how` is table or person."""

    id: str
    case_id: str
    number: int
    at: datetime
    how: str
    result: str
    table: str
    table_version: int
    rows: Sequence[int]
    reasons: Mapping[str, Sequence[str]]
    grounds: Sequence[str]
    conditions: Sequence[str]
    valid_until: date | None
    account: str
    role: str
    sealed: bytes | None = field(default=None, repr=False)

    def reasons_in(self, language: str) -> list[str]:
        """The reasons in the reader's language."""
        return list(self.reasons.get("zh-hans" if language == "zh-hans" else "en", ()))


@dataclass(frozen=True)
class Opened:
    """What was sealed of a decision: what a table was told, what would have granted, what a person wrote."""

    facts: Mapping[str, Any]
    ways: Sequence[Sequence[Mapping[str, str]]]
    words: str = ""

    def ways_in(self, language: str) -> list[list[str]]:
        """What would have granted at once, in the reader's language."""
        key = "zh-hans" if language == "zh-hans" else "en"
        return [[one[key] for one in way] for way in self.ways]


def decisions_of(case_id: str) -> list[DecisionFacts]:
    """The decisions on an application, in order."""
    rows = CaseDecision.objects.filter(case__id=case_id).select_related("table").order_by("number")
    return [
        DecisionFacts(
            row.id, case_id, row.number, row.at, row.how, row.result, row.table.name if row.table else "",
            row.table.number if row.table else 0, row.rows, row.reasons, row.grounds, row.conditions, row.valid_until,
            row.account, row.role, bytes(row.sealed) if row.sealed else None,
        )
        for row in rows
    ]  # fmt: skip


def sealed_answers(case_id: str, by: Actor = SYSTEM) -> dict[str, Any]:
    """The sealed answers of an application for whoever may see it, as `opened`; empty where the keeper is away."""
    sealed = Case.objects.filter(id=case_id).values_list("sealed", flat=True).first()
    if sealed is None:
        return {}
    try:
        text = gate.open_texts(by=by, matter=case_id, sealed=[bytes(sealed)])[0]
    except Refused:
        return {}
    return json.loads(text) if text else {}


def question_of(case_id: str, event_id: str) -> str:
    """What an official asked of an applicant, opened by the city for whoever holds the code."""
    sealed = CaseEvent.objects.filter(id=event_id, case__id=case_id).values_list("sealed", flat=True).first()
    if sealed is None:
        return ""
    try:
        return gate.open_texts(by=SYSTEM, matter=case_id, sealed=[bytes(sealed)])[0] or ""
    except Refused:
        return ""


def opened(decisions: Sequence[DecisionFacts], by: Actor = SYSTEM) -> dict[int, Opened]:
    """What is sealed of decisions of one case, by number; empty where the keeper does not answer.

    Whoever calls this has seen that `by` may: an official of the case, or the city for whoever holds its code.
    """
    sealed = {one.number: one.sealed for one in decisions if one.sealed is not None}
    if not sealed:
        return {}
    try:
        texts = gate.open_texts(by=by, matter=decisions[0].case_id, sealed=list(sealed.values()))
    except Refused:
        return {}
    read = {number: json.loads(text) for number, text in zip(sealed, texts, strict=True) if text}
    return {number: Opened(one["facts"], one["ways"], one["words"]) for number, one in read.items()}
