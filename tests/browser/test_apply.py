"""Somebody without an account applies, is granted at once, prints it and asks for a person: by keyboard, no scripts."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import Opened, overflow, tab_to
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
ANSWERS = {"answer-where": "Bay Road 1", "answer-starts_on": "2030-12-10", "answer-days": "10", "answer-area_m2": "4",
           "answer-path_m": "2", "answer-name": "Li Na"}  # fmt: skip
CHOICES = {"answer-use": "stall", "answer-loud": "false", "answer-food": "false"}


def plan() -> dict[str, object]:
    """A picture of the place."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), (120, 160, 90)).save(file, "PNG")
    return {"name": "plan.png", "mimeType": "image/png", "buffer": file.getvalue()}


def filled(page: Page, url: str) -> None:
    """The form with a small stall in it, looked at once more."""
    page.goto(f"{url}/apply/")
    page.get_by_text("Use of a street or square").click()
    for name, value in CHOICES.items():
        page.select_option(f"#{name}", value)
    for name, value in ANSWERS.items():
        page.fill(f"#{name}", value)
    tab_to(page, "section button[value=check]")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check your answers").wait_for()


def test_a_stall_is_granted_at_once_printed_and_reviewed(served_city: Served, opened: Opened) -> None:
    page = opened(width=320, height=640, java_script_enabled=False)
    filled(page, served_city.url)
    page.set_input_files("#file-site-plan", files=[plan()])
    tab_to(page, "main form[enctype] button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/apply/code/**")
    text = page.locator("main").inner_text()
    assert "granted with conditions" in text and "stays a month at most" in text and "version 1, row 1" in text
    address = page.url
    page.get_by_text("The permit, to print").click()
    assert "Bay Road 1" in page.locator("main").inner_text()
    page.goto(address)
    page.fill("#words", "Why clean it up on a Sunday?")
    tab_to(page, "form[action$='/review/'] button")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Review by a person").wait_for()
    assert "asked for" in page.locator("main").inner_text()
    page.goto(address)
    wide = page.context.new_page()
    wide.goto(address)
    assert "Ask for a review" not in wide.locator("main").inner_text()


def test_what_is_missing_is_said_and_the_pages_fit_a_small_screen(served_city: Served, opened: Opened) -> None:
    page = opened(width=320, height=640, excused=("422", "409"))
    filled(page, served_city.url)
    assert overflow(page) == 0
    page.get_by_text("Send the application").click()
    assert "Plan or picture of the place" in page.get_by_role("alert").inner_text()
    assert "Li Na" in page.locator("main").inner_text()  # nothing is lost
    for address in ("/apply/permit/resident-parking/", "/case-rules/permit-street-use/?try=1&in-use=stall"):
        page.goto(f"{served_city.url}{address}")
        assert overflow(page) == 0, address
