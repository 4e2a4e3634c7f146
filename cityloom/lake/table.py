"""One dataset's table: Delta on Parquet, written in bulk or in small batches, whole or not at all."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import DeltaTable, Field, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError
from deltalake.schema import PrimitiveType

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.lake import log, parquet
from cityloom.lake.domain import compaction, partition
from cityloom.lake.domain.dataset import DAY, EVERYTHING, PLACE, THING, Dataset, Span, added
from cityloom.lake.parquet import File

_DELTA = {
    "integer": "long", "number": "double", "text": "string", "instant": "timestamp", "flag": "boolean",
    "bytes": "binary",
}  # fmt: skip
_KIND = {delta: kind for kind, delta in _DELTA.items()}
_KEPT_FOR_HOURS = 7 * 24
_MOST_TRIES = 100
_CHECKPOINT_EVERY = 50
_AGES = {"day": 1, "month": 31, "year": 366}


@dataclass(frozen=True)
class Once:
    """Who writes, and how far it has come: what that writer has committed up to this number is not committed again."""

    who: str
    number: int


@dataclass(frozen=True)
class Condition:
    """How a table is: versions, rows, bytes and files of its last version, and how many of those are small."""

    version: int
    changed_at: datetime | None
    rows: int
    bytes: int
    files: int
    small_files: int
    first_day: str
    last_day: str
    compacted_at: datetime | None


class Table:
    """A dataset in a folder. Whoever reads sees the last whole commit; writers take turns by trying again."""

    def __init__(self, root: Path, dataset: Dataset) -> None:
        dataset.check()
        self.dataset = dataset
        self.folder = root / dataset.name

    # --- writing

    def append(self, columns: Mapping[str, Any], once: Once | None = None) -> int:
        """Write facts, whole or not at all; return how many, 0 where `once` says that they are there already.

        `columns` has one array for each column of the dataset, all of one length: `thing` and `cell` int64, `at`
        int64 microseconds since 1970 UTC or datetime64, text and bytes as sequences. Whatever is left out is empty.
        Raises: Refused `lake.columns`, `lake.schema`, `lake.disk_full`.
        """
        table = parquet.arrow_of(self.dataset, columns)
        if once and self.written_up_to(once.who) >= once.number:
            return 0
        files = self.stage(table)
        return table.num_rows if not files or self.commit(files, once) else 0

    def stage(self, facts: pa.Table | Mapping[str, Any]) -> list[File]:
        """Write the files of some facts, durably; nobody sees them before `commit`.

        Raises: Refused `lake.columns`, `lake.schema`, `lake.disk_full`.
        """
        table = facts if isinstance(facts, pa.Table) else parquet.arrow_of(self.dataset, facts)
        self._made()
        files: list[File] = []
        try:
            for part, day, place in parquet.parts_of(table, self.dataset.each):
                files.append(parquet.write(self.folder, self.dataset, part, day, place))
        except BaseException:
            self._unlink(files)
            raise
        return files

    def commit(self, files: Sequence[File], once: Once | None = None) -> bool:
        """Make staged files part of the table, all at once; False where `once` says that they are already.

        Raises: Refused `lake.disk_full`, `lake.busy`.
        """
        try:
            done = self._commit(lambda delta: None if _has(delta, once) else [_add(one) for one in files], once)
        except BaseException:
            self._unlink(files)
            raise
        if not done:
            there = {one.path for one in self.files()}
            self._unlink([one for one in files if one.path not in there])
        return done

    def written_up_to(self, who: str) -> int:
        """The number of the last batch that a writer has committed `once`; -1 where there is none."""
        delta = self._open()
        found = delta.transaction_version(who) if delta else None
        return -1 if found is None else found

    # --- keeping

    def compact(self, few: int = compaction.FEW) -> int:
        """Write small files of a day and place as one, in order; return how many went.

        Files that are large enough are never touched. Readers of an older version keep theirs until `vacuum`.
        """
        gone = 0
        with self.keeping():
            today = clock.now().date().isoformat()
            for (day, _place), files in self._by_partition().items():
                over = _is_over(day, self.dataset.each, today)
                for places in compaction.groups([one.rows for one in files], is_over=over, few=few):
                    gone += self._join([files[place] for place in places])
            if gone:
                self._checkpoint()
        return gone

    def forget(self, before: str) -> int:
        """Let go of all partitions that end before a day (ISO); return how many facts went. `vacuum` frees the room."""
        with self.keeping():
            old = [one for one in self.files() if _is_over(one.day, self.dataset.each, before)]
            if old:
                self._commit(lambda delta: [_remove(one, changed=True) for one in old], operation="DELETE")
        return sum(one.rows for one in old)

    def let_go(self, files: Sequence[File]) -> None:
        """Let go of these files, and of nothing that came beside them; only within `keeping`."""
        if files:
            self._commit(lambda delta: [_remove(one, changed=True) for one in files], operation="DELETE")

    def vacuum(self, hours: int = _KEPT_FOR_HOURS) -> int:
        """Remove the files that no version of the last hours needs; return how many."""
        with self.keeping():
            delta = self._open()
            if delta is None:
                return 0
            gone = delta.vacuum(retention_hours=hours, dry_run=True, enforce_retention_duration=False, full=True)
            gone = [path for path in gone if path.startswith(f"{DAY}=")]
            for path in gone:
                (self.folder / path).unlink(missing_ok=True)
            self._checkpoint()
            delta.cleanup_metadata()
            return len(gone)

    # --- what there is

    def files(self, span: Span = EVERYTHING, version: int | None = None) -> list[File]:
        """The files that may hold something of these days, this place and this thing, of a version or the last.

        Raises: Refused `lake.no_version`.
        """
        delta, place = self._open(version), partition.place_of(span.cell)
        found = _files(delta) if delta else iter(())
        each = self.dataset.each
        return [one for one in found if span.holds(one.day, one.place, place, each) and _may_hold(one, span)]

    def version(self) -> int:
        """The number of the last commit; -1 where nothing has been written."""
        delta = self._open()
        return delta.version() if delta else -1

    def version_at(self, at: datetime) -> int:
        """The number of the last commit at an instant.

        Raises: Refused `lake.no_version`.
        """
        delta = self._open()
        stamps = {one["version"]: one["timestamp"] for one in delta.history()} if delta else {}
        found = [number for number, stamp in stamps.items() if stamp <= at.timestamp() * 1000]
        if not found:
            raise _no_version(clock.to_text(at), min(stamps, default=-1))
        return int(max(found))

    def seen(self, who: str) -> tuple[int, list[File], int]:
        """One look: the number of the last commit, all its files, and what a writer has committed up to there."""
        delta = self._open()
        if delta is None:
            return -1, [], -1
        written = delta.transaction_version(who)
        return delta.version(), list(_files(delta)), -1 if written is None else written

    def has_version(self, version: int) -> bool:
        """Whether a commit of that number has been made."""
        return (self.folder / log.FOLDER / f"{version:020}.json").exists()

    def has_grown(self) -> bool:
        """Whether columns were added later, so that older files lack some."""
        return (self.folder / "_grown").exists()

    def grows_by(self, dataset: Dataset) -> tuple[str, ...]:
        """The names of columns that a new declaration adds to the table.

        Raises: Refused `lake.schema`.
        """
        delta = self._open()
        return tuple(one.name for one in added(_own_kinds(delta), dataset)) if delta else ()

    def condition(self) -> Condition:
        """How the table is."""
        delta = self._open()
        files = list(_files(delta)) if delta else []
        events = delta.history() if delta else []
        joined = [one["timestamp"] for one in events if one.get("operation") == "OPTIMIZE"]
        days = sorted(one.day for one in files)
        return Condition(
            delta.version() if delta else -1, _instant(events[0]["timestamp"]) if events else None,
            sum(one.rows for one in files), sum(one.size for one in files), len(files),
            sum(one.rows < compaction.WHOLE_ROWS for one in files), days[0] if days else "", days[-1] if days else "",
            _instant(max(joined)) if joined else None,
        )  # fmt: skip

    # --- inside

    def _open(self, version: int | None = None) -> DeltaTable | None:
        if not (self.folder / log.FOLDER).is_dir():
            return None
        try:
            return DeltaTable(str(self.folder), version=version)
        except TableNotFoundError:
            return None
        except DeltaError as error:
            if version is not None:
                raise _no_version(str(version), 0) from error
            if not log.set_checkpoints_aside(self.folder):
                raise
            return DeltaTable(str(self.folder))

    def _made(self) -> DeltaTable:
        """The table, made or grown to the dataset's columns where it has to be."""
        delta = self._open()
        if delta is None:
            log.begin(self.folder, self._schema(), [DAY, PLACE])
            delta = DeltaTable(str(self.folder))
        if not added(_own_kinds(delta), self.dataset):
            return delta
        (self.folder / "_grown").touch()
        log.synced(self.folder)
        self._commit(self._growth)
        return DeltaTable(str(self.folder))

    def _growth(self, delta: DeltaTable) -> list[log.Action] | None:
        """A schema with the columns that are new; what the table has beyond the dataset stays refused."""
        if not added(_own_kinds(delta), self.dataset):
            return None
        return [log.metadata(str(delta.metadata().id), self._schema(), [DAY, PLACE])]

    def _schema(self) -> str:
        ours = [Field(one.name, PrimitiveType(_DELTA[one.kind]), nullable=True) for one in self.dataset.all_columns]
        return Schema([*ours, Field(DAY, PrimitiveType("date")), Field(PLACE, PrimitiveType("long"))]).to_json()

    def _commit(self, actions_for: Any, once: Once | None = None, operation: str = "WRITE") -> bool:
        """Write an entry of the log; where another writer was faster, look again and take the next number.

        `actions_for` is asked anew each time with the table as it is then; None writes nothing, and False is returned.
        """
        for _ in range(_MOST_TRIES):
            delta = DeltaTable(str(self.folder))
            actions = actions_for(delta)
            if actions is None:
                return False
            entry = [_info(operation), *([_transaction(once)] if once else ()), *actions]
            try:
                if log.write(self.folder, delta.version() + 1, entry):
                    self._checkpoint_now_and_then(delta.version() + 1)
                    return True
            except OSError as error:
                raise parquet.full(error) from error
        raise Refused("lake.busy", "Others write {value} without a pause; write the same again in a while.",
                      value=self.dataset.name)  # fmt: skip

    def _checkpoint_now_and_then(self, version: int) -> None:
        if version and version % _CHECKPOINT_EVERY == 0:
            self._checkpoint()

    def _checkpoint(self) -> None:
        """Sum up the log; it saves readers time, and nothing is lost where there is no room for it."""
        with suppress(DeltaError, OSError):
            DeltaTable(str(self.folder)).create_checkpoint()
            log.keep_checkpoints(self.folder)

    def _by_partition(self) -> dict[tuple[str, int], list[File]]:
        found: dict[tuple[str, int], list[File]] = {}
        for one in self.files():
            found.setdefault((one.day, one.place), []).append(one)
        return found

    def _join(self, files: list[File]) -> int:
        """Write some files of a day and place as one; how many went, 0 where another took some of them away."""
        schema = pa.schema([(one.name, parquet.ARROW[one.kind]) for one in self.dataset.all_columns])
        parts = [pq.read_table(self.folder / one.path, schema=schema, partitioning=None) for one in files]
        new = self.stage(pa.concat_tables(parts))
        wanted = {one.path for one in files}

        def actions(delta: DeltaTable) -> list[log.Action] | None:
            if not wanted <= {one.path for one in _files(delta)}:
                return None
            return [_remove(one) for one in files] + [_add(one, changed=False) for one in new]

        done = False
        try:
            done = self._commit(actions, operation="OPTIMIZE")
        finally:
            if not done:
                self._unlink(new)
        return len(files) if done else 0

    def _unlink(self, files: Sequence[File]) -> None:
        for one in files:
            (self.folder / one.path).unlink(missing_ok=True)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Be the only one that joins and removes files; another one waits. Nobody who writes facts has to."""
        self.folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder.parent / f".{self.dataset.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _is_over(day: str, each: str, by: str) -> bool:
    """Whether a partition that begins on a day has ended by another."""
    last = datetime.fromisoformat(day) + timedelta(days=_AGES[each])
    return last.date().isoformat() <= by


def _has(delta: DeltaTable, once: Once | None) -> bool:
    found = delta.transaction_version(once.who) if once else None
    return once is not None and found is not None and found >= once.number


def _files(delta: DeltaTable) -> Iterator[File]:
    adds = pa.table(delta.get_add_actions(flatten=True))
    for row in adds.to_pylist():
        bounds = {THING: row.get(f"min.{THING}")}, {THING: row.get(f"max.{THING}")}
        yield File(row["path"], str(row[f"partition.{DAY}"]), int(row[f"partition.{PLACE}"]), row["num_records"],
                   row["size_bytes"], *bounds)  # fmt: skip


def _may_hold(file: File, span: Span) -> bool:
    least, most = file.least.get(THING), file.most.get(THING)
    return span.thing is None or least is None or most is None or least <= span.thing <= most


def _own_kinds(delta: DeltaTable) -> list[tuple[str, str]]:
    found = [(one.name, _KIND.get(getattr(one.type, "type", ""), "")) for one in delta.schema().fields]
    return [(name, kind) for name, kind in found if name not in (DAY, PLACE)]


def _no_version(value: str, first: int) -> Refused:
    return Refused("lake.no_version", "There is no version of {value} any more, or not yet; the first that is kept is "
                   "{limit}. Ask for a later one.", value=value, limit=first)  # fmt: skip


def _info(operation: str) -> log.Action:
    return {"commitInfo": {"timestamp": _now_ms(), "operation": operation, "operationParameters": {}}}


def _transaction(once: Once) -> log.Action:
    return {"txn": {"appId": once.who, "version": once.number, "lastUpdated": _now_ms()}}


def _add(file: File, *, changed: bool = True) -> log.Action:
    stats = {"numRecords": file.rows, "minValues": file.least, "maxValues": file.most,
             "nullCount": dict.fromkeys(file.least, 0)}  # fmt: skip
    return {"add": {"path": file.path, "partitionValues": _values(file), "size": file.size,
                    "modificationTime": _now_ms(), "dataChange": changed, "stats": json.dumps(stats)}}  # fmt: skip


def _remove(file: File, *, changed: bool = False) -> log.Action:
    return {"remove": {"path": file.path, "deletionTimestamp": _now_ms(), "dataChange": changed, "size": file.size,
                       "extendedFileMetadata": True, "partitionValues": _values(file)}}  # fmt: skip


def _now_ms() -> int:
    return int(clock.now().timestamp() * 1000)


def _instant(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _values(file: File) -> dict[str, str]:
    return {DAY: file.day, PLACE: str(file.place)}
