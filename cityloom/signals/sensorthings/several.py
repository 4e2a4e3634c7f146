"""Several observations in columns by their ids: those near each other in time with one look."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from cityloom.signals.domain.sensorthings import narrowing
from cityloom.signals.sensorthings import kept
from cityloom.signals.sensorthings.reading import Budget, Wanted, source_of
from cityloom.signals.sensorthings.rows import KEY

_NEAR_US = 3_600_000_000
_MOST_BESIDE = 20
"""So many times as many as are wanted may lie among them; where there are more, each is looked for alone."""

Place = tuple[int, int]
Row = dict[str, Any]


def by_ids(wanted: Wanted, ids: Iterable[str]) -> dict[str, Row]:
    """The observations that there are, by id, and that everyone may see."""
    places = {parts: key for key in ids if (parts := narrowing.parts_of(key))}
    found: dict[str, Row] = {}
    for near in _near(sorted(places, key=lambda one: one[1])):
        some = _at_once(wanted, near)
        found |= _one_by_one(wanted, near) if some is None else some
    return {key: row for key, row in found.items() if key in places.values()}


def _near(places: list[Place]) -> Iterator[list[Place]]:
    """In the order of time, broken where nothing is wanted for an hour."""
    start = 0
    for end in range(1, len(places) + 1):
        if end == len(places) or places[end][1] - places[end - 1][1] > _NEAR_US:
            yield places[start:end]
            start = end


def _at_once(wanted: Wanted, places: list[Place]) -> dict[str, Row] | None:
    """All of their streams from the first to the last of them; None where that is too much besides."""
    import numpy as np

    from cityloom.signals.readings import asking
    from cityloom.signals.sensorthings.united import rows_of

    things = np.unique(np.array([thing for thing, _ in places], np.int64))
    wish = asking.Wish(things, kept.hidden(private_too=False), places[0][1], places[-1][1], gone=kept.gone())
    most = _MOST_BESIDE * len(places) + 1_000
    rows: list[Row] = []
    for store in kept.stores():
        found = asking.some(store.following, wish, "at", turned=False, limit=most)
        if len(found.thing) >= most:
            return None
        rows += rows_of(found, range(len(found.thing)), wanted, Budget())
    return {row[KEY]: row for row in rows}


def _one_by_one(wanted: Wanted, places: list[Place]) -> dict[str, Row]:
    found = {}
    for place in places:
        key = narrowing.key_of(*place)
        for row in source_of(wanted.entity).page(replace(wanted, ids=[key], top=1), Budget()):
            found[key] = row
    return found
