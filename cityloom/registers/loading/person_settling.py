"""What follows from a load for people who were there before: what is said of them now, and where they live.

It can be cut short at any place and done again. Nothing is overwritten: what was in force is kept as a version first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.apps import apps
from django.db import transaction
from django.db.models import Min

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import bulk
from cityloom.registers.models import Load, PersonRecord, Resident

_AT_ONCE = 2_000


@dataclass(frozen=True)
class _Word:
    """The record that holds of a person now."""

    since: date
    record: int
    dwelling: int


def settle_all() -> None:
    """Finish what loads that are known have left undone."""
    for load in Load.objects.filter(state=Load.DONE, is_settled=False).order_by("number"):
        settle(load)


def settle(load: Load) -> None:
    """Let those who are new be found, and put in force what is new about the others."""
    gate.reveal_people(by=SYSTEM, at=clock.now())
    for subjects in _subjects(load):
        put_in_force(subjects, load.number)
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
    """Let the latest word of any source be what is opened, found, counted and lived by; at most 20,000 people."""
    words = _words(subjects, last_load)
    with transaction.atomic():
        changed = _put_envelopes(words)
        _put_homes(subjects, words)
    if changed:
        gate.follow_versions(by=SYSTEM, at=clock.now(), subjects=changed)


def _words(subjects: Sequence[int], last_load: int) -> dict[int, _Word]:
    """Of each person the word that is true since the latest day, of several the one that was known last."""
    rows = PersonRecord.still_said(last_load).filter(subject__in=subjects)
    found: dict[int, _Word] = {}
    for subject, *more in rows.values_list("subject", "valid_from", "id", "dwelling_id"):
        word = _Word(*more)
        held = found.get(subject)
        if held is None or (word.since, word.record) > (held.since, held.record):
            found[subject] = word
    return found


def _put_envelopes(words: dict[int, _Word]) -> list[int]:
    """Put the versions of these records in force, where they are not; return all of whom one is a version."""
    envelope, version = apps.get_model("gate", "Envelope"), apps.get_model("gate", "EnvelopeVersion")
    by_record = {word.record: subject for subject, word in words.items()}
    fresh = {row.subject: row for row in version._default_manager.filter(id__in=by_record)}
    _keep_first(sorted(fresh))
    envelope._default_manager.filter(subject__in=list(fresh)).delete()
    subjects = sorted(fresh)
    bulk.write(envelope, {"subject": np.array(subjects, np.int64), **_sealed([fresh[one] for one in subjects])})
    return subjects


def _keep_first(subjects: Sequence[int]) -> None:
    """Keep what was said first of these people, which is in force and nowhere else, as a version.

    Whoever came with the city and not with a file has no record: the version's number is then that of the person, below
    zero.
    """
    envelope, version = apps.get_model("gate", "Envelope"), apps.get_model("gate", "EnvelopeVersion")
    numbers = _numbers_of_first(subjects)
    kept = set(version._default_manager.filter(id__in=numbers.values()).values_list("id", flat=True))
    alone = [subject for subject in subjects if numbers[subject] not in kept]
    rows = list(envelope._default_manager.filter(subject__in=alone))
    held = np.array([row.subject for row in rows], np.int64)
    bulk.write(version, {"id": np.array([numbers[row.subject] for row in rows], np.int64), "subject": held,
                         **_sealed(rows)})  # fmt: skip


def _sealed(rows: Sequence[Any]) -> dict[str, Any]:
    """What envelopes hold, as columns."""
    return {"sealed": [bytes(row.sealed) for row in rows],
            "field_set": np.array([row.field_set for row in rows], np.int16),
            "key_id": np.array([row.key_id for row in rows], np.int16)}  # fmt: skip


def _numbers_of_first(subjects: Sequence[int]) -> dict[int, int]:
    """Under which number the first version of each person belongs."""
    said = PersonRecord.objects.filter(subject__in=subjects, is_gone=False).values_list("subject")
    first = dict(said.annotate(Min("id")))
    loads = Load.objects.filter(number__in={record >> 32 for record in first.values()})
    begun = dict(loads.values_list("number", "hides_from"))
    return {subject: first[subject] if begun[first[subject] >> 32] <= subject else -subject for subject in subjects}


def _put_homes(subjects: Sequence[int], words: dict[int, _Word]) -> None:
    """Let people live where the word in force says; whom no source has any more lives nowhere."""
    lived = dict(Resident.objects.filter(subject__in=subjects).values_list("subject", "dwelling_id"))
    moved = {subject: word.dwelling for subject, word in words.items() if lived.get(subject) != word.dwelling}
    gone = [subject for subject in subjects if subject in lived and subject not in words]
    Resident.objects.filter(subject__in=[*moved, *gone]).delete()
    homes = np.array(sorted(moved.items()), np.int64).reshape(-1, 2)
    bulk.write(Resident, {"subject": homes[:, 0], "dwelling_id": homes[:, 1]})
