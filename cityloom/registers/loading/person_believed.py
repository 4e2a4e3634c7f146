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
from cityloom.registers.domain.mapping import CORRECTIONS
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
    rows = [(subject, source, *word) for subject, sources in many.items() for source, word in sources.items()]
    return {subject: words for subject, words in _told(rows).items() if len(words) > 1} if rows else {}


def _told(rows: list[tuple[int, int, int, date, int]]) -> dict[int, list[Word]]:
    """What the keeper tells of records: person, source, number, since when, dwelling."""
    kept = gate_queries.kept_versions({row[2]: row[0] for row in rows})
    rows = [row for row in rows if row[2] in kept]
    digests = gate.said_digests(by=SYSTEM, at=clock.now(), versions=[(row[0], kept[row[2]]) for row in rows])
    found: dict[int, list[Word]] = {}
    for (subject, source, record, since, dwelling), told in zip(rows, digests.tolist(), strict=True):
        says = dict(zip(gate.DIGESTED, told, strict=True)) | {"dwelling": dwelling}
        found.setdefault(subject, []).append(Word(subject, record, source, since, says))
    return found


def _earlier(words: Mapping[int, list[Word]], last_load: int) -> dict[int, list[Word]]:
    """What sources said before of people of whom a correction speaks: it stands while a source repeats itself."""
    own = Source.objects.filter(name=CORRECTIONS).values_list("id", flat=True).first()
    last = {word.record for said in words.values() for word in said}
    corrected = [subject for subject, said in words.items() if own in [word.source for word in said]]
    rows = PersonRecord.objects.filter(subject__in=corrected, is_gone=False, id__lt=last_load + 1 << 32)
    told = [row for row in rows.values_list("subject", "source_id", "id", "valid_from", "dwelling_id")
            if row[2] not in last] if corrected else []  # fmt: skip
    return _told(told) if told else {}


# Whose word is in force.


def composed(subjects: Collection[int], last_load: int, in_force: Mapping[int, int]) -> dict[int, bytes]:
    """By person the envelope whose fields are those of the believed sources, where no version alone is that.

    `in_force` is by person the record whose version is in force.
    """
    words = words_of(subjects, last_load)
    if not words:
        return {}
    held, names, settled = rules.in_force(), dict(Source.objects.values_list("id", "name")), _settled(words)
    earlier = _earlier(words, last_load)
    wanted: dict[int, tuple[list[int], list[int]]] = {}
    for subject, said in words.items():
        choice = chosen(held, _facts(said, earlier.get(subject, []), names), settled.get(subject, {}))
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


def completed(alone: Mapping[int, int]) -> dict[int, bytes]:
    """By person of whom no file tells, what is in force with what a correction, by its record, says otherwise."""
    kept = gate_queries.kept_versions({record: subject for subject, record in alone.items()})
    first = gate_queries.kept_versions({-subject: subject for subject in alone})
    said = [subject for subject, record in alone.items() if record in kept and -subject in first]
    if not said:
        return {}
    told = gate.said_digests(by=SYSTEM, at=clock.now(), versions=[(one, kept[alone[one]]) for one in said])
    choices = (told[:, : len(gate.COMPOSED)] != 0).astype(int).tolist()
    made = gate.compose_versions(by=SYSTEM, at=clock.now(), subjects=said, choices=choices,
                                 versions=[[first[-one], kept[alone[one]]] for one in said])  # fmt: skip
    return {subject: envelope.tobytes() for subject, envelope, lives in
            zip(said, made.envelopes, made.alive.tolist(), strict=True) if lives}  # fmt: skip


def _facts(said: Collection[Word], earlier: Collection[Word], names: Mapping[int, str]) -> list[Fact]:
    """What is and was said of one person, the last first."""
    facts = [_fact(word, names, is_current=True) for word in said]
    facts += [_fact(word, names, is_current=False) for word in earlier]
    return sorted(facts, key=lambda fact: fact.record, reverse=True)


def _fact(word: Word, names: Mapping[int, str], *, is_current: bool) -> Fact:
    values = {name: word.says[name] for name in SEALED_FIELDS if word.says[name]}
    origin = Origin(names.get(word.source, ""), "", word.record >> 32, None)
    return Fact(str(word.subject), values, word.valid_from, is_gone=False, is_current=is_current, is_sealed=True,
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
