"""Events between machines: killed between any two steps nothing is lost or done twice, and a city goes on alone."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cityloom.bus import actions, plugins, queries
from cityloom.bus.contrib.nats.line import NatsLine
from cityloom.bus.domain.wiring import routes_of
from cityloom.bus.jobs import Carrier
from cityloom.bus.models import Carrying, HandlerRun
from cityloom.kernel import clock, credentials
from cityloom.kernel.refused import Refused
from tests.bus.roads import on_their_way, over, until
from tests.bus.test_delivery import BellRang, Listener

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db
TOWERS = ("north", "south", "east", "west")


@pytest.fixture
def ringer(monkeypatch: pytest.MonkeyPatch) -> Listener:
    listener = Listener("ringer")
    monkeypatch.setattr(actions, "routes", lambda: routes_of({BellRang: [listener]}))
    return listener


def ring(*towers: str) -> list[str]:
    return [actions.publish(BellRang(tower), at=NOON) for tower in towers]


def come(line: NatsLine) -> list[plugins.Carried]:
    found: list[plugins.Carried] = []
    until(lambda: found.extend(line.come(0.05)) or found)
    return found


def test_killed_before_it_is_written_down_that_events_were_sent_they_are_there_once(
    carrier: Carrier, line: NatsLine, ringer: Listener
) -> None:
    ring(*TOWERS)
    carrier.send()
    Carrying.objects.update(position=0)
    again = Carrier(line, holder=carrier._holder)
    assert again.send() == 4
    over(again)(NOON)
    assert ringer.heard == list(TOWERS)
    assert line._do(line._js.stream_info(line.stream)).state.messages == 4


def test_an_event_is_kept_only_behind_the_one_before_it(line: NatsLine, carrier: Carrier) -> None:
    line.send([("first", "cityloom.tests.BellRang.v1", b"{}"), ("second", "cityloom.tests.BellRang.v1", b"{}")])
    last = line._do(line._js.stream_info(line.stream)).state.last_seq
    kept = line._do(line._js.get_msg(line.stream, last))
    assert (kept.headers["Nats-Msg-Id"], kept.headers["Nats-Expected-Last-Msg-Id"]) == ("second", "first")


def test_killed_after_the_handlers_and_before_the_broker_is_told_nothing_is_done_twice(
    carrier: Carrier, line: NatsLine, ringer: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring(*TOWERS)
    carrier.send()
    line.serve(["tests"])
    carried = come(line)
    assert actions.deliver(event_ids=[one.event_id for one in carried], capability="tests", at=NOON) == set()
    line.put_back(carried, 0.0)  # as the broker does by itself after a minute
    until(lambda: carrier.take(NOON, 0.05) >= len(carried))
    assert ringer.heard[: len(carried)] == list(TOWERS)[: len(carried)]
    assert len(ringer.heard) == len(set(ringer.heard))


def test_what_another_machine_has_claimed_comes_again_until_it_is_done(
    carrier: Carrier, ringer: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    (event_id,) = ring("north")
    actions._runs_of(list(actions.OutboxEvent.objects.all()))
    HandlerRun.objects.update(claimed_until=clock.SystemClock().now() + timedelta(minutes=1))
    monkeypatch.setattr("cityloom.bus.jobs._AGAIN_S", 0.01)
    carrier.send()
    until(lambda: carrier.take(NOON, 0.05))
    assert (ringer.heard, on_their_way()) == ([], True)
    actions.reclaim()
    over(carrier)(NOON)
    assert ringer.heard == ["north"], event_id


def test_while_the_broker_is_away_events_are_delivered_where_they_happen_and_not_again_when_it_is_back(
    carrier: Carrier, ringer: Listener
) -> None:
    alone = NatsLine(plugins.Address("nats://127.0.0.1:9", "nowhere"))
    city = Carrier(alone, holder=carrier._holder)
    ring("north")
    assert city.turn(NOON, 0.0) == 0
    city.deliver(NOON)
    assert ringer.heard == ["north"]
    alone.close()
    ring("south")
    over(carrier)(NOON)
    assert ringer.heard == ["north", "south"]


def test_a_machine_serves_the_capabilities_that_it_is_given(
    carrier: Carrier, line: NatsLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = Listener("here"), Listener("there")
    there.__module__ = "cityloom.elsewhere.handlers"
    monkeypatch.setattr(actions, "routes", lambda: routes_of({BellRang: [here, there]}))
    one, other = Carrier(line, ["tests"], holder="one"), Carrier(line, ["elsewhere"], holder="other")
    ring("north")
    one.send()
    until(lambda: one.take(NOON, 0.05) or here.heard)
    assert (here.heard, there.heard) == (["north"], [])
    assert queries.pending("") == 1, "nobody has heard it elsewhere"
    until(lambda: other.take(NOON, 0.05) or there.heard)
    assert (there.heard, queries.pending("")) == (["north"], 0)


def test_one_process_serves_a_capability_until_it_lets_go_or_dies(ringer: Listener) -> None:
    assert actions.lease(name="tests", holder="one", seconds=60)
    assert not actions.lease(name="tests", holder="other", seconds=60)
    assert actions.lease(name="tests", holder="one", seconds=60)
    actions.end_leases(holder="one")
    assert actions.lease(name="tests", holder="other", seconds=-1)
    assert actions.lease(name="tests", holder="one", seconds=60), "as after a lease that ran out"


def test_what_nobody_hears_and_what_an_exercise_does_is_not_carried(
    carrier: Carrier, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.publish(BellRang("drill"), at=NOON, exercise_id="drill")
    monkeypatch.setattr(actions, "routes", dict)
    ring("north")
    assert carrier.send() == 0
    assert (queries.pending(""), queries.pending("drill")) == (0, 1)


def test_what_the_broker_has_lost_is_delivered_from_the_outbox(carrier: Carrier, ringer: Listener) -> None:
    ring("north")
    carrier.send()
    carrier.deliver(NOON)
    assert ringer.heard == []
    carrier.deliver(NOON + timedelta(minutes=6))
    assert ringer.heard == ["north"]


@pytest.mark.parametrize(("url", "code"), [("amqp://here", "bus.no_line"), ("nats://me:secret@here", "bus.url_secret")])
def test_an_address_that_cannot_be_used_is_refused_and_shows_no_secret(url: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        plugins.open_line(plugins.Address(url, ""))
    assert refused.value.code == code
    assert "me:secret" not in refused.value.sentence


def test_credentials_are_read_from_a_file_of_its_owner_alone_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "nats"
    file.write_text("city\nhush\n")
    file.chmod(0o644)
    with pytest.raises(Refused, match="0600"):
        credentials.read(file)
    file.chmod(0o600)
    found = credentials.read(file)
    assert (found.name, found.password, found.token) == ("city", "hush", "")
    assert "hush" not in repr(found)
    file.write_text("tok")
    assert credentials.read(file).token == "tok"
    file.write_bytes(os.urandom(2) * 3 + b" a b c")
    with pytest.raises(Refused):
        credentials.read(file)
    assert credentials.read(None) == credentials.Credentials()
