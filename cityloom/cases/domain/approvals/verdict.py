"""What a table says of an application: granted, by which rows and why; or what would have had to be different."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from cityloom.cases.domain.approvals import fitting, wording
from cityloom.cases.domain.approvals.wording import Said
from cityloom.cases.domain.casetypes.casetype import CaseType
from cityloom.cases.domain.decisions import deciding
from cityloom.cases.domain.decisions.tables import Table


@dataclass(frozen=True)
class Verdict:
    """`result` is "" where the table grants nothing; then `ways` say what would have, in words, and `missing` what was
    not known to a register. `facts` is what the table was told.
    """

    result: str
    rows: tuple[int, ...] = ()
    reasons: tuple[Said, ...] = ()
    conditions: tuple[str, ...] = ()
    months: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)
    ways: tuple[tuple[Said, ...], ...] = ()


def facts_of(
    table: Table, casetype: CaseType, category: str, answers: Mapping[str, Any], vouched: Mapping[str, Any]
) -> dict[str, Any]:
    """What a table is told: answers to what it asks; where a register has to say it, what one has said."""
    asked = {each.name: each for each in casetype.fields_for(category)}
    told = {}
    for column in table.inputs:
        each, value = asked.get(column.name), answers.get(column.name)
        if each is None or value is None or (each.by_register and vouched.get(each.name) != value):
            continue
        told[column.name] = value
    return told


def reached(table: Table, casetype: CaseType, category: str, facts: Mapping[str, Any]) -> Verdict:
    """What a table says.

    Raises: Refused `cases.input_wrong`.
    """
    decided = deciding.decide(table, facts)
    if decided.result is None:
        ways = deciding.ways_to(table, facts, lambda _outcome: True)
        said = tuple(tuple(wording.change(each, casetype, category) for each in way.changes) for way in ways)
        return Verdict("", facts=facts, ways=said)
    reasons = tuple(wording.because(text) for text in decided.reasons)
    names = tuple(fitting.conditions_in(decided.result.get(fitting.CONDITIONS, "")))
    return Verdict(decided.result[fitting.OUTCOME], decided.fired, reasons, names,
                   int(decided.result.get(fitting.MONTHS, 0)), facts)  # fmt: skip


def valid_until(since: date, months: int) -> date | None:
    """The last day of so many months; None for none. What began on the 31st ends on a shorter month's last day."""
    if not months:
        return None
    number = since.month - 1 + months
    year, month = since.year + number // 12, number % 12 + 1
    return date(year, month, min(since.day, monthrange(year, month)[1]))
