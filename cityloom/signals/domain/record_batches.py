"""Record batches of an Arrow stream or file, each bounded before it is read: no length that it names is believed.

Source: Apache Arrow columnar format 1.4, encapsulated messages; FlatBuffers, internals.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import IO, cast

import pyarrow as pa

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.wire import Stream

MOST_BYTES = 64_000_000
_MOST_WORDS = 1_000_000
_FILE = b"ARROW1\0\0"
_GOES_ON = 0xFFFFFFFF
_HEADER, _BODY_LENGTH, _COMPRESSION = 2, 3, 3


def read(stream: Stream) -> Iterator[pa.RecordBatch]:
    """The batches; what holds them in a file is the same as in a stream, with an index behind it.

    Raises: Refused `signals.readings_large`, `signals.readings_packed`; ArrowException, ValueError, struct.error.
    """
    with pa.ipc.open_stream(cast(IO[bytes], _Messages(stream))) as reader:
        for batch in reader:
            batch.validate(full=True)
            yield batch


class _Messages(io.RawIOBase):
    """Gives on what a stream holds, a message at a time, once its lengths are known to be bearable."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._rest, self._is_over = stream, b"", False
        self._begin = _taken(stream, len(_FILE))
        if self._begin == _FILE:
            self._begin = b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._is_over and (size < 0 or len(self._rest) < size):
            message = self._message()
            self._is_over = not message
            self._rest += message
        size = len(self._rest) if size < 0 else size
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def _message(self) -> bytes:
        """One whole message; nothing at the end."""
        head = self._begin or _taken(self._stream, 8)
        self._begin = b""
        if len(head) < 8:
            return b""
        mark, length = struct.unpack("<II", head)
        if mark != _GOES_ON or length == 0:
            return b""
        if length > _MOST_WORDS:
            raise ValueError("the words of a message are too long")
        words = _taken(self._stream, length)
        body = _body_length(words)
        if not 0 <= body <= MOST_BYTES:
            raise Refused("signals.readings_large", "A record batch is larger than {limit} bytes; write smaller ones.",
                          limit=MOST_BYTES)  # fmt: skip
        return head + words + _taken(self._stream, body)


def _taken(stream: Stream, size: int) -> bytes:
    """So many bytes, or fewer where there are no more."""
    parts, left = [], size
    while left and (got := stream.read(left)):
        parts.append(got)
        left -= len(got)
    return b"".join(parts)


def _body_length(words: bytes) -> int:
    """How long the body of a message says that it is. Raises: Refused `signals.readings_packed`."""
    message = struct.unpack_from("<I", words)[0]
    header, length = (_field(words, message, number) for number in (_HEADER, _BODY_LENGTH))
    if header and words[_field(words, message, 1)] in (2, 3):  # a dictionary, or a record batch
        table = header + struct.unpack_from("<I", words, header)[0]
        if words[_field(words, message, 1)] == 2:
            inner = _field(words, table, 1)
            table = inner + struct.unpack_from("<I", words, inner)[0]
        if _field(words, table, _COMPRESSION):
            raise Refused("signals.readings_packed", "The record batches are packed one by one, which is not read here;"
                          " write them as they are, and pack the whole body with {limit}.", limit="zstd")  # fmt: skip
    return int(struct.unpack_from("<q", words, length)[0]) if length else 0


def _field(words: bytes, table: int, number: int) -> int:
    """Where a field of a table of FlatBuffers lies; 0 where it is not there."""
    index = table - struct.unpack_from("<i", words, table)[0]
    slot = 4 + 2 * number
    if slot >= struct.unpack_from("<H", words, index)[0]:
        return 0
    offset = struct.unpack_from("<H", words, index + slot)[0]
    return table + offset if offset else 0
