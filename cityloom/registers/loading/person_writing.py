"""The second reading of a file about people: sealed as they come, seen by nobody before the file is known.

People who are new to the register are sealed into new slots, hidden. What is new about people who are there is sealed
under the keys that they have, and kept beside what is said of them now (`person_settling` puts it in force).
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from django.apps import apps
from django.db import models, transaction
from django.utils.crypto import salted_hmac
from numpy.typing import NDArray

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.texts import packed
from cityloom.registers import bulk
from cityloom.registers.domain.checks import Checked, Checks, Values, digests
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.reviewing import CERTAIN, REVIEW
from cityloom.registers.domain.tables import BATCH, Rows, Table
from cityloom.registers.domain.within import Within
from cityloom.registers.loading import person_book
from cityloom.registers.loading.homes import Homes
from cityloom.registers.loading.person_matching import Found, Match, Matcher, note
from cityloom.registers.loading.person_within import note_within
from cityloom.registers.loading.reading import MOST, ahead, checked, some
from cityloom.registers.loading.sealable import to_seal
from cityloom.registers.loading.survey import Survey
from cityloom.registers.models import NOBODY, OPEN, Load, PersonRecord, Resident, SetAside

Ints = NDArray[np.int64]
_WORKERS = 2
_KEYS_AT_ONCE = 5_000
_GONE_FROM = 1 << 31
_LONGEST_KEY = 64
_IDENTITY = "identity number"
"""In the place of a source's name, which has no spaces: the number that every source means alike."""
_EMPTY = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Known:
    """What a source said last of some keys: by token its record, digest, subject, and whether it was gone."""

    record: int
    digest: int
    subject: int
    is_gone: bool


@dataclass(frozen=True)
class _People:
    """Rows that are written: their numbers in the file and, as columns of equal length, what is kept in clear."""

    rows: Ints
    token: Ints
    digest: Ints
    identity: Ints
    dwelling: Ints
    since: list[str]
    sealed: gate.PeopleBatch

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class _Part:
    """A batch that is ready to be written, but for the ids of those who are new."""

    new: _People
    changed: _People
    subjects: Ints
    versions: gate.Versions | None
    closed: list[int]
    returned: int
    unchanged: int
    erased: int
    homeless: int
    linked: int
    found: list[Found]
    numbers: list[int]
    checked: Checked


