"""What sources say differently of people, and whose word is in force: compared inside the keeper, shown to nobody.

What leaves the keeper are numbers that tell whether two versions of one person say the same of a field. The city
learns that two sources disagree, and chooses by its rules which version each field is taken from.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from django.apps import apps
from numpy.typing import NDArray

from cityloom.bus import actions as bus
from cityloom.gate import actions as gate
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import bulk
from cityloom.registers.domain import sealed_words, survivorship
from cityloom.registers.domain.facts import Fact, Noted, Origin
from cityloom.registers.domain.mapping import CORRECTIONS
from cityloom.registers.domain.sealed_words import NOBODY, Words
from cityloom.registers.domain.survivorship import PEOPLE, SEALED_FIELDS
from cityloom.registers.events import RecordsDisagree
from cityloom.registers.models import Disagreement, PersonRecord, Source
from cityloom.registers.trust import disagreements, rules
from cityloom.registers.trust.disagreements import When

FIELDS = (*SEALED_FIELDS, "dwelling")
"""What is compared between sources; the dwelling lies in clear."""
_AT_ONCE = 500
_MOST_SOURCES = 64
Row = tuple[int, int, int, Any, int]
"""Of a record person, source, number, since when, and dwelling."""
_COLUMNS = "subject, source_id, id, valid_from, dwelling_id"


@dataclass(frozen=True)
class _Told:
    """Words, and what is sealed of each, by record."""

    words: Words
    kept: Mapping[int, bytes]


def words_of(subjects: Collection[int], last_load: int) -> Words:
    """The last words of those of whom several sources say something now, with what the keeper tells of them."""
    return _last_words(subjects, last_load).words


def _last_words(subjects: Collection[int], last_load: int) -> _Told:
    """Of a source that knows somebody under two numbers the last word counts."""
    said = "closed_by > %s AND NOT is_gone AND id < %s ORDER BY id"
    last: dict[tuple[int, int], Row] = {}
    for row in bulk.rows_with(PersonRecord, _COLUMNS, "subject", sorted(subjects), said,
                              [last_load, last_load + 1 << 32]):  # fmt: skip
        last[row[0], row[1]] = row
    sources = Counter(subject for subject, _source in last)
    told = _told([row for row in last.values() if 1 < sources[row[0]] <= _MOST_SOURCES])
    return _Told(told.words.several(), told.kept)


def _told(rows: list[Row]) -> _Told:
    """What the keeper tells of records whose envelopes are there."""
    kept = gate_queries.kept_versions({row[2]: row[0] for row in rows})
    rows = sorted(row for row in rows if row[2] in kept)
    versions = [(row[0], kept[row[2]]) for row in rows]
    told = gate.said_digests(by=SYSTEM, at=clock.now(), versions=versions) if rows else _NOTHING_TOLD
    subject, source, record, since, dwelling = zip(*rows, strict=True) if rows else ((),) * 5
    numbers = (np.array(column, np.int64) for column in (subject, source, record))
    days = np.array(since, "datetime64[D]").astype(np.int64)
    says = dict(zip(gate.DIGESTED, told.T, strict=True)) | {"dwelling": np.array(dwelling, np.int64)}
    return _Told(Words(*numbers, days, says), kept)


_NOTHING_TOLD = np.zeros((0, len(gate.DIGESTED)), np.int64)


# Whose word is in force.


def composed(subjects: Collection[int], last_load: int, in_force: Mapping[int, int]) -> dict[int, bytes]:
    """By person the envelope whose fields are those of the believed sources, where no version alone is that.

    `in_force` is by person the record whose version is in force.
    """
    told = _last_words(subjects, last_load)
    words = told.words
    if not len(words):
        return {}
    choice = _chosen(words, last_load)
    wanted = np.fromiter((in_force.get(subject, 0) for subject in words.subject.tolist()), np.int64, len(words))
    base = np.full(len(words.starts), NOBODY, np.int64)
    here = np.flatnonzero(words.record == wanted)
    base[words.person[here]] = here
    differs = np.zeros(len(base), np.bool_)
    for name, place in choice.items():
        both = np.flatnonzero((base != NOBODY) & (place != NOBODY))
        differs[both] |= ~sealed_words.are_same(words, name, base[both], place[both])
    taken = {name: np.where(place == NOBODY, base, place) for name, place in choice.items()}
    return _sealed(told, taken, np.flatnonzero(differs)) if differs.any() else {}


def _sealed(told: _Told, taken: Mapping[str, NDArray[np.int64]], people: NDArray[np.int64]) -> dict[int, bytes]:
    """What the keeper makes of words of some people: by field which word is taken."""
    words = told.words
    starts = words.starts[people]
    ends = np.append(words.starts, len(words))[people + 1]
    places = [taken[name][people] - starts for name in gate.COMPOSED]
    records = words.record.tolist()
    versions = [[told.kept[record] for record in records[start:end]]
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]  # fmt: skip
    subjects = words.subject[starts].tolist()
    made = gate.compose_versions(by=SYSTEM, at=clock.now(), subjects=subjects, versions=versions,
                                 choices=np.stack(places, axis=1))  # fmt: skip
    return _living(subjects, made)


def _living(subjects: Collection[int], made: gate.Versions) -> dict[int, bytes]:
    return {subject: envelope.tobytes() for subject, envelope, lives in
            zip(subjects, made.envelopes, made.alive.tolist(), strict=True) if lives}  # fmt: skip


def _chosen(words: Words, last_load: int) -> dict[str, NDArray[np.int64]]:
    """By field for each person the place of the word that is believed; a steward's decisions and corrections count."""
    held, names = rules.in_force(), dict(Source.objects.values_list("id", "name"))
    choice = sealed_words.chosen(words, held, names)
    people = words.subject[words.starts]
    settled = _settled(people.tolist())
    own = next((number for number, name in names.items() if name == CORRECTIONS), None)
    corrected = set(words.subject[words.source == own].tolist()) if own is not None else set()
    earlier = _earlier(corrected, set(words.record.tolist()), last_load)
    place_of = {record: place for place, record in enumerate(words.record.tolist())}
    for person in np.flatnonzero(np.isin(people, [*settled, *corrected])).tolist():
        subject = int(people[person])
        facts = [*_facts(words, names, subject, is_current=True), *_facts(earlier, names, subject, is_current=False)]
        facts.sort(key=lambda fact: fact.record, reverse=True)
        found = survivorship.chosen(held, facts, settled.get(subject, {}))
        for name in SEALED_FIELDS:
            choice[name][person] = place_of[found[name]] if name in found else NOBODY
    return choice


