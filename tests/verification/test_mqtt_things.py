"""SensorThings over a real broker: what changes is told, what is sent is made, and nothing is lost in between."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db.models import Sum

from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM
from cityloom.signals import actions, queries
from cityloom.signals.models import ChangeFeed, Datastream, EntityChange, Observation, RejectedSignal
from tests.required import missing
from tests.signals.sensing import Api, stream, thing

URL = os.environ.get("CITYLOOM_TEST_MQTT", "mqtt://127.0.0.1:1883")
AT = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
_LONG_S = 30.0
pytestmark = pytest.mark.django_db(transaction=True)


class Subscriber:
    """A client of the broker that keeps all that it is told."""

    def __init__(self, filter_: str, skipped: int) -> None:
        import paho.mqtt.client as mqtt

        address = urlsplit(URL)
        self.told: list[tuple[str, Any]] = []
        self._skipped = skipped
        self._changed, subscribed = threading.Condition(), threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = self._came
        self.client.on_subscribe = lambda *_: subscribed.set()
        try:
            self.client.connect(address.hostname or "", address.port or 1883)
        except OSError as error:
            missing("mqtt", f"no broker answers at {URL} ({type(error).__name__})")
        self.client.loop_start()
        self.client.subscribe(filter_, qos=1)
        assert subscribed.wait(_LONG_S)

    def _came(self, _client: Any, _told: Any, message: Any) -> None:
        with self._changed:
            says = json.loads(message.payload) if message.payload.startswith(b"{") else {}
            self.told.append((message.topic[self._skipped :], says))
            self._changed.notify_all()

    def wait_for(self, count: int) -> list[tuple[str, Any]]:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.told) >= count, _LONG_S), self.told
        return self.told

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Exchanged:
    """An exchange at work in a thread of its own."""

    def __init__(self, text: str) -> None:
        self._stop, self._connected = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, args=(text,), daemon=True)
        self._thread.start()
        assert self._connected.wait(_LONG_S)

    def _run(self, text: str) -> None:
        from django.db import connection

        try:
            actions.exchange_things(text=text, stop=self._stop, by=SYSTEM, at=AT, tell=self._tell)
        finally:
            connection.close()

    def _tell(self, words: str, told: int, made: int) -> None:
        if words == "connected":
            self._connected.set()

    def end(self) -> None:
        self._stop.set()
        self._thread.join(_LONG_S)
        assert not self._thread.is_alive()


@pytest.fixture
def api() -> Api:
    return Api(actions.make_key(owner="Water company", by=SYSTEM, at=AT))


@pytest.fixture
def prefix() -> str:
    """Nobody else's topics on a broker that others may use at the same time."""
    return f"cityloom-test/{ids.random_token()[:12]}/"


@pytest.fixture
def subscriber(prefix: str) -> Iterator[Subscriber]:
    found = Subscriber(f"{prefix}#", len(prefix))
    yield found
    found.end()


@pytest.fixture
def exchange(prefix: str) -> Iterator[Callable[..., Exchanged]]:
    made: list[Exchanged] = []

    def one(**says: Any) -> Exchanged:
        client = f"cityloom-test-{ids.random_token()[:8]}"
        made.append(Exchanged(json.dumps({"broker": URL, "client": client, "prefix": prefix} | says)))
        return made[-1]

    yield one
    for each in made:
        each.end()
    actions.end_exchange(by=SYSTEM, at=AT)


def test_what_changes_is_told_on_the_topics_of_the_standard(api, subscriber, exchange):
    key = api.make("Things", thing(stream()))
    path = f"Datastreams({Datastream.objects.get().id})"
    exchange(tell=["v1.1/Datastreams(*)/Observations", "v1.1/Observations?$select=result", f"v1.1/{path}",
                   "v1.1/Datastreams(*)/*", "v1.1/Things(*)/Datastreams(*)/Observations"])  # fmt: skip
    made = api.make(f"{path}/Observations", {"result": 7, "phenomenonTime": "2026-05-01T00:00:00Z"})
    assert api.call("PATCH", path, {"description": "Above all"}).status_code == 200
    found = dict(subscriber.wait_for(5))
    told = found[f"v1.1/{path}/Observations"]
    assert (told["result"], told["@iot.id"], told.keys()) == (7, made, api.get(f"Observations({made})").keys())
    assert found["v1.1/Observations?$select=result"] == {"result": 7}
    assert found[f"v1.1/Things({key})/{path}/Observations"] == told
    assert found[f"v1.1/{path}"]["description"] == "Above all"
    assert found[f"v1.1/{path}/description"] == {"description": "Above all"}
    assert len(subscriber.told) == 5


