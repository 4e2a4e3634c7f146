"""Which reports are about one matter, and how people take that back."""

import json
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier

from cityloom.cases import queries
from cityloom.cases.domain.duplicates import features, forest, matters, measuring, pairs, stream
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.joining import (
    JOINS,
    MOST_MEMBERS,
    RESOLUTION,
    cells_around,
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
    return held.best(new, pairs.weights(), forest.shipped())


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
    assert held.best(report("the street light no 4312 is out", 2, 9), pairs.weights(), forest.shipped())[0] == 0
    held.close(row)
    assert held.best(report("the street light no 4312 is out", 2, 9), pairs.weights(), forest.shipped()) == (-1, 0.0)


def test_people_are_told_what_speaks_for_it() -> None:
    held = OpenReports()
    held.add(report("the street light no 4312 is out"), 0)
    others, _, _ = held.around(report("street light 4312 is out", 4))
    parts = pairs.parts(report("street light 4312 is out", 4), others, pairs.weights())[0]
    total = pairs.log_odds(report("street light 4312 is out", 4), others, pairs.weights())[0]
    assert set(parts) == set(pairs.SCALES)
    assert sum(parts.values()) + pairs.weights()[-1] == pytest.approx(total)
    assert parts["numbers"] > 0


def test_what_is_likely_for_two_matters_is_sure_for_neither() -> None:
    lamp = report("the street light no 4312 is out")
    alone, twice = best(lamp, lamp)[1], best(lamp, lamp, lamp)[1]
    assert alone >= JOINS > 0.6 > twice


def test_the_middle_of_several_reports_counts_and_each_is_as_the_pairs_say() -> None:
    held = OpenReports()
    for number, (metres, matter) in enumerate(((0, 0), (30, 0), (200, 1))):
        held.add(report("street lamp broken", metres, number), matter)
    others, matters_, _ = held.around(report("lamp out", 15, 3))
    found = features.compared(report("lamp out", 15, 3), others, matters_, pairs.weights())
    named = dict(zip(features.NAMES, found.features[0].tolist(), strict=True))
    assert (round(named["metres"]), round(named["nearest_m"]), named["reports"]) == (0, 15, 2)
    assert (named["days_first"], named["days_last"]) == (3, 2)
    each = pairs.log_odds(report("lamp out", 15, 3), others, pairs.weights())
    assert named["odds_best"] == pytest.approx(each[matters_ == 0].max())
    assert named["odds_mean"] == pytest.approx(each[matters_ == 0].mean())
    assert each[found.best[0]] == each[matters_ == 0].max()


def test_trees_written_as_numbers_say_what_the_library_says() -> None:
    chance = np.random.default_rng(1)
    given = chance.normal(size=(400, 3))
    model = HistGradientBoostingClassifier(max_iter=12, max_leaf_nodes=5).fit(given, given[:, 0] * given[:, 1] > 0)
    said = forest.of_document(json.loads(json.dumps(forest.document_of(model))))
    others = chance.normal(size=(400, 3))
    assert said.log_odds(others) == pytest.approx(model.decision_function(others), abs=1e-3)


def test_more_is_found_than_within_50_m_and_mostly_rightly() -> None:
    made = reported(350, 12, "test", side_km=0.85)
    known = [Report(*map(float, (made.lon[n], made.lat[n], made.error_m[n], made.at_s[n])), made.category[n],
                    sketch_of(text, idf())) for n, text in enumerate(made.text)]  # fmt: skip
    ends = made.ends_s[made.matter].tolist()
    stream_ = known, made.matter.tolist(), ends
    by_itself, asked = (measuring.judged(stream_, pairs.weights(), forest.shipped(), chance) for chance in (JOINS, 0.5))
    peer = measuring.judged_near(stream_)
    assert asked.f1 > peer.f1
    assert by_itself.precision > peer.precision
    assert min(by_itself.precision, by_itself.by_report[0]) >= 0.95


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
@example(metres=448.0, turn=2.5625, east=-0.00048084286953502774, north=0.0)
def test_no_place_within_the_radius_is_left_out(metres: float, turn: float, east: float, north: float) -> None:
    lon, lat = 116.4 + east, 39.9 + north
    there = lon + metres * METRE * np.sin(turn) / np.cos(np.radians(lat)), lat + metres * METRE * np.cos(turn)
    found = cells_around(cells.cell_of(lon, lat, RESOLUTION), metres)
    assert cells.cell_of(*there, RESOLUTION) in found
