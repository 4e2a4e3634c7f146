"""The made-up words of reports: for training, for tuning (how sure is sure enough), and for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh")
TRAIN = "train"
HELD = ("tune", "test")
_LISTS = ("frames", "places", "times", "streets", "vague")


@dataclass(frozen=True)
class Vocabulary:
    """The words of one language: for each category its things and troubles, and what stands around them."""

    things: Mapping[str, Sequence[str]]
    troubles: Mapping[str, Sequence[str]]
    around: Mapping[str, Sequence[str]]
    dialect: Mapping[str, str]
    confused: Mapping[str, str]


@cache
def vocabulary(language: str, part: str) -> Vocabulary:
    """The words of a part, `train`, `tune` or `test`; no thing, trouble, frame, street or place phrase is in two."""
    by_category = _read(f"wordings_{language}.yaml")
    around = _read("frames.yaml")[language]
    mark = "" if part == TRAIN else "held_"

    def mine(found: Sequence[str]) -> Sequence[str]:
        return found if part == TRAIN else found[HELD.index(part) :: 2]

    return Vocabulary(
        {category: mine(_parts(words[f"{mark}things"])) for category, words in by_category.items()},
        {category: mine(_parts(words[f"{mark}troubles"])) for category, words in by_category.items()},
        {name: mine(around[mark + name]) for name in _LISTS} | {"landmarks": around["landmarks"]},
        around[f"{mark}dialect"],
        around.get("confused", {}),
    )


@cache
def _read(name: str) -> Any:
    return yaml.safe_load((_FOLDER / name).read_text(encoding="utf-8"))


def _parts(written: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in written.split("|"))
