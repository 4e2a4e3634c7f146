"""One change of a case: its row, its history and its events in one transaction, and the second of two is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from cityloom.bus import actions as bus
from cityloom.cases import policies
from cityloom.cases.domain.visibility import branches_of
from cityloom.cases.models import Case, CaseEvent
from cityloom.gate import actions as gate
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.envelope import type_of


@dataclass(frozen=True)
class Deed:
    """What somebody does to a case; the same `command` twice is one deed. `text` is sealed for the case."""

    kind: str
    by: Actor
    at: datetime
    command: str
    role: str = ""
    step: str = ""
    after: str = ""
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    about: Sequence[tuple[str, str, str]] = ()


def event_id(case_id: str, command: str) -> str:
    """The id of the event that a command leads to."""
    return ids.named_id("case-event", case_id, command)


def is_done(row: Case, command: str) -> bool:
    """Whether a command has been done."""
    return CaseEvent.objects.filter(id=event_id(row.id, command)).exists()


def sealed(row: Case, text: str, by: Actor, at: datetime) -> bytes | None:
    """A text sealed for a case, None for none; whoever reported it has no key, so the city seals it for them.

    Raises: Refused, from the gate; ask before a transaction.
    """
    if not text:
        return None
    sealer = by if by.unit else SYSTEM
    return gate.seal_texts(by=sealer, at=at, matter=row.id, texts=[text])[0]


def change(row: Case, deed: Deed, changes: Mapping[str, object], facts: Sequence[object]) -> bool:
    """Make a change where nobody was faster; False where the same command was done by another process meanwhile.

    Everything stands in one transaction, the caller's where there is one. `row` then says what the database says.
    Raises: Refused `cases.changed`, and from the gate.
    """
    words = sealed(row, deed.text, deed.by, deed.at)
    wanted = dict(changes) | {"revision": row.revision + 1, "changed_at": deed.at}
    with transaction.atomic():
        if not Case.objects.filter(number=row.number, revision=row.revision).update(**wanted):
            if is_done(row, deed.command):
                return False
            now = Case.objects.values_list("revision", flat=True).get(number=row.number)
            policies.check_not_changed(now, row.revision)
        before = row.state
        for name, value in wanted.items():
            setattr(row, name, value)
        write(row, deed, before, words)
        publish(row, deed, facts)
    return True


def write(row: Case, deed: Deed, before: str, words: bytes | None) -> CaseEvent:
    """Add what happened to the history, in the caller's transaction."""
    return CaseEvent.objects.create(
        id=event_id(row.id, deed.command), case=row, revision=row.revision, at=deed.at, kind=deed.kind, step=deed.step,
        before=before if deed.after else "", after=deed.after, account=deed.by.account, role=deed.role,
        unit=deed.by.unit, sealed=words, data=dict(deed.data),
        objects_about=[{"type": kind, "id": key, "qualifier": why} for kind, key, why in deed.about],
    )  # fmt: skip


def publish(row: Case, deed: Deed, facts: Sequence[object]) -> None:
    """Tell the city; each fact is named after the command that it comes of."""
    cause = event_id(row.id, deed.command)
    for fact in map(without_matter, facts) if row.confidentiality == "secret" else facts:
        name = ids.named_id(cause, type_of(type(fact)))
        bus.publish(fact, at=deed.at, exercise_id=row.exercise_id, caused_by=cause, event_id=name)


def without_matter(fact: Any) -> object:
    """What is told of a secret case: that it is there and its clock, not what it is about nor whose it is."""
    kept_back = {"category", "unit", "result", "step"} & {each.name for each in fields(fact)}
    return replace(fact, **dict.fromkeys(kept_back, ""))


def placed(unit: str, confidentiality: str) -> dict[str, str]:
    """The columns that say who sees a case of a unit."""
    branches = branches_of(unit, confidentiality)
    return {"unit": unit} | {f"branch_{depth}": branch for depth, branch in enumerate(branches, 1)}


def rank_of(due_at: datetime | None, closed_at: datetime | None) -> int:
    """Where a case stands in a list: what is due first comes first; of what is over, what ended last."""
    if closed_at is not None:
        return -int(closed_at.timestamp() * 1_000_000)
    return int(due_at.timestamp() * 1_000_000) if due_at else _NEVER


_NEVER = 2**62
