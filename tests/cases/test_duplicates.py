"""Which reports are about one matter, and how people take that back."""

from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.cases import queries
from cityloom.cases.domain.duplicates import matters, measuring, pairs, stream
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.joining import (
    JOINS,
    MOST_MEMBERS,
    RESOLUTION,
    cells_around,
    matter_odds,
    pairs_judged,
)  # fmt: skip
from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.domain.duplicates.sketch import sketch_of
from cityloom.cases.domain.madeup.reported import reported
from cityloom.kernel import cells
from cityloom.kernel.refused import Refused

DAY = 86_400.0
METRE = 1 / 111_195


@cache
def idf() -> np.ndarray:
    return queries.shipped_classifier().idf


def report(text: str, north_m: float = 0.0, day: float = 0.0, category: str = "street-lamp") -> Report:
    return Report(116.4, 39.9 + north_m * METRE, 8.0, day * DAY, category, sketch_of(text, idf()))


def best(new: Report, *known: Report) -> tuple[int, float]:
    held = OpenReports()
    for number, one in enumerate(known):
        held.add(one, number)
    return held.best(new, pairs.weights())


def test_the_same_lamp_told_twice_is_one_matter() -> None:
    matter, chance = best(report("the street light no 4312 is out", 5, 0.5), report("street lamp 4312 is not lit"))
    assert matter == 0
    assert chance >= JOINS


@pytest.mark.parametrize("other", [
    report("the street light no 9914 is out", 45, 0.1),
    report("the street light is out", 400, 0.1),
    report("there are rats in the yard", 3, 0.1, "rats"),
])  # fmt: skip
def test_what_is_beside_it_is_not_joined(other: Report) -> None:
    assert best(report("the street light no 4312 is out"), other)[1] < JOINS


def test_what_is_settled_is_not_found_and_a_repeat_is_a_matter_of_its_own() -> None:
    held = OpenReports()
    row = held.add(report("the street light no 4312 is out"), 0)
    assert held.best(report("the street light no 4312 is out", 2, 9), pairs.weights())[0] == 0
    held.close(row)
    assert held.best(report("the street light no 4312 is out", 2, 9), pairs.weights()) == (-1, 0.0)


def test_people_are_told_what_speaks_for_it() -> None:
    held = OpenReports()
    held.add(report("the street light no 4312 is out"), 0)
    others, _, _ = held.around(report("street light 4312 is out", 4))
    parts = pairs.parts(report("street light 4312 is out", 4), others, pairs.weights())[0]
    total = pairs.log_odds(report("street light 4312 is out", 4), others, pairs.weights())[0]
    assert set(parts) == set(pairs.SCALES)
    assert sum(parts.values()) + pairs.weights()[-1] == pytest.approx(total)
    assert parts["numbers"] > 0


def test_a_chain_does_not_grow_from_end_to_end() -> None:
    like_the_last_only = matter_odds(np.array([4.0, -5.0, -6.0, -6.0]), np.zeros(4, np.int64))
    assert like_the_last_only[0] < 1.0


def test_more_is_found_than_within_50_m_and_mostly_rightly() -> None:
    made = reported(350, 12, "test", side_km=0.85)
    known = [Report(*map(float, (made.lon[n], made.lat[n], made.error_m[n], made.at_s[n])), made.category[n],
                    sketch_of(text, idf())) for n, text in enumerate(made.text)]  # fmt: skip
    ends = made.ends_s[made.matter].tolist()
    ours = measuring.judged(known, made.matter.tolist(), ends, pairs.weights())
    peer = measuring.judged_near(known, made.matter.tolist(), ends)
    assert ours.f1 > peer.f1
    assert ours.precision >= 0.9


def test_pairs_are_counted_as_pairs() -> None:
    precision, recall, f1 = pairs_judged([1, 1, 1, 2], [7, 7, 8, 8])
    assert (precision, recall) == (pytest.approx(1 / 3), pytest.approx(1 / 2))
    assert f1 == pytest.approx(0.4)


def test_a_sketch_is_of_one_size_whatever_the_text() -> None:
    for text in ("", "🙂" * 50, "灯" * 9_000, "1 2 3 4 5 6 7"):
        sketch = sketch_of(text, idf())
        assert sketch.words.shape == (256,)
        assert sketch.numbers.shape == (4,)


@pytest.mark.parametrize(("column", "value"), [("lon", "x"), ("lat", "91"), ("at", "yesterday"), ("error_m", "nan")])
def test_a_row_that_cannot_be_read_is_refused_with_its_number(column: str, value: str) -> None:
    row = {"at": "2026-11-28T00:00:00Z", "lon": "116.4", "lat": "39.9", "category": "rats", "text": "", "matter": "1"}
    with pytest.raises(Refused) as refused:
        stream.stream_of([row, row | {column: value}], idf())
    assert refused.value.code == "cases.report_row"
    assert refused.value.limit == 3


PAIRS = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=12)


def all_united(two: list[tuple[int, int]]) -> dict[int, int]:
    now = {report: report for report in range(8)}
    for one, other in two:
        now = matters.united(now, one, other)
    return now


@given(PAIRS, st.randoms(use_true_random=False))
def test_what_is_one_matter_does_not_depend_on_the_order(two: list[tuple[int, int]], chance: Random) -> None:
    now = all_united(two)
    assert all(now[one] == now[other] for one, other in two)
    assert all(lead == min(one for one, held in now.items() if held == lead) for lead in now.values())
    chance.shuffle(two)
    assert all_united([(other, one) for one, other in two]) == now


@given(PAIRS, st.integers(0, 7))
def test_whoever_is_taken_out_is_alone_and_the_others_stay_together(two: list[tuple[int, int]], out: int) -> None:
    before = all_united(two)
    after = matters.parted(before, out)
    assert [one for one, lead in after.items() if lead == out] == [out]
    rest = [one for one, lead in before.items() if lead == before[out] and one != out]
    assert {after[one] for one in rest} == ({min(rest)} if rest else set())
    assert all(after[one] == before[one] for one in before if before[one] != before[out])
    if rest:
        assert matters.united(after, out, rest[0]) == before


@pytest.mark.parametrize(("ask", "code"), [
    (lambda: matters.check_two("a", "a", {"a": "request"}, is_open=True), "cases.matter_itself"),
    (lambda: matters.check_two("a", "b", {"a": "request"}, is_open=True), "cases.matter_moved"),
    (lambda: matters.check_two("a", "b", {"a": "request", "b": "review"}, is_open=True), "cases.matter_types"),
    (lambda: matters.check_two("a", "b", {"a": "request", "b": "request"}, is_open=False), "cases.matter_over"),
    (lambda: matters.check_room(MOST_MEMBERS + 1), "cases.matter_full"),
    (lambda: matters.check_not_alone(1), "cases.matter_alone"),
])  # fmt: skip
def test_what_cannot_be_done_is_said(ask: Callable[[], None], code: str) -> None:
    with pytest.raises(Refused) as refused:
        ask()
    assert refused.value.code == code


@given(st.floats(0, 450), st.floats(0, 6.28), st.floats(-0.01, 0.01), st.floats(-0.01, 0.01))
def test_no_place_within_the_radius_is_left_out(metres: float, turn: float, east: float, north: float) -> None:
    lon, lat = 116.4 + east, 39.9 + north
    there = lon + metres * METRE * np.sin(turn) / np.cos(np.radians(lat)), lat + metres * METRE * np.cos(turn)
    found = cells_around(cells.cell_of(lon, lat, RESOLUTION), metres)
    assert cells.cell_of(*there, RESOLUTION) in found
