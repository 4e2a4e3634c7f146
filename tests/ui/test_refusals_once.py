"""A refusal stands on a page once: the frame of all pages shows it, unless a page shows it itself."""

from __future__ import annotations

import re

from tests.ui.messages import PACKAGE

_ITSELF = re.compile(r'class="message error"[^>]*>(?:<p>)?\{\{ refusal \}\}')


def test_a_page_that_shows_its_refusal_keeps_the_frame_from_showing_it_again() -> None:
    pages = {path: path.read_text() for path in PACKAGE.rglob("templates/**/*.html")}
    themselves = {path.name for path, text in pages.items()
                  if "extends" in text and _ITSELF.search(text) and "{% block refusal %}" not in text}  # fmt: skip
    assert themselves == set()
    assert any(_ITSELF.search(text) and "{% block refusal %}" in text for text in pages.values())
