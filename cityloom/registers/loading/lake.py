"""A file of facts goes to the lake: files in batches that nobody sees, and one commit at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction

from cityloom.gate import actions as gate
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.cells import cells_of
from cityloom.kernel.refused import Refused
from cityloom.lake.domain.things import thing_of
from cityloom.registers import queries
from cityloom.registers.domain.checks import Checked, Checks, Values
from cityloom.registers.domain.fact_kinds import check_can_be_loaded, dataset_of
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.tables import Rows, Table
from cityloom.registers.loading.aside import set_aside
from cityloom.registers.loading.survey import Survey
from cityloom.registers.models import Load

if TYPE_CHECKING:
    from cityloom.lake.parquet import File

WHO = "loads"
_ROWS_AT_ONCE = 1_000_000


class FactWriter:
    """Writes one load to the lake; what was written before a kill is gone on with."""

    def __init__(self, load: Load, mapping: FileMapping, header: Sequence[str], found: Survey) -> None:
        from cityloom.lake import catalogue  # takes a while to import

        self._table = catalogue.table(queries.lake_root(), dataset_of(mapping.register.name))
        self._load, self._mapping = load, mapping
        self._checks = Checks(mapping, header, load.as_of, found.verdict)
        self._found = found
        self._staged = Staged(queries.lake_root(), load.number)
        self._has_place = any(column.field.name == "lon" for column in mapping.columns)
        self._about = self._table.dataset.register
        self._waiting: list[dict[str, Any]] = []
        self._aside: list[tuple[Rows, Checked]] = []
        self._counts = {"new": 0, "set_aside": 0} | load.counts

    def write(self, table: Table, tell: Callable[[int], None]) -> None:
        """Write every row behind the last that is written; nobody sees any of it."""
        self._staged.drop_behind(self._load.rows_done)
        done = 0
        for batch in table.batches():
            if batch.numbers and batch.numbers[-1] > self._load.rows_done:
                self._take(batch.behind(self._load.rows_done))
            done += len(batch.numbers)
            tell(done)
        self._flush(self._load.rows_done)
        self._load.rows = self._found.rows
        self._load.notes = [[name, rule, count] for (name, rule), count in sorted(self._found.notes.items())]
        self._load.save(update_fields=["rows", "notes"])

    def commit(self) -> None:
        """Make all of the facts part of the lake, at once."""
        if not is_committed(self._load):
            files = self._staged.files()
            if not all((self._table.folder / one.path).exists() for one in files):
                raise Refused("lake.swept", "Files that this load wrote long ago were removed since, so nothing was "
                              "loaded; run it again.")  # fmt: skip
            _commit(self._table, files, self._load.number)
        self._staged.forget()

    def _take(self, batch: Rows) -> None:
        checked = self._checks.check(batch.numbers, batch.texts, batch.faults)
        self._waiting.append(self._columns(batch, checked))
        self._aside.append((batch, checked))
        if sum(len(columns["thing"]) for columns in self._waiting) >= _ROWS_AT_ONCE:
            self._flush(batch.numbers[-1])

    def _columns(self, batch: Rows, checked: Checked) -> dict[str, Any]:
        """The good rows as columns of the dataset."""
        good = checked.good
        keys = [checked.values["key"][place] for place in good]
        known = {key: thing_of(self._about, key) for key in set(keys)}
        columns: dict[str, Any] = {
            "thing": np.array([known[key] for key in keys], np.int64), "key": keys,
            "at": np.array([checked.values["at"][place] for place in good], np.int64),
            "cell": self._cells(checked, good, keys), "load": np.full(len(good), self._load.number, np.int64),
            "row": np.array([batch.numbers[place] for place in good], np.int64),
        }  # fmt: skip
        for column in self._table.dataset.columns:
            if column.name not in columns and column.name in checked.values:
                kept = _kept(column.kind, checked.values[column.name], good)
                columns[column.name] = self._pseudonyms(kept) if column.is_personal else kept
        return columns

    def _pseudonyms(self, values: list[Any]) -> list[int | None]:
        """Keyed numbers of what tells about a person: the same for the same value in this dataset, no other's."""
        plain = ["".join(str(value).split()).upper() for value in values if value is not None]
        source = f"lake-{self._table.dataset.name}"
        numbers = gate.register_tokens(by=SYSTEM, at=clock.now(), source=source, keys=plain) if plain else ()
        waiting = iter(map(int, numbers))
        return [None if value is None else next(waiting) for value in values]

    def _cells(self, checked: Checked, good: list[int], keys: list[str]) -> Any:
        """Where each fact is: as the file says, else where its thing stands; 0 where nobody knows."""
        if self._has_place:
            points = [(checked.values["lon"][place], checked.values["lat"][place]) for place in good]
        else:
            stands = queries.places_of(self._about, sorted(set(keys)))
            points = [stands.get(key, (None, None)) for key in keys]
        return _cells_at(points)

    def _flush(self, last: int) -> None:
        """Write what waits as files of the lake, then what is known of its rows in one transaction."""
        if not self._aside:
            return
        last = max(last, self._aside[-1][0].numbers[-1])
        columns = _joined(self._waiting)
        self._staged.note(last, self._table.stage(columns) if len(columns["thing"]) else [])
        with transaction.atomic():
            for batch, checked in self._aside:
                set_aside(self._load, self._mapping, batch, checked)
                self._counts["set_aside"] += len(checked.faults)
            self._counts["new"] += len(columns["thing"])
            self._load.rows_done, self._load.counts = last, self._counts
            self._load.save(update_fields=["rows_done", "counts"])
        self._waiting, self._aside = [], []


