"""Messages of QoS 1 on their way to a broker: in their order, no more at once than it takes, until it has them.

MQTT 5.0, sections 3.3, 4.4 and 4.9. The library publishes one by one; here what may go goes with one write.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from cityloom.signals.contrib.mqtt.packets import sized

_PUBLISH, _AGAIN = 0x32, 0x3A
_MOST_NUMBERS = 65_535


class _Leaving(NamedTuple):
    position: int
    topic: bytes
    payload: bytes
    mid: int = 0
    command: int = _PUBLISH


class Outgoing:
    """Sends through `write` while a line is there; a position stands for what a message tells."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write, self._turn = write, threading.Lock()
        self._waits: deque[_Leaving] = deque()
        self._sent: dict[int, _Leaving] = {}
        self._most, self._mid = 0, 0

    def __len__(self) -> int:
        return len(self._waits) + len(self._sent)

    def put(self, messages: Iterable[tuple[int, str, bytes]]) -> None:
        """Send these (position, topic, payload) after all that came before, now or once there is a line."""
        with self._turn:
            self._waits.extend(_Leaving(at, topic.encode(), payload) for at, topic, payload in messages)
            self._go_on()

    def has(self, mids: Iterable[int]) -> list[int]:
        """The broker has these; return their positions, and send what waits."""
        with self._turn:
            done = [self._sent.pop(mid).position for mid in mids if mid in self._sent]
            self._go_on()
        return done

    def begin(self, most: int, *, knows_us: bool) -> None:
        """A line is there, and takes so many at once; what was on its way goes again, first."""
        with self._turn:
            again = [one._replace(command=_AGAIN if knows_us else _PUBLISH) for one in self._sent.values()]
            self._waits.extendleft(reversed(again))
            self._sent.clear()
            self._most = most
            self._go_on()

    def end(self) -> None:
        """The line is down."""
        with self._turn:
            self._most = 0

    def _go_on(self) -> None:
        parts = []
        while self._waits and len(self._sent) < self._most:
            one = self._waits.popleft()
            one = one if one.mid else one._replace(mid=self._free())
            self._sent[one.mid] = one
            parts.append(_packet(one))
        if parts:
            self._write(b"".join(parts))

    def _free(self) -> int:
        """A number that no message on its way has: those that go again have theirs, and come first."""
        self._mid = self._mid % _MOST_NUMBERS + 1
        while self._mid in self._sent:
            self._mid = self._mid % _MOST_NUMBERS + 1
        return self._mid


def _packet(one: _Leaving) -> bytes:
    body = b"".join([len(one.topic).to_bytes(2, "big"), one.topic, one.mid.to_bytes(2, "big"), b"\0", one.payload])
    return bytes([one.command]) + sized(len(body)) + body
