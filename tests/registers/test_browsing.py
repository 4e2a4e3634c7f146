"""Registers are browsed: lists by key, name and zone, entries with their history, what lies around, files to save."""

from __future__ import annotations

import csv
import html
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely
from django.test import Client

from cityloom.accounts.models import Unit
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from cityloom.registers.browsing import communities, sought
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.domain.suppressed import told_count
from cityloom.registers.layers import registered
from cityloom.registers.models import Area, Building, Place, Resident
from tests.registers import test_department_files
from tests.registers.conftest import AT
from tests.registers.test_department_files import at  # noqa: F401
from tests.registers.test_more_registers import feature, load
from tests.registers.test_record_pages import client, quick_passwords  # noqa: F401

pytestmark = pytest.mark.django_db


def code(number: int, kind: str = "0118") -> str:
    return f"440305{kind}{number:06d}"


@pytest.fixture
def house(small_city: CityFacts) -> Building:
    return Building.objects.filter(dwellings__gt=8).order_by("id")[0]


@pytest.fixture
def city_of_files(house: Building, tmp_path: Path) -> Building:
    """Lamps, a park, a main and a building of departments around a building of the map."""
    lon, lat = house.lon, house.lat
    lamps = "\n".join(f"{code(number)},{lon + number * 1e-6},{lat},intact" for number in range(1, 121))
    load(tmp_path, "lamps.csv", f"id,x,y,state\n{lamps}", "components",
         "id: {field: code}, x: {field: lon}, y: {field: lat}, state: {field: state}")  # fmt: skip
    load(tmp_path, "lamps2.csv", f"id,x,y,state\n{code(7)},{lon},{lat},damaged", "components",
         "id: {field: code}, x: {field: lon}, y: {field: lat}, state: {field: state}", "as_of: 2026-11-03")  # fmt: skip
    load(tmp_path, "houses.csv", f"id,name,x,y\nB-1,东湖大厦,{lon},{lat}\nB-2,西湖大厦,1,1", "buildings",
         "id: {field: code}, name: {field: name}, x: {field: lon}, y: {field: lat}")  # fmt: skip
    load(tmp_path, "flats.csv", "id,in\nD-1,B-1\nD-2,B-1\nD-3,B-2", "dwellings",
         "id: {field: code}, in: {field: building}")  # fmt: skip
    pipe = feature("LineString", [[lon, lat], [lon + 1e-4, lat]], code="M/1", net="gas")
    load(tmp_path, "net.geojson", json.dumps({"type": "FeatureCollection", "features": [pipe]}), "mains",
         "code: {field: code}, net: {field: network}, geometry: {field: geometry}")  # fmt: skip
    return house


def page(there: Client, address: str, **asked: str) -> str:
    answer = there.get(address, asked)
    assert answer.status_code == 200, answer
    return answer.content.decode()


def test_the_overview_tells_what_each_register_holds_and_finds_in_all_of_them(city_of_files: Building) -> None:
    there = client("duty-officer")
    overview = page(there, "/registers/")
    for words in ("City components", "120", "works", "Utility networks: mains", "No file yet."):
        assert words in overview
    assert "B-1" in page(there, "/registers/", q="东湖")
    assert "Nothing has such" in page(there, "/registers/", q="nowhere at all")


def test_a_list_goes_on_where_the_last_part_ended_and_has_each_entry_once(city_of_files: Building) -> None:
    there, asked, seen = client("duty-officer"), {}, []
    for _part in range(3):
        text = page(there, "/registers/components/", **asked)
        keys = [key for key in map(code, range(1, 121)) if f">{key}</a>" in text]
        seen += keys
        asked = {"after": keys[-1]}
    assert seen == [code(number) for number in range(1, 121)]
    assert 'rel="next"' not in text
    found = page(there, "/registers/components/", q=code(7)[:-1])
    assert code(7) in found
    assert code(17) not in found
    for address in ("/registers/people/", "/registers/people/entry/1/", "/registers/nothing/"):
        assert there.get(address).status_code == 404


