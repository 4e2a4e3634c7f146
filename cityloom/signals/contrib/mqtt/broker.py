"""Messages from an MQTT 5 broker: acknowledged once they are on the disk, so that none is lost, and none floods us."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cityloom.kernel import clock
from cityloom.kernel.refused import Refused
from cityloom.signals.contrib.mqtt.client import Client, Has
from cityloom.signals.contrib.mqtt.inbox import Inbox
from cityloom.signals.contrib.mqtt.packets import Came
from cityloom.signals.domain.bridge import LARGEST_MESSAGE, Bridge, Message
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.plugins import Take

log = logging.getLogger(__name__)
NAME, PASSWORD = "CITYLOOM_MQTT_NAME", "CITYLOOM_MQTT_PASSWORD"
_MOST_ON_THEIR_WAY = 65_535
"""Messages that the broker sends before it waits for a word that they are kept: what it may not send, it may drop."""
_MOST_WAITING_BYTES = 64_000_000
_MOST_AT_ONCE = 5_000
_LARGEST_PACKET = LARGEST_MESSAGE + 1_000
_GATHER_S = 0.03
_LOOK_S = 0.1
_REFUSED_PAUSE_S = 5.0
_KEPT_FOR_S = 7 * 86_400
"""How long the broker keeps what comes while the bridge is away."""
_KEEP_ALIVE_S = 30


class Mqtt:
    """Speaks MQTT 5, with TLS or without."""

    schemes = ("mqtt", "mqtts")

    def run(self, bridge: Bridge, take: Take, stop: threading.Event, tell: Callable[[str], None]) -> None:
        """Bring messages until told to stop.

        Raises: Refused `signals.broker_refuses`.
        """
        link = Link(bridge, tell)
        link.begin()
        try:
            while not stop.is_set():
                if link.refusal:
                    raise link.refusal
                messages = link.gather()
                if _hand_over(messages, take, stop):
                    link.acknowledge(messages)
        finally:
            link.end()


class Link:
    """A connection, and what has come on it."""

    def __init__(self, bridge: Bridge, tell: Callable[[str], None], has: Has | None = None) -> None:
        self._bridge, self._tell = bridge, tell
        self._came = Inbox(_MOST_ON_THEIR_WAY, _MOST_WAITING_BYTES)
        self._ended = False
        self.refusal: Refused | None = None
        self._client = Client(bridge.client, self._came.put, _LARGEST_PACKET, has)
        self._client.on_connect, self._client.on_subscribe = self._connected, self._subscribed
        self._client.on_disconnect = self._disconnected
        self._client.reconnect_delay_set(1, 30)

    def begin(self) -> None:
        """Connect in a thread of its own; where the broker is away, go on asking."""
        address = urlsplit(self._bridge.broker)
        if address.scheme == "mqtts":
            self._client.tls_set()
        if name := os.environ.get(NAME):
            self._client.username_pw_set(name, os.environ.get(PASSWORD))
        asked = Properties(PacketTypes.CONNECT)
        asked.SessionExpiryInterval = _KEPT_FOR_S
        asked.ReceiveMaximum = _MOST_ON_THEIR_WAY
        asked.MaximumPacketSize = _LARGEST_PACKET
        port = address.port or (8883 if address.scheme == "mqtts" else 1883)
        self._client.connect_async(address.hostname or "localhost", port, keepalive=_KEEP_ALIVE_S, clean_start=False,
                                   properties=asked)  # fmt: skip
        self._client.loop_start()

    def gather(self) -> list[Came]:
        """What has come: at once where it is much, else after a moment."""
        return self._came.take(_MOST_AT_ONCE, _LOOK_S, _GATHER_S)

    def acknowledge(self, messages: Sequence[Came]) -> None:
        """Tell the broker that these are kept; where the line is down, it sends them again, and they are known."""
        self._client.acknowledge(messages)

    def end(self) -> None:
        """Close the line; the broker keeps what comes for the next one."""
        self._ended = True
        self._came.close()
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: mqtt.Client, _told: Any, _flags: Any, reason: ReasonCode, _more: Any) -> None:
        if reason.is_failure:
            self._tell(f"the broker refuses: {reason}")
            if reason.value in (0x84, 0x85, 0x86, 0x87, 0x8A, 0x8C):  # what asking again does not change
                self.refusal = Refused("signals.broker_refuses", "The broker {value} lets nobody in under this name; "
                                       "set {limit} and start again.", value=self._bridge.broker,
                                       limit=f"{NAME} and {PASSWORD}")  # fmt: skip
            return
        client.subscribe([(one.filter, SubscribeOptions(qos=one.qos)) for one in self._bridge.topics])

    def _subscribed(self, _client: mqtt.Client, _told: Any, _mid: int, reasons: list[ReasonCode], _more: Any) -> None:
        """From here on the broker keeps what comes; before it, nobody had asked for it."""
        for topic, reason in zip(self._bridge.topics, reasons, strict=False):
            if reason.is_failure:
                self._tell(f"the broker refuses {topic.filter}: {reason}")
        if not all(reason.is_failure for reason in reasons):
            self._tell("connected")

    def _disconnected(self, _client: mqtt.Client, _told: Any, _flags: Any, reason: ReasonCode, _more: Any) -> None:
        if not self._ended:
            self._tell(f"the line is down ({reason}); trying again")


def _hand_over(messages: Sequence[Came], take: Take, stop: threading.Event) -> bool:
    """Hand messages over; where they cannot be kept now, again after a pause: the broker waits meanwhile."""
    at_us = microseconds(clock.now())
    told = [Message(one.topic, one.payload, at_us) for one in messages]
    while True:
        try:
            take(told)
        except Refused as refusal:
            log.warning("readings cannot be kept now: %s", refusal.code)
            if stop.wait(_REFUSED_PAUSE_S):
                return False
        else:
            return True
