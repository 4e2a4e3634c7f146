"""What of a figure may be given to anybody: small counts of people are withheld, the others rounded."""

from __future__ import annotations

import math

WITHHELD_UP_TO = 7
ROUNDED_TO = 5


def opened(value: float | None, *, counts_people: bool) -> float | None:
    """A value as anybody may have it; None where there is none, or where it would speak of too few people.

    The same rule as in the keeper: 7 or fewer are withheld, the rest is rounded to 5.
    """
    if value is None or not math.isfinite(value):
        return None
    if not counts_people:
        return value
    return None if value <= WITHHELD_UP_TO else float(ROUNDED_TO * round(value / ROUNDED_TO))


def is_withheld(value: float | None, *, counts_people: bool) -> bool:
    """Whether a value is there and is kept back."""
    return counts_people and value is not None and math.isfinite(value) and value <= WITHHELD_UP_TO


def in_words(value: float) -> str:
    """A number without a needless fraction."""
    return f"{int(value):,}" if value == int(value) and abs(value) < 1e15 else f"{value:,.2f}"
