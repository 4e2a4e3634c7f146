"""How much of a log is read: bounded in bytes, also when it is unpacked, and in events."""

from __future__ import annotations

import io
from typing import Any, BinaryIO

from cityloom.kernel.refused import Refused

MOST_BYTES = 4_000_000_000
MOST_EVENTS = 10_000_000
_LARGE = "A log has at most {limit} bytes when it is unpacked; take a shorter time, or fewer columns."
_MANY = "A log has at most {limit} events, and this one has more; take a shorter time."


class Bounded(io.RawIOBase):
    """A file of which no more may be read than a log has.

    Raises: Refused `insight.log_too_large` while it is read.
    """

    def __init__(self, file: BinaryIO, most: int = MOST_BYTES) -> None:
        self._file, self._left, self._most = file, most, most

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        found = self._file.read(size)
        self._left -= len(found)
        if self._left < 0:
            raise Refused("insight.log_too_large", _LARGE, limit=f"{self._most:,}")
        return found

    def readinto(self, buffer: Any) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)

    def close(self) -> None:
        self._file.close()
        super().close()


def check_events(count: int) -> None:
    """Refuse a log of too many events.

    Raises: Refused `insight.too_many_events`.
    """
    if count > MOST_EVENTS:
        raise Refused("insight.too_many_events", _MANY, limit=f"{MOST_EVENTS:,}")
