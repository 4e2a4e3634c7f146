"""Brokers: how messages come from one, and what a city has for which kind of address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import Protocol

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.bridge import Bridge, Message
from cityloom.signals.domain.sensorthings.exchanging import Exchange, Sent, Told

Take = Callable[[Sequence[Message]], None]


class Broker(Protocol):
    """What brings messages from a broker."""

    schemes: Sequence[str]

    def run(self, bridge: Bridge, take: Take, stop: Event, tell: Callable[[str], None]) -> None:
        """Hand messages to `take` until `stop`, now and then none; what it has returned for the broker may forget.

        Where `take` raises Refused they are offered again. A broker that is away is asked again, with pauses.
        Raises: Refused `signals.broker_refuses`.
        """
        ...

    def exchange(self, exchange: Exchange, with_: Exchanger, stop: Event, tell: Callable[[str], None]) -> None:
        """Hand what clients sent to `with_`, and send what it has for subscribers, until `stop`.

        What came may be forgotten by the broker once it was taken, what waits is settled once the broker has it.
        Raises: Refused `signals.broker_refuses`, `signals.broker_taken`.
        """
        ...


class Exchanger(Protocol):
    """What stands behind a broker: entities are made from what came, and changes wait to be told.

    `take` and `asked` are called in one thread, the others in another one.
    """

    def take(self, messages: Sequence[Sent]) -> bool:
        """Keep what came; False where it cannot be kept now and is to be offered again."""
        ...

    def asked(self, payloads: Sequence[bytes]) -> None:
        """The broker has said who subscribes to what."""
        ...

    def waiting(self) -> Sequence[Told]:
        """What is to be told next, in its order; each once."""
        ...

    def settle(self, positions: Sequence[int]) -> None:
        """The broker has all messages at these positions."""
        ...

    def close(self) -> None:
        """Nothing more is asked in this thread."""
        ...


BROKERS: list[Broker] = []


def register(broker: Broker) -> None:
    """Add a kind of broker; the same one twice is one."""
    if broker not in BROKERS:
        BROKERS.append(broker)


def broker_for(address: str) -> Broker:
    """What speaks with an address.

    Raises: Refused `signals.bridge`.
    """
    scheme = address.partition("://")[0]
    for broker in BROKERS:
        if scheme in broker.schemes:
            return broker
    known = ", ".join(f"{name}://" for broker in BROKERS for name in broker.schemes)
    raise Refused("signals.no_broker", "Nothing here speaks with {value}; an address begins with {limit}.",
                  value=scheme, limit=known)  # fmt: skip
