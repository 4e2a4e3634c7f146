"""Small counts of disputes are not told, and cannot be worked out from what is."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cityloom.cases.domain.disputes import suppression
from cityloom.cases.domain.disputes.suppression import FEW, told
from tests.examples import a_third_of

TABLES = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.int64, shape, elements=st.one_of(st.integers(0, 12), st.integers(0, 400)))
)


def test_a_table_as_it_is_told() -> None:
    counts = np.array([[120, 3, 40], [60, 22, 18], [9, 31, 200]])
    found = told(["a", "b", "c"], ["x", "y", "z"], counts)
    assert found.counts == [
        [120, None, None, 165],
        [60, None, None, 100],
        [10, 30, 200, 240],
        [190, 55, 260, 505],
    ]  # 3 is few; 40, 22 and 18 go with it, since 163 - 120 - 40 is 3  # fmt: skip


@given(TABLES)
@settings(max_examples=a_third_of(150), deadline=None)
def test_what_is_hidden_cannot_be_worked_out_from_what_is_shown(counts: np.ndarray) -> None:
    """Checked apart from how it is done: by linear algebra on the exact counts that are shown."""
    whole = suppression.with_totals(counts)
    hidden = suppression.hidden_in(whole)
    shown = whole[~hidden]
    assert (shown > FEW).all()
    told_counts = [one for line in told([], [], counts).counts for one in line if one is not None]
    assert all(one % 5 == 0 for one in told_counts) and np.abs(np.array(told_counts) - shown).max(initial=0) <= 2
    rows, columns = whole.shape
    at = {tuple(cell): place for place, cell in enumerate(np.argwhere(hidden).tolist())}
    sums = []
    for line in [[(row, column) for column in range(columns)] for row in range(rows)] + [
        [(row, column) for row in range(rows)] for column in range(columns)
    ]:
        sums.append([0.0] * len(at))
        for cell in line:
            if cell in at:
                sums[-1][at[cell]] = -1.0 if cell == line[-1] else 1.0
    if at:
        rank = np.linalg.matrix_rank(np.array(sums))
        for place in at.values():
            alone = np.eye(len(at))[place]
            assert np.linalg.matrix_rank(np.vstack([sums, alone])) == rank + 1  # it could be another number
    for axis, lines in ((0, whole), (1, whole.T)):
        marks = hidden if axis == 0 else hidden.T
        for line, away in zip(lines, marks, strict=True):
            assert not away.any() or away[-1] or line[away].sum() > FEW
