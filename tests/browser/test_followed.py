"""The resident's road in a real browser, without scripts: report, be asked, follow, not solved, solved, confirm."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import overflow
from tests.browser.test_portal import FOLLOWED, a_place
from tests.flow.served import Served

pytestmark = pytest.mark.chromium


def window(chromium: Browser, **more: object) -> Page:
    """A window of somebody else: no scripts, nobody signed in."""
    page = chromium.new_context(java_script_enabled=False, **more).new_page()  # type: ignore[arg-type]
    page.set_default_timeout(20_000)
    return page


def report(page: Page, url: str, place: str, words: str = "") -> None:
    """Fill in the form and send it."""
    page.goto(f"{url}/report/")
    page.locator("input[name=category][value=street-light]").check()
    page.locator(".by-map > summary").click()
    page.locator("input[name=place]").fill(place)
    page.locator("textarea[name=words]").fill(words)
    page.locator("form.report > p > button").click()


def step(page: Page, name: str, **fields: str) -> None:
    """Press the button of a step on the page of a case."""
    form = page.locator(f"form:has(input[name=step][value={name}])")
    for field, text in fields.items():
        box = form.locator(f"[name={field}]")
        box.select_option(text) if field == "result" else box.fill(text)
    form.locator("button").click()


def solved(page: Page, answer: str, why: str = "") -> None:
    page.locator(f"input[name=solved][value={answer}]").check()
    page.locator("#solved-text").fill(why)
    page.locator("section.asked button").first.click()


def test_a_broken_lamp_from_the_report_to_the_reporters_yes(chromium: Browser, served_city: Served) -> None:
    url, place = served_city.url, ", ".join(a_place(served_city.url))
    mine = window(chromium, locale="en-GB")
    report(mine, url, place, "The lamp is dark since Friday")
    mine.wait_for_url(FOLLOWED)
    followed, number = mine.url.partition("?")[0], mine.locator("dd.reference").inner_text()
    theirs = window(chromium, locale="zh-CN", viewport={"width": 320, "height": 640})
    report(theirs, url, place)
    theirs.locator("section.near button").first.click()
    theirs.wait_for_url("**/my-report/*/")
    assert theirs.locator("dd.reference").inner_text() == number
    assert overflow(theirs) <= 0
    desk = window(chromium, locale="en-GB")
    desk.goto(f"{url}/sign-in/")
    desk.get_by_role("button", name="Case handler").first.click()
    desk.goto(f"{url}/cases/?number={number}")
    assert "The lamp is dark since Friday" in desk.locator("main").inner_text()
    step(desk, "accept")
    step(desk, "finish", result="solved", reason="The bulb is new")
    mine.goto(followed)
    assert "The bulb is new" in mine.locator("main").inner_text()
    solved(mine, "no", "Still dark")
    assert "in progress" in mine.locator("main").inner_text()
    desk.reload()
    assert "Still dark" in desk.locator("main").inner_text()
    step(desk, "finish", result="solved", reason="And the cable")
    mine.goto(followed)
    solved(mine, "yes")
    assert mine.locator("section.asked").count() == 0
    assert mine.locator("ol.steps-so-far [aria-current]").inner_text().startswith("closed")
    theirs.goto(theirs.url)
    solved(theirs, "partly")
    assert theirs.locator("section.asked").count() == 0
    desk.reload()
    assert "solved 1 · partly solved 1 · not solved 1" in desk.locator("main").inner_text()
    for page in (mine, theirs, desk):
        page.context.close()
