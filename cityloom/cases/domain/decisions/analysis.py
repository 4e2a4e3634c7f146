"""What is wrong with a table before anybody is decided on: rules that overlap, cases that none covers, idle rules.

Each input's line is divided where any cell divides it; a rule is then a set of pieces for each input, as bits, and
questions about boxes in many dimensions are questions about bits. Exact, as far as `MOST_STEPS` goes; beyond,
`is_complete` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from cityloom.cases.domain.decisions import regions
from cityloom.cases.domain.decisions.regions import Region
from cityloom.cases.domain.decisions.tables import Hit, Table
from cityloom.kernel.refused import Detail, Refused

MOST_SHOWN = 20
MOST_STEPS = 200_000
Box = tuple[int, ...]
"""For each input the pieces, as bits."""


@dataclass(frozen=True)
class Gap:
    """Cases that no rule is for: of each input that matters, the cell that would be for them."""

    cells: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "; ".join(f"{name}: {words}" for name, words in self.cells) or "-"


@dataclass(frozen=True)
class Findings:
    """What was found; rows are numbered from 1. `overlaps` are pairs of rows that match the same case."""

    overlaps: tuple[tuple[int, int], ...]
    conflicts: tuple[tuple[int, int], ...]
    gaps: tuple[Gap, ...]
    idle: tuple[int, ...]
    is_complete: bool = True


class _TooLong(Exception):  # noqa: N818 - the search is given up, and says so
    pass


class Grid:
    """A table on the pieces of its inputs."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.pieces = [
            regions.pieces_of((rule.regions[at] for rule in table.rules), column.universe)
            for at, column in enumerate(table.inputs)
        ]
        self.masks = [
            tuple(regions.mask_of(region, pieces) for region, pieces in zip(rule.regions, self.pieces, strict=True))
            for rule in table.rules
        ]
        self._steps = 0

    @cached_property
    def whole(self) -> tuple[int, ...]:
        """All pieces of each input."""
        return tuple((1 << len(pieces)) - 1 for pieces in self.pieces)

    def overlaps(self) -> Iterator[tuple[int, int]]:
        """Pairs of rules that match the same case."""
        for one, other in combinations(range(len(self.masks)), 2):
            if all(a & b for a, b in zip(self.masks[one], self.masks[other], strict=True)):
                yield one, other

    def is_empty(self, rule: int) -> bool:
        """Whether no case can match it."""
        return not all(self.masks[rule])

    def uncovered(self, box: Sequence[int], rules: Sequence[int], most: int) -> list[Box]:
        """Boxes within a box that none of the rules covers, so many at most."""
        found: list[Box] = []
        self._steps = 0
        active = [rule for rule in rules if all(a & b for a, b in zip(self.masks[rule], box, strict=True))]
        self._uncovered(tuple(box), 0, tuple(active), (), found, most, set())
        return found

    def _uncovered(self, box: Box, at: int, rules: tuple[int, ...], before: Box, found: list[Box], most: int,
                   covered: set[tuple[int, tuple[int, ...]]]) -> None:  # fmt: skip
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise _TooLong
        if len(found) >= most or (at, rules) in covered:
            return
        if not rules:
            found.append((*before, *box[at:]))
            return
        if any(
            all(not rest & ~mine for rest, mine in zip(box[at:], self.masks[rule][at:], strict=True)) for rule in rules
        ):
            return
        known = len(found)
        for piece, active in self._groups(box[at], at, rules):
            self._uncovered(box, at + 1, active, (*before, piece), found, most, covered)
        if len(found) == known:
            covered.add((at, rules))

    def _groups(self, pieces: int, at: int, rules: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
        """The pieces of one input, those together that the same rules are for."""
        together: dict[tuple[int, ...], int] = {}
        for number in range(pieces.bit_length()):
            bit = 1 << number
            if pieces & bit:
                active = tuple(rule for rule in rules if self.masks[rule][at] & bit)
                together[active] = together.get(active, 0) | bit
        yield from ((piece, active) for active, piece in together.items())

    def piece_of(self, at: int, value: Any) -> int:
        """The piece of an input in which a value lies, as a bit."""
        place = (0, value, regions.AT)
        return sum(1 << number for number, (low, high) in enumerate(self.pieces[at]) if low < place < high)

    def region(self, at: int, mask: int) -> Region:
        """The pieces of an input as one region."""
        return regions.union((piece,) for number, piece in enumerate(self.pieces[at]) if mask >> number & 1)


def findings_of(table: Table) -> Findings:
    """All that is to be said of a table."""
    grid = Grid(table)
    overlaps = list(grid.overlaps())
    conflicts = [pair for pair in overlaps if _differ(table, *pair)]
    try:
        gaps = grid.uncovered(grid.whole, range(len(table.rules)), MOST_SHOWN)
        idle, complete = _idle(grid), True
    except _TooLong:
        gaps, idle, complete = [], [rule for rule in range(len(table.rules)) if grid.is_empty(rule)], False
    return Findings(_rows(overlaps), _rows(conflicts), tuple(_gap(grid, box) for box in gaps),
                    tuple(rule + 1 for rule in idle), complete)  # fmt: skip


def _differ(table: Table, one: int, other: int) -> bool:
    return table.rules[one].outcome != table.rules[other].outcome


def _rows(pairs: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    return tuple((one + 1, other + 1) for one, other in pairs)


def _gap(grid: Grid, box: tuple[int, ...]) -> Gap:
    cells = []
    for at, (column, mask) in enumerate(zip(grid.table.inputs, box, strict=True)):
        if mask != grid.whole[at]:
            words = regions.words(grid.region(at, mask), column.type.literal, discrete=column.type.is_discrete)
            cells.append((column.name, words))
    return Gap(tuple(cells))


def _idle(grid: Grid) -> list[int]:
    """Rules that can never have a say: nothing matches them, or others that come before take all that does."""
    return [rule for rule in range(len(grid.masks))
            if grid.is_empty(rule)
            or not grid.uncovered(grid.masks[rule], rules_before(grid.table, rule), 1)]  # fmt: skip


def rules_before(table: Table, rule: int) -> list[int]:
    """The rules that have the say where both match."""
    if table.hit is Hit.FIRST:
        return list(range(rule))
    if table.hit is Hit.PRIORITY:
        rank = table.rank(table.rules[rule])
        return [other for other, its in enumerate(table.rules) if table.rank(its) < rank]
    return []


def check(table: Table) -> Findings:
    """What is to be said of a table that may be used.

    Raises: Refused `cases.table_overlaps`, `cases.table_contradicts`, `cases.table_idle`, with the rows.
    """
    found = findings_of(table)
    if table.hit is Hit.UNIQUE and found.overlaps:
        raise Refused("cases.table_overlaps", "Rules of a UNIQUE table overlap, in rows {value}; make them apart, or "
                      "choose another hit policy.", value=_pairs(found.overlaps))  # fmt: skip
    if table.hit is Hit.ANY and found.conflicts:
        raise Refused("cases.table_contradicts", "Rules of an ANY table match the same case and say different things, "
                      "in rows {value}.", value=_pairs(found.conflicts))  # fmt: skip
    empty = [row for row in found.idle if Grid(table).is_empty(row - 1)]
    if empty:
        raise Refused("cases.table_idle", "No case can ever match row {value}; its cells allow nothing.",
                      value=", ".join(map(str, empty[:MOST_SHOWN])))  # fmt: skip
    return found


def _pairs(pairs: Sequence[tuple[int, int]]) -> str:
    shown = ", ".join(f"{one}+{other}" for one, other in pairs[:MOST_SHOWN])
    return shown + (" …" if len(pairs) > MOST_SHOWN else "")


def check_only_grants(table: Table, output: str, granting: Sequence[str]) -> None:
    """A table that decides at once may grant, and never refuse; what it does not grant goes to a person.

    Raises: Refused `cases.table_refuses` with the row, `cases.table_no_outcome`.
    """
    names = [column.name for column in table.outputs]
    if output not in names or not table.hit.is_one:
        raise Refused("cases.table_no_outcome", "A table that decides at once has the output {value} and one result; "
                      "give it the hit policy UNIQUE, ANY, FIRST or PRIORITY.", value=output)  # fmt: skip
    at = names.index(output)
    for number, rule in enumerate(table.rules, 1):
        if rule.outcome[at] not in granting:
            raise Refused("cases.table_refuses", "A rule that decides at once may only grant, and {value}; a person "
                          "decides what is not granted.",
                          value=Detail("row {value} says {limit}", number, rule.then[at][:40]))  # fmt: skip
