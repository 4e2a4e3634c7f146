"""MQTT packets taken out of the bytes of a connection, many at once (MQTT 5.0, sections 2.1, 3.3 and 3.4).

Messages of QoS 0 and 1 are taken apart here; every other packet, and whatever is odd, is left to the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_PUBLISH, _DUP = 0x30, 0x08
_TO_THE_LIBRARY = 0xF4
"""Of a message's first byte: its kind, and the higher bit of its QoS, which is set from 2 on."""
_ACK = b"\x40\x02"
_MORE = 0x80
_LONGEST_SIZE = 4


class Came(NamedTuple):
    """A message as it came; `mid` is the broker's number for it, 0 where it wants no word."""

    topic: str
    payload: bytes
    mid: int
    qos: int
    dup: bool


class Other(NamedTuple):
    """A packet of another kind: its first byte, and what follows its size."""

    command: int
    body: bytes


def taken_apart(data: bytes, largest: int) -> tuple[list[Came | Other], int]:
    """The packets in some bytes, in their order, and where the first that is not whole begins.

    Raises: ValueError where a packet is larger than `largest`, which the broker was told, or no packet.
    """
    found: list[Came | Other] = []
    at, end = 0, len(data)
    while end - at >= 2:
        size, start = data[at + 1], at + 2
        if size >= _MORE:
            size, start = _size(data, at + 1)
            if not start:
                break
        if size > largest:
            raise ValueError("a packet is larger than the broker was told")
        if start + size > end:
            break
        found.append(_packet(data, data[at], start, start + size))
        at = start + size
    return found, at


def sized(many: int) -> bytes:
    """A size as packets write it."""
    out = b""
    while True:
        many, low = divmod(many, _MORE)
        out += bytes([low | (_MORE if many else 0)])
        if not many:
            return out


def acknowledgements(mids: Sequence[int]) -> bytes:
    """That messages of QoS 1 are kept, as one run of packets."""
    return b"".join([_ACK + mid.to_bytes(2, "big") for mid in mids])


def _packet(data: bytes, command: int, start: int, stop: int) -> Came | Other:
    if command & _TO_THE_LIBRARY != _PUBLISH:
        return Other(command, data[start:stop])
    said = start + 2
    at = said + int.from_bytes(data[start:said], "big")
    topic, mid, qos = data[said:at], 0, command >> 1 & 1
    if qos:
        mid = int.from_bytes(data[at : at + 2], "big")
        at += 2
    if at >= stop or data[at] >= _MORE or (qos and not mid) or not topic:
        return Other(command, data[start:stop])
    at += 1 + data[at]  # what else is said of the message: nothing here asks for it
    if at > stop:
        return Other(command, data[start:stop])
    return Came(topic.decode("utf-8", "replace"), data[at:stop], mid, qos, bool(command & _DUP))


def _size(data: bytes, at: int) -> tuple[int, int]:
    """A size of several bytes, and what follows it; 0 and 0 where it is not whole."""
    size = 0
    for place in range(_LONGEST_SIZE):
        if at + place >= len(data):
            return 0, 0
        size |= (data[at + place] & 0x7F) << 7 * place
        if data[at + place] < _MORE:
            return size, at + place + 1
    raise ValueError("a size has more than four bytes")
