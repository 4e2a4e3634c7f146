"""The search finds what a person means, and nothing in the box can do more than search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from lxml import html

from cityloom.registers.models import Building, Name
from cityloom.web.search import LONGEST, cleaned
from tests.web.conftest import City

pytestmark = pytest.mark.django_db
SignIn = Callable[[str], Client]


def hits(client: Client, text: str, **ask: str) -> list[dict[str, Any]]:
    answer = client.get("/map/search", {"q": text} | ask)
    assert answer.status_code == 200
    return [hit for group in answer.json()["groups"] for hit in group["hits"]]


def titles(client: Client, text: str) -> list[str]:
    return [hit["title"] for hit in hits(client, text)]


def test_a_street_is_found_in_both_languages(city: City) -> None:
    street = Name.objects.filter(kind="street").exclude(name_zh="").first()
    assert street
    assert street.name in titles(Client(), street.name.lower())
    assert street.name in titles(Client(), street.name[:5].upper())
    assert street.name in titles(Client(), street.name_zh)
    chinese = Client(headers={"Accept-Language": "zh-hans"})
    assert street.name_zh in titles(chinese, street.name)


def test_an_address_leads_to_its_building(city: City) -> None:
    house = Building.objects.exclude(street="").exclude(house_number="").order_by("id").first()
    assert house
    for text in (f"{house.street} {house.house_number}", f"{house.house_number} {house.street}"):
        first = hits(Client(), text)[0]
        assert first["title"] == f"{house.street} {house.house_number}"
        assert first["place"] == [round(house.lon, 6), round(house.lat, 6)]
    assert f"Building {house.id}" in hits(Client(), str(house.id))[0]["subtitle"]


def test_words_in_another_order_and_one_thing_once(city: City) -> None:
    place = Name.objects.filter(kind="place").first()
    assert place
    turned = " ".join(reversed(place.name.split()))
    found = titles(Client(), turned)
    assert found.count(place.name) == 1


def test_an_incident_is_found_by_its_number_and_by_what_happened_by_staff_only(
    incident_id: str, signed_in: SignIn
) -> None:
    staff = signed_in("commander")
    assert hits(staff, incident_id)[0]["url"] == f"/incidents/{incident_id}/"
    assert hits(staff, incident_id[:8].lower())[0]["url"] == f"/incidents/{incident_id}/"
    assert any(hit["url"] == f"/incidents/{incident_id}/" for hit in hits(staff, "collapse"))
    assert not hits(Client(), incident_id)
    assert not any(hit["url"] for hit in hits(staff, "collapse", public="1"))


@pytest.mark.parametrize("text", [
    "' OR 1=1 --", "%", "_", "\x00", "<script>alert(1)</script>", "\u202e\u2066abc", "a" * 100_000, "\ud800", "😀",
    "  ", "SELECT * FROM accounts_account", "1" * 40, "-1", "1e9", "({[*", '"', "\\", "号", "١٢",
])  # fmt: skip
def test_nothing_typed_does_harm(city: City, signed_in: SignIn, text: str) -> None:
    shown = text.encode("utf-8", "replace").decode()
    for client in (Client(), signed_in("commander")):
        assert client.get("/map/search", {"q": shown}).status_code == 200
        page = client.get("/search/", {"q": shown})
        assert page.status_code == 200
        assert not html.fromstring(page.content.decode()).xpath("//main//script")


def test_marks_that_nobody_sees_are_taken_out_and_long_texts_are_cut() -> None:
    assert cleaned("\u202ea\u200bb\x00c\t d\n\n\u2067") == "abc d"
    assert len(cleaned("x" * 10_000)) == LONGEST


def test_the_page_works_without_scripts_and_leads_to_the_map(city: City, signed_in: SignIn) -> None:
    everybody = html.fromstring(Client().get("/search/", {"q": "street"}).content.decode())
    assert everybody.xpath("//main//li") and not everybody.xpath("//main//li//a")
    page = html.fromstring(signed_in("commander").get("/search/", {"q": "street"}).content.decode())
    assert page.xpath("//main//form[@method='get']//input[@name='q' and @value='street']")
    assert any(link.startswith("/map/#map=17/") for link in page.xpath("//main//li//a/@href"))


def test_a_source_that_fails_hides_no_other(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> list[object]:
        raise RuntimeError("no index")

    monkeypatch.setattr("cityloom.registers.layers.search.addresses", broken)
    answer = Client().get("/map/search", {"q": "street"}).json()
    assert any(group["hits"] for group in answer["groups"])
    assert [group["fault"] != "" for group in answer["groups"] if group["key"] == "addresses"] == [True]
    assert "no index" not in str(answer)
