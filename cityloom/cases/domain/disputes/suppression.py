"""Counts of disputes as they may be told: few are not told, others are rounded, and no difference gives one away.

A count of seven or fewer is hidden, and the others are rounded to five: the rule of the keeper's statistics. A hidden
count could still be worked out where it is the only one in its row or column, whose total stands beside it; so further
ones are hidden until the shown ones fix no hidden one, even if they were exact.
Source: Hundepool et al., Statistical Disclosure Control (2012), chapter 4, on secondary suppression.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEW, ROUNDED_TO = 7, 5
Counts = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True)
class Told:
    """A table as anybody may have it: rows, then the line of totals; in each, the columns and then the total.

    None is a count that is not told.
    """

    rows: Sequence[str]
    columns: Sequence[str]
    counts: list[list[int | None]]


def told(rows: Sequence[str], columns: Sequence[str], counts: Counts) -> Told:
    """A table of counts, of shape (rows, columns), with its totals, as it may be told."""
    whole = with_totals(counts)
    hidden = hidden_in(whole)
    rounded = ROUNDED_TO * ((whole + ROUNDED_TO // 2) // ROUNDED_TO)
    lines = [[None if away else int(count) for count, away in zip(line, marks, strict=True)]
             for line, marks in zip(rounded.tolist(), hidden.tolist(), strict=True)]  # fmt: skip
    return Told(rows, columns, lines)


def with_totals(counts: Counts) -> Counts:
    """The table with a column and a row of totals."""
    wide = np.hstack([counts, counts.sum(axis=1, keepdims=True)])
    return np.vstack([wide, wide.sum(axis=0, keepdims=True)])


def hidden_in(whole: Counts) -> Marks:
    """Which counts of a table with its totals are not told."""
    hidden = whole <= FEW
    while True:
        weak = _weak_line(whole, hidden) or _fixed_line(hidden)
        if weak is None or not _hide_one(whole, hidden, *weak):
            return hidden


def fixed(hidden: Marks) -> list[tuple[int, int]]:
    """Hidden counts that the shown ones fix: rows and columns are sums, and these stand in no circle of hidden ones."""
    return [cell for cell in _cells(hidden) if not _connected(hidden, cell)]


def _weak_line(whole: Counts, hidden: Marks) -> tuple[int, int] | None:
    """A row (axis 0) or column (axis 1) in which hidden counts are alone, or so few together that they say too much."""
    for axis in (0, 1):
        for at in range(whole.shape[axis]):
            counts, marks = np.take(whole, at, axis), np.take(hidden, at, axis)
            few = not marks[-1] and counts[marks].sum() <= FEW
            if marks.any() and (marks.sum() == 1 or few) and not marks.all():
                return axis, at
    return None


def _fixed_line(hidden: Marks) -> tuple[int, int] | None:
    """The row of a hidden count that could be worked out, or its column where the row is hidden whole."""
    for row, column in fixed(hidden):
        if not hidden[row].all():
            return 0, row
        if not hidden[:, column].all():
            return 1, column
    return None


def _hide_one(whole: Counts, hidden: Marks, axis: int, at: int) -> bool:
    """Hide the smallest shown count of a line, its total last; False where none is shown."""
    counts, marks = np.take(whole, at, axis), np.take(hidden, at, axis)
    shown = np.flatnonzero(~marks)
    if not shown.size:
        return False
    last = len(marks) - 1
    place = min(shown.tolist(), key=lambda one: (one == last, counts[one]))
    hidden[(at, place) if axis == 0 else (place, at)] = True
    return True


def _cells(hidden: Marks) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in np.argwhere(hidden)]


def _connected(hidden: Marks, cell: tuple[int, int]) -> bool:
    """Whether a hidden count's row and column are joined by other hidden ones: then it is not fixed."""
    row, column = cell
    columns, rows, waiting = {column}, set[int](), [column]
    while waiting:
        here = waiting.pop()
        for other in np.flatnonzero(hidden[:, here]).tolist():
            if (other, here) == cell or other in rows:
                continue
            rows.add(other)
            if other == row:
                return True
            fresh = set(np.flatnonzero(hidden[other]).tolist()) - columns
            columns |= fresh
            waiting += fresh
    return False
