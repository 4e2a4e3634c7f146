"""Brokers: how messages come from one, and what a city has for which kind of address."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Event
from typing import Protocol

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.bridge import Bridge, Message

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
