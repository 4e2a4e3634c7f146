"""What sources say differently of people, and whose word is in force: compared inside the keeper, shown to nobody.

What leaves the keeper are numbers that tell whether two versions of one person say the same of a field. The city
learns that two sources disagree, and chooses by its rules which version each field is taken from.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations

from django.apps import apps

from cityloom.bus import actions as bus
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers.domain.facts import Fact, Noted, Origin
from cityloom.registers.domain.survivorship import (
    PEOPLE,
    SEALED_FIELDS,
    chosen,
    is_same_sealed,
)
from cityloom.registers.events import RecordsDisagree
from cityloom.registers.models import Disagreement, PersonRecord, Source
from cityloom.registers.trust import disagreements, rules
from cityloom.registers.trust.disagreements import When

FIELDS = (*SEALED_FIELDS, "dwelling")
"""What is compared between sources; the dwelling lies in clear."""
_AT_ONCE = 500
_MOST_SOURCES = 64


@dataclass(frozen=True)
class Word:
    """What a source says of a person last; `says` are the keeper's numbers by field, and the dwelling."""

    subject: int
    record: int
    source: int
    valid_from: date
    says: Mapping[str, int]


def words_of(subjects: Collection[int], last_load: int) -> dict[int, list[Word]]:
    """By person of whom several sources say something now their last words, with what the keeper tells of them."""
    last: dict[int, dict[int, tuple[int, date, int]]] = {}
    wanted = sorted(subjects)
    for first in range(0, len(wanted), _AT_ONCE):
        said = PersonRecord.still_said(last_load).filter(subject__in=wanted[first : first + _AT_ONCE]).order_by("id")
        for subject, source, *more in said.values_list("subject", "source_id", "id", "valid_from", "dwelling_id"):
            last.setdefault(subject, {})[source] = (more[0], more[1], more[2])
    many = {subject: sources for subject, sources in last.items() if 1 < len(sources) <= _MOST_SOURCES}
    return _told(many) if many else {}


def _told(many: Mapping[int, Mapping[int, tuple[int, date, int]]]) -> dict[int, list[Word]]:
    rows = [(subject, source, *word) for subject, sources in many.items() for source, word in sources.items()]
    kept = gate_queries.kept_versions({row[2]: row[0] for row in rows})
    rows = [row for row in rows if row[2] in kept]
    digests = gate.said_digests(by=SYSTEM, at=clock.now(), versions=[(row[0], kept[row[2]]) for row in rows])
    found: dict[int, list[Word]] = {}
    for (subject, source, record, since, dwelling), told in zip(rows, digests.tolist(), strict=True):
        says = dict(zip(gate.DIGESTED, told, strict=True)) | {"dwelling": dwelling}
        found.setdefault(subject, []).append(Word(subject, record, source, since, says))
    return {subject: words for subject, words in found.items() if len(words) > 1}


# Whose word is in force.


def composed(subjects: Collection[int], last_load: int, in_force: Mapping[int, int]) -> dict[int, bytes]:
    """By person the envelope whose fields are those of the believed sources, where no version alone is that.

    `in_force` is by person the record whose version is in force.
    """
    words = words_of(subjects, last_load)
    if not words:
        return {}
    held, names, settled = rules.in_force(), dict(Source.objects.values_list("id", "name")), _settled(words)
    wanted: dict[int, tuple[list[int], list[int]]] = {}
    for subject, said in words.items():
        choice = chosen(held, [_fact(word, names) for word in said], settled.get(subject, {}))
        base, by_record = in_force.get(subject, said[0].record), {word.record: word for word in said}
        if base in by_record and any(not is_same_sealed(name, by_record[base].says, by_record[record].says)
                                     for name, record in choice.items()):  # fmt: skip
            records = list(by_record)
            wanted[subject] = records, [records.index(choice.get(name, base)) for name in gate.COMPOSED]
    return _sealed(wanted) if wanted else {}


def _sealed(wanted: Mapping[int, tuple[list[int], list[int]]]) -> dict[int, bytes]:
    kept = gate_queries.kept_versions({record: subject for subject, (records, _at) in wanted.items()
                                       for record in records})  # fmt: skip
    subjects = list(wanted)
    versions = gate.compose_versions(by=SYSTEM, at=clock.now(), subjects=subjects,
                                     versions=[[kept[record] for record in wanted[one][0]] for one in subjects],
                                     choices=[wanted[one][1] for one in subjects])  # fmt: skip
    return {subject: envelope.tobytes() for subject, envelope, lives in
            zip(subjects, versions.envelopes, versions.alive.tolist(), strict=True) if lives}  # fmt: skip


