"""Every page can be used by everybody: axe-core, a small window, a keyboard; two settings a page, all in the bench."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Opened
from tests.browser.look import faults, sign_in, two_of
from tests.browser.pages import PAGES, gone, unlisted
from tests.flow.served import Served

WHO = sorted({sight.who for sight in PAGES})


def test_every_page_is_looked_at() -> None:
    assert unlisted() == set(), "list these addresses in tests/browser/pages.py"
    assert gone() == set(), "these addresses are gone: take them from tests/browser/pages.py"


@pytest.mark.parametrize("who", WHO)
def test_nobody_is_kept_out(who: str, served_city: Served, opened: Opened) -> None:
    page = opened(excused=("the server responded with a status of 4",))  # pages of refusals are among them
    sign_in(page, served_city.url, who)
    found = [
        fault
        for turn, sight in enumerate(PAGES) if sight.who == who
        for setting in two_of(turn)
        for fault in faults(page, setting, served_city.url, sight)
    ]  # fmt: skip
    assert found == [], "\n".join(found)
