"""Which files of a day and place are written as one: only small ones, so that no fact is rewritten without end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

WHOLE_ROWS = 1_000_000
"""A file of so many rows is never small."""
FEW = 4
_TIMES = 4
_MOST_ROWS = 8_000_000


def groups(rows: Sequence[int], *, is_over: bool, few: int = FEW) -> list[list[int]]:
    """Places of files that are written as one, from their numbers of rows.

    While a day still fills up, files of about the same size are joined when there are a few of them: each fact is
    then rewritten once for each fourfold growth. When the day is over, all small ones are joined.
    """
    small = [place for place, count in enumerate(rows) if count < WHOLE_ROWS]
    if is_over:
        return [some for some in _bounded(small, rows) if len(some) > 1]
    tiers: dict[int, list[int]] = {}
    for place in small:
        tiers.setdefault(int(math.log(max(rows[place], 1), _TIMES)), []).append(place)
    return [places for places in tiers.values() if len(places) >= few]


def _bounded(places: Sequence[int], rows: Sequence[int]) -> Iterator[list[int]]:
    """Runs of places with as many rows as are joined in memory."""
    some: list[int] = []
    for place in places:
        if some and sum(rows[one] for one in some) + rows[place] > _MOST_ROWS:
            yield some
            some = []
        some.append(place)
    yield some
