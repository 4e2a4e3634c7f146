"""The SensorThings service: what is read, written, kept together and refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from cityloom.bus.models import OutboxEvent
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import actions, queries
from cityloom.signals.models import ChangeFeed, Datastream, DeviceKey, EntityChange, Observation, Thing
from tests.signals.drawn import sites
from tests.signals.sensing import PLACE, ROOT, Api, stream, thing

AT = datetime(2026, 5, 2, 12, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def api() -> Api:
    return Api(actions.make_key(owner="Water company", by=SYSTEM, at=AT))


@pytest.fixture
def installed(db) -> None:
    actions.install(sites(("pressure", 0, 0), ("rain", 100, 0)), by=SYSTEM, at=AT)


def test_the_root_lists_the_sets_and_the_requirements_kept(api):
    root = api.get("")
    assert [one["name"] for one in root["value"]][:2] == ["Things", "Locations"]
    assert any(one.endswith("req/datamodel/thing/properties") for one in root["serverSettings"]["conformance"])


def test_one_request_makes_a_whole_tree_and_gives_it_back(api):
    key = api.make("Things", thing(stream(results=(1, 2.5, "dry", True, {"n": 1}, None))))
    found = api.get(f"Things({key})", expand="Locations,Datastreams($expand=Sensor,ObservedProperty,Observations)")
    assert found["Locations"][0]["location"] == PLACE["location"]
    inner = found["Datastreams"][0]
    assert (inner["Sensor"]["metadata"], inner["ObservedProperty"]["name"]) == ("none", "Water level")
    assert [one["result"] for one in inner["Observations"]] == [1, 2.5, "dry", True, {"n": 1}, None]
    assert inner["phenomenonTime"] == "2026-05-01T00:00:00Z/2026-05-01T05:00:00Z"


def test_nothing_of_a_tree_is_kept_when_a_part_of_it_is_wrong(api):
    wrong = thing(stream(results=(1,)), stream(name="No sensor", Sensor={"name": "half"}))
    assert "Sensor.description" in api.post("Things", wrong, 400)["message"]
    assert (Thing.objects.count(), Observation.objects.count()) == (0, 0)


def test_observations_without_a_feature_are_of_the_place_where_the_thing_stands(api):
    key = api.make("Things", thing(stream(results=(1, 2))))
    features = api.values("FeaturesOfInterest")
    assert [one["feature"] for one in features] == [PLACE["location"]]
    assert len(api.values(f"FeaturesOfInterest({features[0]['@iot.id']})/Observations")) == 2
    moved = PLACE | {"name": "Down", "location": {"type": "Point", "coordinates": [113.94, 22.53]}}
    api.make(f"Things({key})/Locations", moved)
    later = api.make(f"Datastreams({Datastream.objects.get().id})/Observations", {"result": 3})
    assert api.get(f"Observations({later})/FeatureOfInterest")["feature"] == moved["location"]
    assert len(api.values(f"Things({key})/HistoricalLocations")) == 2
    assert [one["name"] for one in api.values(f"Things({key})/Locations")] == ["Down"]


def test_an_observation_of_a_thing_without_a_place_needs_a_feature(api):
    message = api.post("Things", thing(stream(results=(1,)), Locations=[]), 400)["message"]
    assert "FeatureOfInterest" in message


def test_sensors_that_the_city_installed_are_there_with_place_property_and_readings(api, installed):
    reading = actions.Reading(1, 350.0, "kPa", AT, "m1")
    actions.record(readings=[reading], by=SYSTEM, at=AT)
    actions.record(readings=[reading], by=SYSTEM, at=AT, exercise_id="drill")
    found = api.get("Things(1)", expand="Locations,Datastreams($expand=ObservedProperty)")
    assert found["Datastreams"][0]["ObservedProperty"]["name"] == "Water pressure"
    assert found["Datastreams"][0]["unitOfMeasurement"]["definition"] == "ucum:kPa"
    assert found["Locations"][0]["location"]["coordinates"] == pytest.approx([113.93, 22.53])
    seen = api.values("Datastreams(1)/Observations", expand="FeatureOfInterest")
    assert [(one["result"], one["phenomenonTime"]) for one in seen] == [(350, "2026-05-02T12:00:00Z")]
    assert seen[0]["FeatureOfInterest"]["name"] == "pressure-1"
    assert len(api.values(f"FeaturesOfInterest({seen[0]['FeatureOfInterest']['@iot.id']})/Observations")) == 1


def test_a_reading_of_a_city_sensor_is_judged_and_announced_like_any_other(api, installed):
    now = clock.to_text(clock.now())
    api.make("Datastreams(1)/Observations", {"result": 350, "phenomenonTime": now})
    assert OutboxEvent.objects.filter(type__contains="SignalsRecorded").count() == 1
    low = api.post("Datastreams(1)/Observations", {"result": -1, "phenomenonTime": now}, 400)
    assert "impossible" in low["message"]
    assert api.post("Datastreams(1)/Observations", {"result": "wet", "phenomenonTime": now}, 400)
    old = clock.to_text(clock.now() - timedelta(days=8))
    assert "7 days" in api.post("Datastreams(1)/Observations", {"result": 350, "phenomenonTime": old}, 400)["message"]
    assert Observation.objects.count() == 1


@pytest.mark.parametrize("name", ["Things", "Datastreams", "Locations", "FeaturesOfInterest", "Sensors"])
def test_what_the_city_installed_cannot_be_changed_or_deleted_from_here(api, installed, name):
    path = f"{name}({api.values(name)[0]['@iot.id']})"
    assert api.call("DELETE", path).status_code == 403
    assert api.call("PATCH", path, {"description": "mine now"}).status_code == 403
    assert Datastream.objects.count() == 2


def test_streams_from_outside_are_no_sensors_of_the_city(api, installed):
    api.make("Things", thing(stream(name="pressure-1", results=(1,)), name="pressure-1"))
    assert queries.sensors_counted() == 2
    assert len(queries.datastreams([1, 2, 3])) == 2
    assert queries.streams_by_key(["pressure-1", 3]).keys() == {"pressure-1"}


def test_what_is_not_public_is_served_to_keys_only_by_any_way(api):
    key = api.make("Things", thing(stream(results=(7,))))
    one = Datastream.objects.get()
    actions.set_public(datastream_ids=[one.id], is_public=False, by=SYSTEM, at=AT)
    stranger, number = Api(), Observation.objects.get().id
    assert stranger.values("Observations") == []
    assert stranger.get("Observations", count="true")["@iot.count"] == 0
    assert stranger.values("Things", filter="Datastreams/Observations/result eq 7") == []
    assert stranger.values(f"Datastreams({one.id})/Observations") == []
    assert stranger.get(f"Things({key})", expand="Datastreams/Observations")["Datastreams"][0]["Observations"] == []
    assert stranger.get(f"Datastreams({one.id})")["phenomenonTime"] is None
    for path in (f"Observations({number})", f"Observations({number})/result", f"Observations({number})/Datastream"):
        stranger.get(path, status=404)
    assert [row["result"] for row in api.values("Observations")] == [7]


def test_writing_needs_a_key_and_a_session_is_none(admin_client):
    body = json.dumps({"name": "x", "description": "y"})
    answer = admin_client.post(f"{ROOT}/Things", body, content_type="application/json")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="SensorThings"')
    assert Api("clk_guessed").call("GET", "Things").status_code == 401
    assert Thing.objects.count() == 0


def test_a_key_writes_without_a_token_against_forgery_and_sets_no_cookie(api):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(f"{ROOT}/Things", json.dumps({"name": "x", "description": "y"}), "application/json",
                         headers={"Authorization": f"Bearer {api.key}"})  # fmt: skip
    assert (answer.status_code, answer.cookies) == (201, {})
    assert answer["Location"].startswith("http://testserver/sta/v1.1/Things(")


def test_a_key_is_kept_as_a_digest_and_can_be_ended(api):
    row = DeviceKey.objects.get()
    assert api.key not in str(vars(row))
    actions.end_key(key_id=row.id, by=SYSTEM, at=AT)
    assert api.call("POST", "Things", {"name": "x", "description": "y"}).status_code == 401
    with pytest.raises(Refused, match="operators"):
        actions.make_key(owner="me", by=Actor("a", roles=frozenset({"auditor"})), at=AT)


def test_a_key_of_one_thing_adds_observations_there_and_nothing_else(api):
    ours, theirs = api.make("Things", thing(stream())), api.make("Things", thing(stream()))
    bound = Api(actions.make_key(owner="Gauge", thing_id=ours, by=SYSTEM, at=AT))
    mine, other = (Datastream.objects.get(thing_id=key).id for key in (ours, theirs))
    number = bound.make(f"Datastreams({mine})/Observations", {"result": 1})
    assert bound.call("POST", f"Datastreams({other})/Observations", {"result": 1}).status_code == 403
    assert bound.call("POST", "Things", {"name": "x", "description": "y"}).status_code == 403
    assert bound.call("DELETE", f"Observations({number})").status_code == 403
    array = [{"Datastream": {"@iot.id": other}, "components": ["result"], "dataArray": [[1]]}]
    assert bound.post("CreateObservations", array)[0].startswith("error: This key")


def test_put_replaces_patch_keeps_and_json_patch_moves(api):
    key = api.make("Things", thing())
    api.call("PATCH", f"Things({key})", {"description": "changed"})
    assert api.get(f"Things({key})")["properties"]["depth"] == 4
    moves = [{"op": "test", "path": "/properties/depth", "value": 4},
             {"op": "move", "from": "/properties/depth", "path": "/properties/deep"}]  # fmt: skip
    assert api.call("PATCH", f"Things({key})", moves, "application/json-patch+json").status_code == 200
    assert api.get(f"Things({key})/properties/deep") == {"deep": 4}
    assert api.call("PATCH", f"Things({key})", moves, "application/json-patch+json").status_code == 400
    api.call("PUT", f"Things({key})", {"name": "n", "description": "d"})
    assert api.get(f"Things({key})")["properties"] is None
    assert api.call("PUT", f"Things({key})", {"description": "d"}).status_code == 400


def test_deleting_takes_what_cannot_be_without_it_and_leaves_the_rest(api):
    key = api.make("Things", thing(stream(results=(1, 2))))
    assert api.call("DELETE", f"Things({key})").status_code == 200
    assert [api.values(name) for name in ("Datastreams", "Observations", "HistoricalLocations")] == [[], [], []]
    assert len(api.values("Sensors")) == len(api.values("Locations")) == len(api.values("FeaturesOfInterest")) == 1
    assert api.call("DELETE", f"Things({key})").status_code == 404


def test_pages_follow_each_other_without_gap_and_the_count_is_of_all(api):
    api.make("Things", thing(stream(results=tuple(range(7)))))
    page = api.get("Observations", top="3", count="true", orderby="result desc")
    assert page["@iot.count"] == 7
    seen = []
    while page:
        seen += [one["result"] for one in page["value"]]
        page = json.loads(Api().call("GET", page["@iot.nextLink"]).content) if "@iot.nextLink" in page else None
    assert seen == [6, 5, 4, 3, 2, 1, 0]


def test_the_next_page_of_what_is_inlined_keeps_its_question(api):
    key = api.make("Things", thing(stream(results=tuple(range(6)))))
    options = "Datastreams($expand=Observations($filter=result ge 2;$orderby=result desc;$top=2;$count=true))"
    inner = api.get(f"Things({key})", expand=options)["Datastreams"][0]
    assert (inner["Observations@iot.count"], [one["result"] for one in inner["Observations"]]) == (4, [5, 4])
    following = json.loads(api.call("GET", inner["Observations@iot.nextLink"]).content)
    assert [one["result"] for one in following["value"]] == [3, 2]


def test_data_arrays_go_in_and_come_out(api):
    api.make("Things", thing(stream()))
    number = Datastream.objects.get().id
    array = {"Datastream": {"@iot.id": number}, "components": ["phenomenonTime", "result"], "dataArray@iot.count": 3,
             "dataArray": [["2026-05-01T00:00:00Z", 1], ["yesterday", 2], ["2026-05-01T02:00:00Z", "wet"]]}  # fmt: skip
    links = api.post("CreateObservations", [array])
    assert [one.startswith("error: ") for one in links] == [False, True, False]
    assert json.loads(api.call("GET", links[2]).content)["result"] == "wet"
    lists = api.values("Observations", resultFormat="dataArray", select="phenomenonTime,result")
    assert lists[0]["components"] == ["phenomenonTime", "result"]
    assert lists[0]["dataArray"] == [["2026-05-01T00:00:00Z", 1], ["2026-05-01T02:00:00Z", "wet"]]


def test_a_batch_refers_to_what_it_made_and_undoes_a_group_that_fails(api):
    requests = [
        {"id": "t", "method": "post", "url": "Things", "body": thing(stream())},
        {"id": "o", "method": "get", "url": "$t/Datastreams?$select=name"},
        {"id": "a", "atomicityGroup": "g", "method": "post", "url": "Things", "body": {"name": "A", "description": ""}},
        {"id": "b", "atomicityGroup": "g", "method": "delete", "url": "Things(999)"},
        {"id": "h", "method": "post", "url": "HistoricalLocations",
         "body": {"time": "2026-05-01T00:00:00Z", "Thing": {"@iot.id": "$t"}}},
    ]  # fmt: skip
    found = api.post("$batch", {"requests": requests}, 200)["responses"]
    assert [one["status"] for one in found] == [201, 200, 424, 404, 201]
    assert found[1]["body"]["value"][0]["name"] == "Level"
    assert [one["name"] for one in api.values("Things")] == ["Weir"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "Things", "{not json"), ("POST", "Things", '{"name": NaN, "description": ""}'), ("POST", "Things",
        "[]"),
        ("POST", "Things", "[" * 100_000), ("POST", "Things", '{"name": "\\u0000", "description": ""}'),
        ("POST", "Things", {"name": "x" * 256, "description": ""}), ("POST", "Things", {"name": 5, "description": ""}),
        ("POST", "Things", {"name": "x", "description": "", "properties": [1]}),
        ("POST", "Things", {"name": "x", "description": "", "colour": "red"}),
        ("POST", "Things", {"name": "x", "description": "", "Locations": {"@iot.id": 1}}),
        ("POST", "Locations", PLACE | {"location": {"type": "Point", "coordinates": ["a"]}}),
        ("POST", "Datastreams", stream(Thing={"@iot.id": 12345})),
        ("POST", "Datastreams", stream(Thing={"@iot.id": 2**70})),
        ("POST", "Datastreams", stream(Thing={"@iot.id": "1; DROP TABLE signals_thing"})),
        ("POST", "$batch", {"requests": "all"}), ("POST", "$batch", {"requests": [{}] * 1001}),
        ("POST", "CreateObservations", [{"Datastream": {"@iot.id": 1}}]),
    ],
)  # fmt: skip
def test_what_is_not_as_it_should_be_is_refused_with_a_sentence(api, method, path, body):
    answer = api.call(method, path, body)
    assert answer.status_code == 400
    error = json.loads(answer.content)
    assert (error["code"], error["type"], error["message"].endswith(".")) == (400, "error", True)


@pytest.mark.parametrize("result", [10**400, [1] * 3, ""])
def test_results_of_any_kind_are_kept_or_refused(api, result):
    api.make("Things", thing(stream()))
    answer = api.call("POST", f"Datastreams({Datastream.objects.get().id})/Observations", {"result": result})
    assert answer.status_code == (400 if isinstance(result, int) else 201)


def test_trees_are_bounded_in_depth_and_bodies_in_size(api):
    inner = {"name": "t", "description": ""}
    for _ in range(8):
        inner = {"name": "t", "description": "", "Locations": [PLACE | {"Things": [inner]}]}
    assert api.call("POST", "Things", inner).status_code == 400
    assert api.call("POST", "Things", b" " * (4 * 1024 * 1024 + 1)).status_code == 413
    assert Thing.objects.count() == 0


@pytest.mark.parametrize(
    "path",
    ["Nothings", "Things(1)", "Things('1')", "Things(1)/name", "Things/name", "Things/Datastreams", "$ref",
    "Things/$value",
     "Things(1)(2)", "Things(99999999999999999999)", "Observations(1)/FeatureOfInterest", "/".join(["Things(1)"] * 20)],
)  # fmt: skip
def test_there_is_nothing_at_other_addresses(api, path):
    assert api.call("GET", path).status_code == 404


def test_methods_that_make_no_sense_are_refused(api):
    key = api.make("Things", thing())
    for method, path in (("POST", f"Things({key})"), ("DELETE", "Things"), ("PATCH", f"Things({key})/name"), ("TRACE",
    "Things")):
        assert api.call(method, path, {}).status_code == 405
    assert api.call("HEAD", "Things").content == b""


def patches(*bodies: tuple[str, object], method: str = "patch") -> dict[str, object]:
    return {"requests": [{"id": str(at), "method": method, "url": url, "body": body}
                         for at, (url, body) in enumerate(bodies)]}  # fmt: skip


def test_updates_in_a_batch_are_made_in_their_order_and_each_counts_alone(api, installed):
    key, other = api.make("Things", thing(name="A")), api.make("Things", thing(name="B"))
    answer = api.post("$batch", patches(
        (f"Things({key})", {"name": "A1"}), (f"Things({other})", {"name": "", "description": "no"}),
        (f"Things({key})", {"description": "new"}), ("Things(999)", {"name": "x"}), ("Things(1)", {"name": "ours"}),
        (f"{ROOT}/Things({key})", {"name": "A2"}), (f"Things({other})", {"colour": "red"}),
        (f"Things({other})", {"properties": None, "@iot.id": 5}),
    ), 200)  # fmt: skip
    assert [one["status"] for one in answer["responses"]] == [200, 400, 200, 404, 403, 200, 400, 200]
    first, second = api.get(f"Things({key})"), api.get(f"Things({other})")
    assert (first["name"], first["description"]) == ("A2", "new")
    assert (second["name"], second["description"], second["properties"]) == ("B", "A weir", None)


def test_nothing_of_a_group_is_changed_where_one_update_fails(api):
    key = api.make("Things", thing(name="A"))
    batch = patches((f"Things({key})", {"name": "A1"}), (f"Things({key})", {"name": 1}), (f"Things({key})", {}))
    for one in batch["requests"]:
        one["atomicityGroup"] = "g"
    answer = api.post("$batch", batch, 200)
    assert [one["status"] for one in answer["responses"]] == [424, 400, 424]
    assert api.get(f"Things({key})")["name"] == "A"


def test_what_is_changed_is_written_down_as_it_was_then_while_somebody_tells(api):
    key, place = api.make("Things", thing(name="A")), api.make("Locations", PLACE)
    assert not EntityChange.objects.exists()
    ChangeFeed.objects.create(name="mqtt", titles="Thing,HistoricalLocation", broker="mqtt://x", seen_at=AT)
    api.post("$batch", patches((f"Things({key})", {"name": "B"}), (f"Things({key})", {"properties": {"n": 1}}),
                               (f"Things({key})", {"Locations": [{"@iot.id": place}]})), 200)  # fmt: skip
    assert api.call("PATCH", f"Things({key})", {"name": "C"}).status_code == 200
    api.make("Things", thing(stream(results=(1,)), name="D"))
    rows = EntityChange.objects.order_by("position")
    found = [(one.title, one.names, json.loads(one.document).get("name")) for one in rows]
    assert found == [
        ("Thing", "name", "B"), ("Thing", "properties", "B"), ("HistoricalLocation", "", None), ("Thing", "name", "C"),
        ("Thing", "", "D"), ("HistoricalLocation", "", None),
    ]  # fmt: skip
    assert json.loads(rows[1].document)["properties"] == {"n": 1}


def test_changes_that_nobody_tells_for_a_week_are_dropped(api):
    ChangeFeed.objects.create(name="mqtt", titles="Thing", broker="mqtt://x", takes=True, seen_at=AT)
    assert api.get("")["serverSettings"].keys() > {"conformance"}
    api.make("Things", thing())
    assert actions.end_exchange_if_left(by=SYSTEM, at=AT + timedelta(days=6)) == 0
    assert actions.end_exchange_if_left(by=SYSTEM, at=AT + timedelta(days=8)) == 1
    api.make("Things", thing())
    assert not EntityChange.objects.exists()


def test_a_key_that_chooses_ids_gives_them_once_and_others_are_given_them(api):
    chooser = Api(actions.make_key(owner="Archive", chooses_ids=True, by=SYSTEM, at=AT))
    inlined = stream(**{"@iot.id": 31})
    assert chooser.make("Things", thing(inlined, **{"@iot.id": 4711})) == 4711
    assert api.get("Things(4711)/Datastreams(31)")["name"] == "Level"
    assert chooser.post("Things", thing(**{"@iot.id": 4711}), 409)["reason"] == "signals.sta_id_taken"
    for bad in (0, -1, "7", 1.5, True, 10**16):
        assert chooser.post("Things", thing(**{"@iot.id": bad}), 400)["reason"] == "signals.sta_id"
    assert chooser.make("Things", thing()) > 4711
    assert api.make("Things", thing(**{"@iot.id": 9})) != 9
    with pytest.raises(Refused, match="does not choose ids"):
        actions.make_key(owner="x", thing_id=4711, chooses_ids=True, by=SYSTEM, at=AT)


def pressure(**changes: object) -> dict[str, object]:
    unit = {"name": "kilopascal", "symbol": "kPa", "definition": "ucum:kPa"}
    observed = {"name": "Pressure", "definition": "http://qudt.org/vocab/quantitykind/Pressure", "description": "d"}
    return stream(**({"name": "P-9", "unitOfMeasurement": unit, "ObservedProperty": observed} | changes))


def test_an_operator_takes_a_stream_among_the_citys_own(api, installed):
    api.make("Things", thing(pressure()))
    key = Datastream.objects.get(name="P-9").id
    assert actions.adopt(datastream_id=key, by=SYSTEM, at=AT) == "pressure"
    row = Datastream.objects.get(pk=key)
    assert (row.unit, row.low, row.lon, row.lat) == ("kPa", 0.0, *PLACE["location"]["coordinates"])
    assert queries.sensors_counted() == 3
    now = clock.to_text(clock.now())
    path = f"Datastreams({key})/Observations"
    assert "impossible" in api.post(path, {"result": -1, "phenomenonTime": now}, 400)["message"]
    api.make(path, {"result": 300, "phenomenonTime": now})
    assert OutboxEvent.objects.filter(type__contains="SignalsRecorded").count() == 1
    assert api.call("DELETE", f"Datastreams({key})").status_code == 403


@pytest.mark.parametrize(("made", "kind", "code"), [
    (pressure(ObservedProperty={"name": "x", "definition": "urn:x", "description": "d"}), "", "adopt_kind"),
    (pressure(), "flow", "adopt_unit"), (pressure(), "mood", "unknown_kind"),
    (pressure(name="rain-2"), "", "adopt_name"),
])  # fmt: skip
def test_a_stream_that_cannot_be_one_of_the_citys_stays_what_it_is(api, installed, made, kind, code):
    api.make("Things", thing(made))
    key = Datastream.objects.order_by("-id")[0].id
    with pytest.raises(Refused) as refused:
        actions.adopt(datastream_id=key, kind=kind, by=SYSTEM, at=AT)
    assert refused.value.code == f"signals.{code}"
    assert Datastream.objects.get(pk=key).kind == ""
