"""The portal in a real browser: who looked in three clicks, a report by keyboard only, no scripts, no network."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Opened, overflow, tab_to
from tests.flow.served import HELPED, Served, Visitor

pytestmark = pytest.mark.chromium
Window = Callable[..., Page]
RECEIVED = re.compile(r"/report/received/[0-9A-Z]{26}/")
FOLLOWED = re.compile(r"/my-report/[0-9A-Z]{20}/\?new=1")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    Image.new("RGB", (640, 480), "gray").save(path := tmp_path / "hole.jpg")
    return path


def a_place(url: str) -> tuple[str, str]:
    """Longitude and latitude of a sensor, which is somewhere in the city."""
    place = Visitor(url).see("/sensors/").xpath("string(//tbody/tr[1]/td[last()])")
    lon, lat = (part.strip() for part in place.split(","))
    return lon, lat


def until_kept(page: Page) -> None:
    """Wait until the worker answers for the page and has kept the last warnings."""
    page.evaluate("() => navigator.serviceWorker.ready.then(() => true)")
    held = "async () => Boolean(navigator.serviceWorker.controller && await caches.match('/offline/'))"
    for _ in range(600):
        if page.evaluate(held):
            return
        page.wait_for_timeout(100)
    found = page.evaluate("""async () => [Boolean(navigator.serviceWorker.controller), await caches.keys(),
      (await navigator.serviceWorker.getRegistrations()).map(one => [one.scope, one.active && one.active.state])]""")
    pytest.fail(f"the worker keeps nothing: controlled, caches and workers are {found}")


def test_who_looked_is_three_clicks_from_the_printed_address(opened: Opened, served_city: Served) -> None:
    page = opened()
    page.goto(served_city.url)
    page.locator("main .ways a", has_text="Who looked at my data").click()
    page.locator("main section a[href*='demo-residents']").click()
    helped = page.locator("select[name=resident] option", has_text=HELPED).last  # choosing a person is no click
    page.locator("select[name=resident]").select_option(helped.get_attribute("value"))
    page.locator("main form button:not([name])").click()
    page.wait_for_url(f"{served_city.url}/me/")
    assert page.locator("li[id^=entry-]").count() > 0


def test_a_report_by_keyboard_alone(opened: Opened, served_city: Served, photo: Path) -> None:
    page = opened(excused=("the server responded with a status of 422",), maps=True)
    page.goto(served_city.url)
    tab_to(page, "main a[href='/report/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/report/")
    tab_to(page, "form.report > p > button")  # nothing filled in: the form says what is missing
    page.keyboard.press("Enter")
    expect(page.locator(".summary")).to_be_visible()
    tab_to(page, ".summary a")
    page.keyboard.press("Enter")
    tab_to(page, "input[name=category]")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    tab_to(page, ".by-map > summary")
    page.keyboard.press("Enter")
    tab_to(page, "input[name=place]")
    page.keyboard.type(", ".join(a_place(served_city.url)))
    tab_to(page, "textarea[name=words]")
    page.keyboard.type("The road has fallen in <b>here</b>")
    page.locator("input[name=photo_1]").set_input_files(photo)  # the system's own dialog cannot be driven
    tab_to(page, "form.report > p > button")
    page.keyboard.press("Enter")
    page.wait_for_url(RECEIVED)
    assert len(page.locator("p.reference").inner_text()) == 14
    assert page.locator("main").inner_text().count("could not be sealed") == 0


def test_a_double_click_is_one_report(opened: Opened, served_city: Served) -> None:
    page = opened()
    page.goto(f"{served_city.url}/report/?category=noise&place={','.join(a_place(served_city.url))}")
    page.locator("form.report > p > button").dblclick()
    page.wait_for_url(FOLLOWED)
    first = page.locator("dd.reference").inner_text()
    page.reload()
    assert page.locator("dd.reference").inner_text() == first


def test_everything_works_without_scripts(chromium, served_city: Served, photo: Path) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN", viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(served_city.url)
    page.locator("main input[name=q]").fill("谁看过我的档案")
    page.locator("main form[role=search] button").click()
    assert page.locator("section.found a").first.get_attribute("href") == "/me/"
    for address in ("/how/", "/sensors/", "/figures/", "/offline/", "/services/"):
        assert page.goto(f"{served_city.url}{address}").status == 200
        assert page.locator("h1").inner_text()
    page.goto(f"{served_city.url}/report/")
    page.locator("input[name=category][value=water-leak]").check()
    page.locator(".by-map > summary").click()
    page.locator("input[name=place]").fill(", ".join(a_place(served_city.url)))
    page.locator("input[name=photo_1]").set_input_files(photo)
    page.locator("form.report > p > button").click()
    assert "您的反映已收到" in page.locator("h1").inner_text()
    context.close()


def test_without_a_network_the_last_warnings_can_be_read(opened: Opened, served_city: Served) -> None:
    # a window that keeps maps away is not told that it has no network; without one a browser looks for a worker in vain
    page = opened(excused=("net::ERR", "ERR_INTERNET_DISCONNECTED", "when fetching the script"), maps=True)
    page.goto(f"{served_city.url}/portal/")
    until_kept(page)
    page.context.set_offline(True)
    page.goto(f"{served_city.url}/portal/")
    assert page.locator("h1").inner_text() == "The last warnings"
    assert page.locator("article.warning").count() > 0
    expect(page.locator("#no-network")).to_be_visible()
    page.context.set_offline(False)
    kept = page.evaluate("""async () => (await Promise.all((await caches.keys()).map(async name =>
        (await (await caches.open(name)).keys()).map(one => new URL(one.url).pathname)))).flat().sort()""")
    assert "/offline/" in kept
    assert all(path == "/offline/" or path.startswith("/static/") for path in kept), kept


def test_nothing_of_a_person_is_kept_for_offline(resident: Window, served_city: Served) -> None:
    page = resident()
    page.goto(f"{served_city.url}/portal/")
    until_kept(page)
    text = page.evaluate("async () => (await caches.match('/offline/')).text()")
    assert "Sign out" not in text
    assert "Sign in" in text


def test_a_resident_checks_the_proofs_on_the_page(resident: Window, served_city: Served) -> None:
    page = resident()
    page.goto(f"{served_city.url}/me/")
    page.locator("#verify #key").fill(served_city.key)
    page.locator("#verify button").last.click()
    expect(page.locator("#verify .yes")).to_be_visible()
    assert page.url == f"{served_city.url}/me/"
    page.locator("#verify #key").fill(served_city.key[:-6] + "AAAAA=")
    page.locator("#verify button").last.click()
    expect(page.locator("#verify .no")).to_be_visible()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_every_page_fits_a_small_screen(opened: Opened, served_city: Served, locale: str) -> None:
    page = opened(locale=locale, width=320, height=640)
    for address in ("/", "/services/", "/report/", "/sensors/", "/figures/", "/how/", "/offline/"):
        page.goto(f"{served_city.url}{address}")
        assert overflow(page) == 0, address


def test_a_name_of_two_hundred_letters_stays_on_a_small_screen(opened: Opened, served_city: Served) -> None:
    page = opened(width=320, height=640)
    for address in ("/offline/", "/search/?q=road"):
        page.goto(f"{served_city.url}{address}")
        named = page.locator("main h3, main .warning p:not(.marks), main bdi").evaluate_all(
            "all => all.map(one => one.append('x'.repeat(200))).length"
        )
        assert named, address
        assert overflow(page) == 0, address
