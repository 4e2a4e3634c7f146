"""A file is looked at, checked, and loaded."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path

from django.db import DatabaseError

from cityloom.kernel import disk, ids
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from cityloom.registers import plugins, queries
from cityloom.registers.domain.arrivals import shown_name
from cityloom.registers.domain.fact_kinds import dataset_of
from cityloom.registers.domain.mapping import FileMapping, check_columns, read
from cityloom.registers.domain.tables import OFFERED, Table
from cityloom.registers.domain.written import LARGEST_BYTES
from cityloom.registers.loading import book, comparing, lake, person_settling
from cityloom.registers.loading.book import Incoming, Snapshot
from cityloom.registers.loading.lake import FactWriter
from cityloom.registers.loading.person_within import look_within
from cityloom.registers.loading.person_writing import PersonWriter
from cityloom.registers.loading.survey import Survey, check_plausible, survey
from cityloom.registers.loading.turn import turn
from cityloom.registers.loading.writing import Writer
from cityloom.registers.models import Load

log = logging.getLogger(__name__)
Progress = Callable[[str, int], None]
PEOPLE = "people"


@dataclass(frozen=True)
class Outcome:
    """What became of a file: what is in it, and the load; `is_new` is false where exactly this was loaded before."""

    survey: Survey | None
    load: int = 0
    is_new: bool = True


def read_mapping(path: Path) -> FileMapping:
    """The mapping in a file.

    Raises: Refused `registers.mapping_missing`, and what is wrong in it.
    """
    if not path.is_file():
        raise Refused("registers.mapping_missing", "There is no mapping {value}; `cityloom register profile FILE` "
                      "writes one.", value=path.name)  # fmt: skip
    if path.stat().st_size > LARGEST_BYTES:
        raise Refused("registers.mapping_too_large", "A mapping has at most {limit} bytes; this is another file.",
                      limit=LARGEST_BYTES)  # fmt: skip
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused("registers.mapping_unreadable", "The mapping is not in UTF-8; save it in UTF-8.") from error
    mapping = replace(read(text, queries.datasets()), zone=queries.time_zone())
    lake.check(mapping)
    return mapping


def check(mapping: FileMapping, file: Path | None, at: datetime, tell: Progress) -> Outcome:
    """Read and check a file, or the mapping's table, and change nothing."""
    with _opened(mapping, file) as (table, _incoming):
        return Outcome(_surveyed(table, mapping, _day(mapping, at), tell))


def load(
    mapping: FileMapping, file: Path | None, *, by: Actor, at: datetime, tell: Progress, returns: int = 0,
    opened: Callable[[], Table] | None = None,
) -> Outcome:  # fmt: skip
    """Load a file, or the mapping's table, whole or not at all; one that was cut short goes on where it was.

    Raises: Refused `registers.load_running`, `registers.file_changed`, `registers.disk_full`, and what `check` refuses.
    """
    with turn(), _opened(mapping, file, opened) as (table, incoming), _enough_disk():
        if mapping.register.name == PEOPLE:
            person_settling.settle_all()
        source = book.source_of(mapping.source)
        if known := book.known_load(source.id, incoming.digest, mapping):
            _compare(at)
            return Outcome(None, known.number, is_new=False)
        today = _day(mapping, at)
        found = _surveyed(table, mapping, today, tell)
        check_plausible(found, mapping)
        if mapping.register.name == PEOPLE:
            found.within = look_within(table, mapping, today, found)
        begun = book.begin(source, mapping, incoming, header=list(table.header), as_of=today, returns=returns, by=by,
                           at=at)  # fmt: skip
        with _taken_back(begun):
            writer = _writer_for(mapping)(begun, mapping, table.header, found)
            writer.write(table, lambda n: tell("write", n))
            if not incoming.is_unchanged():
                raise Refused("registers.file_changed", "{value} was changed while it was read, so nothing was loaded; "
                              "run this again when the file is complete.", value=incoming.name)  # fmt: skip
            writer.commit()
            book.finish(begun)
        person_settling.settle_all()
        _compare(at)
        return Outcome(found, begun.number)


def _surveyed(table: Table, mapping: FileMapping, today: date, tell: Progress) -> Survey:
    owners = partial(queries.owners_of, mapping.register.name, mapping.source)
    return survey(table, mapping, today, queries.keys_unknown, lambda n: tell("check", n), owners)


def _writer_for(mapping: FileMapping) -> type[Writer] | type[FactWriter] | type[PersonWriter]:
    if dataset_of(mapping.register.name):
        return FactWriter
    return PersonWriter if mapping.register.name == PEOPLE else Writer


@contextlib.contextmanager
def _enough_disk() -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the bulk road meets the database's own errors
        if not disk.is_full(error):
            raise
        raise Refused("registers.disk_full", "The disk is full, so nothing was loaded; free some space and run this "
                      "again: what was written is taken back or gone on with then.") from error  # fmt: skip


def _compare(at: datetime) -> None:
    """Compare what is known now with what others say; what fails is made up for after the next load."""
    try:
        comparing.compare_due(at)
    except DatabaseError:
        log.exception("a load is known and was not compared with other sources; reference %s", ids.new_ulid())


@contextlib.contextmanager
def _taken_back(begun: Load) -> Iterator[None]:
    """What fails here takes back what it wrote; what is killed is taken back, or gone on with, by the next load."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, DatabaseError):
            book.give_up(begun)
        raise


@contextlib.contextmanager
def _opened(
    mapping: FileMapping, file: Path | None, opened: Callable[[], Table] | None = None
) -> Iterator[tuple[Table, Incoming | Snapshot]]:  # fmt: skip
    """What is loaded, and what tells it apart: a file as it lies there now, or a table's snapshot."""
    if file is None and mapping.connected:
        with plugins.connect(mapping.connected) as connected:
            check_columns(mapping, connected.header)
            yield connected, Snapshot(connected.name, connected.digest, connected.bytes)
        return
    if file is None or not file.is_file():
        raise Refused("registers.file_missing", "There is no file {value}; check the path.",
                      value=shown_name(file.name) if file else "")  # fmt: skip
    with _readable(file):
        incoming = Incoming.at(file)
    if opened:
        yield opened(), incoming
        return
    table = plugins.open_table(file, mapping.wanted)
    check_columns(mapping, table.header, OFFERED.get(table.how.format, frozenset()))
    yield table, incoming


@contextlib.contextmanager
def _readable(file: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Refused("registers.file_unreadable", "{value} cannot be read; check its access rights and its disk.",
                      value=shown_name(file.name)) from error  # fmt: skip


def _day(mapping: FileMapping, at: datetime) -> date:
    """The day on which the file was true; where the mapping does not say it, today in the city."""
    return date.fromisoformat(mapping.as_of) if mapping.as_of else at.astimezone(queries.time_zone()).date()