def put(envelopes: Mapping[int, bytes]) -> None:
    """Let these envelopes be what is opened of people; the versions stay beside them."""
    table = apps.get_model("gate", "Envelope")
    rows = list(table._default_manager.filter(subject__in=list(envelopes)))
    for row in rows:
        row.sealed = envelopes[row.subject]
    table._default_manager.bulk_update(rows, ["sealed"], batch_size=_AT_ONCE)


def _fact(word: Word, names: Mapping[int, str]) -> Fact:
    values = {name: word.says[name] for name in SEALED_FIELDS if word.says[name]}
    origin = Origin(names.get(word.source, ""), "", word.record >> 32, None)
    return Fact(str(word.subject), values, word.valid_from, is_gone=False, is_current=True, is_sealed=True,
                row=word.record & 0xFFFF_FFFF, origin=origin, record=word.record)  # fmt: skip


def _settled(subjects: Collection[int]) -> dict[int, dict[str, str]]:
    """By person and field the source that a steward found to be right."""
    names, found = dict(Source.objects.values_list("id", "name")), dict[int, dict[str, str]]()
    keys = [str(subject) for subject in subjects]
    for first in range(0, len(keys), _AT_ONCE):
        rows = Disagreement.objects.filter(key__in=keys[first : first + _AT_ONCE], register=PEOPLE,
                                           state=Disagreement.SETTLED)  # fmt: skip
        for key, name, right in rows.values_list("key", "field", "right"):
            found.setdefault(int(key), {})[name] = names.get(right, "")
    return found


# Where they disagree.


def found_among(subjects: Collection[int], last_load: int, compared: Counter[tuple[int, str]],
                differ: Counter[tuple[int, str]], source: int = 0) -> list[Noted]:  # fmt: skip
    """Where sources say different things of these people; counts, for one `source` with others, how often."""
    held, out = rules.in_force(), []
    for words in words_of(subjects, last_load).values():
        for one, other in combinations(sorted(words, key=lambda word: word.source), 2):
            both = [name for name in FIELDS if one.says[name] and other.says[name] and held.of(PEOPLE, name).compare]
            apart = [name for name in both if not _is_same(name, one, other)]
            out += [_noted(name, one, other) for name in apart]
            if source in (one.source, other.source):
                others = one.source if other.source == source else other.source
                compared.update((others, name) for name in both)
                differ.update((others, name) for name in apart)
    return out


def _is_same(name: str, one: Word, other: Word) -> bool:
    return one.says[name] == other.says[name] if name == "dwelling" else is_same_sealed(name, one.says, other.says)


def _noted(name: str, one: Word, other: Word) -> Noted:
    said = hashlib.sha256(repr((one.source, one.says[name], other.source, other.says[name])).encode()).digest()[:8]
    return Noted(str(one.subject), name, one.source, one.record, other.source, other.record,
                 int.from_bytes(said, "big", signed=True))  # fmt: skip


def touched(low: int, high: int) -> list[int]:
    """The people of whom records of a range say something."""
    rows = PersonRecord.objects.filter(id__gte=low, id__lt=high)
    return sorted(set(rows.values_list("subject", flat=True)))


def known(subjects: Collection[int]) -> list[Disagreement]:
    """What is noted of these people between whatever sources."""
    if not Disagreement.objects.filter(register=PEOPLE).exists():
        return []
    return disagreements.known_for(PEOPLE, [str(subject) for subject in subjects], FIELDS)


def compare_again(subjects: Collection[int], last_load: int, *, by: str, at: datetime, reason: str = "") -> None:
    """Compare what is said of people who were joined or parted, and publish how many disagreements are news."""
    found = found_among(subjects, last_load, Counter(), Counter())
    news = disagreements.note(PEOPLE, found, known(subjects), When(0, at, by, reason))
    if news:
        bus.publish(RecordsDisagree(0, PEOPLE, "", news.total(), dict(sorted(news.items())), at), at=at)
