"""From an approved document to a channel: once, and only what was approved."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from cityloom.alerts import actions, plugins, queries
from cityloom.alerts.domain import retry
from cityloom.alerts.domain.cap import time_text
from cityloom.alerts.models import CLASSIFICATION, Alert, Delivery
from cityloom.alerts.plugins import Channel, ChannelRefused, OutcomeUnknown, OutgoingMessage, Receipt
from cityloom.bus.models import OutboxEvent
from cityloom.kernel.actor import Actor
from cityloom.kernel.canonical import digest
from cityloom.kernel.refused import Refused
from tests.alerts import examples
from tests.alerts.examples import NOW

pytestmark = pytest.mark.django_db
LATER = timedelta(hours=1)


class Scripted(Channel):
    """A demo channel that does what it is told, one thing for each call, and counts the people whom it reached."""

    name = "scripted"
    is_demo = True

    def __init__(self, *script: BaseException | None, harmless: bool = True) -> None:
        self.script, self.repeats_are_harmless = list(script), harmless
        self.reached: set[str] | list[str] = []

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        step = self.script.pop(0) if self.script else None
        if step:
            raise step
        self.reached.append(message.key)
        return Receipt("taken")


@pytest.fixture(autouse=True)
def outbox(settings: Any, tmp_path: Path) -> Path:
    settings.CITYLOOM = settings.CITYLOOM | {"OUTBOX_DIR": tmp_path}
    return tmp_path


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Any:
    def _install(channel: Channel) -> Channel:
        monkeypatch.setitem(plugins.CHANNELS, channel.name, channel)
        return channel

    return _install


def _send(**changes: Any) -> str:
    return actions.send(**examples.order(examples.document(**changes)))


def _states() -> dict[str, str]:
    return dict(Delivery.objects.values_list("channel", "state"))


def _events(name: str) -> list[dict[str, Any]]:
    return [row.data for row in OutboxEvent.objects.order_by("position") if f".{name}." in row.type]


def _deliver_for(hours: float) -> None:
    """Let the worker run every second minute."""
    for minutes in range(0, int(hours * 60), 2):
        actions.deliver_due(at=NOW + timedelta(minutes=minutes))


def test_a_drill_sees_one_channel_work_one_refuse_and_one_crash(outbox: Path) -> None:
    alert_id = _send()
    _deliver_for(1)
    assert _states() == {"demo_works": "sent", "demo_refuses": "refused", "demo_crashes": "failed"}
    [file] = (outbox / "demo").iterdir()
    assert file.read_bytes() == queries.xml_of(alert_id)
    assert [event["channel"] for event in _events("AlertDelivered")] == ["demo_works"]
    assert {event["channel"]: event["code"] for event in _events("AlertUndeliverable")} == {
        "demo_refuses": "alerts.demo_refused", "demo_crashes": "alerts.channel_crashed"}  # fmt: skip
    assert {facts.channel for facts in queries.undelivered()} == {"demo_refuses", "demo_crashes"}


def test_the_facts_of_an_alert() -> None:
    alert_id = _send()
    actions.deliver_due(at=NOW)
    [facts] = queries.alerts_of("01HINCIDENT")
    assert (facts.id, facts.status, facts.state, facts.sent_at) == (alert_id, "Exercise", "issued", NOW)
    assert [delivery.channel for delivery in facts.deliveries] == examples.DEMO
    assert [event["channels"] for event in _events("AlertIssued")] == [examples.DEMO]
    assert set(OutboxEvent.objects.values_list("exercise_id", flat=True)) == {"01HEXERCISE"}


def test_sending_and_delivering_again_alerts_nobody_twice(install: Any) -> None:
    channel = install(Scripted())
    first = _send(channels=["scripted"])
    for _ in range(3):
        assert _send(channels=["scripted"]) == first
        actions.deliver_due(at=NOW)
    assert len(channel.reached) == 1
    assert (len(_events("AlertIssued")), len(_events("AlertDelivered"))) == (1, 1)


def test_a_channel_that_fails_is_tried_again_ever_later(install: Any) -> None:
    install(Scripted(*[ChannelRefused("x", "Busy.", final=False)] * 2, RuntimeError()))
    _send(channels=["scripted"])
    tries = []
    for second in range(30):
        before = Delivery.objects.get().attempts
        actions.deliver_due(at=NOW + timedelta(seconds=second))
        if Delivery.objects.get().attempts > before:
            tries.append(second)
    assert tries == [0, 2, 6, 14]
    assert _states() == {"scripted": "sent"}


def test_the_tries_have_an_end(install: Any) -> None:
    install(Scripted(*[RuntimeError()] * 99))
    _send(channels=["scripted"])
    _deliver_for(2)
    assert (Delivery.objects.get().attempts, _states()) == (retry.MAX_ATTEMPTS, {"scripted": "failed"})
    assert len(_events("AlertUndeliverable")) == 1


def test_an_expired_alert_is_not_delivered_any_more(install: Any) -> None:
    channel = install(Scripted(RuntimeError()))
    _send(channels=["scripted"], expires=time_text(NOW + timedelta(minutes=1)))
    actions.deliver_due(at=NOW)
    actions.deliver_due(at=NOW + timedelta(minutes=1))
    assert (channel.reached, Delivery.objects.get().code) == ([], "alerts.expired")


@pytest.mark.parametrize("end", [OutcomeUnknown(), RuntimeError()])
def test_where_repeats_reach_people_twice_an_unknown_end_is_left_to_an_operator(install: Any, end: Exception) -> None:
    channel = install(Scripted(end, harmless=False))
    _send(channels=["scripted"])
    _deliver_for(1)
    assert (_states(), channel.reached) == ({"scripted": "unknown"}, [])
    assert len(_events("AlertUndeliverable")) == 1


@pytest.mark.parametrize(("delivered", "state"), [(True, "sent"), (False, "failed")])
def test_an_operator_settles_what_nobody_knew(install: Any, delivered: bool, state: str) -> None:
    install(Scripted(OutcomeUnknown(), harmless=False))
    _send(channels=["scripted"])
    actions.deliver_due(at=NOW)
    operator = Actor("01HOPERATOR", roles=frozenset({"operator"}))
    [facts] = queries.undelivered()
    actions.resolve(by=operator, at=NOW, delivery_id=facts.id, delivered=delivered)
    assert _states() == {"scripted": state}
    with pytest.raises(Refused):
        actions.resolve(by=operator, at=NOW, delivery_id=facts.id, delivered=delivered)
    assert len(_events("AlertDelivered")) == delivered


@pytest.mark.parametrize(("changes", "order", "code"), [
    ({}, {"approved_digest": ""}, "alerts.digest_absent"),
    ({}, {"approved_digest": "0" * 64}, "alerts.digest_differs"),
    ({}, {"by": Actor("01HSOMEBODY", roles=frozenset({"social-worker"}))}, "alerts.not_allowed"),
    ({}, {"incident_id": "01HOTHER"}, "alerts.other_alert"),
    ({}, {"channels": ["demo_works"]}, "alerts.channels_differ"),
    ({"channels": ["carrier_pigeon"]}, {}, "alerts.channel_unknown"),
    ({"channels": ["file"]}, {}, "alerts.exercise_leaves"),
    ({"channels": ["demo_works", "webhook"]}, {}, "alerts.exercise_leaves"),
    ({"channels": ["smtp"], "synthetic_city": False}, {}, "alerts.exercise_leaves"),
    ({"exercise": False}, {"exercise_id": "01HEXERCISE"}, "alerts.exercise_unmarked"),
    ({"exercise": False, "synthetic_city": False}, {"city_is_synthetic": True}, "alerts.synthetic_actual"),
    ({"synthetic_city": False}, {"city_is_synthetic": True}, "alerts.synthetic_actual"),
    ({"expires": time_text(NOW)}, {}, "alerts.expires_past"),
    ({"polygons": ["113.95,22.53 113.952,22.53 113.952,22.532 113.95,22.53"]}, {}, "alerts.axis_order"),
    ({"urgency": "Now"}, {}, "alerts.value_unknown"),
    ({"message_type": "Cancel", "references": ["a,b,c"]}, {}, "alerts.other_alert"),
])  # fmt: skip
def test_what_is_never_sent(changes: dict[str, Any], order: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as refusal:
        actions.send(**examples.order(examples.document(**changes), **order))
    assert refusal.value.code == code
    assert not Alert.objects.exists() and not OutboxEvent.objects.exists()


def test_an_exercise_is_stopped_at_the_last_hop_too(install: Any) -> None:
    channel = install(Scripted())
    _send(channels=["scripted"])
    channel.is_demo = False
    assert actions.deliver_due(at=NOW).refused == 1
    assert (channel.reached, Delivery.objects.get().code) == ([], "alerts.exercise_leaves")


def test_a_synthetic_city_that_is_not_exercising_sends_a_test(outbox: Path) -> None:
    _send(exercise=False, channels=["file"])
    assert actions.deliver_due(at=NOW).sent == 1
    [file] = (outbox / "alerts").iterdir()
    assert b"<status>Test</status>" in file.read_bytes()


def test_another_alert_with_the_same_identifier_is_refused() -> None:
    _send()
    with pytest.raises(Refused) as refusal:
        _send(revision=2)
    assert refusal.value.code == "alerts.identifier_taken"


def _follow_up(kind: str, **changes: Any) -> dict[str, Any]:
    return examples.order(examples.document(
        message_type=kind, identifier=f"cityloom.{kind}", references=queries.references_for("01HINCIDENT"), revision=2,
        **changes))  # fmt: skip


@pytest.mark.parametrize(("kind", "act", "state"), [
    ("Update", actions.update, "updated"), ("Cancel", actions.cancel, "cancelled"),
])  # fmt: skip
def test_what_is_replaced_never_leaves_afterwards(install: Any, kind: str, act: Any, state: str) -> None:
    channel = install(Scripted(ChannelRefused("x", "Busy.", final=False)))
    first = _send(channels=["scripted"])
    actions.deliver_due(at=NOW)
    order = _follow_up(kind, channels=["scripted"])
    second = act(**order)
    assert act(**order) == second
    _deliver_for(1)
    assert channel.reached == [Delivery.objects.get(alert=second).id]
    assert (Alert.objects.get(id=first).state, Delivery.objects.get(alert=first).state) == (state, "withdrawn")
    assert queries.references_for("01HINCIDENT") == [
        f"alerts@cityloom.invalid,cityloom.{kind},{time_text(NOW)}"]  # fmt: skip


def test_a_cancel_never_overtakes_the_alert_that_a_channel_is_busy_with(install: Any) -> None:
    install(Scripted())
    first = _send(channels=["scripted"])
    Delivery.objects.update(state="attempting", started_at=NOW, attempts=1)
    actions.cancel(**_follow_up("Cancel", channels=["scripted"]))
    assert actions.deliver_due(at=NOW).sent == 0
    actions.settle_interrupted(at=NOW, started_before=NOW)
    assert Delivery.objects.get(alert=first).state == "withdrawn"
    assert actions.deliver_due(at=NOW).sent == 1


@pytest.mark.parametrize("references", [["a@b,unknown,2026-11-22T08:00:00-00:00"], []])
def test_a_cancel_names_alerts_that_were_sent(references: list[str]) -> None:
    _send()
    order = examples.order(examples.document(message_type="Cancel", identifier="c", references=references))
    with pytest.raises(Refused) as refusal:
        actions.cancel(**order)
    assert refusal.value.code in ("alerts.reference_unknown", "alerts.references_missing")


def test_the_erased_exercise_leaves_no_alert_and_others_stay() -> None:
    _send()
    other = examples.document(incident="01HOTHER", identifier="other")
    actions.send(**examples.order(other, exercise_id="01HANOTHER"))
    assert actions.erase_exercise(by=examples.SYSTEM, at=NOW, exercise_id="01HEXERCISE") == 1
    assert [alert.document_digest for alert in Alert.objects.all()] == [digest(other)]
    assert set(Delivery.objects.values_list("exercise_id", flat=True)) == {"01HANOTHER"}


def test_only_one_exercise_is_delivered_when_asked() -> None:
    _send()
    assert actions.deliver_due(at=NOW, exercise_id="").sent == 0
    assert actions.deliver_due(at=NOW, exercise_id="01HEXERCISE").sent == 1


def test_every_field_is_classified() -> None:
    for model in (Alert, Delivery):
        assert set(CLASSIFICATION[model.__name__]) == {field.name for field in model._meta.concrete_fields}