def _earlier(corrected: set[int], last: set[int], last_load: int) -> Words:
    """What sources said before of people of whom a correction speaks: it stands while a source repeats itself."""
    rows = bulk.rows_with(PersonRecord, _COLUMNS, "subject", sorted(corrected), "NOT is_gone AND id < %s",
                          [last_load + 1 << 32])  # fmt: skip
    return _told([row for row in rows if row[2] not in last]).words


def _facts(words: Words, names: Mapping[int, str], subject: int, *, is_current: bool) -> Iterator[Fact]:
    """What words say of one person."""
    for at in np.flatnonzero(words.subject == subject).tolist():
        values = {name: int(words.says[name][at]) for name in SEALED_FIELDS if words.says[name][at]}
        record, since = int(words.record[at]), date.fromordinal(int(words.since[at]) + _EPOCH)
        origin = Origin(names.get(int(words.source[at]), ""), "", record >> 32, None)
        yield Fact(str(words.subject[at]), values, since, is_gone=False, is_current=is_current, is_sealed=True,
                   row=record & 0xFFFF_FFFF, origin=origin, record=record)  # fmt: skip


_EPOCH = date(1970, 1, 1).toordinal()


def _settled(subjects: Collection[int]) -> dict[int, dict[str, str]]:
    """By person and field the source that a steward found to be right."""
    names, found = dict(Source.objects.values_list("id", "name")), dict[int, dict[str, str]]()
    decided = Disagreement.objects.filter(register=PEOPLE, state=Disagreement.SETTLED)
    keys = [str(subject) for subject in subjects] if decided.exists() else []
    for first in range(0, len(keys), _AT_ONCE):
        rows = decided.filter(key__in=keys[first : first + _AT_ONCE])
        for key, name, right in rows.values_list("key", "field", "right"):
            found.setdefault(int(key), {})[name] = names.get(right, "")
    return found


def completed(alone: Mapping[int, int]) -> dict[int, bytes]:
    """By person of whom no file tells, what is in force with what a correction, by its record, says otherwise."""
    kept = gate_queries.kept_versions({record: subject for subject, record in alone.items()})
    first = gate_queries.kept_versions({-subject: subject for subject in alone})
    said = [subject for subject, record in alone.items() if record in kept and -subject in first]
    if not said:
        return {}
    told = gate.said_digests(by=SYSTEM, at=clock.now(), versions=[(one, kept[alone[one]]) for one in said])
    made = gate.compose_versions(by=SYSTEM, at=clock.now(), subjects=said, choices=told[:, : len(gate.COMPOSED)] != 0,
                                 versions=[[first[-one], kept[alone[one]]] for one in said])  # fmt: skip
    return _living(said, made)


def put(envelopes: Mapping[int, bytes]) -> None:
    """Let these envelopes be what is opened of people; the versions stay beside them."""
    bulk.change_bytes(apps.get_model("gate", "Envelope"), "sealed", envelopes)


# Where they disagree.


def found_among(subjects: Collection[int], last_load: int, compared: Counter[tuple[int, str]],
                differ: Counter[tuple[int, str]], source: int = 0) -> list[Noted]:  # fmt: skip
    """Where sources say different things of these people; counts, for one `source` with others, how often."""
    held, out = rules.in_force(), list[Noted]()
    words = words_of(subjects, last_load)
    names = [name for name in FIELDS if held.of(PEOPLE, name).compare]
    for one, other in words.pairs():
        for name in names:
            said = words.says[name]
            both = np.flatnonzero((said[one] != 0) & (said[other] != 0))
            apart = both[~sealed_words.are_same(words, name, one[both], other[both])]
            out += _noted(words, name, one[apart], other[apart])
            _count(compared, words.source, one[both], other[both], source, name)
            _count(differ, words.source, one[apart], other[apart], source, name)
    return out


def _count(
    counts: Counter[tuple[int, str]], sources: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64],
    source: int, name: str,
) -> None:  # fmt: skip
    """Count by the source that is not this one the pairs that this one is in."""
    pair = sources[one], sources[other]
    others = np.concatenate([pair[1][pair[0] == source], pair[0][pair[1] == source]])
    counts.update({(number, name): int((others == number).sum()) for number in np.unique(others).tolist()})


def _noted(words: Words, name: str, one: NDArray[np.int64], other: NDArray[np.int64]) -> Iterator[Noted]:
    columns = words.subject[one], *(each[side] for side in (one, other)
                                    for each in (words.source, words.record, words.says[name]))  # fmt: skip
    for subject, *told in zip(*(column.tolist() for column in columns), strict=True):
        source, record, says, other_source, other_record, other_says = told
        said = hashlib.sha256(repr((source, says, other_source, other_says)).encode()).digest()[:8]
        yield Noted(str(subject), name, source, record, other_source, other_record,
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
