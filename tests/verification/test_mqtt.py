"""The bridge against a real broker: nothing is lost, neither while it is away nor where readings cannot be kept."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from urllib.parse import urlsplit

import pytest

from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.signals.contrib.mqtt.broker import Mqtt
from cityloom.signals.domain.bridge import Bridge, Message, Topic
from tests.required import missing

URL = os.environ.get("CITYLOOM_TEST_MQTT", "mqtt://127.0.0.1:1883")
_LONG_S = 60.0


@pytest.fixture
def publish() -> Iterator[Callable[[str, Sequence[str]], None]]:
    """Publish payloads on a topic, QoS 1; returns when the broker has them."""
    import paho.mqtt.client as mqtt

    address = urlsplit(URL)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    try:
        client.connect(address.hostname or "", address.port or 1883)
    except OSError as error:
        missing("mqtt", f"no broker answers at {URL} ({type(error).__name__})")
    client.loop_start()

    def publish_all(topic: str, payloads: Sequence[str]) -> None:
        for told in [client.publish(topic, payload, qos=1) for payload in payloads]:
            told.wait_for_publish(_LONG_S)

    yield publish_all
    client.disconnect()
    client.loop_stop()


class Bridged:
    """A bridge at work, and what it took."""

    def __init__(self, bridge: Bridge, refuse: int = 0) -> None:
        self.payloads: list[str] = []
        self.changed, self._stop, self._connected = threading.Condition(), threading.Event(), threading.Event()
        self._refuse = refuse
        arguments = (bridge, self._take, self._stop, self._tell)
        self._thread = threading.Thread(target=Mqtt().run, args=arguments, daemon=True)
        self._thread.start()
        assert self._connected.wait(_LONG_S)

    def _tell(self, words: str) -> None:
        if words == "connected":
            self._connected.set()

    def _take(self, messages: Sequence[Message]) -> None:
        if messages and self._refuse:
            self._refuse -= 1
            raise Refused("lake.disk_full", "The disk is full.")
        with self.changed:
            self.payloads += [one.payload.decode() for one in messages]
            self.changed.notify_all()

    def wait_for(self, count: int) -> list[str]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(set(self.payloads)) >= count, _LONG_S), len(self.payloads)
        return self.payloads

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(_LONG_S)
        assert not self._thread.is_alive()


@pytest.fixture
def bridge() -> Bridge:
    name = ids.random_token()[:12]
    return Bridge(URL, f"cityloom-test-{name}", (Topic(f"cityloom-test/{name}/{{datastream}}", "number"),))


def test_what_comes_while_the_bridge_is_away_comes_when_it_is_back(
    publish: Callable[[str, Sequence[str]], None], bridge: Bridge
) -> None:
    topic = bridge.topics[0].template.format(datastream="p")
    first = Bridged(bridge)
    publish(topic, [str(number) for number in range(300)])
    first.wait_for(300)
    first.stop()
    publish(topic, [str(number) for number in range(300, 400)])
    second = Bridged(bridge)
    took = second.wait_for(100)
    second.stop()
    assert set(first.payloads) | set(took) == {str(number) for number in range(400)}
    assert first.payloads == [str(number) for number in range(300)]


def test_what_cannot_be_kept_now_is_offered_again(
    publish: Callable[[str, Sequence[str]], None], bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.signals.contrib.mqtt.broker._REFUSED_PAUSE_S", 0.01)
    bridged = Bridged(bridge, refuse=3)
    publish(bridge.topics[0].template.format(datastream="p"), ["1", "2", "3"])
    assert bridged.wait_for(3) == ["1", "2", "3"]
    bridged.stop()
