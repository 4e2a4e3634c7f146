from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from lxml import html

from cityloom.accounts.actions import create_demo_accounts
from cityloom.kernel.actor import SYSTEM
from cityloom.registers import actions, queries
from cityloom.registers.actions import Wish
from cityloom.registers.domain.answers import CityFacts
from cityloom.registers.layers import zones as layer
from tests.registers.conftest import AT
from tests.registers.test_zone_plans import STEWARD, a_move


def signed_in(username: str) -> Client:
    accounts = {one.username: one.account for one in create_demo_accounts(workers=["city"], by=SYSTEM, at=AT)}
    client = Client()
    assert client.post("/sign-in/demo/", {"account": accounts[username]}).status_code == 302
    return client


@pytest.fixture
def steward(small_city: CityFacts) -> Client:
    return signed_in("steward")


@pytest.fixture
def plan(small_city: CityFacts) -> str:
    return actions.draft_zone_plan(wish=Wish("First", 6), by=STEWARD, at=AT)


def seen(client: Client, address: str) -> html.HtmlElement:
    answer = client.get(address)
    assert answer.status_code == 200, answer.content[:500]
    return html.fromstring(answer.content)


def words_of(page: html.HtmlElement) -> str:
    return " ".join(page.xpath("//main")[0].text_content().split())


def sent(client: Client, page: html.HtmlElement, action: str, **chosen: object) -> html.HtmlElement:
    """Fill in the form with this address and send it, as a browser without scripts does."""
    (form, *_) = page.xpath(f"//form[@action='{action}']")
    fields = {name: value for name, value in form.form_values() if value is not None} | chosen
    answer = client.post(action, fields, follow=True)
    assert answer.status_code == 200, answer.content[:500]
    return html.fromstring(answer.content)


def test_a_planner_drafts_a_plan_and_sees_every_subdistrict_with_its_loads(steward: Client) -> None:
    page = sent(steward, seen(steward, "/zones/"), "/zones/draft/", name="Plan of 2027", zones="7")
    (facts,) = queries.zone_plans()
    assert "Plan of 2027" in words_of(page) and page.xpath("//svg")
    links = page.xpath("//section[@aria-labelledby='subdistricts']//tbody//a/@href")
    assert len(links) == len(queries.subdistricts_of(facts.id))
    area = seen(steward, links[0])
    first = area.xpath("//tbody/tr/th/a/@href")[0]
    assert first.rstrip("/").rpartition("/")[2] in words_of(seen(steward, first))
    assert "Compactness under 0.3" in seen(steward, links[0] + "&show=shape").text_content()


def test_cells_are_moved_by_hand_and_the_effect_is_said_at_once(steward: Client, plan: str) -> None:
    code, cell, to_code = a_move(plan)
    before = queries.zone_of_plan(plan, code)
    page = sent(steward, seen(steward, f"/zones/{plan}/{code}/"), f"/zones/{plan}/{code}/move/",
                to=to_code, cells=str(cell))  # fmt: skip
    after = queries.zone_of_plan(plan, code)
    assert after.cells == before.cells - 1
    assert f"zone {code} from {before.share:.0%} to {after.share:.0%} of the mean" in words_of(page)


def test_what_cannot_be_moved_says_why(steward: Client, plan: str) -> None:
    code, _cell, to_code = a_move(plan)
    address = f"/zones/{plan}/{code}/move/"
    nothing = steward.post(address, {"to": to_code})
    assert nothing.status_code == 422 and b"Choose at least one cell" in nothing.content
    nonsense = steward.post(address, {"to": to_code, "cells": ["12", "no"]})
    assert nonsense.status_code == 422
    foreign = steward.post(address, {"to": to_code, "cells": ["12"]})
    assert foreign.status_code == 409 and b"Choose at least one cell of this plan" in foreign.content


def test_publishing_is_confirmed_with_what_follows_and_then_nothing_can_be_changed(steward: Client, plan: str) -> None:
    today = queries.today()
    action = f"/zones/{plan}/publish/"
    question = sent(steward, seen(steward, f"/zones/{plan}/"), action, valid_from=today.isoformat())
    assert "zones are in force from" in words_of(question) and queries.zone_plan(plan).state == "draft"
    done = sent(steward, question, action)
    assert queries.zone_plan_on(today).id == plan and "in force" in words_of(done)
    code, _cell, _to = a_move(plan)
    zone = seen(steward, f"/zones/{plan}/{code}/")
    assert all("disabled" in button.attrib for button in zone.xpath("//main//form//button"))
    assert "stays as it is" in words_of(zone)
    again = steward.post(action, {"valid_from": (today + timedelta(days=9)).isoformat(), "confirmed": "yes"})
    assert again.status_code == 409


def test_a_plan_is_rebalanced_compared_and_thrown_away(steward: Client, plan: str) -> None:
    sent(steward, seen(steward, f"/zones/{plan}/"), f"/zones/{plan}/rebalance/", name="Next")
    (new,) = (one for one in queries.zone_plans() if one.id != plan)
    assert new.based_on == plan
    page = seen(steward, f"/zones/compare/?before={plan}&after={new.id}")
    assert f"{queries.compared_zone_plans(plan, new.id).moved} of" in words_of(page)
    action = f"/zones/{new.id}/discard/"
    sent(steward, sent(steward, seen(steward, f"/zones/{new.id}/"), action), action)
    assert [one.id for one in queries.zone_plans()] == [plan]


def test_others_look_but_do_not_plan(plan: str) -> None:
    client = signed_in("commander")
    page = seen(client, f"/zones/{plan}/")
    assert "Zones are planned by data stewards" in words_of(page)
    assert client.post(f"/zones/{plan}/discard/", {"confirmed": "yes"}).status_code == 403
    assert client.post("/zones/draft/", {"name": "x", "zones": "3"}).status_code in (403, 422)
    assert [one.id for one in queries.zone_plans()] == [plan]


@pytest.mark.parametrize("rest", ["nowhere/", "nowhere/area/", "{plan}/000000000000000/", "{plan}/area/?unit=city/x",
                                  "compare/", "compare/?before={plan}&after=1"])  # fmt: skip
def test_what_is_not_there_is_not_found(steward: Client, plan: str, rest: str) -> None:
    assert steward.get(f"/zones/{rest.format(plan=plan)}").status_code == 404


def test_the_zones_in_force_are_a_layer_of_the_map_which_changes_with_the_plan(steward: Client, plan: str) -> None:
    before = steward.get("/map/layers.json").json()["version"]
    actions.publish_zone_plan(plan_id=plan, valid_from=queries.today(), today=queries.today(), by=STEWARD, at=AT)
    city = queries.loaded_city()
    drawn = layer.zones(*city.bounds, 13)
    assert len(drawn.id) == len(queries.zones_of(plan))
    card = layer.card(STEWARD, str(int(drawn.id[0])), None)
    assert card is not None and card.url.startswith(f"/zones/{plan}/")
    assert layer.card(None, str(int(drawn.id[0])), None) is None
    assert steward.get("/map/layers.json").json()["version"] != before
