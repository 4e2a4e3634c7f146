"""SensorThings over an MQTT 5 broker: what clients send is kept before it is acknowledged, and what changed is told.

One connection for both, so that the broker does not send back what was told (no local).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from cityloom.kernel.refused import Refused
from cityloom.signals.contrib.mqtt.broker import Link
from cityloom.signals.contrib.mqtt.outgoing import Outgoing
from cityloom.signals.domain.bridge import Bridge
from cityloom.signals.domain.sensorthings.exchanging import Exchange, Sent, Told
from cityloom.signals.plugins import Exchanger

log = logging.getLogger(__name__)
_MOST_OUT = 5_000
"""Messages on their way to the broker before more is read."""
_LOOK_S = 0.05
_SETTLED_AT_ONCE = 500
_REFUSED_PAUSE_S = 5.0
_TAKEN_OVER = 0x8E
_ANY_NUMBER = 65_535
_NEVER_RETAINED = 2


class MqttLine:
    """Speaks MQTT 5, with TLS or without."""

    schemes = ("mqtt", "mqtts")

    def run(
        self, exchange: Exchange, with_: Exchanger, stop: threading.Event, tell: Callable[[str], None]
    ) -> None:
        """Take and tell until told to stop; a broker that is away is asked again.

        Raises: Refused `signals.broker_refuses`, `signals.broker_taken`.
        """
        line = _Line(exchange, tell)
        teller = threading.Thread(target=_tell, args=(line, with_, stop), name="tell subscribers", daemon=True)
        line.begin()
        teller.start()
        try:
            while not stop.is_set():
                if line.refusal:
                    raise line.refusal
                if not teller.is_alive():
                    raise line.fault or RuntimeError("nobody tells")
                _take(line, with_, stop)
        finally:
            line.end()
            stop.set()
            teller.join()


class _Line(Link):
    """A connection on which messages go both ways."""

    def __init__(self, exchange: Exchange, tell: Callable[[str], None]) -> None:
        super().__init__(Bridge(exchange.broker, exchange.client, ()), tell, self._has)
        self._exchange, self._outgoing = exchange, Outgoing(self._client.write)
        self._left: dict[int, int] = {}
        self._received: list[int] = []
        self._turn = threading.Condition()
        self.fault: Exception | None = None
        self._is_told_of_refusal = False

    def is_listening_to(self, topic: str) -> bool:
        """Whether the broker says there who subscribes."""
        return bool(self._exchange.listen) and mqtt.topic_matches_sub(self._exchange.listen, topic)

    @property
    def out(self) -> int:
        """How many messages are on their way."""
        return len(self._outgoing)

    def send(self, messages: Sequence[Told]) -> None:
        """Send messages in their order; they are sent again after a line that was down."""
        with self._turn:
            for one in messages:
                self._left[one.position] = self._left.get(one.position, 0) + 1
        self._outgoing.put((one.position, one.topic, one.payload) for one in messages)

    def received(self, wait_s: float) -> list[int]:
        """Positions of which every message has reached the broker."""
        with self._turn:
            if not self._received and wait_s:
                self._turn.wait(wait_s)
            found, self._received = self._received, []
        return found

    def _has(self, mids: Sequence[int], faults: Mapping[int, int]) -> None:
        """The broker has messages, or does not want them, which no asking again changes."""
        if faults and not self._is_told_of_refusal:
            self._is_told_of_refusal = True
            reason = ReasonCode(PacketTypes.PUBACK, identifier=next(iter(faults.values())))
            self._tell(f"the broker does not let us tell everything: {reason}")
        with self._turn:
            for position in self._outgoing.has(mids):
                self._left[position] -= 1
                if not self._left[position]:
                    del self._left[position]
                    self._received.append(position)
            if self._received:
                self._turn.notify()

    def _connected(self, client: mqtt.Client, told: Any, flags: Any, reason: ReasonCode, more: Any) -> None:
        if reason.is_failure:
            super()._connected(client, told, flags, reason, more)
            return
        self._outgoing.begin(getattr(more, "ReceiveMaximum", _ANY_NUMBER), knows_us=flags.session_present)
        options = SubscribeOptions(qos=1, noLocal=True, retainHandling=_NEVER_RETAINED)
        wanted = [(one, options) for taking in self._exchange.take for one in taking.filters]
        if self._exchange.listen:
            wanted.append((self._exchange.listen, options))
        if wanted:
            client.subscribe(wanted)
        else:
            self._tell("connected")

    def _subscribed(self, _client: mqtt.Client, _told: Any, _mid: int, reasons: list[ReasonCode], _more: Any) -> None:
        if any(reason.is_failure for reason in reasons):
            self._tell("the broker refuses to send us a topic that we asked for")
        self._tell("connected")

    def _disconnected(self, client: mqtt.Client, told: Any, flags: Any, reason: ReasonCode, more: Any) -> None:
        self._outgoing.end()
        if reason.value == _TAKEN_OVER:
            self.refusal = Refused("signals.broker_taken", "Another process has connected to the broker as {value}; "
                                   "only one may. End the other one, or give this one another name.",
                                   value=self._exchange.client)  # fmt: skip
        super()._disconnected(client, told, flags, reason, more)


def _take(line: _Line, with_: Exchanger, stop: threading.Event) -> None:
    """Have what came kept, and let the broker forget it then."""
    came = line.gather()
    said = [one.payload for one in came if line.is_listening_to(one.topic)]
    if said:
        with_.asked(said)
    messages = [one for one in came if not line.is_listening_to(one.topic)]
    if not messages:
        line.acknowledge(came)
        return
    sent = [Sent(one.topic, one.payload, one.mid, one.dup) for one in messages]
    while not with_.take(sent):
        if stop.wait(_REFUSED_PAUSE_S):
            return
    line.acknowledge(came)


def _tell(line: _Line, with_: Exchanger, stop: threading.Event) -> None:
    try:
        while not stop.is_set():
            _tell_next(line, with_, stop)
        with_.settle(line.received(0))
    except Exception as fault:
        line.fault = fault
        log.exception("subscribers are not told any more")
    finally:
        with_.close()


def _tell_next(line: _Line, with_: Exchanger, stop: threading.Event) -> None:
    messages = with_.waiting() if line.out < _MOST_OUT else []
    line.send(messages)
    done = line.received(0 if messages else _LOOK_S)
    if done:
        with_.settle(done)
    elif not messages:
        stop.wait(_LOOK_S)
