"""Bodies that came packed: unpacked as they are read, and never more than was allowed."""

from __future__ import annotations

import io
from typing import IO, Any, cast

import pyarrow as pa

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.wire import Stream

PACKINGS = ("gzip", "zstd")


class _File(io.RawIOBase):
    """A stream as a file."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        return self._stream.read(size)


class Unpacked:
    """Reads a packed stream; memory does not grow with what it holds."""

    def __init__(self, stream: Stream, packing: str, most_bytes: int) -> None:
        source = pa.PythonFile(cast(IO[bytes], _File(stream)), mode="r")
        self._stream: Any = pa.CompressedInputStream(source, packing)
        self._left = self._most = most_bytes

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes.

        Raises: Refused `signals.readings_large`; OSError where it is not packed so, or ends too early.
        """
        got: bytes = self._stream.read(min(size, self._left + 1) if size >= 0 else self._left + 1)
        self._left -= len(got)
        if self._left < 0:
            raise Refused("signals.readings_large", "What is packed in the body is larger than {limit} bytes; split"
                          " it.", limit=self._most)  # fmt: skip
        return got
