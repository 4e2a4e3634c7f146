"""Sensors, open figures, the installed portal and the pages for what cannot be shown."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from cityloom.signals import actions as signals
from cityloom.ui import registry
from cityloom.ui.domain.declared import Display, KeyFigure, Reading
from cityloom.web.domain import openness
from cityloom.web.portal import figures, installed
from tests.web.conftest import AT, City
from tests.web.test_pages import SignIn, read, text

pytestmark = pytest.mark.django_db
CHINESE = {"HTTP_ACCEPT_LANGUAGE": "zh-CN"}


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    cache.clear()
    yield
    cache.clear()


# --- sensors


@pytest.fixture
def with_sensors(city: City) -> int:
    """Seventy sensors of all kinds in two streets."""
    sites = SimpleNamespace(
        kind=np.array(["pressure", "flow", "settlement", "traffic_speed", "rain", "camera", "pressure"] * 10, object),
        lon=np.full(70, city.lon), lat=np.full(70, city.lat), made_up=np.ones(70, np.int64),
        street=np.array(["Lotus Road", "Harbour Street"] * 35, object),
    )  # fmt: skip
    return signals.install(sites, by=SYSTEM, at=AT)


def test_each_sensor_says_what_it_does_and_what_not(with_sensors: int, client: Client) -> None:
    page = read(client.get("/sensors/"))
    for kind in ("pressure", "flow", "settlement", "traffic_speed", "rain", "camera"):
        (about,) = page.xpath(f"//section[@aria-labelledby='about-{kind}']")
        terms = [term.text_content() for term in about.xpath(".//dt")]
        assert terms == ["Whose it is", "It measures", "It does not measure", "How long"]
        assert all(one.text_content().strip() for one in about.xpath(".//dd"))


def test_the_list_is_whole_over_its_pages_and_can_be_narrowed(with_sensors: int, client: Client) -> None:
    names: list[str] = []
    path = "/sensors/"
    while path:
        page = read(client.get(path))
        names += [row.xpath("string(td[3])").split()[0] for row in page.xpath("//tbody/tr")]
        further = page.xpath("//a[@rel='next']/@href")
        path = f"/sensors/{further[0]}" if further else ""
    assert len(names) == len(set(names)) == with_sensors
    lotus = read(client.get("/sensors/", {"street": "lotus", "kind": "camera"}))
    assert {row.xpath("string(th)") for row in lotus.xpath("//tbody/tr")} == {"Lotus Road"}
    assert len(lotus.xpath("//tbody/tr")) == 5


@pytest.mark.parametrize("asked", [{"kind": "<script>"}, {"street": "'; DROP TABLE x; --"}, {"page": "-1"},
                                   {"page": "99999999999"}, {"street": "%"}, {"page": "9999"}])  # fmt: skip
def test_odd_questions_about_sensors_are_answered(with_sensors: int, client: Client, asked: dict[str, str]) -> None:
    page = client.get("/sensors/", asked)
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().replace("<script src=", "")


# --- figures


def declare(monkeypatch, *made: KeyFigure, **sources: object) -> None:
    monkeypatch.setattr(registry, "displays", lambda: {"newcomer": Display(figures=made)})
    monkeypatch.setattr(registry, "source_of", lambda name: sources[name])


def figure(key: str = "people-moved", **more: object) -> KeyFigure:
    made = {"label": "People moved", "definition": "Who moved house.", "source": "found", "is_public": True}
    return KeyFigure(key=key, **(made | more))  # type: ignore[arg-type]


def test_every_open_figure_has_a_definition_and_a_time(city: City, client: Client) -> None:
    page = read(client.get("/figures/"))
    sections = page.xpath("//section[contains(@class, 'open-figure')]")
    assert len(sections) >= 4
    for section in sections:
        assert "As of" in section.text_content()
    made = json.loads(client.get("/figures/all.json").content)["figures"]
    assert {one["key"] for one in made} >= {"sensors-in-service", "log-entries", "objections", "statuses"}
    assert all(one["definition"] and one["as_of"].endswith("Z") for one in made)


def test_small_counts_of_people_leave_by_no_way(city: City, client: Client, monkeypatch) -> None:
    days = [(clock.now() - timedelta(days=day), float(day)) for day in range(12)]
    declare(monkeypatch, figure(counts_people=True), found=lambda actor, at: Reading(6.0, days, note="six"))
    page = text(client.get("/figures/"))
    assert "not published" in page
    assert "six" not in page
    (made,) = json.loads(client.get("/figures/all.json").content)["figures"]
    assert made["value"] is None
    assert {point["value"] for point in made["series"]} == {None, 10.0}
    table = client.get("/figures/people-moved.csv").content.decode("utf-8-sig")
    assert {row["value"] for row in csv.DictReader(io.StringIO(table))} == {"", "10.0"}


def test_a_figure_is_asked_by_nobody(city: City, client: Client, monkeypatch) -> None:
    asked: list[Actor] = []
    declare(monkeypatch, figure(), found=lambda actor, at: asked.append(actor) or Reading(3.0))
    client.get("/figures/")
    assert [(actor.account, actor.roles) for actor in asked] == [("", frozenset())]


def test_what_is_not_public_is_not_here(city: City, client: Client, monkeypatch) -> None:
    declare(monkeypatch, figure("a", is_public=False), figure("b", roles=frozenset({"operator"})),
            found=lambda actor, at: Reading(3.0))  # fmt: skip
    assert "No figure is open yet" in text(client.get("/figures/"))
    assert client.get("/figures/a.csv").status_code == 404


def test_a_figure_that_cannot_be_read_hides_no_other(city: City, client: Client, monkeypatch) -> None:
    def refuse(actor: Actor, at: object) -> Reading:
        raise Refused("gate.keeper_down", "The keeper does not answer; an operator has to start it.")

    def fail(actor: Actor, at: object) -> Reading:
        raise RuntimeError("secret inner words")

    declare(monkeypatch, figure("a", source="refuse"), figure("b", source="fail"), figure("c"),
            refuse=refuse, fail=fail, found=lambda actor, at: Reading(1234.0))  # fmt: skip
    page = text(client.get("/figures/"))
    assert "keeper does not answer" in page
    assert "It cannot be read just now" in page
    assert "1,234" in page
    assert "secret" not in page


def test_a_table_holds_no_formula() -> None:
    assert figures._harmless("=1+1") == "'=1+1"
    assert figures._harmless(-3.0) == -3.0


@given(st.floats(-1e6, 1e12) | st.sampled_from([float("nan"), float("inf"), float("-inf")]))
def test_a_count_of_people_is_either_withheld_or_a_multiple_of_five(value: float) -> None:
    given_out = openness.opened(value, counts_people=True)
    assert given_out is None or (given_out % 5 == 0 and given_out >= 5)
    if given_out is not None:
        assert abs(given_out - value) <= 2.5
    if value <= 7:
        assert given_out is None


# --- the app on a phone


def test_the_app_has_a_name_and_icons_in_both_languages(city: City, client: Client) -> None:
    page = read(client.get("/portal/", **CHINESE))
    (address,) = page.xpath("//link[@rel='manifest']/@href")
    made = json.loads(client.get(address).content)
    assert made["lang"] == "zh-Hans"
    assert made["short_name"] == "我的城市"
    assert json.loads(client.get("/portal/manifest.webmanifest?language=en").content)["short_name"] == "My city"
    assert client.get("/portal/manifest.webmanifest?language=xx").status_code == 200
    for icon in made["icons"]:
        content = b"".join(client.get(icon["src"]))
        picture = Image.open(io.BytesIO(content))
        assert f"{picture.width}x{picture.height}" == icon["sizes"]
        assert len(content) < 10_000
    assert {one["url"] for one in made["shortcuts"]} >= {"/offline/", "/me/"}


def test_the_worker_keeps_one_page_and_changes_with_its_files(city: City, client: Client, monkeypatch) -> None:
    answer = client.get("/portal/worker.js")
    script = answer.content.decode()
    assert answer["Content-Type"].startswith("text/javascript")
    kept = json.loads(script.partition("const KEPT = ")[2].partition(";\n")[0])
    assert kept["page"] == "/offline/"
    assert all(name.startswith("/static/") for name in kept["files"])
    assert 'credentials: "omit"' in script
    assert script.count(".put(") == 2, "the page and its files, and nothing else"
    assert installed._script() == script


def test_the_page_that_is_kept_is_the_same_for_everybody(city: City, signed_in: SignIn, client: Client) -> None:
    assert "The last warnings" in text(client.get("/offline/?language=en", **CHINESE))
    assert "最近的预警" in text(client.get("/offline/?language=zh-hans"))
    assert signed_in("duty").get("/offline/")["Cache-Control"] == "no-store"


# --- what cannot be shown


@pytest.mark.parametrize("path", ["/nothing/", "/incidents/", "/portal/nothing", "/x/y/z", "/%00", "/%F0%9F%92%A9/"])
def test_an_unknown_address_leads_on(city: City, client: Client, path: str) -> None:
    answer = client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 404
    assert "This page is not here" in text(answer)
    assert "/services/" in read(answer).xpath("//main//a/@href")
    assert "没有这个页面" in text(client.get(path, headers={"Accept": "text/html"}, **CHINESE))
    assert client.get(path, headers={"Accept": "application/json"}).json()["code"] == "web.not_found"


def test_a_form_without_its_proof_says_what_to_do(city: City) -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/demo/", {"account": "x"}, headers={"Accept": "text/html"})
    assert answer.status_code == 403
    assert "Nothing was changed" in text(answer)


def test_a_defect_shows_a_reference_and_nothing_of_itself(city: City, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("inner words")

    monkeypatch.setattr("cityloom.web.portal.catalogue.groups", broken)
    answer = Client(raise_request_exception=False).get("/services/", headers={"Accept": "text/html"})
    assert answer.status_code == 500
    assert "Reference:" in text(answer)
    assert "inner words" not in answer.content.decode()
