"""The overview in a real browser: what happens appears by itself, a dropped line is said and comes back with all of it,
who is signed out is told, and without scripts everything is there too."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from cityloom.project import supervisor
from cityloom.project.home import Home
from tests.browser.conftest import Opened, overflow, tab_to
from tests.flow.installation import ROOT
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
DROPPED = ("Failed to load resource", "net::ERR", "MIME type")
_OPEN = """
import sys, django
django.setup()
from django.db import transaction
from cityloom.bus import actions as bus
from cityloom.emergency.events import IncidentOpened
from cityloom.emergency.models import Incident
from cityloom.kernel import clock, ids
at = clock.now()
with transaction.atomic():
    row = Incident.objects.create(
        id=ids.new_ulid(), detection_id=ids.new_ulid(), category="gas-leak", lon=114.06, lat=22.54,
        hazard_radius_m=50, buffer_m=50, ring_fractions=[1.0], place={"en": sys.argv[1], "zh-Hans": sys.argv[1]},
        first_signal_at=at, opened_at=at, exercise_id="01TEST",
    )
    fact = IncidentOpened(row.id, row.detection_id, "gas-leak", 114.06, 22.54, at, at)
    bus.publish(fact, at=at, exercise_id="01TEST")
"""


def open_incident(served: Served, place: str) -> None:
    """Let an incident be opened by another process than those that serve."""
    environment = served.city.variables | {"DJANGO_SETTINGS_MODULE": "cityloom.project.settings"}
    subprocess.run([sys.executable, "-c", _OPEN, place], cwd=ROOT, env=environment, check=True, timeout=60)


def on_duty(page: Page, served: Served, title: str = "Duty officer") -> Page:
    page.goto(f"{served.url}/sign-in/")
    page.get_by_role("button", name=title).first.click()
    page.wait_for_url(f"{served.url}/")
    return page


@pytest.fixture
def duty(opened: Opened, served_city: Served) -> Callable[..., Page]:
    return lambda **window: on_duty(opened(**window), served_city)


def test_what_happens_appears_without_a_reload_and_leaves_alone_what_one_does(
    duty: Callable[..., Page], served_city: Served
) -> None:
    page = duty(excused=DROPPED, maps=True)
    expect(page.locator("#live-state [data-when=live]")).to_be_visible()
    page.evaluate("window.sameOne = true")
    page.locator("#work-of-others summary").click()
    page.locator("#at").fill("2026-05-04T14:07:00")
    page.locator("#work-of-others summary").focus()
    open_incident(served_city, "Quince Alley")
    expect(page.locator("#incidents + div")).to_contain_text("Quince Alley")
    expect(page.locator("#timeline + div")).to_contain_text("Quince Alley")
    assert page.evaluate("window.sameOne")
    assert page.locator("#work-of-others").evaluate("one => one.open")
    assert page.evaluate("document.activeElement.matches('#work-of-others summary')")
    assert page.locator("#at").input_value().startswith("2026-05-04T14:07")
    expect(page.locator("#live-says")).to_contain_text("Incidents")


def test_a_dropped_line_is_said_and_comes_back_with_what_was_missed(
    duty: Callable[..., Page], served_city: Served
) -> None:
    page = duty(excused=DROPPED)
    expect(page.locator("#live-state [data-when=live]")).to_be_visible()
    page.evaluate("window.sameOne = true")
    live = supervisor.status(Home(served_city.city.home))["processes"]["live"]["pid"]
    page.evaluate(
        "document.addEventListener('cityloom:state', said => (window.states ||= []).push(said.detail.state))"
    )
    os.kill(live, signal.SIGKILL)  # the supervisor starts another one
    open_incident(served_city, "Medlar Lane")
    expect(page.locator("#incidents + div")).to_contain_text("Medlar Lane", timeout=40_000)
    expect(page.locator("#live-state [data-when=live]")).to_be_visible()
    assert page.evaluate("window.states") == ["dropped", "live"]
    assert page.evaluate("window.sameOne")


def test_who_signs_out_elsewhere_is_told_and_keeps_the_page(duty: Callable[..., Page], served_city: Served) -> None:
    page = duty(excused=DROPPED)
    expect(page.locator("#live-state [data-when=live]")).to_be_visible()
    other = page.context.new_page()
    other.goto(f"{served_city.url}/")
    other.get_by_role("button", name="Sign out").first.click()
    other.wait_for_url("**/sign-in/**")
    expect(page.locator("#live-state [data-when=stopped]")).to_be_visible(timeout=40_000)
    assert page.get_by_role("link", name="sign in again").get_attribute("href") == "/sign-in/?next=/"
    assert page.locator("h1").inner_text() == "Now"


def test_without_scripts_all_of_it_is_there_and_one_can_look_back(
    duty: Callable[..., Page], served_city: Served
) -> None:
    page = duty(java_script_enabled=False)
    for heading in ("Waiting for you", "Incidents", "Key figures", "Systems", "Timeline"):
        assert page.get_by_role("heading", name=heading, exact=True).is_visible()
    assert not page.locator(".scrub .slider").is_visible()
    page.locator(".timeline a.moment >> visible=true").last.click()
    assert "As known at" in page.locator(".then").inner_text()
    page.get_by_role("link", name="Step forward").click()
    assert "As known at" in page.locator(".then").inner_text()
    page.locator("#at").fill("2020-01-01T00:00:00")
    page.get_by_role("button", name="Show").click()
    assert "No incident was known then." in page.locator("main").inner_text()
    page.get_by_role("link", name="Back to now").first.click()
    assert page.locator("h1").inner_text() == "Now"


def test_one_looks_back_with_the_slider_by_keyboard_on_a_small_screen(duty: Callable[..., Page]) -> None:
    page = duty(excused=DROPPED)
    page.set_viewport_size({"width": 320, "height": 640})
    assert overflow(page) == 0
    tab_to(page, "#moment")
    with page.expect_navigation():
        page.keyboard.press("ArrowLeft")
    assert "As known at" in page.locator(".then").inner_text()
    assert overflow(page) == 0
