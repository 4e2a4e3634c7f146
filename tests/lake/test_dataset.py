"""What a dataset may say of itself, and how it may change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel.cells import cell_of
from cityloom.kernel.refused import Refused
from cityloom.lake.domain import partition
from cityloom.lake.domain.dataset import Column, Dataset, Span, added

NOTE = Column("note", "text")


@pytest.mark.parametrize(
    ("column", "code"),
    [
        (Column("name", "text", is_personal=True), "lake.person_in_clear"),
        (Column("name", "text", sensitivity="sealed", is_personal=True), "lake.person_in_clear"),
        (Column("who", "text", sensitivity="pseudonymous", is_personal=True), "lake.person_in_clear"),
        (Column("fee", "money"), "lake.column"), (Column("fee", "number", sensitivity="secret"), "lake.column"),
        (Column("day", "text"), "lake.column"), (Column("thing", "text"), "lake.column"),
        (Column("a b", "text"), "lake.column"),
    ],
)  # fmt: skip
def test_what_the_lake_cannot_keep_or_must_not_is_refused(column: Column, code: str) -> None:
    with pytest.raises(Refused) as refused:
        Dataset("permits", "Permits", (column,)).check()
    assert refused.value.code == code


def test_people_are_pseudonymous_or_sealed() -> None:
    Dataset("visits", "Visits", (
        Column("visitor", "integer", sensitivity="pseudonymous", is_personal=True),
        Column("reason", "bytes", sensitivity="sealed", is_personal=True),
    )).check()  # fmt: skip


def test_a_table_only_grows() -> None:
    permits = Dataset("permits", "Permits", (Column("fee", "number"), NOTE))
    assert added([("thing", "integer"), ("at", "instant"), ("cell", "integer"), ("fee", "number")], permits) == (NOTE,)
    for known, instead in (("fee", "integer"), "add a new column"), (("gone", "number"), "put it back"):
        with pytest.raises(Refused, match=instead):
            added([known], permits)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 10 * 86_400_000_000), st.booleans()), max_size=60))
def test_parts_hold_each_fact_once_in_order(rows: list[tuple[int, int, bool]]) -> None:
    thing, at = (np.array([row[k] for row in rows], np.int64) for k in (0, 1))
    places = np.array([row[2] for row in rows], np.int64)
    order, bounds = partition.order_of(thing, at, places)
    assert sorted(order.tolist()) == list(range(len(rows)))
    for begin, end in pairwise(bounds.tolist() if rows else []):
        part = order[begin:end]
        assert len(set(partition.days_of(at[part]).tolist())) == len(set(places[part].tolist())) == 1
        keys = list(zip(thing[part].tolist(), at[part].tolist(), strict=True))
        assert keys == sorted(keys)


@pytest.mark.parametrize("cell", [0, 5, -1, cell_of(114.05, 22.5, 3)])
def test_what_is_no_fine_cell_has_no_place(cell: int) -> None:
    assert partition.place_of(cell) == 0


def test_a_span_keeps_what_has_no_place() -> None:
    assert Span(cell=1).holds("2026-06-01", 0, 599)
    assert not Span(cell=1).holds("2026-06-01", 598, 599)
