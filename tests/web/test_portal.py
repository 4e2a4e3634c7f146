"""The residents' portal: without an account, without JavaScript, in plain words."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from cityloom.alerts.models import Alert
from cityloom.bus import queries as bus
from cityloom.emergency.events import AlertApproved
from cityloom.emergency.handlers import send_alerts
from cityloom.gate import queries as gate_queries
from cityloom.kernel import clock
from cityloom.kernel.envelope import event_from, type_of
from cityloom.kernel.refused import Refused
from cityloom.registers import queries as registers
from cityloom.ui import registry
from cityloom.ui.domain.declared import Display, Service
from cityloom.web.portal import catalogue
from tests.web.conftest import EXERCISE, City
from tests.web.test_pages import Proposal, SignIn, approve, read, text

pytestmark = pytest.mark.django_db
CHINESE = {"HTTP_ACCEPT_LANGUAGE": "zh-CN"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


def test_the_address_that_is_printed_is_the_portal_for_nobody_signed_in(city: City, client: Client) -> None:
    page = client.get("/")
    assert page.status_code == 200
    assert "What do you need?" in text(page)
    assert read(page).xpath("//form[@role='search']/@action")
    assert "/me/" in read(page).xpath("//main//a/@href")


def test_staff_and_the_demo_roles_are_one_click_away(city: City, client: Client) -> None:
    (way,) = read(client.get("/")).xpath("//p[contains(@class, 'staff')]/a/@href")
    assert "Commander" in text(client.get(way))


def test_whoever_works_here_has_the_overview_and_can_still_see_the_portal(city: City, signed_in: SignIn) -> None:
    duty = signed_in("duty")
    assert "Waiting for you" in text(duty.get("/"))
    assert "What do you need?" in text(duty.get("/portal/"))


def test_who_was_signed_out_for_being_idle_is_told_why(city: City, signed_in: SignIn) -> None:
    duty = signed_in("duty")
    duty.cookies["cityloom_device"] = "another"
    answer = duty.get("/")
    assert answer.status_code == 302
    assert answer.url.startswith("/sign-in/?") and "why=elsewhere" in answer.url


def test_every_service_is_in_the_catalogue_and_its_page_exists(city: City, client: Client) -> None:
    tree = read(client.get("/services/"))
    shown = {(a.text_content(), a.get("href")) for a in tree.xpath("//ul[contains(@class, 'offers')]//a")}
    for group in catalogue.groups():
        for offer in group.offers:
            assert (offer.title, offer.url) in shown
            assert client.get(offer.url).status_code in (200, 302), offer.url


def test_a_capability_only_declares_and_is_found(city: City, client: Client, monkeypatch) -> None:
    new = Display(services=(
        Service("twins", "Register twins", "Both at once.", "services", "having-twins",
                ("birth certificate", "双胞胎")),
        Service("unbuilt", "Something of later", "No page yet.", "no-such-page", "moving"),
    ))  # fmt: skip
    before = registry.displays()
    monkeypatch.setattr(registry, "displays", lambda: before | {"newcomer": new})
    catalogue._services.cache_clear()
    catalogue._finder.cache_clear()
    try:
        page = client.get("/services/", {"q": "birht certficate"})
        assert read(page).xpath("//section[@aria-labelledby='found']//a/text()") == ["Register twins"]
        assert "Having twins" in text(page)
        assert "Something of later" not in text(page)
        assert "Register twins" in text(client.get("/services/", {"q": "双胞胎"}))
    finally:
        catalogue._services.cache_clear()
        catalogue._finder.cache_clear()


@pytest.mark.parametrize(("query", "found"), [
    ("who saw my file", "/me/"), ("谁看过我的档案", "/me/"), ("gpdr", "/how/"), ("隐私", "/me/"), ("疏散", "/offline/"),
    ("evacuaton", "/offline/"), ("proof", "/verify/"),
])  # fmt: skip
def test_people_find_what_they_mean(city: City, client: Client, query: str, found: str) -> None:
    assert found in read(client.get("/services/", {"q": query})).xpath("//section[@aria-labelledby='found']//a/@href")


@pytest.mark.parametrize("query", ["<script>alert(1)</script>", "x" * 5000, "\u202eevil", "zz\x00qq", "zzqqzz"])
def test_odd_words_find_nothing_and_break_nothing(city: City, client: Client, query: str) -> None:
    page = client.get("/services/", {"q": query})
    assert page.status_code == 200
    assert "<script>alert" not in page.content.decode()
    assert "Nothing here is called that" in text(page)


def test_a_warning_in_force_stands_on_the_first_page_in_both_languages(
    signed_in: SignIn, proposal: Proposal, client: Client
) -> None:
    approve(signed_in("commander"), proposal)
    approve(signed_in("approver"), proposal, "alert-approver")
    shown = sent_alert(proposal)
    page = client.get("/")
    assert shown["en"]["headline"] in text(page)
    assert "EXERCISE" in read(page).xpath("string(//article[contains(@class, 'warning')])")
    assert "No warning is in force" not in text(page)
    cache.clear()
    assert shown["zh-Hans"]["headline"] in text(client.get("/", **CHINESE))


def test_a_warning_that_is_over_is_said_to_be(signed_in: SignIn, proposal: Proposal, client: Client) -> None:
    approve(signed_in("commander"), proposal)
    approve(signed_in("approver"), proposal, "alert-approver")
    sent_alert(proposal)
    Alert.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    assert "No warning is in force" in text(client.get("/"))
    assert "Over" in read(client.get("/offline/")).xpath("string(//article)")


def test_how_the_data_are_used_is_what_the_keeper_goes_by(city: City, client: Client) -> None:
    tree = read(client.get("/how/"))
    zone = registers.time_zone()
    live = gate_queries.live_purposes()
    assert len(live) >= 5
    for name, rules in live.items():
        (section,) = tree.xpath(f"//section[@aria-labelledby='p-{name}']")
        said = " ".join(section.text_content().split())
        assert rules["article"] in said
        until = clock.from_text(rules["valid_until"]).astimezone(zone)
        assert f"{until.day} {until:%B %Y}" in said
    assert len(tree.xpath("//ul[@class='never']/li")) == 6


def test_how_the_data_are_used_is_said_in_chinese(city: City, client: Client) -> None:
    page = text(client.get("/how/", **CHINESE))
    assert "应急救助" in page
    assert "《个人信息保护法》第十三条" in page
    assert "不给任何人打分" in page


def test_with_the_keeper_down_the_page_says_what_cannot_be_shown(city: City, client: Client, monkeypatch) -> None:
    def down(at: object) -> list[object]:
        raise Refused("gate.keeper_down", "The keeper does not answer; an operator has to start it.")

    monkeypatch.setattr(gate_queries, "published_purposes", down)
    page = client.get("/how/")
    assert page.status_code == 200
    assert "cannot be shown just now" in text(page)
    assert "It gives no person a score" in text(page)


def test_the_way_to_who_looked_is_three_clicks(city: City) -> None:
    """By links and buttons only: the portal, the identity service, the person; then one's own entries."""
    client = Client(SERVER_NAME="localhost")
    assert "/me/" in read(client.get("/")).xpath("//main//a/@href")
    asked = client.get("/me/")
    sign_in = client.get(asked.url)
    way, *_ = read(sign_in).xpath("//main//section//a/@href")
    assert way == "/sign-in/with/demo-residents/?next=%2Fme%2F"


def sent_alert(proposal: Proposal) -> dict[str, dict[str, str]]:
    """Let the approved alert leave; return its words."""
    event = next(one for one in bus.events_of(EXERCISE) if one.type == type_of(AlertApproved))
    send_alerts(event_from(AlertApproved, event.data), envelope=event)
    return proposal.document["info"]
