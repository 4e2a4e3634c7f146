"""The library's client with another way of reading: packets by the thousand instead of three reads for each.

The library connects, subscribes, keeps alive, publishes and reconnects as ever (decision 0068).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import paho.mqtt.client as mqtt

from cityloom.signals.contrib.mqtt.packets import Came, Other, acknowledgements, taken_apart

_READ_AT_ONCE = 1 << 18
_PUBACK, _PUBLISH = 0x40, 0x30
_FIRST_FAULT = b"\x80"


Has = Callable[[Sequence[int], dict[int, int]], None]


class Client(mqtt.Client):
    """Hands messages to `arrived` by the batch; a packet may have `largest` bytes, which the broker is told.

    Messages of QoS 2 come one by one, by the library. `has`, where it is given, is told the numbers of messages that
    the broker has, and which of these it did not take; the library publishes nothing of QoS 1 then.
    """

    def __init__(
        self, name: str, arrived: Callable[[Sequence[Came]], None], largest: int, has: Has | None = None
    ) -> None:
        super().__init__(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, manual_ack=True)
        self._arrived, self._has, self._largest, self._bytes = arrived, has, largest, b""
        self.on_socket_open = self._begun
        self.on_message = self._arrived_alone

    def write(self, packets: bytes) -> None:
        """Send packets of QoS 1, as soon as the line takes them."""
        self._packet_queue(_PUBLISH, packets, 0, 1)

    def acknowledge(self, messages: Sequence[Came]) -> None:
        """Let the broker forget messages, with one write for those of QoS 1."""
        mids = [one.mid for one in messages if one.qos == 1]
        if mids:
            self._packet_queue(_PUBACK, acknowledgements(mids), mids[-1], 1)
        for one in messages:
            if one.qos > 1:
                self.ack(one.mid, one.qos)

    def _begun(self, _client: mqtt.Client, _told: Any, _socket: Any) -> None:
        self._bytes = b""

    def _packet_read(self) -> mqtt.MQTTErrorCode:
        """Read what is there, as the library's method of this name does for one packet."""
        try:
            fresh = self._sock_recv(_READ_AT_ONCE)
        except BlockingIOError:
            return mqtt.MQTTErrorCode.MQTT_ERR_AGAIN
        except OSError:
            return mqtt.MQTTErrorCode.MQTT_ERR_CONN_LOST
        if not fresh:
            return mqtt.MQTTErrorCode.MQTT_ERR_CONN_LOST
        with self._msgtime_mutex:
            self._last_bytes_received = mqtt.time_func()
        try:
            return self._taken(self._bytes + fresh)
        except (ValueError, mqtt.MQTTException):
            return mqtt.MQTTErrorCode.MQTT_ERR_PROTOCOL

    def _taken(self, data: bytes) -> mqtt.MQTTErrorCode:
        packets, rest = taken_apart(data, self._largest)
        self._bytes = data[rest:]
        messages: list[Came] = []
        packets = self._without_word_of_ours(packets) if self._has else packets
        for one in packets:
            if isinstance(one, Came):
                messages.append(one)
                continue
            self._hand_over(messages)
            messages = []
            if said := self._by_the_library(one.command, one.body):
                return said
        self._hand_over(messages)
        return mqtt.MQTTErrorCode.MQTT_ERR_SUCCESS

    def _without_word_of_ours(self, packets: Sequence[Came | Other]) -> list[Came | Other]:
        """What is left once `has` was told of the messages that the broker has."""
        words = [one.body for one in packets if isinstance(one, Other) and one.command == _PUBACK]
        if words and self._has:
            mids = [int.from_bytes(one[:2], "big") for one in words]
            faults = {mid: one[2] for mid, one in zip(mids, words, strict=True) if one[2:3] >= _FIRST_FAULT}
            self._has(mids, faults)
        return [one for one in packets if isinstance(one, Came) or one.command != _PUBACK]

    def _hand_over(self, messages: Sequence[Came]) -> None:
        if messages:
            self._arrived(messages)

    def _by_the_library(self, command: int, body: bytes) -> mqtt.MQTTErrorCode:
        self._in_packet |= {"command": command, "remaining_length": len(body), "packet": bytearray(body), "pos": 0}
        try:
            return self._packet_handle()
        finally:
            self._in_packet["command"] = 0

    def _arrived_alone(self, _client: mqtt.Client, _told: Any, message: mqtt.MQTTMessage) -> None:
        self._arrived([Came(message.topic, message.payload, message.mid, message.qos, bool(message.dup))])
