"""MQTT as a broker that is there before its library is loaded, which most processes never need."""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from cityloom.signals.domain.bridge import Bridge
from cityloom.signals.domain.sensorthings.exchanging import Exchange
from cityloom.signals.plugins import Exchanger, Take


class LazyMqtt:
    """Speaks MQTT 5, with TLS or without."""

    schemes = ("mqtt", "mqtts")

    def run(self, bridge: Bridge, take: Take, stop: Event, tell: Callable[[str], None]) -> None:
        """Bring messages until told to stop. Raises: Refused `signals.broker_refuses`."""
        from cityloom.signals.contrib.mqtt.broker import Mqtt

        Mqtt().run(bridge, take, stop, tell)

    def exchange(self, exchange: Exchange, with_: Exchanger, stop: Event, tell: Callable[[str], None]) -> None:
        """Take and tell until told to stop. Raises: Refused `signals.broker_refuses`, `signals.broker_taken`."""
        from cityloom.signals.contrib.mqtt.line import MqttLine

        MqttLine().run(exchange, with_, stop, tell)
