"""Who owns whom: owners that lead back to where one began."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

_DEEPEST = 64
"""So many owners above each other are looked up; a longer chain than this is no chain of owners."""
Known = Callable[[Collection[str]], Mapping[str, Collection[str]]]
"""Called with keys: their owners, as sources have them that the file does not replace."""


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


def cyclic_with(owner_of: Mapping[str, str], known: Known) -> frozenset[str]:
    """The keys on circles of a file's owners, and on those that it closes together with owners known before."""
    beyond: dict[str, Collection[str]] = {}
    asked: set[str] = set()
    frontier = set(owner_of.values())
    for _ in range(_DEEPEST):
        if not frontier:
            break
        asked |= frontier
        found = known(frontier)
        beyond.update(found)
        frontier = {owner for owners in found.values() for owner in owners} - asked
    return cyclic(owner_of) | (_circles(owner_of, beyond) if beyond else frozenset())


def _circles(owner_of: Mapping[str, str], beyond: Mapping[str, Collection[str]]) -> frozenset[str]:
    """Keys whose owner in the file lies in the same strongly connected part, of all that leads through what was known.

    Source: R. Tarjan, Depth-first search and linear graph algorithms (1972), without recursion.
    """
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    is_open: set[str] = set()
    found: set[str] = set()

    def owners(key: str) -> Iterable[str]:
        own = owner_of.get(key)
        return {*beyond.get(key, ()), *((own,) if own else ())}

    for start in beyond:
        work = [] if start in index else [(start, iter(owners(start)))]
        while work:
            at, rest = work[-1]
            if at not in index:
                index[at] = low[at] = len(index)
                stack.append(at)
                is_open.add(at)
            for owner in rest:
                if owner not in index:
                    work.append((owner, iter(owners(owner))))
                    break
                if owner in is_open:
                    low[at] = min(low[at], index[owner])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[at])
                if low[at] == index[at]:
                    part = _closed(at, stack, is_open)
                    found.update(key for key in part if owner_of.get(key) in part)
    return frozenset(found)


def _closed(at: str, stack: list[str], is_open: set[str]) -> set[str]:
    """Take a part off the stack."""
    part: set[str] = set()
    while at not in part:
        key = stack.pop()
        is_open.discard(key)
        part.add(key)
    return part
