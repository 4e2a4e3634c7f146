"""What was known at an instant: entities as they were, observations that had come by then."""

from __future__ import annotations

import time as clocks
from typing import Any

import pytest
from django.db import connection

from cityloom.kernel import clock
from cityloom.signals.models import Datastream, EntityPast
from tests.signals.lakes import array, lake, send
from tests.signals.sensing import PLACE, Api, stream, thing
from tests.signals.test_sensorthings import api
from tests.signals.test_sensorthings_columns import time

__all__ = ["api", "lake"]
pytestmark = pytest.mark.django_db


def now() -> str:
    """An instant apart from what came before and what comes after; the database notes milliseconds."""
    clocks.sleep(0.003)
    found = clock.now()
    clocks.sleep(0.003)
    return f"{found:%Y-%m-%dT%H:%M:%S.%f}".rstrip("0").rstrip(".") + "Z"  # as answers write it


def names(api: Api, path: str, **options: str) -> list[Any]:
    return [one["name"] for one in api.values(path, **options)]


def test_an_entity_is_as_it_was_and_is_not_there_before_it_was_made_or_after_it_was_deleted(api):
    before = now()
    key = api.make("Things", thing(properties={"depth": 4}))
    first = now()
    api.call("PATCH", f"Things({key})", {"description": "changed", "properties": {"depth": 0.1}})
    second = now()
    api.call("DELETE", f"Things({key})")
    assert api.values("Things", as_of=before) == []
    found = api.values("Things", as_of=first)[0]
    assert (found["description"], found["properties"]) == ("A weir", {"depth": 4})
    assert api.get(f"Things({key})", as_of=second)["description"] == "changed"
    assert api.get(f"Things({key})/description", as_of=first) == {"description": "A weir"}
    assert names(api, "Things", as_of=first, filter="properties/depth eq 4", orderby="name", count="true") == ["Weir"]
    assert names(api, "Things", as_of=second, filter="properties/depth eq 4") == []
    api.get(f"Things({key})", status=404)
    api.get(f"Things({key})", status=404, as_of=before)


def test_relations_are_followed_as_they_were(api):
    key = api.make("Things", thing(stream("Level")))
    first = now()
    moved = PLACE | {"name": "Down", "location": {"type": "Point", "coordinates": [114.5, 22.53]}}
    api.make(f"Things({key})/Locations", moved)
    api.call("PATCH", f"Datastreams({Datastream.objects.get().id})", {"name": "Flow"})
    second = now()
    assert names(api, f"Things({key})/Locations", as_of=first) == ["Gauge 7"]
    assert names(api, f"Things({key})/Locations", as_of=second) == names(api, f"Things({key})/Locations") == ["Down"]
    inside = api.get(f"Things({key})", as_of=first, expand="Locations,Datastreams,HistoricalLocations")
    assert [one["name"] for one in inside["Locations"] + inside["Datastreams"]] == ["Gauge 7", "Level"]
    assert len(inside["HistoricalLocations"]) == 1
    far = "geo.distance(Locations/location,geography'POINT(114.5 22.53)') lt 0.1"
    assert (names(api, "Things", as_of=first, filter=far), names(api, "Things", filter=far)) == ([], ["Weir"])
    assert names(api, "Datastreams", as_of=first, filter="Thing/Locations/name eq 'Gauge 7'") == ["Level"]


def test_observations_are_those_that_had_come_by_then_in_the_table_and_in_columns(api, lake):
    key = api.make("Things", thing(stream()))
    level = Datastream.objects.get().id
    one = api.make(f"Datastreams({level})/Observations", {"result": 1, "phenomenonTime": time(0)})
    links = send(api, array(level, [time(1), 2], [time(3), 4]))
    first = now()
    api.make(f"Datastreams({level})/Observations", {"result": 3, "phenomenonTime": time(2)})
    send(api, array(level, [time(4), 5]))
    api.call("PATCH", f"Observations({one})", {"result": 10.1})
    api.call("DELETE", links[0])
    second = now()
    path = f"Datastreams({level})/Observations"

    def results(**options: str) -> list[Any]:
        return [one["result"] for one in api.values(path, **options)]

    assert results(as_of=first) == [1, 2, 4]
    assert results(as_of=second) == results() == [10.1, 3, 4, 5]
    assert api.get("Observations", as_of=first, count="true", top="0")["@iot.count"] == 3
    assert results(as_of=first, filter="result gt 1 and minute(phenomenonTime) lt 3") == [2]
    assert results(as_of=first, orderby="result desc") == [4, 2, 1]
    assert api.values(path, as_of=first, apply="aggregate(result with sum as s,$count as n)") == [{"s": 7, "n": 3}]
    assert api.get(f"Datastreams({level})", as_of=first)["phenomenonTime"] == f"{time(0)}/{time(3)}"
    assert names(api, "Things", as_of=first, filter="Datastreams/Observations/result eq 2") == ["Weir"]
    assert names(api, "Things", filter="Datastreams/Observations/result eq 2") == []
    assert api.get(links[0], as_of=first, expand="FeatureOfInterest")["FeatureOfInterest"]["name"] == "Gauge 7"
    api.call("DELETE", f"Things({key})")
    assert len(api.values("Observations", as_of=second, filter="Datastream/name eq 'Level'")) == 2  # columns alone


def test_the_answer_says_of_when_it_is_and_so_do_the_links_to_more(api):
    api.make("Things", thing(stream(results=(1, 2, 3))))
    at = now()
    answer = api.call("GET", f"Things?$as_of={at}&$expand=Datastreams/Observations($top=1)")
    assert answer["as_of"] == at
    inner = answer.json()["value"][0]["Datastreams"][0]
    assert f"$as_of={at}" in inner["Observations@iot.nextLink"]
    assert "as_of" not in api.call("GET", "Things")


@pytest.mark.parametrize("option", ["2999-01-01T00:00:00Z", "2026-05-01T12:00:00", "yesterday", ""])
def test_an_instant_that_is_none_or_is_to_come_is_refused(api, option):
    assert api.get("Things", as_of=option, status=400)["message"].endswith(".")
    assert api.get("Things", expand="Datastreams($as_of=2020-01-01T00:00:00Z)", status=400)


def test_what_changes_nothing_is_not_written_down(api):
    key = api.make("Things", thing())
    for _ in range(3):
        api.call("PATCH", f"Things({key})", {"description": "A weir"})
    assert not EntityPast.objects.filter(kind="signals_thing").exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="its triggers go when a table is made anew")
def test_every_table_has_its_triggers():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tbl_name, count(*) FROM sqlite_master WHERE type = 'trigger' GROUP BY tbl_name")
        found = dict(cursor.fetchall())
    assert found.pop("signals_observation") == 4  # three count
    assert len(found) == 9
    assert set(found.values()) == {3}
