"""What follows from a load for people who were there before: what is said of them now, and where they live.

It can be cut short at any place and done again. Nothing is overwritten: what was in force is kept as a version first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.apps import apps
from django.db import transaction

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import bulk
from cityloom.registers.domain.mapping import CORRECTIONS
from cityloom.registers.loading import person_believed
from cityloom.registers.models import Load, PersonRecord, Resident, Source

_AT_ONCE = 2_000
_FOLLOWING = 20_000
"""Whose search tokens follow together: each time the keeper puts all of its slots on the disk."""


@dataclass(frozen=True)
class _Said:
    """What records say of some people: the one that holds of each now, and the first that ever told of them.

    `many` are those of whom several sources say something now; `alone` are those of whom only corrections ever told,
    with the last one's record. A correction says nothing of a home and is never in force by itself.
    """

    now: dict[int, _Word]
    first: dict[int, int]
    many: set[int]
    alone: dict[int, int]


@dataclass(frozen=True)
class _Word:
    """The record that holds of a person now."""

    since: Any
    record: int
    dwelling: int


def settle_all() -> None:
    """Finish what loads that are known have left undone."""
    for load in Load.objects.filter(state=Load.DONE, is_settled=False).order_by("number"):
        settle(load)


def settle(load: Load) -> None:
    """Let those who are new be found, and put in force what is new about the others."""
    gate.reveal_people(by=SYSTEM, at=clock.now())
    changed: list[int] = []
    for subjects in _subjects(load):
        changed += _put(subjects, load.number)
        if len(changed) > _FOLLOWING - _AT_ONCE:
            _follow(changed)
            changed = []
    _follow(changed)
    Load.objects.filter(number=load.number).update(is_settled=True)


def _subjects(load: Load) -> Iterator[list[int]]:
    """Those of whom the load says something and who were there before it, or stand in its file twice."""
    within = {"id__gte": load.number << 32, "id__lt": load.number + 1 << 32}
    version = apps.get_model("gate", "EnvelopeVersion")
    for here in (PersonRecord.objects.filter(**within, subject__lt=load.hides_from),
                 version._default_manager.filter(**within, subject__gte=load.hides_from)):  # fmt: skip
        last = 0
        while rows := list(here.order_by("id").filter(id__gt=last).values_list("id", "subject")[:_AT_ONCE]):
            last = rows[-1][0]
            yield sorted({subject for _record, subject in rows})


def put_in_force(subjects: Sequence[int], last_load: int) -> None:
    """Let the believed word of each field be what is opened, found and counted, and the latest one be lived by.

    At most 20,000 people. Where one source alone says something of a person, its last word is in force as it is.
    """
    _follow(_put(subjects, last_load))


def _put(subjects: Sequence[int], last_load: int) -> list[int]:
    """The same without what they are found and counted by; returns those for whom that has to follow."""
    said = _said(subjects, last_load)
    in_force = {subject: said.now[subject].record for subject in said.many}
    made = person_believed.composed(said.many, last_load, in_force) if said.many else {}
    if said.alone:
        made |= person_believed.completed(said.alone)
    with transaction.atomic():
        changed = _put_envelopes(said)
        if made:
            _keep_first(sorted(made), said.first)
            person_believed.put(made)
        _put_homes([subject for subject in subjects if subject not in said.alone], said.now)
    return [*changed, *made]


def _follow(subjects: Sequence[int]) -> None:
    if subjects:
        gate.follow_versions(by=SYSTEM, at=clock.now(), subjects=sorted(set(subjects)))


def _said(subjects: Sequence[int], last_load: int) -> _Said:
    """Of each person the word that is true since the latest day, of several the one that was known last."""
    rows = bulk.rows_with(PersonRecord, "subject, id, valid_from, dwelling_id, closed_by, source_id",
                          "subject", subjects, "NOT is_gone ORDER BY id")  # fmt: skip
    now: dict[int, _Word] = {}
    first: dict[int, int] = {}
    sources: dict[int, int] = {}
    many: set[int] = set()
    alone: dict[int, int] = {}
    files: set[int] = set()
    own = Source.objects.filter(name=CORRECTIONS).values_list("id", flat=True).first()
    for subject, record, since, dwelling, closed_by, source in rows:
        first.setdefault(subject, record)
        if source != own:
            files.add(subject)
        if closed_by > last_load and record < last_load + 1 << 32:
            if sources.setdefault(subject, source) != source:
                many.add(subject)
            held = now.get(subject)
            if source == own:
                alone[subject] = record
            elif held is None or since >= held.since:
                now[subject] = _Word(since, record, dwelling)
    return _Said(now, first, many, {subject: alone[subject] for subject in alone.keys() - files})


def _put_envelopes(said: _Said) -> list[int]:
    """Put the versions of these records in force, where they are not; return all of whom one is a version."""
    version = apps.get_model("gate", "EnvelopeVersion")
    records = [word.record for word in said.now.values()]
    fresh = dict(bulk.rows_with(version, "subject, id", "id", records))
    subjects = sorted(fresh)
    _keep_first(subjects, said.first)
    bulk.overwrite(apps.get_model("gate", "Envelope"), ("sealed", "field_set", "key_id"), version, "subject",
                   list(fresh.values()))  # fmt: skip
    return subjects


def _keep_first(subjects: Sequence[int], first: dict[int, int]) -> None:
    """Keep what was said first of these people, which is in force and nowhere else, as a version.

    Whoever came with the city and not with a file has no record: the version's number is then that of the person, below
    zero.
    """
    envelope, version = apps.get_model("gate", "Envelope"), apps.get_model("gate", "EnvelopeVersion")
    numbers = _numbers_of_first(subjects, first)
    kept = {number for number, in bulk.rows_with(version, "id", "id", list(numbers.values()))}
    alone = [subject for subject in subjects if numbers[subject] not in kept]
    rows = bulk.rows_with(envelope, "subject, sealed, field_set, key_id", "subject", alone)
    if rows:
        held, sealed, field_sets, keys = zip(*rows, strict=True)
        bulk.write(version, {
            "id": np.array([numbers[subject] for subject in held], np.int64), "subject": np.array(held, np.int64),
            "sealed": sealed, "field_set": np.array(field_sets, np.int16), "key_id": np.array(keys, np.int16),
        })  # fmt: skip


def _numbers_of_first(subjects: Sequence[int], first: dict[int, int]) -> dict[int, int]:
    """Under which number the first version of each person belongs."""
    loads = Load.objects.filter(number__in={first[subject] >> 32 for subject in subjects})
    begun = dict(loads.values_list("number", "hides_from"))
    return {subject: first[subject] if begun[first[subject] >> 32] <= subject else -subject for subject in subjects}


def _put_homes(subjects: Sequence[int], words: dict[int, _Word]) -> None:
    """Let people live where the word in force says; whom no source has any more lives nowhere."""
    lived = dict(bulk.rows_with(Resident, "subject, dwelling_id", "subject", subjects))
    moved = {subject: word.dwelling for subject, word in words.items() if lived.get(subject) != word.dwelling}
    gone = [subject for subject in subjects if subject in lived and subject not in words]
    if moved or gone:
        Resident.objects.filter(subject__in=[*moved, *gone]).delete()
        homes = np.array(sorted(moved.items()), np.int64).reshape(-1, 2)
        bulk.write(Resident, {"subject": homes[:, 0], "dwelling_id": homes[:, 1]})
