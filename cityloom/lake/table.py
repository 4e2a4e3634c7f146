"""One dataset's table: Delta on Parquet, written in bulk or in small batches, whole or not at all."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import TableNotFoundError
from deltalake.schema import PrimitiveType
from deltalake.transaction import AddAction, RemoveAction

from cityloom.kernel import clock
from cityloom.lake import parquet
from cityloom.lake.domain import partition
from cityloom.lake.domain.dataset import DAY, EVERYTHING, PLACE, THING, Column, Dataset, Span, added
from cityloom.lake.parquet import File

_DELTA = {
    "integer": "long", "number": "double", "text": "string", "instant": "timestamp", "flag": "boolean",
    "bytes": "binary",
}  # fmt: skip
_KIND = {delta: kind for kind, delta in _DELTA.items()}
_KEPT_FOR_HOURS = 7 * 24


class Table:
    """A dataset in a folder. One process writes at a time; whoever reads sees the last whole commit."""

    def __init__(self, root: Path, dataset: Dataset) -> None:
        dataset.check()
        self.dataset = dataset
        self.folder = root / dataset.name

    # --- writing

    def append(self, columns: Mapping[str, Any]) -> int:
        """Write facts, whole or not at all; return how many.

        `columns` has one array for each column of the dataset, all of one length: `thing` and `cell` int64, `at`
        int64 microseconds since 1970 UTC or datetime64, text and bytes as sequences. Whatever is left out is empty.
        Raises: Refused `lake.columns`, `lake.schema`.
        """
        table = parquet.arrow_of(self.dataset, columns)
        with self._writing():
            delta = self._made()
            files: list[File] = []
            try:
                for part, day, place in parquet.parts_of(table):
                    files.append(parquet.write(self.folder, self.dataset, part, day, place))
                if files:
                    self._commit(delta, [_add(one) for one in files])
            except BaseException:
                for one in files:
                    (self.folder / one.path).unlink(missing_ok=True)
                raise
        return table.num_rows

    def compact(self, smallest: int = 4) -> int:
        """Write each day and place that has at least so many files as one, in order; return how many files went.

        Readers of an older version keep their files until `vacuum`. What is larger than one file takes stays as it is.
        """
        gone = 0
        with self._writing():
            for files in self._by_partition().values():
                if len(files) >= smallest and sum(one.rows for one in files) <= parquet.MOST_A_FILE:
                    self._rewrite(files)
                    gone += len(files)
        return gone

    def vacuum(self, hours: int = _KEPT_FOR_HOURS) -> int:
        """Remove the files that no version of the last hours needs; return how many."""
        with self._writing():
            delta = self._open()
            if delta is None:
                return 0
            gone = delta.vacuum(retention_hours=hours, dry_run=False, enforce_retention_duration=False, full=True)
            delta.create_checkpoint()
            return len(gone)

    # --- what there is

    def files(self, span: Span = EVERYTHING) -> list[File]:
        """The files that may hold something of these days, this place and this thing."""
        delta, place = self._open(), partition.place_of(span.cell)
        found = _files(delta) if delta else iter(())
        return [one for one in found if span.holds(one.day, one.place, place) and _may_hold(one, span)]

    def version(self) -> int:
        """The number of the last commit; -1 where nothing has been written."""
        delta = self._open()
        return delta.version() if delta else -1

    def has_grown(self) -> bool:
        """Whether columns were added later, so that older files lack some."""
        return (self.folder / "_grown").exists()

    # --- inside

    def _open(self) -> DeltaTable | None:
        try:
            return DeltaTable(str(self.folder))
        except TableNotFoundError:
            return None

    def _made(self) -> DeltaTable:
        """The table, made or grown to the dataset's columns where it has to be."""
        delta = self._open()
        if delta is None:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            return DeltaTable.create(str(self.folder), schema=self._schema(), partition_by=[DAY, PLACE])
        new = added([(name, kind) for name, kind in _kinds(delta) if name not in (DAY, PLACE)], self.dataset)
        if new:
            (self.folder / "_grown").touch()
            delta.alter.add_columns([_field(one) for one in new])
        return delta

    def _schema(self) -> Schema:
        ours = [_field(one) for one in self.dataset.all_columns]
        return Schema([*ours, Field(DAY, PrimitiveType("date")), Field(PLACE, PrimitiveType("long"))])

    def _commit(self, delta: DeltaTable, actions: Sequence[AddAction | RemoveAction]) -> None:
        delta.create_write_transaction(
            actions=list(actions), mode="append", schema=delta.schema(), partition_by=[DAY, PLACE]
        )

    def _by_partition(self) -> dict[tuple[str, int], list[File]]:
        found: dict[tuple[str, int], list[File]] = {}
        for one in self.files():
            found.setdefault((one.day, one.place), []).append(one)
        return found

    def _rewrite(self, files: list[File]) -> None:
        delta = self._made()
        schema = pa.schema([(one.name, parquet.ARROW[one.kind]) for one in self.dataset.all_columns])
        parts = [pq.read_table(self.folder / one.path, schema=schema, partitioning=None) for one in files]
        new = [parquet.write(self.folder, self.dataset, part, day, place)
               for part, day, place in parquet.parts_of(pa.concat_tables(parts))]  # fmt: skip
        self._commit(delta, [_remove(one) for one in files] + [_add(one, changed=False) for one in new])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Be the only writer; another one waits."""
        self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder.parent / f".{self.dataset.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _files(delta: DeltaTable) -> Iterator[File]:
    adds = pa.table(delta.get_add_actions(flatten=True))
    for row in adds.to_pylist():
        bounds = {THING: row.get(f"min.{THING}")}, {THING: row.get(f"max.{THING}")}
        yield File(row["path"], str(row[f"partition.{DAY}"]), int(row[f"partition.{PLACE}"]), row["num_records"],
                   row["size_bytes"], *bounds)  # fmt: skip


def _may_hold(file: File, span: Span) -> bool:
    least, most = file.least.get(THING), file.most.get(THING)
    return span.thing is None or least is None or most is None or least <= span.thing <= most


def _kinds(delta: DeltaTable) -> list[tuple[str, str]]:
    return [(one.name, _KIND.get(getattr(one.type, "type", ""), "")) for one in delta.schema().fields]


def _field(column: Column) -> Field:
    return Field(column.name, PrimitiveType(_DELTA[column.kind]), nullable=True)


def _add(file: File, *, changed: bool = True) -> AddAction:
    stats = {"numRecords": file.rows, "minValues": file.least, "maxValues": file.most,
             "nullCount": dict.fromkeys(file.least, 0)}  # fmt: skip
    return AddAction(file.path, file.size, _values(file), _now_ms(), changed, json.dumps(stats))


def _remove(file: File) -> RemoveAction:
    return RemoveAction(file.path, False, _now_ms(), size=file.size, partition_values=_values(file))


def _now_ms() -> int:
    return int(clock.now().timestamp() * 1000)


def _values(file: File) -> dict[str, str]:
    return {DAY: file.day, PLACE: str(file.place)}
