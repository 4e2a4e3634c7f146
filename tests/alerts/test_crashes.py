"""Killed between any two steps and started again: nothing lost, nobody alerted twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from cityloom.alerts import actions, plugins
from cityloom.alerts.contrib.file import DemoWorksChannel
from cityloom.alerts.models import Delivery
from cityloom.alerts.plugins import Channel, OutgoingMessage, Receipt
from cityloom.bus.models import OutboxEvent
from tests.alerts import examples
from tests.alerts.examples import NOW

pytestmark = pytest.mark.django_db


class Killed(BaseException):
    """The end of the process, as far as the code can notice it."""


class Counting(Channel):
    """A channel whose receivers recognise a repeat by its key, or, when `harmless` is false, do not."""

    name = "counting"
    is_demo = True

    def __init__(self, *, harmless: bool) -> None:
        self.repeats_are_harmless = harmless
        self.rings: list[str] = []

    def deliver(self, parcel: bytes, message: OutgoingMessage) -> Receipt:
        if not (self.repeats_are_harmless and message.key in self.rings):
            self.rings.append(message.key)
        return Receipt("rang")


class KillAfter:
    """Kill the process just before its n-th statement to the database."""

    def __init__(self, statements: int) -> None:
        self.left = statements

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if self.left == 0 and "SAVEPOINT" not in sql:
            raise Killed
        self.left -= "SAVEPOINT" not in sql
        return execute(sql, params, many, context)


def _run() -> None:
    """What a started process does."""
    actions.settle_interrupted(at=NOW, started_before=NOW)
    actions.send(**examples.order(examples.document(channels=["counting"])))
    for seconds in (0, 10, 70, 80):
        actions.deliver_due(at=NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize("harmless", [True, False])
def test_whatever_statement_is_the_last_nobody_is_alerted_twice(
    harmless: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for statements in range(60):
        Delivery.objects.all().delete()
        actions.Alert.objects.all().delete()
        OutboxEvent.objects.all().delete()
        channel = Counting(harmless=harmless)
        monkeypatch.setitem(plugins.CHANNELS, "counting", channel)
        with connection.execute_wrapper(KillAfter(statements)), pytest.raises(Killed):
            _run()
            raise Killed
        _run()
        state = Delivery.objects.get().state
        assert len(channel.rings) <= 1
        assert state == "sent" or (state == "unknown" and not harmless)
        assert (state == "sent" and len(channel.rings) == 1) or state == "unknown"
        delivered = OutboxEvent.objects.filter(type__contains="AlertDelivered").count()
        assert delivered == (state == "sent")
        assert OutboxEvent.objects.filter(type__contains="AlertIssued").count() == 1


def test_an_attempt_cut_off_elsewhere_is_settled_after_its_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = Counting(harmless=True)
    monkeypatch.setitem(plugins.CHANNELS, "counting", channel)
    actions.send(**examples.order(examples.document(channels=["counting"])))
    Delivery.objects.update(state="attempting", attempts=1, started_at=NOW)
    actions.deliver_due(at=NOW + timedelta(seconds=59))
    assert channel.rings == []
    actions.deliver_due(at=NOW + timedelta(seconds=60))
    actions.deliver_due(at=NOW + timedelta(seconds=62))
    assert len(channel.rings) == 1


def test_the_demo_channel_recognises_a_repeat_by_its_file(settings: Any, tmp_path: Path) -> None:
    settings.CITYLOOM = settings.CITYLOOM | {"OUTBOX_DIR": tmp_path}
    message = OutgoingMessage("KEY", "demo_works", "i", b"<alert/>", {}, "d")
    assert not DemoWorksChannel().deliver(message.xml, message).repeated
    assert DemoWorksChannel().deliver(message.xml, message).repeated
    assert len(list((tmp_path / "demo").iterdir())) == 1
