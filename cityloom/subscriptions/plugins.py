"""Ways: how a letter reaches one subscriber, and which ways there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from cityloom.kernel.refused import Refused
from cityloom.subscriptions.domain.letter import Letter
from cityloom.subscriptions.domain.wish import Address


class NotTaken(Refused):
    """A way did not take a letter; `final` means that asking again is useless."""

    def __init__(self, code: str, sentence: str, *, final: bool = False, value: object = None) -> None:
        super().__init__(code, sentence, value=value)
        self.final = final


class Gone(Exception):  # noqa: N818 - read as a fact
    """There is nobody at this address any more: the subscription is to be erased."""


class Way(ABC):
    """A way of reaching one subscriber. One instance serves several threads; a call ends within 30 seconds."""

    name: ClassVar[str]
    is_demo: ClassVar[bool] = False

    def check_address(self, address: Address) -> None:  # noqa: B027 - not every way has addresses that can be wrong
        """Raise Refused for an address to which nothing may be sent."""

    @abstractmethod
    def send(self, letter: Letter, address: Address) -> None:
        """Let a letter leave. Raises: NotTaken, Gone; anything else counts as not taken."""


WAYS: dict[str, Way] = {}
"""The ways of this city by name; the application registers them when it starts."""


def register(way: Way) -> None:
    """Make a way available under its name."""
    WAYS[way.name] = way
