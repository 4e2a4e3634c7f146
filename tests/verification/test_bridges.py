"""The bridge against real brokers: nothing is lost, neither while it is away nor where readings cannot be kept."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from cityloom.kernel import ids
from cityloom.kernel.refused import Refused
from cityloom.signals.contrib.mqtt.broker import Mqtt
from cityloom.signals.contrib.nats.broker import Link, Nats, _hand_over, subject_of
from cityloom.signals.domain.bridge import Bridge, Message, Topic
from tests.required import missing

MQTT = os.environ.get("CITYLOOM_TEST_MQTT", "mqtt://127.0.0.1:1883")
NATS = os.environ.get("CITYLOOM_TEST_NATS", "nats://127.0.0.1:4222")
_LONG_S = 60.0
Publish = Callable[[str, Sequence[str]], None]


@dataclass(frozen=True)
class At:
    """A broker that is there, what speaks with it, and what has it keep payloads on a topic."""

    url: str
    broker: Any
    publish: Publish


@contextmanager
def mqtt_at() -> Iterator[At]:
    import paho.mqtt.client as mqtt

    address = urlsplit(MQTT)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    try:
        client.connect(address.hostname or "", address.port or 1883)
    except OSError as error:
        missing("mqtt", f"no broker answers at {MQTT} ({type(error).__name__})")
    client.loop_start()

    def publish_all(topic: str, payloads: Sequence[str]) -> None:
        for told in [client.publish(topic, payload, qos=1) for payload in payloads]:
            told.wait_for_publish(_LONG_S)

    yield At(MQTT, Mqtt(), publish_all)
    client.disconnect()
    client.loop_stop()


@contextmanager
def nats_at() -> Iterator[At]:
    import nats

    address, made = urlsplit(NATS), set()
    try:
        socket.create_connection((address.hostname or "", address.port or 4222), 2).close()
    except OSError as error:
        missing("nats", f"no server answers at {NATS} ({type(error).__name__})")

    async def publish(topic: str, payloads: Sequence[str]) -> None:
        client = await nats.connect(NATS)
        for payload in payloads:
            made.add((await client.jetstream().publish(topic.replace("/", "."), payload.encode())).stream)
        await client.close()

    async def erase() -> None:
        client = await nats.connect(NATS)
        for stream in made:
            await client.jetstream().delete_stream(stream)
        await client.close()

    yield At(NATS, Nats(), lambda topic, payloads: asyncio.run(publish(topic, payloads)))
    asyncio.run(erase())


@pytest.fixture(params=["mqtt", "nats"])
def there(request: pytest.FixtureRequest) -> Iterator[At]:
    with {"mqtt": mqtt_at, "nats": nats_at}[request.param]() as found:
        yield found


class Bridged:
    """A bridge at work, and what it took."""

    def __init__(self, there: At, bridge: Bridge, refuse: int = 0) -> None:
        self.payloads: list[str] = []
        self.changed, self._stop, self._connected = threading.Condition(), threading.Event(), threading.Event()
        self._refuse = refuse
        arguments = (bridge, self._take, self._stop, self._tell)
        self._thread = threading.Thread(target=there.broker.run, args=arguments, daemon=True)
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
def bridge(there: At) -> Bridge:
    name = ids.random_token()[:12]
    return Bridge(there.url, f"cityloom-test-{name}", (Topic(f"cityloom-test/{name}/{{datastream}}", "number"),))


def test_what_comes_while_the_bridge_is_away_comes_when_it_is_back(there: At, bridge: Bridge) -> None:
    topic = bridge.topics[0].template.format(datastream="p")
    first = Bridged(there, bridge)
    there.publish(topic, [str(number) for number in range(300)])
    first.wait_for(300)
    first.stop()
    there.publish(topic, [str(number) for number in range(300, 400)])
    second = Bridged(there, bridge)
    took = second.wait_for(100)
    second.stop()
    assert set(first.payloads) | set(took) == {str(number) for number in range(400)}
    assert first.payloads == [str(number) for number in range(300)]


def test_what_cannot_be_kept_now_is_offered_again(there: At, bridge: Bridge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{type(there.broker).__module__}._REFUSED_PAUSE_S", 0.01)
    bridged = Bridged(there, bridge, refuse=3)
    there.publish(bridge.topics[0].template.format(datastream="p"), ["1", "2", "3"])
    assert bridged.wait_for(3) == ["1", "2", "3"]
    bridged.stop()


def test_a_number_that_nats_sends_again_is_of_the_instant_of_its_arrival() -> None:
    with nats_at() as there:
        name = ids.random_token()[:12]
        bridge = Bridge(there.url, f"cityloom-test-{name}", (Topic(f"cityloom-test/{name}/{{datastream}}", "number"),))
        link = Link(bridge)
        while link.line != "connected":
            time.sleep(0.01)
        there.publish(bridge.topics[0].template.format(datastream="p"), ["1"])
        seen: list[Message] = []
        while len(seen) < 2:
            for message in link.gather():
                _hand_over([message], seen.extend, threading.Event())
                asyncio.run_coroutine_threadsafe(message.nak(), link._loop).result(_LONG_S)
                link._room.release()
        link.end()
        assert seen[0] == seen[1]


def test_levels_of_topics_are_those_of_subjects() -> None:
    assert subject_of(Topic("city/{datastream}/+/#", "number")) == "city.*.*.>"
    with pytest.raises(Refused, match="no dot"):
        subject_of(Topic("v1.1/{datastream}", "number"))
