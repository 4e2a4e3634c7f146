"""NATS as a broker that is there before its library is loaded, which most processes never need."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.bridge import Bridge
from cityloom.signals.domain.sensorthings.exchanging import Exchange
from cityloom.signals.plugins import Exchanger, Take


class LazyNats:
    """Speaks with a NATS server that has JetStream, with TLS or without."""

    schemes = ("nats", "tls")

    def run(self, bridge: Bridge, take: Take, stop: Event, tell: Callable[[str], None]) -> None:
        """Bring messages until told to stop. Raises: Refused `signals.bridge`, `signals.broker_refuses`."""
        from cityloom.signals.contrib.nats.broker import Nats

        Nats().run(bridge, take, stop, tell)

    def exchange(self, exchange: Exchange, with_: Exchanger, stop: Event, tell: Callable[[str], None]) -> None:
        """Raises: Refused `signals.no_exchange`, since the standard knows MQTT alone."""
        raise Refused("signals.no_exchange", "SensorThings is exchanged with an MQTT broker; {value} is none.",
                      value=exchange.broker)  # fmt: skip
