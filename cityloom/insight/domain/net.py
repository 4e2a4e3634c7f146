"""Which steps a model allows when: a net of places and transitions on which the ways of a log are played.

Source: W. van der Aalst, Process Mining, 2016, sections 3.2.2 (Petri nets) and 8.2 (replay).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

Marking = tuple[str, ...]
"""Where tokens lie: names of places in order, one for each token."""
MOST_MARKINGS = 500
_MOST_TOKENS = 40


@dataclass(frozen=True)
class Transition:
    """What takes a token from each of `sources` and puts one on each of `targets`; without a step nobody sees it."""

    step: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]


@dataclass(frozen=True)
class Net:
    """A model: it begins with `first`, and is over where every token lies on a place of `last`."""

    first: Marking
    last: frozenset[str]
    transitions: Sequence[Transition]

    @cached_property
    def by_step(self) -> dict[str, list[Transition]]:
        """The transitions that people see."""
        found: dict[str, list[Transition]] = {}
        for one in self.transitions:
            found.setdefault(one.step, []).append(one)
        return found

    @cached_property
    def reach(self) -> dict[str, frozenset[str]]:
        """Where a token gets without a step by ways from one place to one other: choices are made when they matter."""
        ways: dict[str, set[str]] = {}
        for one in self.by_step.get("", ()):
            if len(one.sources) == len(one.targets) == 1:
                ways.setdefault(one.sources[0], set()).add(one.targets[0])
        places = {place for one in self.transitions for place in (*one.sources, *one.targets)} | {*self.first}
        return {place: frozenset(_onward(ways, place)) for place in places}

    @cached_property
    def forks(self) -> list[Transition]:
        """What divides or joins tokens without a step."""
        return [one for one in self.by_step.get("", ()) if (len(one.sources), len(one.targets)) != (1, 1)]


@dataclass(frozen=True)
class Played:
    """How a way of a log went on a net: which of its steps were not allowed (by place in it), and whether it ended."""

    not_allowed: tuple[int, ...]
    is_over: bool

    @property
    def fits(self) -> bool:
        """Whether the net allows the whole of it."""
        return self.is_over and not self.not_allowed


class Player:
    """Plays ways on a net, and remembers what it has worked out: ways of a log begin alike.

    All markings in which the net can be are followed at once, at most `MOST_MARKINGS`. A step that is not allowed at
    its place is noted and passed over.
    """

    def __init__(self, net: Net) -> None:
        self.net = net
        self._known: dict[tuple[frozenset[Marking], str], frozenset[Marking]] = {}
        self._first = self._reached({net.first})

    def play(self, steps: Sequence[str]) -> Played:
        """Play one way."""
        here, wrong = self._first, []
        for place, step in enumerate(steps):
            after = self._after(here, step)
            if after:
                here = after
            else:
                wrong.append(place)
        return Played(tuple(wrong), any(self._is_over(marking) for marking in here))

    def _after(self, here: frozenset[Marking], step: str) -> frozenset[Marking]:
        found = self._known.get((here, step))
        if found is None:
            ways = self.net.by_step.get(step, ()) if step else ()
            found = self._reached({after for marking in here for one in ways for after in self._fired(one, marking)})
            self._known[here, step] = found
        return found

    def _reached(self, begun: set[Marking]) -> frozenset[Marking]:
        """The markings, and those that follow from them by forks and joins."""
        found, waiting = set(begun), sorted(begun, key=len)
        while waiting and len(found) < MOST_MARKINGS:
            marking = waiting.pop(0)
            for one in self.net.forks:
                for after in self._fired(one, marking):
                    if after not in found and len(after) <= _MOST_TOKENS:
                        found.add(after)
                        waiting.append(after)
        return frozenset(found)

    def _fired(self, one: Transition, marking: Marking) -> set[Marking]:
        """What a marking becomes, for each choice of the tokens that get to the sources."""
        return {tuple(sorted((*left, *one.targets))) for left in self._taken(one.sources, marking)}

    def _taken(self, sources: tuple[str, ...], marking: Marking) -> Iterator[Marking]:
        if not sources:
            yield marking
            return
        for place in dict.fromkeys(marking):
            if sources[0] in self.net.reach[place]:
                at = marking.index(place)
                yield from self._taken(sources[1:], (*marking[:at], *marking[at + 1 :]))

    def _is_over(self, marking: Marking) -> bool:
        return all(self.net.reach[place] & self.net.last for place in marking)


def _onward(ways: dict[str, set[str]], place: str) -> set[str]:
    found, waiting = {place}, [place]
    while waiting:
        for after in ways.get(waiting.pop(), ()):
            if after not in found:
                found.add(after)
                waiting.append(after)
    return found
