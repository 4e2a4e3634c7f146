"""A permit is consulted on: the desk asks two units, one answers without scripts, the other is asked no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from cityloom.kernel import clock
from tests.browser.conftest import Opened
from tests.browser.look import ALL, faults
from tests.browser.pages import Sight
from tests.browser.test_room import button, sit_down, without_scripts
from tests.flow.served import Served

pytestmark = pytest.mark.chromium
ANSWERS = {"species": "broadleaf", "girth_cm": "90", "where": "In the garden", "replanted": "true", "nests": "false",
           "why": "It leans", "name": "A B", "phone": "0755-12345678"}  # fmt: skip


def looked_at(page: Page, url: str, name: str) -> None:
    """The page in Chinese, in a small window, and as it was."""
    sight = Sight(name, "Supervisor of cases", page.url.removeprefix(url))
    assert [fault for setting in (ALL[-1], ALL[0]) for fault in faults(page, setting, url, sight)] == []


def test_units_are_asked_answer_and_see_no_more(opened: Opened, served_city: Served) -> None:
    url = served_city.url
    said = [part for name, value in ANSWERS.items() for part in ("--answer", name, value)]
    permit = ("permit", "--category", "tree-felling", "--unit", "city/social")
    outcome = served_city.city.run("cases", "open", *permit, *said)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    number = outcome.stdout.partition(":")[0]
    desk = sit_down(opened(), url, "supervisor")
    desk.goto(f"{url}/cases/?number={number}")
    case = desk.url
    button(desk, "Take it on").click()
    button(desk, "Ask other offices").click()
    desk.get_by_role("link", name="Do it").click()
    looked_at(desk, url, "case-task")
    for unit in ("Water", "Gas"):
        desk.get_by_label(unit, exact=True).check()
    desk.get_by_label("Answer by").fill((clock.now() + timedelta(days=9)).date().isoformat())
    desk.get_by_label("What they are asked").fill("Is there a main below the tree?")
    button(desk, "Finish the task").click()
    expect(desk.locator("main")).to_contain_text("The task is done.")
    water = without_scripts(desk, url, "water")
    water.goto(f"{url}/cases/tasks/")
    water.locator("main tbody tr", has_text=number).get_by_role("link").click()
    page = water.locator("main")
    expect(page).to_contain_text("Is there a main below the tree?")
    expect(page).to_contain_text("In the garden")
    assert "0755-12345678" not in page.inner_text() and "It leans" not in page.inner_text()
    water.get_by_label("We object").check()
    water.get_by_label("Note").fill("A main of 400 mm lies there.")
    button(water, "Finish the task").click()
    expect(water.locator("main")).to_contain_text("The task is done.")
    assert water.goto(case).status == 403  # type: ignore[union-attr]
    water.context.close()
    desk.goto(case)
    expect(desk.locator("main")).to_contain_text("A main of 400 mm lies there.")
    desk.goto(f"{case}decide/")
    expect(desk.locator("main")).to_contain_text("The tasks of this state come first")
    desk.goto(case)
    desk.get_by_role("link", name="Run of consultation").click()
    expect(desk.locator("svg g.here")).to_have_count(2)
    looked_at(desk, url, "case-run")
    desk.goto(case)
    desk.locator("main tr", has_text="Gas").get_by_role("button", name="Ask it no more").click()
    expect(desk.locator("main")).to_contain_text("with an official")
    desk.goto(f"{case}decide/")
    expect(desk.locator("main")).not_to_contain_text("The tasks of this state come first")