class PersonWriter:
    """Writes one load of people."""

    def __init__(self, load: Load, mapping: FileMapping, header: Sequence[str], found: Survey) -> None:
        self._load, self._mapping, self._found = load, mapping, found
        self._checks = Checks(mapping, header, load.as_of, found.verdict)
        self._homes = Homes()
        self._key = bytes.fromhex(salted_hmac("cityloom.registers.row", "", algorithm="sha256").hexdigest())
        self._source = mapping.source
        self._waiting: deque[_Part] = deque()
        self._here: list[Ints] = []
        self._matcher: Matcher | None = None
        self._within = found.within or Within()
        self._leads: dict[int, int] = {}
        self._following: dict[int, tuple[_People, int]] = {}
        before = PersonRecord.objects.filter(id__lt=load.number << 32)
        self._is_first = not before.exists()
        self._is_first_of_source = self._is_first or not before.filter(source_id=load.source_id).exists()
        names = ("new", "changed", "unchanged", "gone", "set_aside", "erased", "no_dwelling", "linked", "to_review",
                 "not_compared", "twice", "not_compared_within", "not_asked")
        self._counts = dict.fromkeys(names, 0) | load.counts

    def write(self, table: Table, tell: Callable[[int], None]) -> None:
        """Write every row behind the last that is written, and at the end what is gone."""
        self._begin()
        with gate.sealing(by=SYSTEM, at=clock.now(), workers=_WORKERS, hidden=True) as sealer:
            for sealed in sealer.seal_all(self._batches(table, tell)):
                self._write_waiting()
                self._write(self._waiting.popleft(), sealed)
            self._write_waiting()
        self._write_following()
        if self._mapping.covers_everything and not self._load.returns:
            self._note_gone()
        self._load.rows = self._found.rows
        self._load.notes = [[name, rule, count] for (name, rule), count in sorted(self._found.notes.items())]
        self._load.save(update_fields=["rows", "notes"])
        if self._is_first:
            with transaction.atomic():
                bulk.add_indexes(PersonRecord)
                bulk.add_indexes(Resident)

    def commit(self) -> None:
        """Leave nothing to be done: what was written is known with the load."""

    def _begin(self) -> None:
        if self._load.hides_from == NOBODY:
            self._load.hides_from = person_book.highest_subject() + 1
            self._load.save(update_fields=["hides_from"])
        else:
            person_book.drop_orphans(self._load)
        if self._is_first:
            bulk.drop_indexes(PersonRecord)
            if not Resident.objects.filter(subject__lt=self._load.hides_from).exists():
                bulk.drop_indexes(Resident)

    def _batches(self, table: Table, tell: Callable[[int], None]) -> Iterator[gate.PeopleBatch]:
        """Those who are new, batch by batch; whatever else a batch holds waits for its turn."""
        for batch, found, tokens in ahead(self._keyed(table)):
            tell(min(batch.numbers[-1], self._found.rows))
            if self._mapping.covers_everything:
                self._here.append(tokens)
            self._set_apart(batch, found, tokens)
            if batch.numbers[-1] <= self._load.rows_done:
                continue
            part = self._compared(batch, found, tokens)
            if not len(part.new) and not self._waiting:
                self._write(part, None)
                continue
            self._waiting.append(part)
            if len(part.new):
                yield part.new.sealed

    def _keyed(self, table: Table) -> Generator[tuple[Rows, Checked, Ints], None, None]:
        """Rows, and what each key is kept as; of a file that is everything, or has somebody twice, all of them."""
        after = 0 if self._mapping.covers_everything or self._within.leader else self._load.rows_done
        at_once = MOST if self._is_first else BATCH
        doubtful = self._found.doubtful_on(self._load.as_of)
        for rows, found in checked(table, self._checks, after=after, key=self._key, at_once=at_once,
                                   doubtful=doubtful):  # fmt: skip
            yield rows, found, self._tokens(found.values[self._mapping.register.key])

    def _write_waiting(self) -> None:
        """Write the batches in front in which nobody is new."""
        while self._waiting and not len(self._waiting[0].new):
            self._write(self._waiting.popleft(), None)

    # What a batch says.

    def _tokens(self, keys: Values, source: str = "") -> Ints:
        """What each key is kept as; 0 where there is none."""
        if max(map(len, keys), default=0) > _LONGEST_KEY or "\0" in "".join(keys):
            keys = [key if len(key) <= _LONGEST_KEY and "\0" not in key else "" for key in keys]  # no good row's
        return self._tokens_of(packed(keys), source or self._source)

    def _tokens_of(self, rows: NDArray[np.uint8], source: str) -> Ints:
        tokens = np.zeros(len(rows), np.int64)
        there = np.flatnonzero(rows[:, 0])
        if len(there):
            some = rows if len(there) == len(rows) else rows[there]
            tokens[there] = gate.register_tokens(by=SYSTEM, at=clock.now(), source=source, keys=some)
        return tokens

    def _compared(self, batch: Rows, checked: Checked, tokens: Ints) -> _Part:
        """Who is new, and who is not as the source said before."""
        said = digests(checked.values, checked.count, self._key) if checked.said is None else checked.said
        done = self._load.rows_done
        good = [place for place in checked.good if batch.numbers[place] > done] if done else checked.good
        known = {} if self._is_first_of_source else self._known(tokens[good])
        new, changed = _sorted_out(good, known, tokens, said)
        following = [place for place in new if batch.numbers[place] in self._following] if self._following else []
        new = [place for place in new if batch.numbers[place] not in self._following] if following else new
        make = partial(self._people, batch, checked, tokens, said)
        people = make(new)
        if joined := self._joined(people):
            changed += [(new[at], before) for at, before in sorted(joined.items())]
            new = [place for at, place in enumerate(new) if at not in joined]
            people = make(new)
        matches, found = self._matched(people), []
        if matches:
            found = [Found(self._load.number << 32 | int(people.rows[one.place]), int(people.token[one.place]), one)
                     for one in matches]  # fmt: skip
            certain = {one.place: one.subject for one in matches if one.state == CERTAIN}
            changed += [(new[at], Known(0, 0, subject, is_gone=False)) for at, subject in sorted(certain.items())]
            people = make([place for at, place in enumerate(new) if at not in certain])
        again = make([place for place, _before in changed])
        subjects = np.array([before.subject for _place, before in changed], np.int64)
        versions = _versions(subjects, again)
        alive = versions.alive.tolist() if versions else []
        living = [before for (_place, before), lives in zip(changed, alive, strict=True) if lives]
        homeless = int((people.dwelling == 0).sum() + (again.dwelling == 0).sum())
        return _Part(
            people, again, subjects, versions, closed=[before.record for before in living if before.record],
            returned=sum(before.is_gone or not before.record for before in living),
            unchanged=len(good) - len(people) - len(changed) - len(following), erased=len(changed) - len(living),
            homeless=homeless, linked=sum(not before.record for before in living), found=found, numbers=batch.numbers,
            checked=replace(checked, values={}, said=None),
        )  # fmt: skip

    def _joined(self, people: _People) -> dict[int, Known]:
        """By place who of the new is somebody whom another file told of: the same number, and the same name."""
        if self._is_first or not people.identity.any():
            return {}
        held = self._subjects_of(people.identity)
        places = [at for at, token in enumerate(people.identity.tolist()) if len(held.get(token, ())) == 1]
        if not places:
            return {}
        subjects = [next(iter(held[int(people.identity[at])])) for at in places]
        sealed = gate.PeopleBatch(people.sealed.records[places], people.sealed.traits[places])
        same = gate.are_same(by=SYSTEM, at=clock.now(), subjects=subjects, people=sealed)
        return {at: Known(0, 0, subject, is_gone=False)
                for at, subject, is_same in zip(places, subjects, same.tolist(), strict=True) if is_same}  # fmt: skip

    def _matched(self, people: _People) -> list[Match]:
        """Who of the new may be somebody whom the register has under another number; nobody while it has nobody."""
        if self._is_first or not len(people):
            return []
        if self._matcher is None:
            self._matcher = Matcher(self._load.source_id, self._load.number)
        return self._matcher.matches(people.sealed)

    def _subjects_of(self, identities: Ints) -> dict[int, set[int]]:
        """By token of an identity number who has it in what any source says."""
        said = PersonRecord.still_said(self._load.number - 1)
        wanted, found = identities[identities != 0].tolist(), {}
        for first in range(0, len(wanted), _KEYS_AT_ONCE):
            rows = said.filter(identity__in=wanted[first : first + _KEYS_AT_ONCE])
            for token, subject in rows.values_list("identity", "subject"):
                found.setdefault(token, set()).add(subject)
        return found

    def _known(self, tokens: Ints) -> dict[int, Known]:
        rows = bulk.rows_with(
            PersonRecord, "key, id, digest, subject, is_gone", "key", tokens.tolist(),
            "source_id = %s AND closed_by = %s AND id < %s", [self._load.source_id, OPEN, self._load.number << 32],
        )  # fmt: skip
        return {token: Known(record, digest, subject, bool(is_gone))
                for token, record, digest, subject, is_gone in rows}  # fmt: skip

    def _people(self, batch: Rows, checked: Checked, tokens: Ints, said: list[int], places: list[int]) -> _People:
        values = {name: some(column, places) for name, column in checked.values.items()}
        dwelling = self._homes.find(values["dwelling"]) if "dwelling" in values else np.zeros(len(places), np.int64)
        as_of = self._load.as_of.isoformat()
        since = values.get(self._mapping.valid_from) or [as_of] * len(places)
        sealed = to_seal(values, len(places), self._load.as_of)
        return _People(
            np.array(some(batch.numbers, places), np.int64), tokens[places],
            np.array(some(said, places), np.int64),
            self._tokens_of(gate.people_column(sealed.records, "national_id")[:, None].view(np.uint8), _IDENTITY),
            dwelling,
            [day or as_of for day in since], sealed,
        )  # fmt: skip

    # Writing.

    def _write(self, part: _Part, sealed: gate.SealedBatch | None) -> None:
        """One batch in one transaction: nothing of it is seen before the load is known."""
        with transaction.atomic():
            if sealed is not None:
                self._write_records(part.new, sealed.subjects)
                bulk.write(Resident, {"subject": sealed.subjects, "dwelling_id": part.new.dwelling})
                _write_envelopes(apps.get_model("gate", "Envelope"), {"subject": sealed.subjects}, sealed)
            if part.versions is not None:
                self._write_changed(part.changed, part.subjects, part.versions)
            bulk.change(PersonRecord, "closed_by", self._load.number, part.closed)
            note(part.found, self._load.source_id, self._load.number)
            self._set_aside(part.numbers, part.checked)
            self._count(part)

    def _write_changed(self, people: _People, subjects: Ints, versions: gate.Versions) -> None:
        """Whoever was erased stays so: no word of a file brings that person back."""
        alive = np.flatnonzero(versions.alive)
        if not len(alive):
            return
        self._write_records(people, subjects, alive)
        record = self._load.number << 32 | people.rows[alive]
        living = gate.Versions(versions.envelopes[alive], versions.field_set, versions.key_id)
        _write_envelopes(apps.get_model("gate", "EnvelopeVersion"), {"id": record, "subject": subjects[alive]},
                         living)  # fmt: skip

    def _write_records(self, people: _People, subjects: Ints, at: Ints | slice = slice(None)) -> None:
        rows = people.rows[at]
        count = len(rows)
        since = people.since if isinstance(at, slice) else [people.since[place] for place in at.tolist()]
        bulk.write(PersonRecord, {
            "id": self._load.number << 32 | rows, "source_id": np.full(count, self._load.source_id, np.int16),
            "key": people.token[at], "closed_by": np.full(count, OPEN, np.int32), "valid_from": since,
            "is_gone": np.zeros(count, np.bool_), "digest": people.digest[at], "identity": people.identity[at],
            "subject": subjects[at],
            "dwelling_id": people.dwelling[at],
        })  # fmt: skip

    def _set_aside(self, numbers: list[int], checked: Checked) -> None:
        """Keep what is wrong, and the row in its file alone (decision 0021)."""
        load = self._load
        faults = {place: blamed for place, blamed in checked.faults.items() if numbers[place] > load.rows_done}
        if load.returns:
            good = [numbers[place] for place in checked.good]
            SetAside.objects.filter(load=load.returns, row__in=good).update(back_in=load.number)
            for place, blamed in faults.items():
                still = SetAside.objects.filter(load=load.returns, row=numbers[place])
                still.update(findings=[list(fault) for fault in blamed])
            return
        rows = np.array([numbers[place] for place in sorted(faults)], np.int64)
        bulk.write(SetAside, {
            "id": load.number << 32 | rows, "load": np.full(len(rows), load.number, np.int32),
            "source_id": np.full(len(rows), load.source_id, np.int16), "row": rows,
            "findings": [json.dumps(faults[place], ensure_ascii=False) for place in sorted(faults)],
        })  # fmt: skip

    def _count(self, part: _Part) -> None:
        changed = len(part.changed) - part.erased
        wrong = sum(part.numbers[place] > self._load.rows_done for place in part.checked.faults)
        for name, more in (("new", len(part.new) + part.returned), ("changed", changed - part.returned),
                           ("unchanged", part.unchanged), ("set_aside", wrong), ("erased", part.erased),
                           ("no_dwelling", part.homeless), ("linked", part.linked),
                           ("to_review", sum(one.match.state == REVIEW for one in part.found))):  # fmt: skip
            self._counts[name] += more
        if self._matcher:
            self._counts["not_compared"] = self._matcher.not_compared
        self._load.rows_done, self._load.counts = part.numbers[-1], self._counts
        self._load.save(update_fields=["rows_done", "counts"])

    # Who stands in the file twice.

    def _set_apart(self, batch: Rows, checked: Checked, tokens: Ints) -> None:
        """Keep new rows about somebody of an earlier row for the end, when it is known who that is."""
        if not self._within.leader:
            return
        self._leads |= {batch.numbers[place]: int(tokens[place]) for place in checked.good
                        if batch.numbers[place] in self._within.leading}  # fmt: skip
        places = [place for place in checked.good if batch.numbers[place] in self._within.leader]
        known = self._known(tokens[places]) if places and not self._is_first_of_source else {}
        places = [place for place in places if int(tokens[place]) not in known]
        if places:
            said = digests(checked.values, checked.count, self._key) if checked.said is None else checked.said
            people = self._people(batch, checked, tokens, said, places)
            self._following |= {int(row): (people, at) for at, row in enumerate(people.rows.tolist())}

    def _write_following(self) -> None:
        """Let rows about somebody of an earlier row be more that is said of that person."""
        start = self._load.number << 32
        rows = sorted(self._following)
        written = set(PersonRecord.objects.filter(id__in=[start | row for row in rows]).values_list("id", flat=True))
        rows = [row for row in rows if start | row not in written]
        for first in range(0, len(rows), _KEYS_AT_ONCE):
            self._follow(rows[first : first + _KEYS_AT_ONCE])
        self._note_within()

    def _follow(self, rows: list[int]) -> None:
        subjects = self._subjects_of_leaders({self._within.leader[row] for row in rows})
        people = _joint([self._following[row] for row in rows])
        told = np.array([subjects[self._within.leader[row]] for row in rows], np.int64)
        versions = gate.seal_versions(by=SYSTEM, at=clock.now(), subjects=told, people=people.sealed)
        with transaction.atomic():
            self._write_changed(people, told, versions)
            alive = int(versions.alive.sum())
            self._counts["twice"] += alive
            self._counts["erased"] += len(rows) - alive
            self._load.counts = self._counts
            self._load.save(update_fields=["counts"])

    def _subjects_of_leaders(self, leaders: set[int]) -> dict[int, int]:
        """By row who it is about: what this load wrote, or what the source had said before."""
        start = self._load.number << 32
        wrote = PersonRecord.objects.filter(id__in=[start | row for row in leaders]).values_list("id", "subject")
        found = {record & 0xFFFF_FFFF: subject for record, subject in wrote}
        known = self._known(np.array([self._leads[row] for row in leaders - found.keys()], np.int64))
        return found | {row: known[self._leads[row]].subject for row in leaders - found.keys()}

    def _note_within(self) -> None:
        """Keep the pairs, and count what was not compared or is not asked."""
        self._counts["not_compared_within"] = self._within.not_compared
        self._counts["not_asked"] = self._within.not_asked
        with transaction.atomic():
            self._counts["to_review"] += note_within(self._within, self._load, self._leads)
            self._load.counts = self._counts
            self._load.save(update_fields=["counts"])

    # What is gone.

    def _note_gone(self) -> None:
        """People whom the source had and its whole file has not: they get a record that says so."""
        before = PersonRecord.objects.filter(source_id=self._load.source_id, closed_by=OPEN, is_gone=False,
                                             id__lt=self._load.number << 32)  # fmt: skip
        here = np.unique(np.concatenate(self._here)) if self._here else _EMPTY
        rows: list[tuple[int, int, int]] = []
        for record, token, subject in before.values_list("id", "key", "subject").iterator(chunk_size=_KEYS_AT_ONCE):
            at = np.searchsorted(here, token)
            if at == len(here) or here[at] != token:
                rows.append((record, token, subject))
        for first in range(0, len(rows), _KEYS_AT_ONCE):
            self._write_gone(rows[first : first + _KEYS_AT_ONCE])

    def _write_gone(self, rows: list[tuple[int, int, int]]) -> None:
        start = (self._load.number << 32 | _GONE_FROM) + self._counts["gone"]
        gone = [
            PersonRecord(id=start + place, source_id=self._load.source_id, key=token, valid_from=self._load.as_of,
                         is_gone=True, digest=0, subject=subject)
            for place, (_record, token, subject) in enumerate(rows)
        ]  # fmt: skip
        with transaction.atomic():
            PersonRecord.objects.bulk_create(gone, batch_size=1_000)
            closed = PersonRecord.objects.filter(id__in=[record for record, _token, _subject in rows])
            closed.update(closed_by=self._load.number)
            self._counts["gone"] += len(rows)
            self._load.counts = self._counts
            self._load.save(update_fields=["counts"])


