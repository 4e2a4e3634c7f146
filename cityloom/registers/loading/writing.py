"""The second reading of a file: records and rows set aside, in small transactions that nobody sees before the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.apps import apps
from django.db import transaction
from django.utils.crypto import salted_hmac

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import bulk
from cityloom.registers.domain.checks import Checked, Checks, digests
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.tables import BATCH, Rows, Table
from cityloom.registers.loading import whereabouts
from cityloom.registers.loading.aside import set_aside
from cityloom.registers.loading.book import PURPOSE
from cityloom.registers.loading.reading import MOST, Batch, checked, is_shared, shared
from cityloom.registers.loading.recording import Made, Parts, Recording
from cityloom.registers.loading.survey import Survey
from cityloom.registers.models import OPEN, RECORDS, Load, Record

_KEYS_AT_ONCE = 5_000
_PACKETS_AT_ONCE = 10_000
_PARTY = "party"
_GONE_FROM = 1 << 31
"""Row numbers of records that say that an entry is gone; no file has as many rows."""


@dataclass
class _Part:
    """What of a batch is written: places of new and changed rows, and ids of the records that they follow."""

    places: list[int]
    closed: list[int]
    new: int
    changed: int
    unchanged: int


@dataclass
class _Waiting:
    """A batch that waits to be written while the keeper seals what it tells about people."""

    rows: Rows
    found: Checked
    part: _Part
    columns: dict[str, Any] | bytes
    last: int
    packets: Future[_Packets]


@dataclass
class _Packets:
    """What rows tell about people, sealed: the places of the rows that tell something, ids, and sealed parts."""

    places: list[int]
    ids: list[int] = field(default_factory=list)
    sealed: list[bytes] = field(default_factory=list)

    def among(self, count: int) -> list[int | None]:
        """The packet of each of so many rows."""
        out: list[int | None] = [None] * count
        for place, packet in zip(self.places, self.ids, strict=True):
            out[place] = packet
        return out


class Writer:
    """Writes one load."""

    def __init__(self, load: Load, mapping: FileMapping, header: Sequence[str], found: Survey) -> None:
        self._load, self._mapping = load, mapping
        self._table = RECORDS[mapping.register.name]
        self._checks = Checks(mapping, header, load.as_of, found.verdict)
        self._found = found
        self._recording = _recording(load, mapping, self._table)
        before = self._table._default_manager.filter(id__lt=load.number << 32)
        self._is_first_of_source = not before.filter(source_id=load.source_id).exists()
        self._is_first = not before.exists()
        self._key = bytes.fromhex(salted_hmac("cityloom.registers.row", "", algorithm="sha256").hexdigest())
        self._counts = {"new": 0, "changed": 0, "unchanged": 0, "gone": 0, "set_aside": 0} | load.counts

    def write(self, table: Table, tell: Callable[[int], None]) -> None:
        """Write every row behind the last that is written, and at the end what is gone."""
        if self._is_first:
            bulk.drop_indexes(self._table)
        with ThreadPoolExecutor(1) as keeper:  # the keeper seals one batch while the one before is written
            waiting: _Waiting | None = None
            for following in self._batches(table, keeper):
                if waiting:
                    self._write(waiting, tell)
                waiting = following
            if waiting:
                self._write(waiting, tell)
        if self._mapping.covers_everything and not self._load.returns:
            self._note_gone()
        self._load.rows = self._found.rows
        self._load.notes = [[name, rule, count] for (name, rule), count in sorted(self._found.notes.items())]
        self._load.save(update_fields=["rows", "notes"])
        if self._is_first:
            with transaction.atomic():
                bulk.add_indexes(self._table)

    def commit(self) -> None:
        """Nothing more: records are seen as soon as the book knows their load."""

    def _batches(self, table: Table, keeper: Executor) -> Iterator[_Waiting]:
        """The rows behind the last that is written; of a first file, made to records by those who read it."""
        how = {"after": self._load.rows_done, "key": self._key, "at_once": MOST if self._is_first else BATCH,
               "doubtful": self._found.doubtful_on(self._load.as_of)}  # fmt: skip
        is_simple = self._is_first_of_source and not self._load.returns and bulk.takes_databases()
        if is_simple and is_shared(table, self._checks, self._load.rows_done):
            yield from (self._taken(made, keeper) for made in shared(table, self._checks, self._recording, **how))
        else:
            yield from (self._prepared(batch, keeper) for batch in checked(table, self._checks, **how))

    def _taken(self, made: Made, keeper: Executor) -> _Waiting:
        part = _Part(list(range(made.count)), [], made.count, 0, 0)
        return _Waiting(*made.bad, part, made.records, made.last, keeper.submit(_sealed, made.parts))

    def _prepared(self, batch: Batch, keeper: Executor) -> _Waiting:
        rows, found = batch
        said = digests(found.values, found.count, self._key) if found.said is None else found.said
        part = self._compared(found, said)
        packets = keeper.submit(lambda: _sealed(self._recording.parts(found, part.places)))
        columns = self._recording.columns(rows, found, said, part.places) | self._shared(len(part.places))
        return _Waiting(rows, found, part, columns, rows.numbers[-1], packets)

    def _shared(self, count: int) -> dict[str, Any]:
        """What all records of a batch share."""
        return {"source_id": np.full(count, self._load.source_id, np.int16),
                "closed_by": np.full(count, OPEN, np.int32), "is_gone": np.zeros(count, np.bool_)}  # fmt: skip

    def _write(self, batch: _Waiting, tell: Callable[[int], None]) -> None:
        packets = batch.packets.result()
        ready = batch.columns if isinstance(batch.columns, bytes) else b""
        with bulk.beside(ready), transaction.atomic():
            if batch.part.places:
                self._put(batch, packets)
            self._close(batch.part.closed)
            self._keep(packets)
            set_aside(self._load, self._mapping, batch.rows, batch.found)
            self._count(batch.part, len(batch.found.faults), batch.last)
        tell(min(self._load.rows_done, self._found.rows))

    def _put(self, batch: _Waiting, packets: _Packets) -> None:
        count = len(batch.part.places)
        more = {"packet": packets.among(count)} if hasattr(self._table, "packet") else {}
        if isinstance(batch.columns, bytes):
            same = {name: int(values[0]) for name, values in self._shared(count).items()}
            bulk.take_over(self._table, same, more)
        else:
            bulk.write(self._table, batch.columns | more)

    def _compared(self, checked: Checked, said: list[int]) -> _Part:
        """Which good rows say something that the source has not said yet."""
        good = checked.good
        if self._is_first_of_source:
            return _Part(good, [], len(good), 0, 0)
        keys = checked.values[self._mapping.register.key]
        known = self._current([keys[place] for place in good])
        places, closed, new = [], [], 0
        for place in good:
            before = known.get(keys[place])
            if before is None or before[1] != said[place]:
                places.append(place)
                new += before is None or before[2]
                if before is not None:
                    closed.append(before[0])
        return _Part(places, closed, new, len(places) - new, len(good) - len(places))

    def _current(self, keys: list[str]) -> dict[str, tuple[int, int, bool]]:
        """By key: id, digest, and whether it is gone, of what the source said last."""
        rows = bulk.rows_with(
            self._table, "key, id, digest, is_gone", "key", keys, "source_id = %s AND closed_by = %s AND id < %s",
            [self._load.source_id, OPEN, self._load.number << 32],
        )  # fmt: skip
        return {key: (number, 0 if is_gone else digest, bool(is_gone)) for key, number, digest, is_gone in rows}

    def _keep(self, packets: _Packets) -> None:
        """Put the packets beside the records."""
        if packets.ids:
            part = apps.get_model("gate", "SealedPart")
            bulk.write(part, {"packet": packets.ids, "name": [_PARTY] * len(packets.ids), "sealed": packets.sealed})

    def _close(self, ids: list[int]) -> None:
        for first in range(0, len(ids), _KEYS_AT_ONCE):
            followed = self._table._default_manager.filter(id__in=ids[first : first + _KEYS_AT_ONCE])
            followed.update(closed_by=self._load.number)

    def _count(self, part: _Part, set_aside: int, last: int) -> None:
        for name, more in (("new", part.new), ("changed", part.changed), ("unchanged", part.unchanged),
                           ("set_aside", set_aside)):  # fmt: skip
            self._counts[name] += more
        self._load.rows_done, self._load.counts = last, self._counts
        self._load.save(update_fields=["rows_done", "counts"])

    def _note_gone(self) -> None:
        """Entries that the source had and its whole file has not: they get a record that says so."""
        before = self._table._default_manager.filter(source_id=self._load.source_id, closed_by=OPEN, is_gone=False,
                                                     id__lt=self._load.number << 32)  # fmt: skip
        here = np.unique(self._found.keys)
        rows: list[tuple[int, str]] = []
        for number, key in before.values_list("id", "key").iterator(chunk_size=_KEYS_AT_ONCE):
            at = np.searchsorted(here, hash(key))
            if at == len(here) or here[at] != hash(key):
                rows.append((number, key))
        for first in range(0, len(rows), _KEYS_AT_ONCE):
            self._write_gone(rows[first : first + _KEYS_AT_ONCE])

    def _write_gone(self, rows: list[tuple[int, str]]) -> None:
        start = (self._load.number << 32 | _GONE_FROM) + self._counts["gone"]
        gone = [
            self._table(id=start + place, source_id=self._load.source_id, key=key, valid_from=self._load.as_of,
                        is_gone=True, digest=0)
            for place, (_number, key) in enumerate(rows)
        ]  # fmt: skip
        with transaction.atomic():
            self._table._default_manager.bulk_create(gone, batch_size=1_000)
            self._close([number for number, _key in rows])
            self._counts["gone"] += len(rows)
            self._load.counts = self._counts
            self._load.save(update_fields=["counts"])


def _recording(load: Load, mapping: FileMapping, table: type[Record]) -> Recording:
    register = mapping.register
    names = [each.name for each in register.fields if not each.personal and each.name != register.key]
    empty = {name: None if table._meta.get_field(name).null else "" for name in names}
    personal = tuple(column.field.name for column in mapping.columns if column.field.personal)
    return Recording(load.number, register.key, empty, personal, load.as_of.isoformat(), mapping.valid_from,
                     whereabouts.following(table, register.name))  # fmt: skip


def _sealed(parts: Parts) -> _Packets:
    """What rows tell about people, in a packet each."""
    out, told = _Packets(parts.places.tolist()), parts.each()
    for first in range(0, len(told), _PACKETS_AT_ONCE):
        ids, sealed = gate.seal_parts(by=SYSTEM, at=clock.now(), purpose=PURPOSE, name=_PARTY,
                                      parts=told[first : first + _PACKETS_AT_ONCE])  # fmt: skip
        out.ids += ids
        out.sealed += sealed
    return out
