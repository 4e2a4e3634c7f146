"""Two people who were found to be one become one, both are shown to who decides, and a join is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.apps import apps
from django.db import transaction

from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import policies, queries
from cityloom.registers.domain.mapping import CORRECTIONS
from cityloom.registers.domain.reviewing import JOINED, SAME, UNDONE, PairFacts
from cityloom.registers.loading import person_believed, person_parting, person_settling
from cityloom.registers.loading.turn import turn
from cityloom.registers.models import PersonRecord, Resident, Source
from cityloom.registers.trust import pairs

REGISTER = "people"
FIELDS = ("name", "national_id", "phone", "birth_date")
_OPEN_FOR = timedelta(hours=1)


def join(number: int, *, reason: str, by: Actor, at: datetime) -> None:
    """Decide that a pair is one person: all that was said of the later one becomes the earlier one's.

    The decision and the move are one commit; the later one's key is destroyed after it. Raises: Refused.
    """
    policies.check_can_judge_links(by)
    with turn():
        person_settling.settle_all()
        into, subject = _subjects(pairs.one(number))
        with transaction.atomic():
            pairs.decide(number, SAME, reason=reason, by=by.account, at=at)
            if subject != into:
                _move(subject, into, by=by, at=at)
                person_settling.put_in_force([into], queries.last_known_load())
        if subject != into:
            gate.erase(by=by, at=at, subject=subject)
            person_believed.compare_again([into, subject], queries.last_known_load(), by=by.account, at=at)


def undo(number: int, *, reason: str, by: Actor, at: datetime) -> None:
    """Take a join back: what the later record's source said gets a person of its own. Raises: Refused."""
    policies.check_can_judge_links(by)
    pair = pairs.one(number)
    if pair.state in JOINED and len(set(_subjects(pair))) == 1:
        subject = _subjects(pair)[0]
        fresh = person_parting.part(max(pair.records), by=by, at=at)
        last = queries.last_known_load()
        person_believed.compare_again([subject, fresh], last, by=by.account, at=at, reason=reason)
    pairs.decide(number, UNDONE, reason=reason, by=by.account, at=at)


def _subjects(pair: PairFacts) -> tuple[int, int]:
    """Who both records are about, the earlier record first; a record below zero is a person who came with the city.

    Raises: Refused `linkage.pair_gone`.
    """
    held = dict(PersonRecord.objects.filter(id__in=pair.records).values_list("id", "subject"))
    found = [held.get(record, -record if record < 0 else 0) for record in sorted(pair.records)]
    if not all(found):
        raise Refused("linkage.pair_gone", "What one of both said is not there any more; go on to the next pair.")
    return found[0], found[1]


def _move(subject: int, into: int, *, by: Actor, at: datetime) -> None:
    lines = list(PersonRecord.objects.filter(subject=subject).order_by("id"))
    now, kept = gate_queries.versions_of(subject)
    first = min((line.id for line in lines if not line.is_gone), default=0)
    sealed = {line.id: kept.get(line.id) or (now if line.id == first else None) for line in lines}
    said = {record: envelope for record, envelope in sealed.items() if envelope is not None}
    own = Source.objects.filter(name=CORRECTIONS).values_list("id", flat=True).first()
    if not said or all(line.source_id == own for line in lines):  # what came with the city would be lost
        raise Refused("linkage.pair_gone", "What one of both said is not there any more; go on to the next pair.")
    versions = gate.join_people(by=by, at=at, subject=subject, into=into, versions=list(said.values()))
    envelope, version = apps.get_model("gate", "Envelope"), apps.get_model("gate", "EnvelopeVersion")
    for table in (envelope, version):
        table._default_manager.filter(subject=subject).delete()
    Resident.objects.filter(subject=subject).delete()
    PersonRecord.objects.filter(subject=subject).update(subject=into)
    version._default_manager.bulk_create([
        version(id=record, subject=into, sealed=each.tobytes(), field_set=versions.field_set, key_id=versions.key_id)
        for record, each in zip(said, versions.envelopes, strict=True)
    ])  # fmt: skip


def shown(
    pair: PairFacts, *, reason: str, by: Actor, at: datetime
) -> tuple[dict[str, str], dict[str, str]]:  # fmt: skip
    """Open both people of a pair for who decides on it, with an entry of the log for each; left and right.

    The reason stays with the pair. Raises: Refused `registers.role`, `registers.reason`, `linkage.pair_gone`, and what
    the gate refuses.
    """
    policies.check_can_judge_links(by)
    why = policies.check_reason(reason)
    earlier, later = _subjects(pair)
    grant = _grant([earlier, later], by=by, at=at)
    people = gate.open_people(by=by, at=at, grant_id=grant, subjects=sorted({earlier, later}), fields=FIELDS)
    pairs.note_opened(pair.number, reason=why, by=by.account, at=at)
    sides = people.get(earlier, {}), people.get(later, {})
    return sides if pair.records[0] <= pair.records[1] else (sides[1], sides[0])


def _grant(subjects: Sequence[int], *, by: Actor, at: datetime) -> str:
    """A live grant that names both, or a new one."""
    for held in gate_queries.grants_of(by, at):
        if held.purpose == gate_queries.REGISTER and set(subjects) <= set(held.subjects) and set(FIELDS) <= set(
            held.fields):  # fmt: skip
            return held.id
    return gate.grant(by=SYSTEM, at=at, purpose=gate_queries.REGISTER, subjects=sorted(set(subjects)), fields=FIELDS,
                      holder=by.account, until=at + _OPEN_FOR)  # fmt: skip
