"""A decision on an application in the reader's words: result, reasons, conditions, the rule's version, until when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils.translation import get_language

from cityloom.cases import queries
from cityloom.cases.display import said
from cityloom.cases.domain.approvals.deciding import REVIEW_WITHIN
from cityloom.cases.domain.casetypes.casetype import CaseType, Stated
from cityloom.cases.queries import CaseFacts, DecisionFacts, Opened
from cityloom.kernel.actor import SYSTEM


def decisions(facts: CaseFacts, casetype: CaseType) -> list[dict[str, Any]]:
    """The decisions on an application, the newest first, with what was sealed of them, for whoever may see the case."""
    found = queries.decisions_of(facts.id)
    opened = queries.opened(found, SYSTEM)
    return [_shown(one, casetype, opened.get(one.number)) for one in reversed(found)]


def silent(facts: CaseFacts, casetype: CaseType) -> dict[str, Any] | None:
    """A permit that came of silence: by which clock and law; None for one that somebody, or a table, has granted."""
    deemed = {clock.deemed: clock for clock in casetype.clocks if clock.deemed}
    last = next((each for each in reversed(queries.history_of(facts.id)) if each.step in deemed), None)
    if last is None or facts.is_open:
        return None
    clock = deemed[last.step]
    return {"at": last.at, "limit": str(casetype.limit_of(clock, facts.category)), "law": clock.law}


def standing(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The decision that stands: the newest with a result."""
    return next((row for row in rows if row["one"].result), None)


def _shown(one: DecisionFacts, casetype: CaseType, opened: Opened | None) -> dict[str, Any]:
    language = get_language() or "en"
    result, role = casetype.results.get(one.result), casetype.roles.get(one.role)
    return {
        "one": one, "result": said(result.title) if result else "", "is_against": bool(result and result.is_against),
        "is_at_once": one.how == "table", "reasons": one.reasons_in(language), "rows": ", ".join(map(str, one.rows)),
        "conditions": _titles(casetype.conditions, one.conditions), "role": said(role.title) if role else one.role,
        "official": f"{one.account[:4]} {one.account[4:8]}" if one.how == "person" else "",
        "ways": opened.ways_in(language) if opened else [], "words": opened.words if opened else "",
        "review_until": one.at + REVIEW_WITHIN,
    }  # fmt: skip


def _titles(known: Sequence[Stated], names: Sequence[str]) -> list[str]:
    titles = {one.name: said(one.title) for one in known}
    return [titles.get(name, name) for name in names]
