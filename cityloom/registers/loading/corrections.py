"""Rows that were set aside: written out with their reasons, corrected by people, and put back."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import plugins, queries
from cityloom.registers.domain.facts import LoadFacts
from cityloom.registers.domain.mapping import FileMapping, check_columns, read
from cityloom.registers.domain.rules import RULES
from cityloom.registers.domain.tables import BATCH, Connected, Rows, Table, Wanted
from cityloom.registers.loading import run
from cityloom.registers.loading.book import Incoming
from cityloom.registers.models import Load

ROW, REASONS = "cityloom row", "cityloom reasons"
_MOST_BYTES = 256 << 20


def export(number: int, place: Path, source: Path | None) -> int:
    """Write the rows of a load that wait for a correction, each with its number and what is wrong; return how many.

    Rows of a file that tells about people are read from that file, which must lie there as it was loaded.
    Raises: Refused `registers.no_load`, `registers.source_needed`, `registers.source_differs`,
    `registers.file_exists`.
    """
    facts = queries.load_facts(number)
    rows = queries.rows_set_aside(number)
    header = Load.objects.get(number=number).header
    texts = {row: found for row, _findings, found in rows if found is not None}
    missing = {row for row, _findings, found in rows if found is None}
    if missing:
        texts |= _from_source(facts, missing, source)
    try:
        stream = os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8-sig",
                           newline="")  # fmt: skip
    except FileExistsError as error:
        raise Refused("registers.file_exists", "{value} is there already; name another file.", value=place.name
                      ) from error  # fmt: skip
    with stream:
        out = csv.writer(stream)
        out.writerow([ROW, REASONS, *header])
        out.writerows([row, told(findings), *texts[row]] for row, findings, _texts in rows)
    return len(rows)


def told(findings: list[list[str]]) -> str:
    """What is wrong with a row, in words."""
    return " ".join(f"{name + ': ' if name else ''}{RULES[rule].sentence}" for name, rule in findings)


def _from_source(facts: LoadFacts, wanted: set[int], source: Path | None) -> dict[int, list[str]]:
    mapping = read(facts.mapping, queries.datasets())
    if mapping.connected:
        return _from_table(facts, mapping.connected, wanted)
    if source is None or not source.is_file():
        raise Refused("registers.source_needed", "The rows tell about people, so they are kept in the department's "
                      "file alone; say with --source where {value} lies.", value=facts.file)  # fmt: skip
    if Incoming.at(source).digest != facts.file_digest:
        raise Refused("registers.source_differs", "{value} is not the file that was loaded; ask the department for the "
                      "one whose SHA-256 is {limit}.", value=source.name, limit=facts.file_digest)  # fmt: skip
    return _rows_of(plugins.open_table(source, mapping.wanted), wanted)


def _from_table(facts: LoadFacts, connected: Connected, wanted: set[int]) -> dict[int, list[str]]:
    """Rows of a table that says what it said when it was loaded."""
    with plugins.connect(connected) as table:
        if table.digest != facts.file_digest:
            raise Refused("registers.table_differs", "{value} says something else than when it was loaded, so its rows "
                          "cannot be told by their numbers; load it again, and take the rows that wait then.",
                          value=facts.file)  # fmt: skip
        return _rows_of(table, wanted)


def _rows_of(table: Table, wanted: set[int]) -> dict[int, list[str]]:
    out = {}
    for batch in table.batches():
        out.update({row: texts for row, texts in zip(batch.numbers, batch.texts, strict=True) if row in wanted})
    return out


def put_back(number: int, file: Path, *, by: Actor, at: datetime, tell: run.Progress) -> run.Outcome:
    """Load corrected rows as a load of the same source; those that are still wrong go on waiting.

    Raises: Refused `registers.no_load`, `registers.not_an_export`, `registers.not_waiting`, and what a load refuses.
    """
    facts = queries.load_facts(number)
    mapping = replace(read(facts.mapping, queries.datasets()), zone=queries.time_zone())
    waiting = {row for row, _findings, _texts in queries.rows_set_aside(number)}
    plain = replace(mapping, most_bad=1.0, covers_everything=False, connected=None,
                    as_of=mapping.as_of or facts.as_of.isoformat())  # fmt: skip
    return run.load(plain, file, by=by, at=at, tell=tell, returns=number,
                    opened=lambda: _corrected(plain, file, waiting))  # fmt: skip


def _corrected(mapping: FileMapping, file: Path, waiting: set[int]) -> Table:
    if file.is_file() and file.stat().st_size > _MOST_BYTES:
        raise _no_export(file)
    return _Corrected(plugins.open_table(file, Wanted()), mapping, file, waiting)


class _Corrected:
    """An export that came back, with the numbers that its rows had."""

    def __init__(self, table: Table, mapping: FileMapping, file: Path, waiting: set[int]) -> None:
        if table.header[:2] != (ROW, REASONS):
            raise _no_export(file)
        self.header, self.how = table.header[2:], table.how
        check_columns(mapping, self.header)
        rows: dict[int, tuple[list[str], str]] = {}
        for batch in table.batches():
            for place, texts in enumerate(batch.texts):
                number = int(texts[0]) if texts[0].isascii() and texts[0].isdecimal() and len(texts[0]) < 10 else -1
                if number not in waiting or number in rows:
                    raise Refused("registers.not_waiting", "Row {value} of {limit} is not among the rows of that load "
                                  "that wait, or stands there twice; leave the first column as it was exported.",
                                  value=batch.numbers[place], limit=file.name)  # fmt: skip
                rows[number] = (texts[2:], batch.faults.get(place, ""))
        self._rows = sorted(rows.items())

    def batches(self) -> Iterator[Rows]:
        """The rows in the order of their numbers."""
        for first in range(0, len(self._rows), BATCH):
            batch = Rows()
            for number, (texts, fault) in self._rows[first : first + BATCH]:
                batch.add(number, texts, fault)
            yield batch


def _no_export(file: Path) -> Refused:
    return Refused("registers.not_an_export", "{value} is no export of rows that were set aside; make one with "
                   "`cityloom register quarantine export`.", value=file.name)  # fmt: skip
