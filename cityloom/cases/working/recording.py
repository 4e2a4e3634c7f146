"""One change of a case: its row, its history and its events in one transaction, and the second of two is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

from django.db import connection, transaction

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


def sealed_many(texts: Mapping[str, str], by: Actor, at: datetime) -> dict[str, bytes]:
    """A text for each of many cases, sealed in one call, by their ids; as `sealed`.

    Raises: Refused, from the gate; ask before a transaction.
    """
    if not texts:
        return {}
    return gate.seal_matters(by=by if by.unit else SYSTEM, at=at, texts=texts)


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
    event = _event(row, deed, before, words)
    event.save(force_insert=True)
    return event


def write_all(done: Sequence[tuple[Case, Deed, str, Sequence[object]]]) -> None:
    """Add what happened to many cases, with the state before it, to their histories, and tell the city.

    In the caller's transaction; nothing in it is sealed.
    """
    CaseEvent.objects.bulk_create([_event(row, deed, before, None) for row, deed, before, _ in done])
    bus.publish_all([fact for row, deed, _, facts in done for fact in _facts(row, deed, facts)])


def _event(row: Case, deed: Deed, before: str, words: bytes | None) -> CaseEvent:
    return CaseEvent(
        id=event_id(row.id, deed.command), case=row, revision=row.revision, at=deed.at, kind=deed.kind, step=deed.step,
        before=before if deed.after else "", after=deed.after, account=deed.by.account, role=deed.role,
        unit=deed.by.unit, sealed=words, data=dict(deed.data),
        objects_about=[{"type": kind, "id": key, "qualifier": why} for kind, key, why in deed.about],
    )  # fmt: skip


def publish(row: Case, deed: Deed, facts: Sequence[object]) -> None:
    """Tell the city; each fact is named after the command that it comes of."""
    bus.publish_all(_facts(row, deed, facts))


def _facts(row: Case, deed: Deed, facts: Sequence[object]) -> list[bus.Fact]:
    cause = event_id(row.id, deed.command)
    return [bus.Fact(fact, deed.at, ids.named_id(cause, type_of(type(fact))), row.exercise_id, cause)
            for fact in (map(without_matter, facts) if row.confidentiality == "secret" else facts)]  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A change of one case that seals nothing: its columns, what happened, and what the city is told."""

    row: Case
    deed: Deed
    columns: Mapping[str, Any]
    facts: Sequence[object]
    before: str = ""


def change_many(changes: Sequence[Change]) -> list[Case]:
    """Make changes of many cases in one transaction; return those whose case nobody else has changed meanwhile.

    The rows then say what the database says.
    """
    if not changes:
        return []
    with transaction.atomic():
        numbers = [one.row.number for one in changes]
        rows = Case.objects.select_for_update().filter(number__in=numbers).order_by("number")
        held = dict(rows.values_list("number", "revision"))
        mine = [one for one in changes if held.get(one.row.number) == one.row.revision]
        for one in mine:
            for name, value in _wanted(one).items():
                setattr(one.row, name, value)
        for names in dict.fromkeys(tuple(one.columns) for one in mine):
            _update([one.row for one in mine if tuple(one.columns) == names], [*names, "revision", "changed_at"])
        write_all([(one.row, one.deed, one.before, one.facts) for one in mine])
    return [one.row for one in mine]


def _wanted(one: Change) -> dict[str, Any]:
    return dict(one.columns) | {"revision": one.row.revision + 1, "changed_at": one.deed.at}


def _update(rows: Sequence[Case], names: Sequence[str]) -> None:
    """Write columns of many rows: one statement, many values, since `bulk_update` builds it anew for each."""
    fields = [Case._meta.get_field(name) for name in names]
    columns = ", ".join(f"{field.column} = %s" for field in fields)
    values = [[field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields] + [row.number]
              for row in rows]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE cases_case SET {columns} WHERE number = %s", values)  # noqa: S608 - our own names


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
