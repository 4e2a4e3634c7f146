"""Every page can be used by everybody: axe-core, a keyboard, two widths; one setting a page, all in the bench.

Only the page of the map draws one here; `test_map` looks at a drawn map, and the bench draws all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Opened, windows
from tests.browser.look import (
    assign_a_matter,
    faults,
    has_an_account,
    have_an_account,
    publish_an_example,
    review_a_process,
    sign_in,
    two_of,
    without_maps,
    work_an_example,
)  # fmt: skip
from tests.browser.pages import PAGES
from tests.flow.served import Served
from tests.insight.test_reviews import table


@pytest.fixture(scope="module")
def window(chromium: Browser) -> Iterator[Page]:
    """One window for all, whose browser has read styles and scripts when the next one signs in; with maps, at first."""
    with windows(chromium) as opened:
        yield opened(excused=("the server responded with a status of 4",), maps=True)  # as pages of refusals are


@pytest.mark.parametrize("who", sorted({sight.who for sight in PAGES}))
def test_nobody_is_kept_out(who: str, served_city: Served, window: Page, opened: Opened, tmp_path: Path) -> None:
    if has_an_account(who):
        have_an_account(served_city.city, tmp_path, who)
    if who == "Case handler":
        assign_a_matter(opened(), served_city.url)
    if who == "Supervisor of cases":
        signed_in = opened()
        review_a_process(signed_in, served_city.url, table())
        work_an_example(signed_in, served_city.url, "index")
        work_an_example(signed_in, served_city.url)
        publish_an_example(signed_in, served_city.url)
    window.context.clear_cookies()
    kept_away = without_maps(window)
    sign_in(window, served_city.url, who)
    found: list[str] = []
    for turn, sight in sorted(enumerate(PAGES), key=lambda turn: turn[1].name == "map"):
        if sight.who == who:
            first, second = two_of(turn)
            if sight.name == "map":
                kept_away.detach()
            found += faults(window, first, served_city.url, sight, keep=False)
            found += faults(window, second, served_city.url, sight, keep=False, again=True)
    if not any(sight.name == "map" and sight.who == who for sight in PAGES):
        kept_away.detach()
    assert found == [], "\n".join(found)
