"""Matters that come again: a case of the same category in the same cell, opened within 90 days after one was done."""

from __future__ import annotations

import numpy as np

from cityloom.cases.domain.figures.columns import Cases, Ints, Marks

WITHIN_S = 90 * 86_400


def came_again(cases: Cases, counts: Marks) -> Marks:
    """After which cases another one was opened, of the same category and cell, up to 90 days after they were done.

    `counts` marks the cases that can be a repeat: a joined one is of the same matter. Only the place and the category
    are looked at, never who reported.
    """
    place = _places(cases)
    could = counts & (place >= 0)
    span = int(cases.opened.max(initial=0)) + WITHIN_S + 2
    line = np.sort(place[could] * span + cases.opened[could])  # each place has a stretch of its own
    wanted = place * span + np.minimum(cases.done, span - 2)
    after = np.searchsorted(line, wanted, side="right")
    near = np.append(line, np.iinfo(np.int64).max)[after]
    return cases.is_done & (place >= 0) & (near - wanted <= WITHIN_S) & (near // span == place)


def _places(cases: Cases) -> Ints:
    """A number for each cell and category; -1 where a case has no place."""
    _, cell = np.unique(cases.cell, return_inverse=True)
    kinds = max(len(cases.names["category"]), 1)
    return np.where(cases.cell > 0, cell.reshape(-1) * kinds + cases.codes["category"], -1)
