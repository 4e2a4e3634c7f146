"""The sheet's colours can be read on each other in both schemes, and the sheet stays small."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

SHEET = Path(__file__).resolve().parents[2] / "cityloom/ui/static/ui/cityloom.css"
TEXT = SHEET.read_text()
GROUNDS = ("paper", "card", "tint")
ON_GROUNDS = ("ink", "quiet", "link", "good", "wait", "danger")
PAIRS = [(ink, ground) for ink in ON_GROUNDS for ground in GROUNDS] + [
    ("action-ink", "action"), ("exercise-ink", "exercise"), ("exercise-ink", "exercise-2"),
    ("synthetic-ink", "synthetic"),
]  # fmt: skip
SHAPES = [(f"series-{which}", "card") for which in range(1, 7)] + [
    (edge, ground) for edge in ("edge", "action") for ground in GROUNDS
]
"""Shapes and edges of fields need 3:1, words 4.5:1 (WCAG 2.2, 1.4.11 and 1.4.3)."""


def scheme(opening: str) -> dict[str, str]:
    block = TEXT[TEXT.index(opening) :]
    return dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", block[: block.index("}")]))


LIGHT = scheme(":root {")
SCHEMES = {"light": LIGHT, "dark": LIGHT | scheme(':root[data-theme="dark"] {')}


def light_of(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((light_of(one), light_of(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", SCHEMES)
def test_words_can_be_read_on_every_ground(name: str) -> None:
    colours = SCHEMES[name]
    assert {pair: contrast(*(colours[one] for one in pair)) for pair in PAIRS
            if contrast(*(colours[one] for one in pair)) < 4.5} == {}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMES)
def test_shapes_can_be_told_from_their_ground(name: str) -> None:
    colours = SCHEMES[name]
    assert {pair: contrast(*(colours[one] for one in pair)) for pair in SHAPES
            if contrast(*(colours[one] for one in pair)) < 3} == {}  # fmt: skip


def test_dark_is_the_same_whether_chosen_or_the_devices() -> None:
    assert scheme(':root[data-theme="dark"] {') == scheme(':root:not([data-theme="light"]) {')


def test_the_sheet_is_small_and_asks_nobody_else() -> None:
    assert len(gzip.compress(TEXT.encode(), 9)) < 12_000
    assert "url(" not in TEXT
    assert "@import" not in TEXT
