"""Every page can be used by everybody: axe-core, a small window, a keyboard; two settings a page, all in the bench.

Only the page of the map draws one here; `test_map` looks at a drawn map, and the bench draws all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import Opened
from tests.browser.look import (
    assign_a_matter,
    faults,
    has_an_account,
    have_an_account,
    sign_in,
    two_of,
    without_maps,
)  # fmt: skip
from tests.browser.pages import PAGES
from tests.flow.served import Served


@pytest.mark.parametrize("who", sorted({sight.who for sight in PAGES}))
def test_nobody_is_kept_out(who: str, served_city: Served, opened: Opened, tmp_path: Path) -> None:
    if has_an_account(who):
        have_an_account(served_city.city, tmp_path, who)
    if who == "Case handler":
        assign_a_matter(opened(), served_city.url)
    page = opened(excused=("the server responded with a status of 4",))  # pages of refusals are among them
    sign_in(page, served_city.url, who)
    found: list[str] = []
    for turn, sight in enumerate(PAGES):
        if sight.who == who:
            first, second = two_of(turn)
            if sight.name != "map":
                without_maps(page)
            found += faults(page, first, served_city.url, sight, keep=False)
            found += faults(page, second, served_city.url, sight, keep=False, again=True)
            page.unroute_all()
    assert found == [], "\n".join(found)
