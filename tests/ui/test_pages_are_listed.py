"""A page that nobody has listed would not be looked at in a browser."""

from __future__ import annotations

from tests.browser.pages import gone, unlisted


def test_every_page_is_listed_for_the_browser() -> None:
    assert unlisted() == set(), "list these addresses in tests/browser/pages.py"
    assert gone() == set(), "these addresses are gone: take them from tests/browser/pages.py"
