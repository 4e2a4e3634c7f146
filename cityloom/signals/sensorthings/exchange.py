"""What stands behind the broker of an exchange: the city's database, for as long as it answers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from django.db import OperationalError, connection

from cityloom.kernel import clock
from cityloom.signals.domain.sensorthings.exchanging import Exchange, Sent, Told
from cityloom.signals.sensorthings.receiving import Receiver
from cityloom.signals.sensorthings.telling import Teller

log = logging.getLogger(__name__)
_SEEN_EVERY_S = 60.0


class Desk:
    """Takes and tells for an exchange; one process at a time. `tell` takes words, messages told and entities made."""

    def __init__(self, exchange: Exchange, tell: Callable[[str, int, int], None]) -> None:
        self._teller, self._receiver, self._tell = Teller(exchange), Receiver(exchange), tell
        self._told, self._seen_at = 0, clock.stopwatch()
        self._unsettled: list[int] = []
        self._teller.begin(clock.now())

    def say(self, words: str) -> None:
        """Pass on words of the broker."""
        self._tell(words, self._told, self._receiver.received.made)

    def take(self, messages: Sequence[Sent]) -> bool:
        """Keep what came; False where the database cannot now."""
        try:
            self._receiver.take(messages, clock.now())
        except OperationalError as fault:
            log.warning("messages cannot be kept now: %s", type(fault).__name__)
            connection.close()
            return False
        self.say("")
        return True

    def asked(self, payloads: Sequence[bytes]) -> None:
        """Tell what somebody asks for, as the broker says; where the database does not answer, until this ends."""
        try:
            self._teller.asked(payloads)
        except OperationalError as fault:
            log.warning("what is asked for cannot be noted now: %s", type(fault).__name__)
            connection.close()

    def waiting(self) -> list[Told]:
        """What is to be told next; nothing where the database does not answer now."""
        try:
            if clock.stopwatch() - self._seen_at >= _SEEN_EVERY_S:
                self._seen_at = clock.stopwatch()
                self._teller.seen(clock.now())
            return self._teller.waiting()
        except OperationalError as fault:
            log.warning("changes cannot be read now: %s", type(fault).__name__)
            connection.close()
            return []

    def settle(self, positions: Sequence[int]) -> None:
        """Forget what was told, now or as soon as the database answers."""
        self._unsettled += positions
        if not self._unsettled:
            return
        try:
            self._teller.settle(self._unsettled)
        except OperationalError as fault:
            log.warning("what was told cannot be settled now: %s", type(fault).__name__)
            connection.close()
            return
        self._told += len(self._unsettled)
        self._unsettled = []
        self.say("")

    def close(self) -> None:
        """Let go of this thread's connection."""
        connection.close()
