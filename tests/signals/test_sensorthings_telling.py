"""What subscribers are told, by whichever road it came; the broker itself is left out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from cityloom.signals import actions
from cityloom.signals.domain.sensorthings import exchanging
from cityloom.signals.models import Datastream, EntityChange
from cityloom.signals.sensorthings import changes, telling
from cityloom.signals.sensorthings.telling import Teller
from tests.signals.drawn import sites
from tests.signals.lakes import array, lake, send
from tests.signals.sensing import Api, stream, thing

__all__ = ["lake"]
AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
LINES = b"""{"datastream":"pressure-1","result":350.5,"phenomenonTime":"2026-05-01T11:00:00Z"}
{"datastream":"pressure-2","result":351,"phenomenonTime":"2026-05-01T11:00:00Z"}
"""
pytestmark = pytest.mark.django_db


@pytest.fixture
def installed(lake: Path, db: None) -> None:
    actions.install(sites(("pressure", 0, 0), ("pressure", 100, 0)), by=SYSTEM, at=AT)


def teller(*tell: str) -> Teller:
    found = Teller(exchanging.read(json.dumps({"broker": "mqtt://x", "tell": tell})))
    found.begin(AT)
    return found


def told(one: Teller) -> list[tuple[str, Any]]:
    found = one.waiting()
    one.settle({message.position for message in found})
    return [(message.topic, json.loads(message.payload)) for message in found]


def test_readings_in_bulk_are_told_as_observations(installed: None) -> None:
    one = teller("v1.1/Datastreams(*)/Observations?$select=result,@iot.id")
    actions.take_readings(bodies=[("a.ndjson", LINES)], by=SYSTEM, at=AT)
    found = told(one)
    assert [(topic.partition("?")[0], says["result"]) for topic, says in found] == [
        ("v1.1/Datastreams(1)/Observations", 350.5), ("v1.1/Datastreams(2)/Observations", 351),
    ]  # fmt: skip
    assert Api().get(f"Observations('{found[0][1]['@iot.id']}')")["result"] == 350.5
    assert told(one) == []


def test_of_streams_that_nobody_is_told_of_no_reading_is_written_down(installed: None) -> None:
    one = teller("v1.1/Datastreams(2)/Observations")
    actions.take_readings(bodies=[("a.ndjson", LINES)], by=SYSTEM, at=AT)
    assert EntityChange.objects.count() == 1
    assert [says["result"] for _, says in told(one)] == [351]


def test_readings_of_the_citys_own_road_are_told_and_those_of_an_exercise_are_not(installed: None) -> None:
    one = teller("v1.1/Observations")
    reading = actions.Reading(1, 350.0, "kPa", AT, "m1")
    actions.record(readings=[reading], by=SYSTEM, at=AT, exercise_id="drill")
    actions.record(readings=[reading, reading], by=SYSTEM, at=AT)
    actions.record(readings=[reading], by=SYSTEM, at=AT)
    assert [says["result"] for _, says in told(one)] == [350]


def test_arrays_are_told_wherever_they_lie(lake: Path) -> None:
    api = Api(actions.make_key(owner="Water company", by=SYSTEM, at=AT))
    api.make("Things", thing(stream()))
    one = teller("v1.1/Observations")
    send(api, array(Datastream.objects.get().id, ["2026-05-01T00:00:00Z", 1], ["2026-05-01T01:00:00Z", "dry"],
                    ["2026-05-01T02:00:00Z", 3]))  # fmt: skip
    assert sorted(str(says["result"]) for _, says in told(one)) == ["1", "3", "dry"]


def test_what_is_gone_when_it_is_told_is_not_told(installed: None) -> None:
    api = Api(actions.make_key(owner="Water company", by=SYSTEM, at=AT))
    api.make("Things", thing(stream()))
    key = Datastream.objects.get(kind="").id
    one = teller("v1.1/Observations")
    first, second = (api.make(f"Datastreams({key})/Observations", {"result": at}) for at in (1, 2))
    assert api.call("DELETE", f"Observations({first})").status_code == 200
    assert [says["@iot.id"] for _, says in told(one)] == [second]
    assert not EntityChange.objects.exists()


def test_what_is_on_its_way_is_not_handed_out_again_and_told_by_the_next_one(installed: None) -> None:
    one = teller("v1.1/Observations")
    actions.record(readings=[actions.Reading(1, 350.0, "kPa", AT, "m1")], by=SYSTEM, at=AT)
    assert (len(one.waiting()), len(one.waiting())) == (1, 0)
    assert len(teller("v1.1/Observations").waiting()) == 1


def test_a_defect_holds_up_nothing_that_comes_after_it(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    one = teller("v1.1/Things(*)")
    api = Api(actions.make_key(owner="Water company", by=SYSTEM, at=AT))
    key = api.make("Things", thing())
    for name in ("A", "B"):
        assert api.call("PATCH", f"Things({key})", {"name": name}).status_code == 200
    plain = telling._chosen

    def broken(answerer: Any, entity: Any, change: Any, names: Any) -> dict[str, Any]:
        if change.document["name"] == "A":
            raise ValueError
        return plain(answerer, entity, change, names)

    monkeypatch.setattr(telling, "_chosen", broken)
    assert [says["name"] for _, says in told(one)] == ["B"]
    assert not EntityChange.objects.exists()


def test_too_much_that_waits_loses_its_oldest(installed: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_WAITING", 4)
    EntityChange.objects.bulk_create(EntityChange(title="Thing", key=str(at), is_new=True) for at in range(6))
    assert actions.end_exchange_if_left(by=SYSTEM, at=AT) == 4
    assert list(EntityChange.objects.order_by("position").values_list("key", flat=True)) == ["4", "5"]


def test_readings_are_refused_for_now_where_they_cannot_be_noted(
    installed: None, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    def broken() -> frozenset[str]:
        raise OperationalError

    monkeypatch.setattr(changes, "wanted_titles", broken)
    monkeypatch.setattr(connection, "close", lambda: None)
    with pytest.raises(Refused) as refused:
        actions.take_readings(bodies=[("a.ndjson", LINES)], by=SYSTEM, at=AT)
    assert refused.value.code == "signals.not_noted"
    monkeypatch.undo()
