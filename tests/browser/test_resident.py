"""The resident's page with nothing but a keyboard, on a small screen, without JavaScript, in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import overflow, tab_to
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
Window = Callable[..., Page]


def test_one_looks_contests_and_takes_the_bundle_by_keyboard(
    resident: Window, served_city: Served, tmp_path
) -> None:
    page = resident()
    tab_to(page, "main a[href='/me/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/me/")
    before = page.locator("details").count()
    tab_to(page, "li[id^=entry-] summary")
    page.keyboard.press("Enter")
    tab_to(page, "details[open] select")
    page.keyboard.press("ArrowDown")
    tab_to(page, "details[open] button")
    page.keyboard.press("Enter")
    page.wait_for_selector("p.message.success")
    assert page.locator("details").count() == before - 1
    assert "I have no matter with this office" in page.locator("li[id^=entry-] p.message").first.inner_text()
    tab_to(page, "a[href='/me/bundle.json']")
    with page.expect_download() as waiting:
        page.keyboard.press("Enter")
    path = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(path)
    assert path.name == "cityloom-bundle.json"
    assert json.loads(path.read_text())["format"] == "cityloom-bundle"


@pytest.mark.parametrize(("locale", "title"), [("en-GB", "Who looked at my data"), ("zh-CN", "谁查看过我的数据")])
def test_it_fits_a_small_screen_in_both_languages(
    resident: Window, served_city: Served, locale: str, title: str
) -> None:
    page = resident(locale=locale, width=320, height=640)
    for address in ("/", "/me/", "/account/", "/verify/"):
        page.goto(f"{served_city.url}{address}")
        assert overflow(page) == 0, address
    page.goto(f"{served_city.url}/me/")
    assert page.locator("h1").inner_text() == title
    page.locator("summary").first.click()
    assert overflow(page) == 0


def test_it_works_without_javascript(resident: Window, served_city: Served) -> None:
    page = resident()
    state = page.context.storage_state()
    plain = page.context.browser.new_context(java_script_enabled=False, storage_state=state, locale="en-GB",
                                             user_agent=page.evaluate("navigator.userAgent")).new_page()  # fmt: skip
    plain.goto(f"{served_city.url}/me/")
    entry = plain.locator("li[id^=entry-]", has=plain.locator("details")).first
    entry.locator("summary").click()
    entry.locator("button").click()
    assert plain.locator("p.message.success").first.inner_text() == "Your objection is noted, and its clock runs."
    assert "An answer is due by" in plain.locator("li[id^=entry-] p.message").first.inner_text()
    plain.context.close()


def test_what_is_focused_can_be_seen(resident: Window, served_city: Served) -> None:
    page = resident()
    page.goto(f"{served_city.url}/me/")
    for selector in ("summary", "a[href='/me/bundle.json']"):
        tab_to(page, selector)
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
