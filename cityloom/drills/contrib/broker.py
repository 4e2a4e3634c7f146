"""A drill's sensors speak through an MQTT broker, as real ones do."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from cityloom.kernel import clock, units
from cityloom.kernel.refused import Refused
from cityloom.signals.domain.reading import Reading, microseconds

ROOT = "cityloom/drill"
_IN_A_MESSAGE = 200
_LONGEST_S = 60.0
_LOOK_S = 0.005


class ByBroker:
    """Publishes readings and waits until they were taken in.

    Messages are numbered in their topics, behind the drill's time; `taken` says up to which number the city has come.
    Raises: Refused `drill.no_broker`.
    """

    def __init__(self, address: str, topic: str, unit_of: Callable[[int | str], str], taken: Callable[[], int]) -> None:
        import paho.mqtt.client as mqtt

        self._topic, self._unit_of, self._taken, self._number = topic, unit_of, taken, 0
        self._client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        parts = urlsplit(address)
        try:
            self._client.connect(parts.hostname or "localhost", parts.port or 1883)
        except OSError as error:
            raise Refused("drill.no_broker", "No broker answers at {value}; start one, or run the drill without it.",
                          value=address[:80]) from error  # fmt: skip
        self._client.loop_start()

    def say(self, readings: Sequence[Reading], at: datetime) -> None:
        """Let sensors say these; returns once the city has kept them and has told what is odd among them."""
        sent = []
        for body in _bodies([_line(reading, self._unit_of(reading.datastream)) for reading in readings]):
            self._number += 1
            topic = f"{self._topic}/{microseconds(at)}/{self._number}"
            sent.append(self._client.publish(topic, body, qos=1))
        for one in sent:
            one.wait_for_publish(_LONGEST_S)
        self._await_taken()

    def close(self) -> None:
        """Close the line."""
        self._client.disconnect()
        self._client.loop_stop()

    def _await_taken(self) -> None:
        deadline = clock.stopwatch() + _LONGEST_S
        while self._taken() < self._number:
            if clock.stopwatch() > deadline:
                raise not_taken(int(_LONGEST_S))
            threading.Event().wait(_LOOK_S)


def not_taken(within_s: int) -> Refused:
    """The process that takes readings in does not."""
    return Refused("drill.not_taken", "What sensors said through the broker was not taken in within {limit} s; the log "
                   "of the exercise says why.", limit=within_s)  # fmt: skip


def _line(reading: Reading, own: str) -> str:
    """A reading as a gateway sends it: in the stream's own unit, and as text where it cannot be turned into that."""
    value: object = reading.value
    if own and reading.unit != own:
        try:
            value = units.convert(reading.value, reading.unit, own)
        except Refused:
            value = f"{reading.value} {reading.unit}"
    said = {"datastream": str(reading.datastream), "result": value, "phenomenonTime": reading.at.isoformat()}
    return json.dumps(said)


def _bodies(lines: Sequence[str]) -> Iterator[str]:
    for start in range(0, len(lines), _IN_A_MESSAGE):
        yield "\n".join(lines[start : start + _IN_A_MESSAGE])
