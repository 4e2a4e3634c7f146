"""Undoing that a source's person was taken for somebody whom another source told of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.apps import apps
from django.db import transaction

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies, queries
from cityloom.registers.domain.mapping import CORRECTIONS
from cityloom.registers.loading import book, person_settling
from cityloom.registers.loading.turn import turn
from cityloom.registers.models import Load, PersonRecord, Resident


def part(record: int, *, by: Actor, at: datetime) -> int:
    """Give all that one source said of somebody a person of its own; the other one is as without it.

    The next file of that source finds the new person. Raises: Refused.
    """
    policies.check_can_decide(by)
    with turn():
        person_settling.settle_all()
        row = PersonRecord.objects.filter(id=record, id__lt=(queries.last_known_load() + 1) << 32).first()
        if row is None or row.source_id == book.source_of(CORRECTIONS).id:  # a correction is nobody by itself
            raise Refused("registers.no_record", "No load that is known has that row; `cityloom register history` "
                          "tells loads and rows.")  # fmt: skip
        said = PersonRecord.objects.filter(source_id=row.source_id, key=row.key, subject=row.subject)
        line = list(said.order_by("id"))
        _check_is_joined(row.subject, line)
        return _parted(row.subject, line, by=by, at=at)


def _check_is_joined(subject: int, line: Sequence[PersonRecord]) -> None:
    is_first = not PersonRecord.objects.filter(subject=subject, id__lt=line[0].id).exists()
    if is_first and Load.objects.get(number=line[0].id >> 32).hides_from <= subject:
        raise Refused("registers.first_of_person", "This is the source that told of the person first; part what "
                      "another source says instead.")  # fmt: skip


def _parted(subject: int, line: Sequence[PersonRecord], *, by: Actor, at: datetime) -> int:
    _now, kept = gate_queries.versions_of(subject)
    said = [one for one in line if one.id in kept]
    fresh, versions = gate.part_person(by=by, at=at, subject=subject, versions=[kept[one.id] for one in said])
    with transaction.atomic():
        PersonRecord.objects.filter(id__in=[one.id for one in line]).update(subject=fresh)
        _keep(fresh, [one.id for one in said], versions)
        known = queries.last_known_load()
        last = [one for one in line if one.id >> 32 <= known][-1]
        if last.closed_by > known and not last.is_gone:
            Resident.objects.create(subject=fresh, dwelling_id=last.dwelling_id)
    person_settling.put_in_force([subject], known)
    return fresh


def _keep(subject: int, records: Sequence[int], versions: gate.Versions) -> None:
    """Put what was sealed for the new person in the place of what was sealed for the other."""
    envelope, version = apps.get_model("gate", "Envelope"), apps.get_model("gate", "EnvelopeVersion")
    how = {"subject": subject, "field_set": versions.field_set, "key_id": versions.key_id}
    sealed = [each.tobytes() for each in versions.envelopes]
    version._default_manager.filter(id__in=records).delete()
    version._default_manager.bulk_create([
        version(id=record, sealed=each, **how) for record, each in zip(records, sealed, strict=True)
    ])  # fmt: skip
    envelope._default_manager.create(sealed=sealed[-1], **how)
