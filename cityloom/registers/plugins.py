"""What reads a city from a file or folder: each format is a plugin."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.draft import Draft
from cityloom.registers.domain.tables import Connected, ConnectedTable, Table, Wanted


class Reader(Protocol):
    """A format that cities come in."""

    describes: str

    def recognises(self, path: Path) -> bool:
        """Whether a path has the form of this format."""
        ...

    def read(self, path: Path, progress: Callable[[str], None]) -> Draft:
        """Read a city; raise Refused with what to do instead."""
        ...


READERS: list[Reader] = []


def register(reader: Reader) -> None:
    """Add a format; the same one twice is one."""
    if reader not in READERS:
        READERS.append(reader)


def reader_for(path: Path) -> Reader:
    """The reader of a path.

    Raises: Refused `city.file_missing`, `city.file_wrong_kind`.
    """
    if not path.exists():
        raise Refused("city.file_missing", "There is no file or folder {value}; check the path.", value=path.name)
    for reader in READERS:
        if reader.recognises(path):
            return reader
    raise Refused("city.file_wrong_kind", "{value} is none of the kinds that can be imported; give {limit}.",
                  value=path.name, limit=" or ".join(reader.describes for reader in READERS))  # fmt: skip


class TableFormat(Protocol):
    """A format that departments' files come in."""

    name: str

    def recognises(self, path: Path, start: bytes) -> bool:
        """Whether a file, by its name and first bytes, has this format."""
        ...

    def open(self, path: Path, wanted: Wanted) -> Table:
        """Read the header; raise Refused with what to do instead."""
        ...


TABLES: list[TableFormat] = []


def register_table(table: TableFormat) -> None:
    """Add a format of files; the same one twice is one. Those that were added first are asked first."""
    if table.name not in [known.name for known in TABLES]:
        TABLES.append(table)


def open_table(path: Path, wanted: Wanted) -> Table:
    """Open a department's file.

    Raises: Refused `registers.file_missing`, `registers.file_empty`, `registers.file_unknown`, and what the format's
    reader refuses.
    """
    if not path.is_file():
        raise Refused("registers.file_missing", "There is no file {value}; check the path.", value=path.name)
    try:
        with path.open("rb") as stream:
            start = stream.read(4096)
    except OSError as error:
        raise Refused("registers.file_unreadable", "{value} cannot be read; check its access rights and its disk.",
                      value=path.name) from error  # fmt: skip
    if not start:
        raise Refused("registers.file_empty", "The file {value} is empty; ask for it again.", value=path.name)
    for table in TABLES:
        if wanted.format == table.name or (not wanted.format and table.recognises(path, start)):
            return table.open(path, wanted)
    raise Refused("registers.file_unknown", "{value} is none of the kinds that can be read; give {limit}.",
                  value=path.name, limit=" or ".join(table.name for table in TABLES))  # fmt: skip


class Connector(Protocol):
    """A kind of database that departments let the city read."""

    name: str

    def open(self, wanted: Connected) -> AbstractContextManager[ConnectedTable]:
        """A table in one snapshot; raise Refused with what to do instead, and never an address."""
        ...


CONNECTORS: list[Connector] = []


def register_connector(connector: Connector) -> None:
    """Add a kind of database; the same one twice is one."""
    if connector.name not in [known.name for known in CONNECTORS]:
        CONNECTORS.append(connector)


def connect(wanted: Connected) -> AbstractContextManager[ConnectedTable]:
    """A department's table, in one snapshot. Raises: Refused what the connector refuses."""
    return CONNECTORS[0].open(wanted)
