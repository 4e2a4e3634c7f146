"""One changed byte stops the alert, at every hop."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.alerts import actions, plugins, queries
from cityloom.alerts.contrib.smtp import SmtpChannel
from cityloom.alerts.domain import binding, capxml
from cityloom.alerts.domain import document as documents
from cityloom.alerts.models import Alert, Delivery
from cityloom.alerts.plugins import Channel, OutgoingMessage, Receipt
from cityloom.kernel.canonical import canonical_bytes, digest
from cityloom.kernel.refused import Refused
from tests.alerts import examples
from tests.alerts.examples import NOW
from tests.examples import a_third_of

HERE = 180
"""Mutations for each of the three hops."""


class Recorder(Channel):
    """A channel that only remembers what reached it."""

    name = "recorder"
    is_demo = True
    repeats_are_harmless = True

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        self.taken.append(parcel)
        return Receipt("taken")


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    channel = Recorder()
    monkeypatch.setitem(plugins.CHANNELS, "recorder", channel)
    return channel


def _changed(data: bytes, chance: random.Random) -> bytes:
    """The same bytes with one replaced, removed or added."""
    position, byte = chance.randrange(len(data)), bytes([chance.randrange(256)])
    kind = chance.choice(["replace", "remove", "add"])
    middle = {"replace": byte, "remove": b"", "add": byte + data[position : position + 1]}[kind]
    return data[:position] + middle + data[position + 1 :]


def _mutations(data: bytes, accept: Callable[[bytes], bool] = bool) -> list[bytes]:
    chance = random.Random(2)
    found: list[bytes] = []
    while len(found) < HERE:
        changed = _changed(data, chance)
        if changed != data and accept(changed):
            found.append(changed)
    return found


def _is_another_document(data: bytes) -> bool:
    """Whether the bytes are JSON that says something else; other bytes stop earlier, as no document at all."""
    try:
        return json.loads(data) != examples.document(channels=["recorder"])
    except ValueError:
        return False


@pytest.mark.django_db
def test_a_changed_document_is_never_issued() -> None:
    approved = examples.document(channels=["recorder"])
    order = examples.order(approved)
    for changed in _mutations(canonical_bytes(approved), _is_another_document):
        with pytest.raises(Refused) as refusal:
            actions.send(**order | {"document": json.loads(changed)})
        assert refusal.value.code == "alerts.digest_differs"
    assert not Alert.objects.exists()


@pytest.mark.django_db
def test_xml_that_changed_in_the_database_never_reaches_a_channel(recorder: Recorder) -> None:
    alert_id = actions.send(**examples.order(examples.document(channels=["recorder"])))
    xml = queries.xml_of(alert_id)
    for changed in _mutations(xml, _is_text):
        Alert.objects.update(xml=changed.decode())
        Delivery.objects.update(state="pending", attempts=0, next_try_at=NOW)
        assert actions.deliver_due(at=NOW).refused == 1
    assert recorder.taken == []
    Alert.objects.update(xml=xml.decode())
    Delivery.objects.update(state="pending", attempts=0, next_try_at=NOW)
    assert actions.deliver_due(at=NOW).sent == 1
    assert recorder.taken == [xml]


def _is_text(data: bytes) -> bool:
    try:
        return "\x00" not in data.decode()
    except UnicodeDecodeError:
        return False


def test_a_message_that_changed_on_the_way_to_the_channel_is_stopped() -> None:
    recorder = Recorder()
    message = _message(examples.document())
    for changed in _mutations(message.xml):
        with pytest.raises(Refused):
            plugins.hand_over(recorder, _with(message, xml=changed))
    assert recorder.taken == []
    plugins.hand_over(recorder, message)
    assert recorder.taken == [message.xml]


@settings(deadline=None, max_examples=a_third_of(60))
@given(document=examples.documents(any_text=True), data=st.data())
def test_whatever_the_document_says_no_byte_of_it_is_free(document: dict[str, Any], data: st.DataObject) -> None:
    xml = capxml.build_xml(document)
    position = data.draw(st.integers(0, len(xml) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda value: value != xml[position]))
    changed = xml[:position] + bytes([byte]) + xml[position + 1 :]
    binding.check_bytes(xml, documents.unsent_of(document), digest(document))
    with pytest.raises(Refused):
        binding.check_bytes(changed, documents.unsent_of(document), digest(document))


@pytest.mark.parametrize("changes", [
    {"approved_digest": ""}, {"approved_digest": "0" * 64}, {"unsent": {}},
    {"unsent": {"version": 1, "revision": 1, "synthetic_city": True, "buildings": [11], "channels": examples.DEMO}},
    {"unsent": {"version": 1, "revision": 1, "synthetic_city": True, "buildings": [11, 12, 700], "channels": ["x"]}},
])  # fmt: skip
def test_what_travels_beside_the_xml_is_bound_as_well(changes: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        plugins.hand_over(Recorder(), _with(_message(examples.document()), **changes))


@pytest.mark.parametrize("lost", ["polygon", "area"])
def test_an_alert_that_lost_its_geometry_is_stopped(lost: str) -> None:
    message = _message(examples.document())
    start, end = f"<{lost}>".encode(), f"</{lost}>".encode()
    first, _, rest = message.xml.partition(start)
    without = first + rest.partition(end)[2]
    with pytest.raises(Refused):
        plugins.hand_over(Recorder(), _with(message, xml=without))


def test_a_mail_that_says_more_than_its_alert_is_stopped(settings: Any) -> None:
    options = {"SMTP_HOST": "127.0.0.1", "SMTP_FROM": "city@cityloom.invalid", "SMTP_TO": ["office@cityloom.invalid"]}
    settings.CITYLOOM = settings.CITYLOOM | {"ALERTS": options}
    channel, message = SmtpChannel(), _message(examples.document(exercise=False, synthetic_city=False))
    parcel = channel.pack(message)
    assert channel.unpack(parcel) == message.xml
    for changed in _mutations(parcel)[:60]:
        with pytest.raises(Refused):
            binding.check_bytes(channel.unpack(changed), message.unsent, message.approved_digest)


def _message(document: dict[str, Any]) -> OutgoingMessage:
    return OutgoingMessage(
        key="KEY", channel="recorder", identifier=document["identifier"], xml=capxml.build_xml(document),
        unsent=documents.unsent_of(document), approved_digest=digest(document),
    )  # fmt: skip


def _with(message: OutgoingMessage, **changes: Any) -> OutgoingMessage:
    return OutgoingMessage(**{name: getattr(message, name) for name in message.__dataclass_fields__} | changes)