def test_a_list_is_narrowed_down_and_goes_on_behind_what_does_not_fit(
    city_of_files: Building, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    there = client("duty-officer")
    damaged = page(there, "/registers/components/", state="damaged")
    assert f">{code(7)}</a>" in damaged
    assert f">{code(8)}</a>" not in damaged
    assert 'rel="next"' not in damaged
    assert f">{code(7)}</a>" in page(there, "/registers/components/", source="works", q=code(7), state="damaged")
    assert "Nothing fits" in page(there, "/registers/components/", state="damaged", q=code(8))
    monkeypatch.setattr(sought, "LOOKED_AT", 5)
    first = page(there, "/registers/components/", state="damaged")
    assert f">{code(7)}</a>" not in first
    assert f"after={code(6)}" in first
    assert f">{code(7)}</a>" in page(there, "/registers/components/", state="damaged", after=code(6))
    for asked in ({"state": "<b>"}, {"source": "nobody"}, {"area": "99999"}):
        answer = there.get("/registers/components/", asked)
        assert answer.status_code == 409
        assert b"<b>" not in answer.content
    assert there.get("/registers/buildings/", {"division": "44 0305"}).status_code == 409


def test_a_list_is_narrowed_down_to_a_district_by_place_and_a_file_holds_the_same(city_of_files: Building) -> None:
    there = client("steward")
    area = next(str(area.id) for area in Area.objects.filter(kind="district")
                if shapely.from_wkb(bytes(area.geometry)).covers(shapely.Point(city_of_files.lon, city_of_files.lat)))
    text = page(there, "/registers/buildings/", area=area)
    assert "B-1" in text
    assert "B-2" not in text
    rows = b"".join(there.get("/registers/buildings/export/", {"area": area}).streaming_content).decode()
    assert "B-1" in rows
    assert "B-2" not in rows


def test_an_entry_is_shown_with_both_times_its_sources_and_its_neighbours(city_of_files: Building) -> None:
    there = client("duty-officer")
    text = page(there, f"/registers/components/entry/{code(7)}/")
    for words in ("Street lamp", "Damaged", "Intact", "lamps2.csv", "lamps.csv", "2026-11-03", "<svg",
                  f"/registers/components/entry/{code(6)}/", f"/registers/components/entry/{code(8)}/"):  # fmt: skip
        assert words in text
    assert there.get(f"/registers/components/entry/{code(999)}/").status_code == 404
    assert "m, 2 corners" in page(there, "/registers/mains/entry/M/1/")


def test_what_refers_to_an_entry_leads_there_and_back(city_of_files: Building) -> None:
    there = client("duty-officer")
    text = page(there, "/registers/buildings/entry/B-1/")
    assert "/registers/dwellings/entry/D-1/" in text
    assert "/registers/dwellings/entry/D-3/" not in text
    assert "/registers/buildings/entry/B-1/" in page(there, "/registers/dwellings/entry/D-1/")
    listed = page(there, "/registers/dwellings/", field="building", of="B-2")
    assert "D-3" in listed
    assert "D-1" not in listed


def test_a_building_of_the_map_ties_together_what_is_known_of_it_and_names_nobody(city_of_files: Building) -> None:
    there = client("duty-officer")
    text = page(there, f"/buildings/{city_of_files.id}/")
    for words in ("东湖大厦", "D-1", "Street lamp", "/gate/dwellings/", "≈"):
        assert words in text
    place = Place.objects.order_by("id")[0]
    assert (place.name or "svg") in page(there, f"/facilities/{place.id}/")
    assert there.get("/buildings/999999999/").status_code == 404


@pytest.mark.parametrize(("count", "told"), [(0, "≤ 7"), (7, "≤ 7"), (8, "≈ 10"), (12, "≈ 10"), (13, "≈ 15")])
def test_few_people_are_not_told_apart(count: int, told: str) -> None:
    assert told_count(count) == told


def test_the_map_shows_components_by_class_and_networks_with_their_cards(city_of_files: Building) -> None:
    lon, lat = city_of_files.lon, city_of_files.lat
    box = (lon - 1e-3, lat - 1e-3, lon + 1e-3, lat + 1e-3)
    lamps = registered.components(*box, 16)
    assert len(lamps.id) == 120
    assert set(lamps.properties["class"]) == {"01"}
    assert len(registered.components(*box, 14).id) == 0
    gas = registered.networks(*box, 16)
    assert gas.properties["network"].tolist() == ["gas"]
    card = registered.component_card(SYSTEM, str(lamps.id[0]))
    assert card is not None
    assert card.url.startswith("/registers/components/entry/")
    assert registered.component_card(None, str(lamps.id[0])) is None


def test_stewards_save_a_register_with_its_sources_and_nobody_else_does(city_of_files: Building) -> None:
    steward = client("steward")
    answer = steward.get("/registers/components/export/", {"q": code(7)})
    (row,) = csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig")))
    assert (row["code"], row["state"], row["file"], row["row"], row["true since"]) == (
        code(7), "damaged", "lamps2.csv", "2", "2026-11-03")  # fmt: skip
    saved = b"".join(steward.get("/registers/components/export/", {"form": "geojson"}).streaming_content)
    features = json.loads(saved)["features"]
    assert len(features) == 120
    assert features[0]["geometry"]["type"] == "Point"
    lines = json.loads(b"".join(steward.get("/registers/mains/export/", {"form": "geojson"}).streaming_content))
    assert lines["features"][0]["geometry"]["type"] == "LineString"
    assert client("duty-officer").get("/registers/components/export/").status_code == 403


def test_a_zone_lists_what_lies_in_it(city_of_files: Building) -> None:
    plan = actions.draft_zone_plan(wish=actions.Wish("First", 6), by=SYSTEM, at=AT)
    there = client("duty-officer")
    assert there.get("/registers/components/", {"zone": "1" * 15}).status_code == 409
    day = queries.today()
    at_nine = datetime(2026, 11, 2, 9, tzinfo=UTC)
    actions.publish_zone_plan(plan_id=plan, valid_from=day, today=day, by=SYSTEM, at=at_nine)
    zone = queries.zone_at(city_of_files.lon, city_of_files.lat, day)
    assert zone is not None
    other = next(one for one in queries.zones_of(plan) if one.code != zone.code)
    assert f"/registers/components/?zone={zone.code}" in page(there, f"/zones/{plan}/{zone.code}/")
    assert code(7) in page(there, "/registers/components/", zone=zone.code)
    assert code(7) not in page(there, "/registers/components/", zone=other.code)
    assert zone.code in page(there, f"/registers/components/entry/{code(7)}/")


def test_loads_of_zones_come_from_the_registers_where_entries_have_places_and_the_plan_says_so(
    city_of_files: Building, tmp_path: Path
) -> None:
    lon, lat = city_of_files.lon, city_of_files.lat
    weights = {"people": 1.0, "components": 1000.0}
    before = actions.draft_zone_plan(wish=actions.Wish("Lamps", 6, weights=weights), by=SYSTEM, at=AT)
    there = client("steward")
    told = page(there, f"/zones/{before}/")
    assert "components from the register of city components: 120" in told
    assert "buildings that companies use stand in" in told
    heaviest = max(queries.zones_of(before), key=lambda zone: zone.load)
    assert heaviest.outline.contains(shapely.Point(lon, lat))
    assert heaviest.load >= 120_000
    company = test_department_files.code
    rows = f"{company(1)},A,active,{lon},{lat}\n{company(2)},B,dissolved,{lon},{lat}\n{company(3)},C,active,,"
    load(tmp_path, "firms.csv", f"id,name,status,x,y\n{rows}", "organisations",
         "id: {field: code}, name: {field: name}, status: {field: status}, x: {field: lon}, y: {field: lat}")
    after = actions.draft_zone_plan(wish=actions.Wish("Firms", 6), by=SYSTEM, at=AT)
    assert "companies from the register of organisations: 1" in page(there, f"/zones/{after}/")


def test_a_list_is_narrowed_down_to_a_community_by_its_name(city_of_files: Building) -> None:
    there, every = client("duty-officer"), {one.id: one for one in communities.communities()}
    own = every[city_of_files.unit_id]
    other = next(one for one in every.values() if one.id != own.id)
    text = page(there, "/registers/buildings/")
    assert all(html.escape(one.labels[0]) in text for one in every.values())
    for said in (own.name, own.name_zh, own.labels[0], own.labels[1], own.id):
        text = page(there, "/registers/buildings/", community=said)
        assert "B-1</a>" in text and "B-2</a>" not in text, said
    assert "B-1</a>" not in page(there, "/registers/buildings/", community=other.name)
    answer = there.get("/registers/buildings/", {"community": "Nowhere"})
    assert answer.status_code == 409
    assert "there are, among others" in answer.content.decode()


def test_of_two_communities_of_one_name_the_subdistrict_tells_which(city_of_files: Building) -> None:
    first, second = Unit.objects.filter(kind="community").order_by("id")[:2]
    Unit.objects.filter(id=second.id).update(name_en=first.name_en, parent_id="city")
    answer = client("duty-officer").get("/registers/buildings/", {"community": first.name_en})
    assert answer.status_code == 409
    assert "write the subdistrict behind the name" in answer.content.decode()


def test_every_building_lies_in_its_own_community_and_in_no_other(small_city: CityFacts) -> None:
    houses = list(Building.objects.values_list("lon", "lat", "unit_id"))
    for one in communities.communities():
        outline = communities.outline_of(one.id)
        inside = shapely.intersects_xy(outline, [house[0] for house in houses], [house[1] for house in houses])
        assert inside.tolist() == [unit == one.id for _lon, _lat, unit in houses], one
    subjects, place, units = queries.residents_by_unit()
    assert len(subjects) == Resident.objects.count() == len(set(subjects.tolist()))
    last = int(subjects[-1])
    assert queries.unit_of_dwelling(queries.homes_of([last])[last]) == units[place[-1]]
