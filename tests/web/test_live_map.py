"""Live layers of the map: what goes on now, what was known then, and what is nobody's business."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from cityloom.alerts.domain import capxml
from cityloom.alerts.domain.cap import reference_text
from cityloom.alerts.models import Alert, Delivery
from cityloom.emergency import queries as incidents
from cityloom.emergency.models import Incident
from cityloom.kernel import clock, ids
from cityloom.signals.domain.reading import microseconds
from cityloom.signals.models import Datastream, Observation, Sensor, Thing
from cityloom.ui import registry
from tests.web.conftest import City
from tests.web.test_pages import approve, give_out

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]
Proposal = incidents.ProposalFacts


def shown(client: Client, layer: str, **ask: str) -> list[dict[str, Any]]:
    answer = client.get(f"/map/live/{layer}.json", ask)
    assert answer.status_code == 200, answer.content
    return answer.json()["features"]


def test_an_incident_is_on_the_map_with_its_zone_its_ways_and_its_shelters(
    proposal: Proposal, signed_in: SignIn
) -> None:
    client = signed_in("commander")
    [incident] = shown(client, "incidents")
    assert incident["properties"]["state"] == "proposed"
    assert incident["properties"]["exercise"] is True
    assert incident["properties"]["url"] == f"/incidents/{proposal.incident_id}/"
    zones = shown(client, "zones")
    assert {one["properties"]["part"] for one in zones} >= {"zone", "ring-1", "hazard"}
    assert {one["properties"].get("state") for one in zones} == {"planned", None}
    assert shown(client, "routes")
    assert all(one["properties"]["people"] > 0 for one in shown(client, "shelters"))


def test_what_was_known_then_leaves_out_what_came_later(proposal: Proposal, signed_in: SignIn) -> None:
    client = signed_in("commander")
    assert approve(client, proposal).status_code == 200
    before = clock.to_text(incidents.proposal(proposal.id).created_at + timedelta(milliseconds=1))
    earlier = clock.to_text(incidents.incident(proposal.incident_id).opened_at - timedelta(seconds=1))
    assert [one["properties"]["state"] for one in shown(client, "incidents")] == ["ordered"]
    assert [one["properties"]["state"] for one in shown(client, "incidents", at=before)] == ["proposed"]
    assert shown(client, "incidents", at=earlier) == []
    assert shown(client, "zones", at=earlier) == []
    tomorrow = clock.to_text(clock.now() + timedelta(days=1))
    assert [one["properties"]["state"] for one in shown(client, "incidents", at=tomorrow)] == ["ordered"]


def test_tasks_are_counted_by_building_for_those_who_direct_the_help(proposal: Proposal, signed_in: SignIn) -> None:
    approve(signed_in("commander"), proposal)
    tasks = give_out(proposal)
    seen = shown(signed_in("commander"), "tasks")
    assert sum(one["properties"]["tasks"] for one in seen) == len(tasks)
    assert not {"subjects", "account", "worker", "dwelling"} & {key for one in seen for key in one["properties"]}
    for username in ("approver", "dpo"):
        assert signed_in(username).get("/map/live/tasks.json").status_code == 404
    mine = shown(signed_in("worker-0001"), "tasks")
    assert sum(one["properties"]["tasks"] for one in mine) < len(tasks)


def test_everybody_gets_public_layers_only(proposal: Proposal) -> None:
    for layer in registry.layers():
        if layer.kind == "live":
            assert Client().get(f"/map/live/{layer.key}.json").status_code == (200 if layer.is_public else 404)


def test_five_hundred_incidents_at_once_are_shown(city: City, signed_in: SignIn) -> None:
    now = clock.now()
    Incident.objects.bulk_create(
        Incident(
            id=ids.new_ulid(), detection_id=ids.new_ulid(), category="<script>alert(1)</script>", lon=city.lon,
            lat=city.lat, hazard_radius_m=40, buffer_m=50, ring_fractions=[1.0], place={"en": "\u202eevil"},
            first_signal_at=now, opened_at=now,
        )
        for _ in range(500)
    )  # fmt: skip
    client = signed_in("commander")
    assert len(shown(client, "incidents")) >= 500
    assert len(shown(client, "zones")) >= 500
    answer = client.get("/map/live/incidents.json")
    assert answer["Content-Type"] == "application/json"
    assert answer["X-Content-Type-Options"] == "nosniff"


def test_more_than_a_map_can_show_is_cut_and_counted(signed_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityloom.web.map_layers.MOST_FEATURES", 3)
    answer = signed_in("commander").get("/map/live/workers.json").json()
    assert (len(answer["features"]), answer["left_out"]) == (3, 1)


@pytest.mark.parametrize("at", ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "9" * 5000, "\x00"])
def test_a_time_that_cannot_be_read_is_refused(city: City, signed_in: SignIn, at: str) -> None:
    answer = signed_in("commander").get("/map/live/incidents.json", {"at": at})
    assert answer.status_code == 400
    assert answer.json()["code"] == "map.instant"


@pytest.mark.parametrize("layer", ["land", "nothing", "__proto__"])
def test_what_is_no_live_layer_is_not_found(signed_in: SignIn, layer: str) -> None:
    answer = signed_in("commander").get(f"/map/live/{layer}.json")
    assert answer.status_code == 404
    assert answer.json()["sentence"]


def test_a_click_shows_a_card(proposal: Proposal, signed_in: SignIn) -> None:
    client = signed_in("commander")
    card = client.get(f"/map/card/incidents/{proposal.incident_id}/").json()
    assert card["title"] == "Ground collapse"
    assert card["url"] == f"/incidents/{proposal.incident_id}/"
    building = client.get("/map/card/buildings/1/").json()
    assert ["Number in the register", "1"] in building["facts"]
    assert any(label.startswith("People by day") for label, _ in building["facts"])
    public = Client().get("/map/card/buildings/1/").json()
    assert not any(label.startswith("People by day") for label, _ in public["facts"])
    page = client.get("/map/card/buildings/1/", headers={"Accept": "text/html"})
    assert "<h1>" in page.content.decode()


@pytest.mark.parametrize("address", [
    "buildings/99999999", "buildings/-1", "buildings/1e3", "buildings/" + "9" * 400, "buildings/٣", "density/5",
    "incidents/nobody", "tasks/x.y", "nothing/1", "land/1",
])  # fmt: skip
def test_a_card_of_nothing_is_not_found(city: City, signed_in: SignIn, address: str) -> None:
    client = signed_in("commander")
    assert client.get(f"/map/card/{address}/").status_code == 404
    assert client.get(f"/map/card/{address}/", headers={"Accept": "text/html"}).status_code == 404


def test_cards_of_staff_layers_are_not_for_everybody(proposal: Proposal) -> None:
    for address in (f"incidents/{proposal.incident_id}", "mains/1", "valves/1", "workers/1"):
        assert Client().get(f"/map/card/{address}/").status_code == 404


def test_an_alert_is_on_everybodys_map_once_it_has_left_until_another_replaces_it(
    proposal: Proposal, signed_in: SignIn
) -> None:
    alert = issued(proposal.document, proposal)
    assert shown(Client(), "alerts") == []
    assert len(shown(signed_in("commander"), "alerts")) == 1
    assert Client().get(f"/map/card/alerts/{alert.id}/").status_code == 404
    now = clock.now()
    Delivery.objects.create(
        id=ids.new_ulid(), alert=alert, channel="demo", state="sent", next_try_at=now, settled_at=now
    )
    [feature] = shown(Client(), "alerts")
    assert feature["properties"]["title"].startswith("EXERCISE")
    assert feature["geometry"]["type"] in ("Polygon", "MultiPolygon")
    assert Client().get(f"/map/card/alerts/{alert.id}/").json()["note"] == "This is an exercise."
    cap = capxml.parse(alert.xml.encode())
    reference = reference_text(cap.sender, cap.identifier, cap.sent)
    later = proposal.document | {"identifier": "later", "references": [reference], "message_type": "Cancel"}
    issued(later, proposal)
    assert shown(Client(), "alerts") == []


def issued(document: dict[str, Any], proposal: Proposal) -> Alert:
    now = clock.now()
    return Alert.objects.create(
        id=ids.new_ulid(), exercise_id=proposal.exercise_id, incident_id=proposal.incident_id,
        identifier=document["identifier"], message_type=document["message_type"], status="Exercise",
        document_digest=ids.new_ulid(), xml=capxml.build_xml(document).decode(), unsent={},
        references=document["references"], issued_by="x", issued_at=now, sent_at=now,
        expires_at=now + timedelta(hours=1),
    )  # fmt: skip


def test_a_sensor_that_fell_silent_stands_out_from_those_that_speak(city: City, signed_in: SignIn) -> None:
    now = clock.now()
    sensor = Sensor.objects.create(kind="pressure", description="Pressure transducer on a water main")
    thing = Thing.objects.create(id=1, name="mast-1", lon=city.lon, lat=city.lat, cell=1)
    for number, state, age_s in ((1, "in-service", 30), (2, "in-service", 900), (3, "out-of-service", 10),
                                 (4, "in-service", 200_000), (5, "in-service", None)):  # fmt: skip
        Datastream.objects.create(
            id=number, thing=thing, sensor=sensor, name=f"pressure-{number}", kind="pressure", unit="kPa",
            lon=city.lon, lat=city.lat, cell=1, cadence_s=60, low=0, high=900, state=state,
        )  # fmt: skip
        if age_s:
            Observation.objects.create(datastream_id=number, message_id=str(number), result=500.0,
                                       phenomenon_us=microseconds(now - timedelta(seconds=age_s)))  # fmt: skip
    seen = {one["properties"]["title"]: one["properties"]["state"] for one in
            shown(signed_in("commander"), "sensor-states")}  # fmt: skip
    assert seen == {"pressure-1": "speaking", "pressure-2": "silent", "pressure-3": "out-of-service"}
    card = signed_in("commander").get("/map/card/sensor-states/1/").json()
    assert any(label == "Last reading" and value.startswith("500 kPa") for label, value in card["facts"])
    assert not any(label == "Last reading" for label, _ in Client().get("/map/card/sensors/1/").json()["facts"])
