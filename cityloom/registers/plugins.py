"""What reads a city from a file or folder: each format is a plugin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.draft import Draft


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
