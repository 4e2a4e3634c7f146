"""What grades are called, and in which order pupils pass them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cityloom.kernel.refused import Refused

_UNKNOWN = "The order of the grades {value} is not known; say it in the question, as grades: [{limit}]."
_NOT_SAID = "The rolls have the grade {value}, which the question's order of grades does not; it has {limit}."
_BEFORE = {
    "n1": -4,
    "n2": -3,
    "nursery": -3,
    "preschool": -2,
    "prek": -2,
    "pk": -2,
    "pre-k": -2,
    "小班": -3,
    "中班": -2,
    "大班": -1,
    "k": 0,
    "kg": 0,
    "kindergarten": 0,
    "r": 0,
    "reception": 0,
    "学前班": 0,
}
_NUMBER = re.compile(r"(?:grade|year|class|g|y|yr|p|primary|form)?[\s._-]*(\d{1,2})(?:st|nd|rd|th)?(?:[\s._-]*grade)?")
_CHINESE = re.compile(r"([一二三四五六七八九])年级|初([一二三])|高([一二三])")
_DIGITS = "一二三四五六七八九"
ENTRY_AGE = {"nursery": 3, "k": 5, "kg": 5, "kindergarten": 5, "r": 4, "reception": 4, "大班": 5, "学前班": 5}
"""Age at entry by what the first grade is called; a first grade with a number is entered at five and its number."""


def rank(grade: str) -> int | None:
    """How far a grade is from the year before grade 1 (K, reception: 0); None where its name does not say."""
    plain = grade.strip().lower()
    if plain in _BEFORE:
        return _BEFORE[plain]
    if found := _NUMBER.fullmatch(plain):
        return int(found[1])
    if found := _CHINESE.fullmatch(plain):
        return next(
            _DIGITS.index(part) + 1 + shift for part, shift in zip(found.groups(), (0, 6, 9), strict=True) if part
        )
    return None


def in_order(grades: Sequence[str], said: Sequence[str] = ()) -> tuple[tuple[str, ...], bool]:
    """The grades in the order in which pupils pass them, and whether that was guessed.

    Raises: Refused `insight.grades_unordered`, `insight.grade_not_said`.
    """
    there = sorted(set(grades))
    if said:
        missing = [one for one in there if one not in said]
        if missing:
            raise Refused("insight.grade_not_said", _NOT_SAID, value=missing[0], limit=", ".join(said)[:200])
        return tuple(one for one in said if one in there), False
    ranks = {one: rank(one) for one in there}
    values = [one for one in ranks.values() if one is not None]
    if len(values) < len(there) or len(set(values)) < len(values):
        raise Refused("insight.grades_unordered", _UNKNOWN, value=", ".join(there)[:200], limit="K, 1, 2, 3")
    return tuple(sorted(there, key=lambda one: values[there.index(one)])), True


def entry_age(first: str) -> int:
    """The usual age in years at entry into the first grade, by its name."""
    plain = first.strip().lower()
    return ENTRY_AGE.get(plain, 5 + max(rank(first) or 0, -2))
