"""Which reports are about one matter, and how people take that back."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.cases import queries
from cityloom.cases.domain.duplicates import matters, measuring, pairs, stream
from cityloom.cases.domain.duplicates.index import OpenReports
from cityloom.cases.domain.duplicates.joining import JOINS, MOST_MEMBERS, matter_odds, pairs_judged
from cityloom.cases.domain.duplicates.pairs import Report
from cityloom.cases.domain.duplicates.sketch import sketch_of
from cityloom.cases.domain.madeup.reported import reported
from cityloom.kernel.refused import Refused

AT = datetime(2026, 11, 28, tzinfo=UTC)
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


def _facts(count: int) -> list[matters.Fact]:
    return [matters.Fact("joined", (f"r{n}",), "m0", "system", "", AT) for n in range(count)]


def test_a_split_stays_apart_until_somebody_joins_it_again() -> None:
    facts = _facts(3)
    facts.append(matters.split(matters.matters_of(facts), ["r1"], "m0", "m1", "anna", "this is the lamp opposite", AT))
    assert matters.members(matters.matters_of(facts), "m0") == ["r0", "r2"]
    assert ("r1", "m0") in matters.kept_apart(facts)
    facts.append(matters.merged(matters.matters_of(facts), "m1", "m0", "ben", "it was the same lamp after all", AT))
    assert matters.members(matters.matters_of(facts), "m0") == ["r0", "r1", "r2"]
    assert not matters.kept_apart(facts)


@given(st.lists(st.tuples(st.sampled_from(["split", "merged"]), st.integers(0, 5), st.integers(0, 5)), max_size=12))
def test_each_report_is_in_one_matter_and_what_was_done_can_be_undone(deeds: list[tuple[str, int, int]]) -> None:
    facts = [replace(one, matter=f"m{n % 3}") for n, one in enumerate(_facts(6))]
    for number, (what, first, second) in enumerate(deeds):
        now = matters.matters_of(facts)
        if what == "split":
            done = matters.split(now, [f"r{first}"], now[f"r{first}"], f"new{number}", "anna", "not the same thing", AT)
            back = matters.merged(now | dict.fromkeys(done.reports, done.matter), f"new{number}", now[f"r{first}"], "b",
                                  "it was the same", AT)  # fmt: skip
            assert matters.matters_of([*facts, done, back]) == now
        elif now[f"r{first}"] == now[f"r{second}"]:
            continue
        else:
            done = matters.merged(now, now[f"r{first}"], now[f"r{second}"], "anna", "the same thing twice", AT)
        facts.append(done)
    assert set(matters.matters_of(facts)) == {f"r{n}" for n in range(6)}


@pytest.mark.parametrize(("ask", "code"), [
    (lambda now: matters.split(now, ["r9"], "m0", "m1", "a", "it is another", AT), "cases.not_in_matter"),
    (lambda now: matters.split(now, ["r0"], "m0", "m1", "a", "no", AT), "cases.matter_why"),
    (lambda now: matters.merged(now, "m0", "m0", "a", "it is the same", AT), "cases.matter_itself"),
    (lambda now: matters.joined(now | {f"x{n}": "m0" for n in range(MOST_MEMBERS)}, "y", "m0", "a", "", AT),
     "cases.matter_full"),
])  # fmt: skip
def test_what_cannot_be_done_is_said(ask, code: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Refused) as refused:
        ask(matters.matters_of(_facts(3)))
    assert refused.value.code == code
