"""Lists and rights: what one may see in a list is what one may open, page by page, at the price of three statements."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from cityloom.cases import actions, catalogue, queries
from cityloom.cases.actions import Asked
from cityloom.cases.domain import numbers, visibility
from cityloom.cases.domain.casetypes.casetype import LEVELS
from cityloom.cases.domain.visibility import InView, Rights
from cityloom.cases.listing.page import MOST_COUNTED
from cityloom.cases.models import Case
from cityloom.cases.queries import Wanted
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW

UNITS = ("city", "city/d01", "city/d01/s01", "city/d01/s01/c01", "city/d01/s02", "city/d010", "city/water")
DESK = frozenset({"case-handler"})


def case(number: int, unit: str, level: str = "internal", **more: object) -> Case:
    branches = visibility.branches_of(unit, level)
    known = {f"branch_{depth}": branch for depth, branch in enumerate(branches, 1)}
    return Case(
        number=number, id=f"C{number:025}", casetype="request", version=1, state="received", category="rubbish",
        confidentiality=level, unit=unit, opened_at=NOW, changed_at=NOW, rank=number // 3, matter="", origin="call",
        **known, **more,
    )  # fmt: skip


@pytest.fixture
def some(db: None) -> list[Case]:
    """One case of each unit and confidentiality, among them some of somebody's own, offered and over."""
    catalogue.keep(catalogue.shipped_document("request"), "", NOW)
    rows = [case(at, unit, level) for at, (unit, level) in enumerate([(u, one) for u in UNITS for one in LEVELS], 1)]
    rows += [case(90, "city/d01", "secret", handler="me"), case(91, "city/water", offered_unit="city/d01/s02"),
             case(92, "city/d01", is_open=False), case(93, "city/d01", exercise_id="E")]  # fmt: skip
    return Case.objects.bulk_create(rows)


@pytest.mark.parametrize("unit", UNITS)
def test_a_list_has_what_can_be_opened_and_nothing_else(some: list[Case], unit: str) -> None:
    by = Actor("me", unit, DESK)
    listed = {row.id for row in queries.cases_for(by, Wanted(most=200)).rows}
    opened = set()
    for row in some:
        try:
            queries.case_for(by, row.id)
        except Refused:
            continue
        opened.add(row.id)
    assert listed == opened - {"C" + "92".zfill(25), "C" + "93".zfill(25)}


def test_confidentiality_narrows_who_sees_a_case(some: list[Case]) -> None:
    seen = {unit: len(queries.cases_for(Actor("x", unit, DESK), Wanted(most=200)).rows) for unit in UNITS}
    assert seen == {"city": 16, "city/d01": 9, "city/d01/s01": 5, "city/d01/s01/c01": 3, "city/d01/s02": 4,
                    "city/d010": 3, "city/water": 4}  # fmt: skip
    assert queries.cases_for(Actor("x", "city", frozenset({"auditor"})), Wanted()).rows == ()
    assert queries.cases_for(Actor("x", "", DESK), Wanted()).rows == ()


@pytest.mark.parametrize("most", [1, 4, 50])
def test_pages_have_each_case_once_in_order(some: list[Case], most: int) -> None:
    by, seen, after = Actor("me", "city", DESK), [], ""
    while True:
        page = queries.cases_for(by, Wanted(after=queries.cursor_of(after), most=most))
        assert (page.count is None) == bool(after)
        seen += [(row.rank, row.number) for row in page.rows]
        after = page.cursor
        if not after:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == queries.cases_for(by, Wanted()).count


def test_a_page_of_a_long_list_costs_three_statements_and_counts_so_far(some: list[Case]) -> None:
    Case.objects.bulk_create(case(at, "city/water") for at in range(1_000, 2_200))
    by = Actor("me", "city", DESK)
    with CaptureQueriesContext(connection) as asked:
        page = queries.cases_for(by, Wanted())
        names = queries.unit_names(page.rows)
    assert len(asked) == 3 and names is not None
    assert (len(page.rows), page.count) == (50, MOST_COUNTED + 1)
    with pytest.raises(Refused):
        queries.cursor_of("1; DROP TABLE")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="asks SQLite how it answers")
def test_no_way_to_a_list_reads_all_cases(some: list[Case]) -> None:
    with CaptureQueriesContext(connection) as asked:
        queries.cases_for(Actor("me", "city/d01", DESK), Wanted())
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {asked[-1]['sql']}")
        steps = [row[3] for row in cursor.fetchall()]
    for name in ("case_of_handler", "case_offered", "case_list_2"):
        assert any(name in step for step in steps), steps
    assert [step for step in steps if step in ("SCAN c", "SCAN cases_case")] == []


units = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=5).map(lambda parts: "/".join(["city", *parts]))


@given(unit=units, own=units, level=st.sampled_from(LEVELS), offered=st.sampled_from(["", "city/a"]))
def test_a_branch_sees_what_is_open_to_it(unit: str, own: str, level: str, offered: str) -> None:
    rights = visibility.rights_of(Actor("x", own, DESK), {"request": DESK})
    seen = visibility.sees(rights, InView("request", visibility.branches_of(unit, level), offered_unit=offered))
    deep = max(unit.count("/"), own.count("/")) >= visibility.DEPTH
    above = unit == own or (unit.startswith(f"{own}/") and not deep)
    wanted = {"open": above, "internal": above, "restricted": unit == own, "secret": False}[level]
    assert seen == (wanted or offered == own) or deep


def test_nobody_without_a_type_sees_a_case_but_those_in_it() -> None:
    view = InView("request", ("city", "", "", ""), handler="me", named={"you"})
    seen = [visibility.sees(Rights((), 1, "city", who), view) for who in ("me", "you", "them", "")]
    assert seen == [True, True, False, False]


@given(st.integers(1, 10**15), st.data())
def test_a_slip_in_a_number_is_heard(number: int, data: st.DataObject) -> None:
    said = numbers.spoken(number)
    assert numbers.heard(said) == numbers.heard(said.replace("-", "")) == number
    place = data.draw(st.integers(0, len(said) - 3))
    slip = said[:place] + str((int(said[place]) + data.draw(st.integers(1, 9))) % 10) + said[place + 1 :]
    with pytest.raises(Refused):
        numbers.heard(slip)


@pytest.mark.django_db
def test_the_gate_knows_cases_as_matters_with_those_they_are_given_to() -> None:
    case_id = actions.open_case(Asked("request", "rubbish", origin="call"), by=SYSTEM, at=NOW)
    assert queries.known_matters({case_id, "NOTHING"}) == {case_id: None}
    Case.objects.filter(id=case_id).update(handler="clerk")
    assert queries.known_matters({case_id}) == {case_id: frozenset({"clerk"})}
    assert actions.ring_due(at=NOW + timedelta(minutes=1)) == 0
