"""What clients send to a broker: each message once, as the key behind its topic allows; the broker is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from django.db.models import Sum

from cityloom.kernel.actor import SYSTEM
from cityloom.signals import actions, queries
from cityloom.signals.domain.sensorthings import exchanging
from cityloom.signals.domain.sensorthings.exchanging import Sent
from cityloom.signals.models import Datastream, Observation, RejectedSignal, TakenMessage
from cityloom.signals.sensorthings import receiving
from cityloom.signals.sensorthings.receiving import Receiver
from tests.signals.sensing import Api, stream, thing

AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def topic() -> str:
    """Where observations of the one datastream are sent."""
    Api(actions.make_key(owner="Water company", by=SYSTEM, at=AT)).make("Things", thing(stream()))
    return f"v1.1/Datastreams({Datastream.objects.get().id})/Observations"


def receiver(**changes: object) -> Receiver:
    take = {"key": queries.device_keys()[0].id} | changes
    return Receiver(exchanging.read(json.dumps({"broker": "mqtt://x", "take": [take]})))


def results() -> list[float | None]:
    return list(Observation.objects.order_by("id").values_list("result", flat=True))


def test_a_message_that_is_sent_again_counts_once_and_the_same_words_anew_count_again(topic: str) -> None:
    one, words = receiver(), b'{"result": 1}'
    one.take([Sent(topic, words, 7), Sent(topic, words, 7, again=True), Sent(topic, words, 8)], AT)
    Receiver.take(receiver(), [Sent(topic, words, 8, again=True), Sent(topic, b'{"result": 2}', 7, again=True)], AT)
    assert results() == [1, 1, 2]
    assert TakenMessage.objects.count() == 2


def test_a_number_that_has_come_round_is_another_message(topic: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_ON_THEIR_WAY", 2)
    one, words = receiver(), b'{"result": 1}'
    one.take([Sent(topic, words, 7)] + [Sent(topic, words, at) for at in range(8, 13)], AT)
    one.take([Sent(topic, words, 7, again=True)], AT)
    assert (len(results()), one.received.duplicates) == (7, 0)


@pytest.mark.parametrize(("where", "words", "code"), [
    ("{}", b"{", "sta_json"), ("{}", b"{}", "sta_missing"),
    ("{}", b'{"result": 1, "colour": 2}', "sta_unknown_property"),
    ("v1.1/Datastreams(99)/Observations", b'{"result": 1}', "no_resource"), ("v1.1/Things", b"{}", "no_topic"),
    ("v1.1/Observations", b'{"result": 1}', "sta_missing"),
    ("{}", b'{"result": 1, "phenomenonTime": "noon"}', "sta_time"),
    ("v1.1/Datastreams($x)/Observations", b"{}", "no_resource"),
])  # fmt: skip
def test_what_is_wrong_is_counted_by_reason_and_holds_up_nothing(
    topic: str, where: str, words: bytes, code: str
) -> None:
    receiver().take([Sent(where.format(topic), words, 1), Sent(topic, b'{"result": 5}', 2)], AT)
    assert results() == [5]
    assert dict(RejectedSignal.objects.values_list("code").annotate(Sum("count"))) == {code: 1}


def test_a_key_that_is_ended_or_of_another_thing_makes_nothing(topic: str) -> None:
    other = Api(actions.make_key(owner="Other", by=SYSTEM, at=AT)).make("Things", thing())
    actions.make_key(owner="Bound", thing_id=other, by=SYSTEM, at=AT)
    keys = {one.owner: one.id for one in queries.device_keys()}
    receiver(key=keys["Bound"]).take([Sent(topic, b'{"result": 1}', 1)], AT)
    actions.end_key(key_id=keys["Other"], by=SYSTEM, at=AT)
    receiver(key=keys["Other"]).take([Sent(topic, b'{"result": 1}', 2)], AT)
    assert results() == []
    assert set(RejectedSignal.objects.values_list("code", flat=True)) == {"not_allowed_thing", "key_unknown"}