def _joint(some_of: list[tuple[_People, int]]) -> _People:
    """One person of each of several batches."""
    columns = {name: np.array([getattr(people, name)[at] for people, at in some_of], np.int64)
               for name in ("rows", "token", "digest", "identity", "dwelling")}  # fmt: skip
    sealed = gate.PeopleBatch(np.stack([people.sealed.records[at] for people, at in some_of]),
                              np.array([people.sealed.traits[at] for people, at in some_of], np.uint16))  # fmt: skip
    return _People(**columns, since=[people.since[at] for people, at in some_of], sealed=sealed)


def _sorted_out(
    good: list[int], known: dict[int, Known], tokens: Ints, said: list[int]
) -> tuple[list[int], list[tuple[int, Known]]]:  # fmt: skip
    """The places of who is new, and of who is not as before, with what was said then."""
    if not known:
        return good, []
    new, changed = [], []
    for place in good:
        before = known.get(int(tokens[place]))
        if before is None:
            new.append(place)
        elif before.is_gone or before.digest != said[place]:
            changed.append((place, before))
    return new, changed


def _versions(subjects: Ints, people: _People) -> gate.Versions | None:
    if not len(people):
        return None
    return gate.seal_versions(by=SYSTEM, at=clock.now(), subjects=subjects, people=people.sealed)


def _write_envelopes(
    table: type[models.Model], named: dict[str, Ints], sealed: gate.SealedBatch | gate.Versions
) -> None:  # fmt: skip
    same = np.ones(len(sealed.envelopes), np.int16)
    bulk.write(table, {
        **named, "sealed": sealed.envelopes, "field_set": same * sealed.field_set, "key_id": same * sealed.key_id,
    })  # fmt: skip
