"""What residents report, in three levels and two languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_SHIPPED = Path(__file__).parent / "categories.yaml"


@dataclass(frozen=True)
class Category:
    """The lowest of three levels; `path` names them, highest first; `reach_m` is how far its reporters stand."""

    key: str
    title: Mapping[str, str]
    path: tuple[str, str, str]
    reach_m: float = 10.0


@cache
def shipped() -> dict[str, Category]:
    """The categories that come with the program, by key, in their order."""
    return {found.key: found for top in _levels() for middle in top["of"] for found in _lowest(top, middle)}


@cache
def titles() -> dict[str, Mapping[str, str]]:
    """What the categories of all three levels are called, by key."""
    found: dict[str, Mapping[str, str]] = {}
    for top in _levels():
        for one in (top, *top["of"]):
            found[one["key"]] = {"en": one["en"], "zh-hans": one["zh-hans"]}
    return found | {key: one.title for key, one in shipped().items()}


def _levels() -> list[dict[str, Any]]:
    levels: list[dict[str, Any]] = yaml.safe_load(_SHIPPED.read_text(encoding="utf-8"))["levels"]
    return levels


def _lowest(top: dict[str, Any], middle: dict[str, Any]) -> list[Category]:
    return [_category(one, (top["key"], middle["key"], one["key"])) for one in middle["of"]]


def _category(one: dict[str, Any], path: tuple[str, str, str]) -> Category:
    return Category(one["key"], {"en": one["en"], "zh-hans": one["zh-hans"]}, path, one.get("reach_m", 10.0))


def apart(first: str, second: str) -> int:
    """How far two categories are from each other: 0 the same, 1 and 2 same middle and top level, 3 strangers."""
    known = shipped()
    if first == second:
        return 0
    if first not in known or second not in known:
        return 3
    ours, theirs = known[first].path, known[second].path
    return 1 if ours[1] == theirs[1] else 2 if ours[0] == theirs[0] else 3
