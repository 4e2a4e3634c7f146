"""What those who reported a matter may read of it: reasons of its steps, notes for them, and what they wrote."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime

from cityloom.cases.domain.casetypes.casetype import REPORTER
from cityloom.cases.listing.followed import Followed
from cityloom.cases.models import Case, CaseEvent, ReleasedWords
from cityloom.gate import queries as gate
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.ui.words import sentence_of

FOR_REPORTER = {"for": REPORTER}
"""What stands at a note that those who reported the matter may read."""
_TOLD = ("stepped", "taken-over", "extended", "paused", "resumed", "reminded", "overdue", "released")
_WITH_REASON = ("stepped", "extended", "paused", "resumed")
_ANSWERS = "answers"


@dataclass(frozen=True)
class Told:
    """Something that happened, as it is told to those who reported it; `is_mine`: they did it themselves."""

    case: Case
    at: datetime
    kind: str
    step: str
    after: str
    unit: str
    result: str
    text: str
    is_mine: bool


@dataclass(frozen=True)
class Account:
    """What is told of a matter; `fault` says why what is sealed in it cannot be read now."""

    history: list[Told]
    words: str = ""
    released: str = ""
    fault: str = field(default="")


def account_for(followed: Followed) -> Account:
    """What whoever holds a secret may read of their matter, the oldest first."""
    parts = [_Part(followed.own, followed, since=None)]
    if followed.is_joined:
        joined = CaseEvent.objects.filter(case=followed.own, kind="stepped").order_by("revision").last()
        parts.append(_Part(followed.lead, followed, since=joined.at if joined else None))
    fault, history = "", []
    for part in parts:
        fault = part.open() or fault
        history += part.told()
    released = ReleasedWords.objects.filter(case=followed.lead).values_list("words", flat=True).first() or ""
    return Account(sorted(history, key=lambda one: one.at), parts[0].words, released, fault)


class _Part:
    """One case of a matter, with what of it a follower may read."""

    def __init__(self, row: Case, followed: Followed, since: datetime | None) -> None:
        self._row, self._me = row, followed.by.account
        self._is_own = followed.follower.is_first and row.pk == followed.own.pk
        rows = CaseEvent.objects.filter(case=row).order_by("revision")
        self._events = [one for one in (rows.filter(at__gte=since) if since else rows) if self._is_told(one)]
        self._texts: dict[str, str] = {}
        self.words = ""

    def open(self) -> str:
        """Open what is sealed and may be read; return why that is not possible now."""
        sealed = {one.id: bytes(one.sealed) for one in self._events if one.sealed and self._has_reason(one)}
        if self._is_own and self._row.sealed:
            sealed[_ANSWERS] = bytes(self._row.sealed)
        if not sealed:
            return ""
        try:
            texts = gate.open_texts(by=SYSTEM, matter=self._row.id, sealed=list(sealed.values()))
        except Refused as refusal:
            return sentence_of(refusal)
        opened = {key: text for key, text in zip(sealed, texts, strict=True) if text is not None}
        self.words = str(json.loads(opened.pop(_ANSWERS, "{}")).get("words", ""))
        self._texts = opened
        return ""

    def told(self) -> list[Told]:
        return [
            Told(self._row, one.at, one.kind, one.step, one.after, one.unit, str(one.data.get("result", "")),
                 self._texts.get(one.id, ""), one.account == self._me)
            for one in self._events
        ]  # fmt: skip

    def _is_told(self, one: CaseEvent) -> bool:
        if one.kind in ("noted", "attached"):
            return one.account == self._me or one.data.get("for") == REPORTER
        return one.kind == "opened" or one.kind in _TOLD

    def _has_reason(self, one: CaseEvent) -> bool:
        """Officials know that those concerned may read their reasons; what another reporter wrote is theirs alone."""
        if one.account == self._me or one.kind == "noted":
            return True
        return one.kind in _WITH_REASON and one.role != REPORTER
