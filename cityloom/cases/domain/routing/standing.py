"""How the categories of case types and the city's finer ones belong together, and what follows from what is heard.

A *kind* is what a case is about as finely as it is known: one of the city's categories, or else the type's own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from cityloom.cases.domain.routing.categories import shipped

_FILE = Path(__file__).parent / "standing.yaml"
Standing = Mapping[str, tuple[str, ...]]
"""The city's categories that each category of a type stands for."""


@dataclass(frozen=True)
class Meant:
    """A category of a type, the finer kind, and how sure that is."""

    category: str
    kind: str
    sure: float


def standing_of(casetype: str, categories: Collection[str]) -> Standing:
    """What each of a type's categories stands for; a name that is also one of the city's stands for that."""
    said = _said()["casetypes"].get(casetype, {})
    known = shipped()
    return {one: tuple(said.get(one, (one,) if one in known else ())) for one in categories}


def is_catch_all(category: str) -> bool:
    """Whether a category says nothing of what a case is about."""
    return not category or category in _said()["catch_all"]


def catch_all_of(categories: Collection[str]) -> str:
    """The category of a type for what none of the others fits; "" where it has none."""
    return next((one for one in categories if is_catch_all(one)), "")


def meant(standing: Standing, heard: Sequence[tuple[str, float]]) -> list[Meant]:
    """What was heard in the words of a type; what stands for none of its categories falls under the catch-all one.

    What the type has no place for at all is left out, and of two kinds of one category the likelier stays.
    """
    above = {kind: category for category, kinds in standing.items() for kind in kinds}
    rest, found = catch_all_of(standing), dict[tuple[str, str], Meant]()
    for kind, sure in heard:
        category = kind if kind in standing else above.get(kind, rest)
        if category:
            found.setdefault((category, kind if category == rest else ""), Meant(category, kind, sure))
    return list(found.values())


def kind_in(standing: Standing, category: str, heard: Sequence[tuple[str, float]], least: float) -> str:
    """The kind of a case of a category: the likeliest that was heard and belongs to it, surely enough; else itself."""
    for kind, sure in heard:
        if sure >= least and (kind in standing.get(category, ()) or is_catch_all(category)):
            return kind
    return category


@cache
def _said() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return document