class Staged:
    """Which files a load has written that are no part of the table yet: one line for each batch, kept by the disk."""

    def __init__(self, lake: Path, load: int) -> None:
        self._path = lake / ".loads" / f"{load}.jsonl"

    def note(self, last: int, files: Sequence[File]) -> None:
        """Note the files that hold rows up to one."""
        from cityloom.lake import log

        log.make_folder(self._path.parent)
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"last": last, "files": [asdict(one) for one in files]}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        log.synced(self._path.parent)

    def files(self) -> list[File]:
        """All files of the load."""
        return [one for _last, files in self._lines() for one in files]

    def drop_behind(self, row: int) -> None:
        """Let go of the lines whose rows the book of loads does not know; `vacuum` takes their files."""
        kept = [(last, files) for last, files in self._lines() if last <= row]
        self.forget()
        for last, files in kept:
            self.note(last, files)

    def forget(self) -> None:
        """Let go of the notes."""
        self._path.unlink(missing_ok=True)

    def _lines(self) -> Iterator[tuple[int, list[File]]]:
        from cityloom.lake.parquet import File

        text = self._path.read_text("utf-8") if self._path.exists() else ""
        for line in text.splitlines(keepends=True):
            if line.endswith("\n"):  # a line that a power cut tore was promised to nobody
                says = json.loads(line)
                yield says["last"], [File(**one) for one in says["files"]]


def check(mapping: FileMapping) -> None:
    """A file of facts may go to the lake. Raises: Refused `lake.person_in_clear`."""
    from cityloom.lake import catalogue

    if dataset := dataset_of(mapping.register.name):
        check_can_be_loaded(catalogue.table(queries.lake_root(), dataset).dataset)


def is_committed(load: Load) -> bool:
    """Whether the facts of a load are part of the lake, whatever the book says."""
    from cityloom.lake import catalogue

    return catalogue.table(queries.lake_root(), dataset_of(load.register)).written_up_to(WHO) >= load.number


def give_up(load: Load) -> None:
    """Let go of what a load noted; nobody has seen its files, and `vacuum` takes them."""
    Staged(queries.lake_root(), load.number).forget()


def _commit(table: Any, files: list[File], number: int) -> None:
    from cityloom.lake.table import Once

    table.commit(files, Once(WHO, number))


def _kept(kind: str, values: Values, good: list[int]) -> list[Any]:
    """Values as the lake keeps them: nothing is None, and a flag is true or false."""
    some = [values[place] for place in good]
    if kind == "flag":
        return [None if value in ("", None) else value == "true" for value in some]
    return [None if value == "" else value for value in some]


def _joined(parts: list[dict[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name in parts[0]:
        columns = [part[name] for part in parts]
        plain = isinstance(columns[0], np.ndarray)
        out[name] = np.concatenate(columns) if plain else [value for column in columns for value in column]
    return out


def _cells_at(points: Sequence[tuple[float | None, float | None]]) -> Any:
    known = {point for point in points if None not in point}
    order = sorted(known)  # type: ignore[type-var]
    lon = np.array([point[0] for point in order], np.float64)
    lat = np.array([point[1] for point in order], np.float64)
    cells = dict(zip(order, cells_of(lon, lat).tolist(), strict=True))
    return np.array([cells.get(point, 0) for point in points], np.int64)  # type: ignore[call-overload]
