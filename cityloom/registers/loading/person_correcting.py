"""A granted correction of somebody's own entry: whom it is about only the keeper knows, what it says is sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.apps import apps

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers.domain.mapping import CORRECTIONS, FileMapping
from cityloom.registers.loading import book
from cityloom.registers.loading.book import Snapshot
from cityloom.registers.loading.sealable import to_seal
from cityloom.registers.models import OPEN, CorrectionRequest, Load, PersonRecord


def write(
    row: CorrectionRequest, values: Mapping[str, Any], mapping: FileMapping, *, by: Actor, at: datetime, today: date
) -> Load:  # fmt: skip
    """Add a record that says what the person's last correction said, and this; `person_settling` puts it in force.

    No values: there is none of the field any more.
    Raises: Refused `registers.asker_gone`, `gate.not_allowed`.
    """
    subject, sealed = _sealed(row, values, by=by, at=at, today=today)
    source = book.source_of(CORRECTIONS)
    mine = PersonRecord.objects.filter(subject=subject, source_id=source.id, closed_by=OPEN)
    before = mine.order_by("-id").first()
    if before is not None:
        sealed = _with(before, sealed, row.field, by=by, at=at)
    snapshot = Snapshot(f"correction {row.id}", hashlib.sha256(row.id.encode()).hexdigest(), 0)
    load = book.begin(source, mapping, snapshot, header=[row.field], returns=0, by=by, at=at, as_of=today)
    mine.update(closed_by=load.number)
    _keep(load, subject, sealed)
    load.rows = load.rows_done = 1
    load.counts = {"new": int(before is None), "changed": int(before is not None)}
    load.save(update_fields=["rows", "rows_done", "counts"])
    book.finish(load)
    return load


def _sealed(
    row: CorrectionRequest, values: Mapping[str, Any], *, by: Actor, at: datetime, today: date
) -> tuple[int, gate.Versions]:  # fmt: skip
    said = {"name": [""]} | {name: [value] for name, value in values.items()}
    people = to_seal(said, 1, today)
    if not values:
        people = gate.PeopleBatch(people.records, people.traits | gate.emptied(row.field))
    try:
        return gate.seal_correction(by=by, at=at, account=row.asked_by, people=people)
    except Refused as refusal:
        raise _gone() if refusal.code == "gate.no_link" else refusal from None


def _keep(load: Load, subject: int, sealed: gate.Versions) -> None:
    record = PersonRecord.objects.create(id=load.number << 32 | 1, source_id=load.source_id, key=subject,
                                         subject=subject, valid_from=load.as_of, digest=0)  # fmt: skip
    apps.get_model("gate", "EnvelopeVersion")._default_manager.create(
        id=record.id, subject=subject, sealed=sealed.envelopes[0].tobytes(), field_set=sealed.field_set,
        key_id=sealed.key_id,
    )  # fmt: skip


def _with(before: PersonRecord, sealed: gate.Versions, field: str, *, by: Actor, at: datetime) -> gate.Versions:
    """The new correction, with what the one before said of other fields."""
    kept = gate_queries.kept_versions({before.id: before.subject})[before.id]
    versions = [[kept, sealed.envelopes[0].tobytes()]]
    made = gate.compose_versions(by=by, at=at, subjects=[before.subject], versions=versions,
                                 choices=[[int(name == field) for name in gate.COMPOSED]])  # fmt: skip
    if not made.alive.all():
        raise _gone()
    return made


def _gone() -> Refused:
    return Refused("registers.asker_gone", "Whoever asked is not in the register any more, so there is nothing to "
                   "correct; refuse the request and say so.")  # fmt: skip
