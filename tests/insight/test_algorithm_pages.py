"""The worked examples of people and health say what the program works out."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs" / "algorithms"


@pytest.mark.parametrize("page", ["people", "health"])
def test_a_page_is_right(page: str) -> None:
    outcome = doctest.testfile(str(PAGES / f"{page}.md"), module_relative=False)
    assert outcome.attempted > 5
    assert outcome.failed == 0
