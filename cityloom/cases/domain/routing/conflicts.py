"""What is wrong with routing rules before anybody is routed by them: overlaps, rules that never fire, gaps.

Exact over categories, areas, times of the week and channels: their values are grouped into classes between which no
rule tells apart, and every combination of classes is looked at. Words are any words: a text may hold one, several or
none, and a word holds the words that are part of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cityloom.cases.domain.routing.rules import CHANNELS, WEEK, Rule, Rules, lies_in
from cityloom.kernel.refused import Refused

MOST_COMBINATIONS = 2_000_000
_TOO_MANY = ("These rules tell {value} combinations of categories, areas, times and channels apart, and {limit} can be "
             "checked; use fewer different times and areas.")  # fmt: skip
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Example:
    """A case as an example: category, area ("" is elsewhere), minute of the week, channel, words."""

    category: str
    area: str
    minute: int
    channel: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Overlap:
    """Two rules that fit the same case; `by` says what decides: `priority`, `order`, or `same` for one unit."""

    first: str
    second: str
    by: str
    example: Example


@dataclass(frozen=True)
class Idle:
    """A rule that never fires, and the rules that are always asked before it and fit."""

    rule: str
    behind: tuple[str, ...]


@dataclass(frozen=True)
class Gap:
    """Cases that no rule fits, whatever their words: all combinations of these values."""

    categories: tuple[str, ...]
    areas: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    channels: tuple[str, ...]


@dataclass(frozen=True)
class Findings:
    """What is to be said of rules."""

    overlaps: tuple[Overlap, ...]
    idle: tuple[Idle, ...]
    gaps: tuple[Gap, ...]
    combinations: int


@dataclass(frozen=True)
class _Side:
    """Values of a dimension in classes that no rule tells apart; `fits`: shape (rules, classes)."""

    classes: list[list]
    fits: Flags


def check(rules: Rules, areas: Sequence[str] = ()) -> Findings:
    """Overlaps, idle rules and gaps; `areas` are the city's smallest units, else those that the rules name.

    Raises: Refused `cases.rules_too_many`.
    """
    sides = _sides(rules.rules, areas, rules.kinds)
    shape = tuple(len(side.classes) for side in sides)
    if np.prod(shape) > MOST_COMBINATIONS:
        raise Refused("cases.rules_too_many", _TOO_MANY, value=int(np.prod(shape)), limit=MOST_COMBINATIONS)
    seen = _Seen(rules.rules)
    is_gap = np.zeros(shape, dtype=bool)
    for cell, fitting in _patterns(sides, shape, is_gap, _wordless(rules.rules)):
        seen.note(fitting, _example(sides, cell))
    return Findings(tuple(seen.overlaps.values()), seen.idle(), tuple(_gaps(sides, is_gap)), int(np.prod(shape)))


def clashes(findings: Findings) -> list[Overlap]:
    """Overlaps of rules for different units between which nothing decides but the order in which they stand."""
    return [one for one in findings.overlaps if one.by == "order"]


def _wordless(rules: Sequence[Rule]) -> Flags:
    return np.array([not rule.words for rule in rules])


def _sides(rules: Sequence[Rule], areas: Sequence[str], kinds: Sequence[str]) -> list[_Side]:
    known = list(areas) or sorted({area for rule in rules for area in rule.areas})
    cuts = sorted({0, WEEK} | {minute for rule in rules for span in rule.spans for minute in span})
    everywhere = [*known, ""]
    return [
        _side(list(kinds), [[not r.categories or v in r.categories for v in kinds] for r in rules]),
        _side(everywhere, [[not r.areas or any(lies_in(v, a) for a in r.areas) for v in everywhere] for r in rules]),
        _side(list(pairwise(cuts)), [[_covers(r, begin) for begin in cuts[:-1]] for r in rules]),
        _side(list(CHANNELS), [[not r.channels or v in r.channels for v in CHANNELS] for r in rules]),
    ]


def _covers(rule: Rule, minute: int) -> bool:
    return not rule.spans or any(begin <= minute < end for begin, end in rule.spans)


def _side(values: list, fits: list[list[bool]]) -> _Side:
    table = np.array(fits, dtype=bool)
    columns, inverse = np.unique(table, axis=1, return_inverse=True)
    classes: list[list] = [[] for _ in range(columns.shape[1])]
    for value, at in zip(values, inverse.ravel().tolist(), strict=True):
        classes[at].append(value)
    return _Side(classes, columns)


def _patterns(sides: list[_Side], shape: tuple[int, ...], is_gap: Flags, wordless: Flags
              ) -> Iterator[tuple[tuple[int, ...], list[int]]]:  # fmt: skip
    """Each set of rules that fit one combination, once, with such a combination; marks the gaps on the way."""
    known: set[bytes] = set()
    for first in range(shape[0]):
        fits = (sides[0].fits[:, first, None, None, None] & sides[1].fits[:, :, None, None]
                & sides[2].fits[:, None, :, None] & sides[3].fits[:, None, None, :])  # fmt: skip
        is_gap[first] = ~fits[wordless].any(axis=0)
        flat = np.packbits(fits.reshape(len(fits), -1), axis=0).T
        kinds, where = np.unique(flat, axis=0, return_index=True)
        for kind, at in zip(kinds, where.tolist(), strict=True):
            if kind.tobytes() not in known:
                known.add(kind.tobytes())
                cell = (first, *(int(one) for one in np.unravel_index(at, shape[1:])))
                yield cell, np.flatnonzero(fits.reshape(len(fits), -1)[:, at]).tolist()


def _example(sides: list[_Side], cell: tuple[int, ...]) -> Example:
    category, area, span, channel = (side.classes[at][0] for side, at in zip(sides, cell, strict=True))
    return Example(category, area, span[0], channel)


class _Seen:
    """What was seen of the rules over all combinations."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self.rules = rules
        self.overlaps: dict[tuple[int, int], Overlap] = {}
        self._fires: set[int] = set()
        self._behind: list[set[int]] = [set() for _ in rules]

    def note(self, fitting: list[int], example: Example) -> None:
        """Look at the rules that fit a combination, in their order."""
        for at, number in enumerate(fitting):
            before = fitting[:at]
            if self._can_fire(number, before):
                self._fires.add(number)
            self._behind[number] |= set(before)
            for earlier in before:
                self._overlap(earlier, number, example)

    def idle(self) -> tuple[Idle, ...]:
        """The rules that fire nowhere."""
        return tuple(
            Idle(rule.name, tuple(self.rules[one].name for one in sorted(self._behind[number])))
            for number, rule in enumerate(self.rules) if number not in self._fires
        )  # fmt: skip

    def _can_fire(self, number: int, before: list[int]) -> bool:
        if any(not self.rules[one].words for one in before):
            return False
        taken = [word for one in before for word in self.rules[one].words]
        own = self.rules[number].words
        return not own or any(not any(word in mine for word in taken) for mine in own)

    def _overlap(self, first: int, second: int, example: Example) -> None:
        if (first, second) in self.overlaps:
            return
        one, other = self.rules[first], self.rules[second]
        by = "same" if one.unit == other.unit else "priority" if one.priority != other.priority else "order"
        words = tuple(dict.fromkeys([*one.words[:1], *other.words[:1]]))
        shown = Example(example.category, example.area, example.minute, example.channel, words)
        self.overlaps[first, second] = Overlap(one.name, other.name, by, shown)


def _gaps(sides: list[_Side], is_gap: Flags) -> Iterator[Gap]:
    """The gaps as few boxes: each grows from its first cell along each dimension as far as all in it is a gap."""
    left = is_gap.copy()
    while left.any():
        start = tuple(int(one) for one in np.unravel_index(int(left.argmax()), left.shape))
        box: list[list[int]] = [[one] for one in start]
        for axis in range(left.ndim - 1, -1, -1):
            box[axis] = [at for at in range(left.shape[axis]) if is_gap[np.ix_(*_with(box, axis, at))].all()]
        left[np.ix_(*box)] = False
        values = [[one for at in ats for one in side.classes[at]] for side, ats in zip(sides, box, strict=True)]
        yield Gap(tuple(values[0]), tuple(values[1]), _joined(values[2]), tuple(values[3]))


def _with(box: list[list[int]], axis: int, at: int) -> list[list[int]]:
    return [[at] if number == axis else held for number, held in enumerate(box)]


def _joined(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    found: list[tuple[int, int]] = []
    for begin, end in sorted(spans):
        if found and found[-1][1] == begin:
            found[-1] = (found[-1][0], end)
        else:
            found.append((begin, end))
    return tuple(found)