def test_what_changes_while_nobody_tells_is_told_later_once_and_in_order(api, subscriber, exchange):
    key = api.make("Things", thing())
    exchange(tell=["v1.1/Things(*)"]).end()
    requests = [{"id": str(at), "method": "patch", "url": f"Things({key})", "body": {"properties": {"at": at}}}
                for at in range(300)]  # fmt: skip
    api.post("$batch", {"requests": requests}, 200)
    assert EntityChange.objects.count() == 300
    exchange(tell=["v1.1/Things(*)"])
    assert [one["properties"]["at"] for _, one in subscriber.wait_for(300)] == list(range(300))


def test_what_clients_send_is_made_as_the_key_of_the_topic_allows(api, subscriber, exchange, prefix):
    api.make("Things", thing(stream()))
    first = Datastream.objects.get()
    actions.make_key(owner="Pump", thing_id=first.thing_id, by=SYSTEM, at=AT)
    key = next(one.id for one in queries.device_keys() if one.owner == "Pump")
    exchange(tell=["v1.1/Datastreams(*)/Observations"],
             take=[{"prefix": f"{prefix}from/{{key}}/", "sets": ["Observations", "Things"]}])  # fmt: skip
    topic = f"{prefix}from/{key}/v1.1/Datastreams({first.id})/Observations"
    for where, payload in (
        (topic, '{"result": 5}'), (topic, "no json"), (topic.replace(key, "0" * 26), '{"result": 7}'),
        (f"{prefix}from/{key}/v1.1/Things", json.dumps(thing())), (topic, '{"result": 6}'),
    ):  # fmt: skip
        subscriber.client.publish(where, payload, qos=1)
    told = [one for _, one in subscriber.wait_for(7) if "@iot.id" in one]
    assert [one["result"] for one in told] == [5, 6]
    assert (Observation.objects.count(), len(api.values("Things"))) == (2, 1)
    rejected = dict(RejectedSignal.objects.values_list("code").annotate(Sum("count")))
    assert rejected == {"sta_json": 1, "key_unknown": 1, "not_allowed_thing": 1}


def test_what_is_not_public_is_told_to_nobody(api, subscriber, exchange):
    api.make("Things", thing(stream(), stream(name="Other")))
    hidden, shown = Datastream.objects.order_by("id")
    actions.set_public(datastream_ids=[hidden.id], is_public=False, by=SYSTEM, at=AT)
    exchange(tell=["v1.1/Observations"])
    for one in (hidden, shown):
        api.make(f"Datastreams({one.id})/Observations", {"result": one.id})
    assert [one["result"] for _, one in subscriber.wait_for(1)] == [shown.id]


def test_what_somebody_subscribes_to_is_told_where_the_broker_says_so_and_remembered(
    api, subscriber, exchange, prefix
):  # fmt: skip
    key = api.make("Things", thing())
    says = {"listen": f"{prefix}said/subscribe"}
    first = exchange(**says)
    subscriber.client.publish(says["listen"], f"1795828669: me 1 {prefix}v1.1/Things(9)/name", qos=1)
    subscriber.wait_for(1)
    eventually(lambda: ChangeFeed.objects.filter(titles="Thing").exists())
    first.end()
    exchange(**says)
    assert api.call("PATCH", f"Things({key})", {"name": "Dam", "description": "new"}).status_code == 200
    assert subscriber.wait_for(2)[1:] == [(f"v1.1/Things({key})/name", {"name": "Dam"})]


def eventually(holds: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    waited = threading.Event()
    for _ in range(int(_LONG_S / 0.05)):
        if holds():
            return
        waited.wait(0.05)
    raise AssertionError("it has not come to be")
