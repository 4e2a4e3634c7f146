"""What has come from a broker and waits to be kept: bounded, so that who reads slowly holds the broker back."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from cityloom.signals.contrib.mqtt.packets import Came


class Inbox:
    """Batches of one thread for another: so many messages and bytes wait, and what came with the last batch."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self._most, self._most_bytes = most, most_bytes
        self._waits, self._bytes, self._wanted = 0, 0, 1
        self._batches: deque[Sequence[Came]] = deque()
        self._turn = threading.Condition()
        self._is_closed = False

    def put(self, messages: Sequence[Came]) -> None:
        """Add a batch, once there is room; nothing more is taken in after the end."""
        with self._turn:
            self._turn.wait_for(lambda: self._is_closed or self._has_room())
            if self._is_closed:
                return
            self._batches.append(messages)
            self._waits += len(messages)
            self._bytes += _size(messages)
            if self._waits >= self._wanted or not self._has_room():
                self._turn.notify_all()

    def take(self, most: int, look_s: float, gather_s: float) -> list[Came]:
        """What has come: at once where it is much, else after a moment; nothing after `look_s` without any."""
        with self._turn:
            if not self._has(1, look_s):
                return []
            self._has(most, gather_s)
            found: list[Came] = []
            while self._batches and len(found) < most:
                found += self._batches.popleft()
            self._waits -= len(found)
            self._bytes -= _size(found)
            self._turn.notify_all()
        return found

    def close(self) -> None:
        """Let go of who waits to put something in."""
        with self._turn:
            self._is_closed = True
            self._turn.notify_all()

    def _has(self, many: int, wait_s: float) -> bool:
        """Wait for so many without being woken for fewer."""
        self._wanted = many
        return self._turn.wait_for(lambda: self._waits >= many or not self._has_room(), wait_s)

    def _has_room(self) -> bool:
        return self._waits < self._most and self._bytes < self._most_bytes


def _size(messages: Sequence[Came]) -> int:
    return sum([len(one.payload) for one in messages])
