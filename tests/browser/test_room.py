"""A drill that is watched and approved by two people in two browsers, from its start on a page to its score."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import tab_to
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
PATIENCE_MS = 60_000
APPROVE, APPROVE_ALERT = "Approve the evacuation", "Approve the alert"
expect.set_options(timeout=PATIENCE_MS)


def sit_down(page: Page, url: str, username: str) -> Page:
    """Sign in as a demo account."""
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{url}/sign-in/")
    page.locator("ul.roles button", has=page.locator(f"span:text-is('{username}')")).click()
    page.wait_for_url(f"{url}/")
    return page


def without_scripts(page: Page, url: str, username: str) -> Page:
    """Another browser, in which JavaScript is off; it may be told that it is late, so it is not listened to."""
    context = page.context.browser.new_context(java_script_enabled=False, locale="en-GB")
    return sit_down(context.new_page(), url, username)


def mark(page: Page) -> Callable[[], bool]:
    """Mark a page as it is now; the answer says whether it is still the same one, never loaded again."""
    page.evaluate("window.isStillHere = true")
    return lambda: bool(page.evaluate("window.isStillHere"))


def button(page: Page, name: str):
    return page.get_by_role("button", name=name, exact=True)


@pytest.fixture
def drill(opened: Callable[..., Page], served_city: Served):
    """A drill that the commander has started from its page, waiting for people; removed afterwards."""
    commander = sit_down(opened(width=1300, maps=True), served_city.url, "commander")
    commander.goto(f"{served_city.url}/drills/")
    commander.locator("select[name=pace]").select_option(label="As fast as possible")
    commander.locator("select[name=approves]").select_option("people")
    button(commander, "Start the drill").click()
    commander.wait_for_url(re.compile(r"/drills/[0-9A-Z]{26}/$"))
    address = commander.url
    yield commander, address
    commander.goto(address)
    if commander.get_by_role("button", name="Stop and score…").count():
        stop(commander)
    commander.get_by_role("button", name="Remove this drill…").click()
    commander.get_by_role("button", name="Remove it for good").click()
    expect(commander.locator("p.message.success")).to_have_text("The drill was removed.")


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop and score…").click()
    button(page, "Stop the drill").click()
    expect(page.get_by_role("heading", name="Safety checks")).to_be_visible()


def test_two_people_decide_on_a_drill_and_see_each_other_do_it(
    drill: tuple[Page, str], opened: Callable[..., Page], served_city: Served
) -> None:
    commander, address = drill
    commander.get_by_role("link", name="Open the incident room").click()
    commander.wait_for_url(re.compile("/incidents/"))
    room = commander.url
    assert commander.title().startswith("EXERCISE")
    expect(commander.locator(".banner.exercise")).to_be_visible()
    expect(button(commander, APPROVE)).to_be_enabled()

    second = sit_down(opened(width=1300), served_city.url, "approver")
    second.goto(room)
    expect(second.locator(".presence")).to_contain_text("Commander")
    expect(button(second, APPROVE)).to_be_disabled()
    late = without_scripts(commander, served_city.url, "commander")
    late.goto(room)
    same = mark(second)

    # the commander sends it back by keyboard alone; the other reads the reason at once
    tab_to(commander, "textarea[name=reason]")
    commander.keyboard.type("The school is in the zone <b>too</b>.")
    commander.keyboard.press("Tab")
    commander.keyboard.press("Enter")
    expect(second.locator("[aria-labelledby=decision]")).to_contain_text("The school is in the zone <b>too</b>.")
    duty = without_scripts(commander, served_city.url, "duty")
    duty.goto(room)
    button(duty, "Draft a new revision").click()
    duty.context.close()
    expect(second.locator("[aria-labelledby=decision]")).to_contain_text("What changed from revision 1 to 2")

    # who looks at the old revision is told so, with the new state; then approves without scripts
    button(late, APPROVE).click()
    assert "has been replaced by revision 2" in late.locator("[role=alert]").first.inner_text()
    assert "You were looking at revision 1; this is revision 2." in late.locator("main").inner_text()
    shown = late.locator("code.digest").inner_text()
    button(late, APPROVE).click()
    assert f"Approved: {shown[:12]}" in late.locator("main").inner_text()
    late.context.close()

    # the second person sees it without a reload, and clicks twice
    expect(button(second, APPROVE_ALERT)).to_be_enabled()
    assert second.locator("code.digest").inner_text() == shown
    assert same()
    watched = mark(commander)
    button(second, APPROVE_ALERT).dblclick(no_wait_after=True)
    expect(commander.locator(".state.good", has_text=APPROVE_ALERT)).to_be_visible()
    expect(commander.locator("[aria-labelledby=alerts] .channels")).to_contain_text("demo_works")
    assert watched()
    expect(second.locator("[aria-labelledby=timeline] li", has_text="Alert approved")).to_have_count(1)

    # a line in the log reaches the other; then the drill is stopped, and its score seen
    second.goto(room)
    second.locator("textarea[name=text]").fill("Buses are at the school.")
    button(second, "Write it down").click()
    expect(commander.locator("[aria-labelledby=log]")).to_contain_text("Buses are at the school.")
    second.context.close()  # a page that is open when the drill is removed says that it is gone
    commander.goto(address)
    stop(commander)
    expect(commander.locator(".checks")).to_contain_text("two people approved the same bytes")
    expect(commander.locator("[aria-labelledby=timings] tbody tr", has_text="Residents warned")).to_contain_text(
        re.compile(r"\d+:\d\d")
    )
