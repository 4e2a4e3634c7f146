"""A decision written down: once for each number, with its reasons, beside what is sealed of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cityloom.bus import actions as bus
from cityloom.cases import events
from cityloom.cases.domain.approvals.wording import Said
from cityloom.cases.models import Case, CaseDecision, TableVersion
from cityloom.kernel import ids
from cityloom.kernel.actor import Actor

TABLE, PERSON = "table", "person"


@dataclass(frozen=True)
class Decided:
    """What is to be written down; `reasons` may be read by whoever sees the case, `sealed` by who may open it."""

    how: str
    result: str
    reasons: Sequence[Said]
    conditions: Sequence[str] = ()
    grounds: Sequence[str] = ()
    table: TableVersion | None = None
    rows: Sequence[int] = ()
    valid_until: date | None = None
    role: str = ""
    sealed: bytes | None = None


def write(row: Case, decided: Decided, by: Actor, at: datetime) -> CaseDecision:
    """Add a decision to a case, in the caller's transaction."""
    number = row.decisions.count() + 1
    key = ids.named_id("case-decision", row.id, number)
    reasons = {language: [said[language] for said in decided.reasons] for language in ("en", "zh-hans")}
    made = CaseDecision.objects.create(
        id=key, case=row, number=number, at=at, how=decided.how, result=decided.result, table=decided.table,
        rows=list(decided.rows), reasons=reasons, grounds=list(decided.grounds), conditions=list(decided.conditions),
        valid_until=decided.valid_until, account=by.account, role=decided.role, sealed=decided.sealed,
    )  # fmt: skip
    name, version = (decided.table.name, decided.table.number) if decided.table else ("", 0)
    fact = events.ApplicationDecided(row.id, row.casetype, row.category, decided.how, decided.result, name, version,
                                     row.unit, at)  # fmt: skip
    bus.publish(fact, at=at, exercise_id=row.exercise_id, event_id=key)
    return made


def as_text(facts: Mapping[str, Any], ways: Sequence[Sequence[Said]], words: str = "") -> str:
    """What is sealed of a decision, as text."""
    return json.dumps({"facts": dict(facts), "ways": [list(way) for way in ways], "words": words}, ensure_ascii=False)
