"""Warnings for my places in a real browser: by keyboard only, by push, without scripts, beside the installed app."""

from __future__ import annotations

import email
import json
import re
from email import policy
from pathlib import Path
from string import ascii_lowercase

import pytest
from playwright.sync_api import CDPSession, Page, expect

from cityloom.kernel import clock
from tests.browser.conftest import Opened, overflow, tab_to
from tests.browser.look import ALL, faults
from tests.browser.pages import Sight
from tests.browser.test_portal import a_place, until_kept
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
_WAIT_S = 30.0
_REGISTER = """async scope => {
  const made = await navigator.serviceWorker.register('/places/worker.js', { scope });
  const worker = made.installing || made.waiting || made.active;
  if (worker.state !== 'activated') await new Promise(done => worker.addEventListener('statechange', () =>
    worker.state === 'activated' && done()));
}"""
_SHOWN = """async scope => (await (await navigator.serviceWorker.getRegistration(scope)).getNotifications())
  .map(one => ({ title: one.title, body: one.body, url: one.data.url }))"""


def letter_to(served: Served, address: str) -> str:
    """The text of the letter that came to an address; the worker writes it a moment later."""
    folder, until = Path(served.city.home) / "sent" / "mail", clock.stopwatch() + _WAIT_S
    while clock.stopwatch() < until:
        for path in folder.glob("*.eml"):
            letter = email.message_from_bytes(path.read_bytes(), policy=policy.default)
            if letter["To"] == address:
                return letter.get_content()
    pytest.fail(f"no letter to {address}")


def a_street(page: Page, url: str) -> str:
    """A street of the city, whatever letter it begins with."""
    answers = (page.request.get(f"{url}/places/streets.json?begin={begin}").json() for begin in ascii_lowercase)
    return str(next(answer["streets"][0] for answer in answers if answer["streets"]))


def confirm_link(text: str) -> str:
    found = re.search(r"http://\S+/places/confirm/\S+", text)
    assert found
    return found[0]


def asked_by_district(page: Page, url: str, address: str) -> None:
    """Fill in the form and send it, without a mouse."""
    page.goto(f"{url}/places/")
    tab_to(page, "input[name=kind]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "select[name=district]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "input[name=email]")
    page.keyboard.type(address)
    tab_to(page, "button[value=mail]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/places/sent/")


