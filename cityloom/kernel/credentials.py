"""A name and a password, or a token, for a server outside: from a file that its owner alone can read."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path

from cityloom.kernel.refused import Refused

_MOST_BYTES = 4_096


@dataclass(frozen=True)
class Credentials:
    """What is said at the door; none of it is shown when this is printed."""

    name: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


def read(path: Path | None) -> Credentials:
    """Two lines are a name and a password, one line is a token; nothing where there is no file to be read.

    Raises: Refused `credentials.open`, `credentials.unreadable`.
    """
    if path is None:
        return Credentials()
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise Refused("credentials.open", "Others can read the file {value}; let its owner alone (mode {limit}).",
                          value=path.name, limit="0600")  # fmt: skip
        lines = path.read_bytes()[:_MOST_BYTES].decode().split()
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path) from error
    if len(lines) not in (1, 2):
        raise _unreadable(path)
    return Credentials(token=lines[0]) if len(lines) == 1 else Credentials(*lines)


def _unreadable(path: Path) -> Refused:
    return Refused("credentials.unreadable", "The file {value} cannot be used: it has to hold a name and a password in"
                   " two lines, or a token in one.", value=path.name)  # fmt: skip
