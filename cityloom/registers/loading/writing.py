"""The second reading of a file: records and rows set aside, in small transactions that nobody sees before the last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import msgspec
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
from cityloom.registers.loading.reading import MOST, checked, some
from cityloom.registers.loading.survey import Survey
from cityloom.registers.models import OPEN, RECORDS, Load

_KEYS_AT_ONCE = 5_000
_PACKETS_AT_ONCE = 10_000
_PARTY = "party"
_encode = msgspec.json.Encoder().encode
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
    columns: dict[str, Any]
    packets: Future[_Packets]


@dataclass
class _Packets:
    """What rows tell about people, sealed: the places of the rows that tell something, ids, and sealed parts."""

    places: list[int]
    ids: list[int]
    sealed: list[bytes]

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
        self._personal = [column.field.name for column in mapping.columns if column.field.personal]
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
            for rows, found in checked(table, self._checks, after=self._load.rows_done, key=self._key,
                                       at_once=MOST if self._is_first else BATCH,
                                       doubtful=self._found.doubtful_on(self._load.as_of)):  # fmt: skip
                following = self._prepared(rows, found, keeper)
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

    def _prepared(self, rows: Rows, found: Checked, keeper: Executor) -> _Waiting:
        said = digests(found.values, found.count, self._key) if found.said is None else found.said
        part = self._compared(found, said)
        packets = keeper.submit(self._sealed, found, part.places)
        return _Waiting(rows, found, part, self._columns(rows, found, said, part.places), packets)

    def _write(self, batch: _Waiting, tell: Callable[[int], None]) -> None:
        packets = batch.packets.result()
        if hasattr(self._table, "packet"):
            batch.columns["packet"] = packets.among(len(batch.part.places))
        with transaction.atomic():
            if batch.part.places:
                bulk.write(self._table, batch.columns)
            self._close(batch.part.closed)
            self._keep(packets)
            set_aside(self._load, self._mapping, batch.rows, batch.found)
            self._count(batch.part, len(batch.found.faults), batch.rows.numbers[-1])
        tell(min(self._load.rows_done, self._found.rows))

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

    def _columns(self, batch: Rows, checked: Checked, said: list[int], places: list[int]) -> dict[str, Any]:
        """The columns of the records; what no column of the file becomes is empty."""
        count, start, numbers = len(places), self._load.number << 32, np.array(batch.numbers, np.int64)
        columns: dict[str, Any] = {
            "id": start | numbers[places], "source_id": np.full(count, self._load.source_id, np.int16),
            "key": some(checked.values[self._mapping.register.key], places),
            "closed_by": np.full(count, OPEN, np.int32), "valid_from": self._since(checked, places),
            "is_gone": np.zeros(count, np.bool_), "digest": some(said, places),
        }  # fmt: skip
        for field in self._mapping.register.fields:
            if field.personal or field.name == self._mapping.register.key:
                continue
            values = checked.values.get(field.name)
            empty = None if self._table._meta.get_field(field.name).null else ""
            columns[field.name] = [empty] * count if values is None else some(values, places)
        return columns | whereabouts.columns_for(self._table, self._mapping.register.name, columns)

    def _since(self, checked: Checked, places: list[int]) -> list[str]:
        as_of = self._load.as_of.isoformat()
        if not self._mapping.valid_from:
            return [as_of] * len(places)
        return [day or as_of for day in some(checked.values[self._mapping.valid_from], places)]

    def _sealed(self, checked: Checked, places: list[int]) -> _Packets:
        """What rows tell about people, in a packet each."""
        names, out = self._personal, _Packets([], [], [])
        rows = zip(*(some(checked.values[name], places) for name in names), strict=True)
        parts = []
        for place, row in enumerate(rows):
            if any(row):
                out.places.append(place)
                parts.append(_encode({name: value for name, value in zip(names, row, strict=True) if value}))
        for first in range(0, len(parts), _PACKETS_AT_ONCE):
            ids, sealed = gate.seal_parts(by=SYSTEM, at=clock.now(), purpose=PURPOSE, name=_PARTY,
                                          parts=parts[first : first + _PACKETS_AT_ONCE])  # fmt: skip
            out.ids += ids
            out.sealed += sealed
        return out

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