def test_by_keyboard_alone_from_the_form_to_the_end(opened: Opened, served_city: Served) -> None:
    page = opened(excused=("the server responded with a status of 404",))
    asked_by_district(page, served_city.url, "keyboard@example.org")
    page.goto(confirm_link(letter_to(served_city, "keyboard@example.org")))
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/places/manage/**")
    mine = page.url
    tab_to(page, "select[name=severity]")
    page.keyboard.press("ArrowDown")
    tab_to(page, "main form.places-form button")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Changed.")).to_be_visible()
    assert page.locator("select[name=severity]").input_value() == "Moderate"
    tab_to(page, "main a[href*='/places/stop/']")
    page.keyboard.press("Enter")
    page.wait_for_url("**/places/stop/**")
    tab_to(page, "main button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/places/stopped/")
    assert page.goto(mine).status == 404


def test_everything_is_there_without_scripts(chromium, served_city: Served) -> None:
    context = chromium.new_context(java_script_enabled=False, locale="zh-CN", viewport={"width": 320, "height": 640})
    page = context.new_page()
    page.goto(f"{served_city.url}/places/")
    for name in ("street", "district", "point", "email"):
        assert page.locator(f"[name={name}]").is_visible()
    assert overflow(page) == 0
    page.locator("input[name=kind][value=point]").check()
    page.locator("input[name=point]").fill(", ".join(a_place(served_city.url)))
    page.locator("input[name=email]").fill("plain@example.org")
    page.locator("button[value=mail]").click()
    assert page.url.endswith("/places/sent/")
    page.goto(confirm_link(letter_to(served_city, "plain@example.org")))
    page.locator("main form button").click()
    assert "/places/manage/" in page.url
    context.close()


def test_streets_are_proposed_and_the_map_comes_when_it_is_wanted(opened: Opened, served_city: Served) -> None:
    page = opened(maps=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served_city.url}/places/")
    page.wait_for_load_state("networkidle")
    assert not any("/built/map" in url or "/tiles/" in url for url in asked)
    street = a_street(page, served_city.url)
    page.locator("input[name=street]").press_sequentially(street)
    expect(page.locator("#streets option")).not_to_have_count(0)
    begun = [url.partition("begin=")[2] for url in asked if "streets.json" in url]
    assert begun and all(len(begin) <= 2 for begin in begun)  # what is written further stays in the browser
    page.locator("input[name=kind][value=point]").check()
    expect(page.locator("#places-map canvas").first).to_be_visible()


@pytest.fixture
def pushed(opened: Opened, served_city: Served) -> tuple[Page, CDPSession, str]:
    """A page with the worker for warnings, and how a push service reaches that."""
    page = opened(permissions=["notifications"])
    page.goto(f"{served_city.url}/places/")
    line = page.context.new_cdp_session(page)
    found: list[str] = []
    scope = f"{served_city.url}/places/"
    line.on("ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(
        each["registrationId"] for each in told["registrations"] if each["scopeURL"] == scope))  # fmt: skip
    line.send("ServiceWorker.enable")
    page.evaluate(_REGISTER, "/places/")
    for _ in range(100):
        if found:
            return page, line, found[-1]
        page.wait_for_timeout(50)
    pytest.fail("the browser does not know the worker")


def deliver(pushed: tuple[Page, CDPSession, str], url: str, data: str) -> None:
    _page, line, registration = pushed
    line.send("ServiceWorker.deliverPushMessage", {"origin": url, "registrationId": registration, "data": data})


def test_a_push_shows_the_warning_and_leads_to_its_page(
    pushed: tuple[Page, CDPSession, str], served_city: Served
) -> None:
    page = pushed[0]
    there = f"{served_city.url}/alerts/"
    said = {"title": "Leave <b>now</b>", "body": "Walk to the school.", "url": there, "tag": "one", "lang": "en"}
    deliver(pushed, served_city.url, json.dumps(said))
    shown = {"title": "Leave <b>now</b>", "body": "Walk to the school.", "url": there}
    for _ in range(100):
        if page.evaluate(_SHOWN, "/places/") == [shown]:
            break
        page.wait_for_timeout(50)
    assert page.evaluate(_SHOWN, "/places/") == [shown]
    deliver(pushed, served_city.url, json.dumps(said | {"title": "All clear"}))  # a newer one takes its place
    for _ in range(100):
        if page.evaluate(_SHOWN, "/places/") == [shown | {"title": "All clear"}]:
            return
        page.wait_for_timeout(50)
    assert page.evaluate(_SHOWN, "/places/") == [shown | {"title": "All clear"}]


def test_the_worker_for_warnings_and_the_installed_app_leave_each_other_alone(
    pushed: tuple[Page, CDPSession, str], served_city: Served
) -> None:
    page = pushed[0]
    page.goto(f"{served_city.url}/portal/")
    until_kept(page)
    scopes = page.evaluate(
        "async () => (await navigator.serviceWorker.getRegistrations()).map(one => new URL(one.scope).pathname).sort()"
    )
    assert {"/places/", "/portal/"} <= set(scopes)
    page.goto(f"{served_city.url}/places/")
    assert page.locator("h1").inner_text() == "Warnings for my places"
    deliver(pushed, served_city.url, json.dumps({"title": "Still here", "tag": "two"}))
    page.wait_for_function(f"async () => (await ({_SHOWN})('/places/')).some(one => one.title === 'Still here')")


def test_the_page_of_a_subscription_is_for_everybody(opened: Opened, served_city: Served) -> None:
    page = opened()
    asked_by_district(page, served_city.url, "axe@example.org")
    page.goto(confirm_link(letter_to(served_city, "axe@example.org")))
    page.locator("main form button").click()
    mine = Sight("places-manage", "nobody", page.url.removeprefix(served_city.url))
    found = [fault for setting in (ALL[0], ALL[-1]) for fault in faults(page, setting, served_city.url, mine)]
    assert found == [], "\n".join(found)
