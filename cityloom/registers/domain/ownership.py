"""Who owns whom: owners that lead back to where one began."""

from __future__ import annotations

from collections.abc import Mapping


def cyclic(owner_of: Mapping[str, str]) -> frozenset[str]:
    """The keys that lie on a circle of owners; whoever only leads into one does not."""
    state: dict[str, int] = {}
    found: set[str] = set()
    for turn, start in enumerate(owner_of, 1):
        way: list[str] = []
        at: str | None = start
        while at is not None and at not in state:
            state[at] = turn
            way.append(at)
            at = owner_of.get(at)
        if at is not None and state[at] == turn:
            found.update(way[way.index(at):])
    return frozenset(found)
