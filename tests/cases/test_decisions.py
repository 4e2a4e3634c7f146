"""Decision tables: cells are read by a parser, tables are checked exactly, and a result says why and what would do."""

from __future__ import annotations

from decimal import Decimal
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.cases.domain.decisions import analysis, deciding, regions, sfeel
from cityloom.cases.domain.decisions.table_xml import table_of_xml, xml_of
from cityloom.cases.domain.decisions.table_yaml import table_of_yaml, yaml_of
from cityloom.cases.domain.decisions.tables import Hit, Table, column_of, table_of
from cityloom.cases.domain.decisions.values import Typed, Wrong
from cityloom.kernel.refused import Detail, Refused
from tests.examples import a_third_of

NUMBER, STRING, BOOLEAN, DATE = Typed("number"), Typed("string"), Typed("boolean"), Typed("date")
STALL = """
table: stall
title: A stall at the market
inputs:
  - {name: area_m2, type: number, values: ">= 0", label: Area}
  - {name: kind, type: string, values: '"food", "goods", "art"'}
  - {name: age, type: number}
  - {name: insured, type: boolean}
  - {name: opens_on, type: date}
outputs:
  - {name: outcome, type: string}
  - {name: fee_cents, type: number}
rules:
  - when: {area_m2: "<= 6", kind: '"goods", "art"', age: ">= 18", insured: true}
    then: {outcome: '"granted"', fee_cents: 0}
    because: Small stalls without food need no inspection.
  - when: {area_m2: "(6..12]", kind: 'not("food")', age: ">= 18", insured: true, opens_on: '< date("2027-01-01")'}
    then: {outcome: '"granted"', fee_cents: 2500}
"""
FACTS = {"area_m2": 5, "kind": "art", "age": 30, "insured": True, "opens_on": "2026-05-05"}


def small(hit: str, cells: list[tuple[str, ...]], says: list[str] | None = None, **options: str) -> Table:
    """A table over numbers x, y, ... with one output of numbers."""
    where = Detail("here")
    inputs = [column_of(name, "number", "", options.get(name, ""), where) for name in "xyz"[: len(cells[0])]]
    output = column_of("out", "number", "", options.get("out", ""), where)
    said = says or [str(number) for number in range(len(cells))]
    rows = [(list(row), [out], "") for row, out in zip(cells, said, strict=True)]
    return table_of("t", "", hit, options.get("aggregation", ""), inputs, [output], rows)


@pytest.mark.parametrize(("cell", "kind", "inside", "outside"), [
    ("-", NUMBER, [0, -7], []), ("", STRING, ["a"], []), ("5", NUMBER, [5, 5.0], [4, 6]),
    ("< 5", NUMBER, [4.999], [5]), (">= -2.5", NUMBER, [-2.5], [-2.51]), (".5", NUMBER, [0.5], [5]),
    ("[1..5)", NUMBER, [1, 4.9], [5, 0.9]), ("]1..5]", NUMBER, [1.1, 5], [1]), ("(1..5[", NUMBER, [2], [1, 5]),
    ("<1, 3, >= 7", NUMBER, [0, 3, 7], [1, 2, 6]), ("not(3, [5..6])", NUMBER, [2, 4, 7], [3, 5, 5.5]),
    ('"a", "b"', STRING, ["a"], ["c", ""]), ('not("a")', STRING, ["b", ""], ["a"]),
    ('"红\\"色"', STRING, ['红"色'], ["红"]),
    ('"a, not(b)"', STRING, ["a, not(b)"], ["a"]), ("true", BOOLEAN, [True], [False]),
    ("not(true)", BOOLEAN, [False], [True]),
    ('date("2026-02-28")', DATE, ["2026-02-28"], ["2026-03-01"]),
    ('> @"2026-02-28"', DATE, ["2026-03-01"], ["2026-02-28"]),
    ('(date("2026-02-01")..date("2026-02-03"))', DATE, ["2026-02-02"], ["2026-02-01", "2026-02-03"]),
    ('>= date and time("2026-02-28T10:00:00+08:00")', Typed("date and time"), ["2026-02-28T02:00:00+00:00"],
     ["2026-02-28T01:59:59+00:00"]),
])  # fmt: skip
def test_cells_mean_what_dmn_says(cell, kind, inside, outside):
    region = sfeel.tests_of(cell, kind)
    assert all(regions.contains(region, kind.inside(value)) for value in inside)
    assert not any(regions.contains(region, kind.inside(value)) for value in outside)


@pytest.mark.parametrize(("cell", "kind"), [
    ("x > 5", NUMBER), ("5 + 1", NUMBER), ("__import__('os')", NUMBER), ("?", NUMBER), ("[5..1]", NUMBER),
    ("1..5", NUMBER),
    ("[1..5", NUMBER), ("1,", NUMBER), (",1", NUMBER), ("not(1", NUMBER), ("not(not(1))", NUMBER), ("not()", NUMBER),
    ("1e5", NUMBER), ("--1", NUMBER), ("- 1", NUMBER), ('"a"', NUMBER), ("a", STRING), ("'a'", STRING), ('"a', STRING),
    ("“a”", STRING), ("1，2", NUMBER), ("= 5", NUMBER), ("!= 5", NUMBER), ("null", STRING), ("> true", BOOLEAN),
    ('date("2026-02-30")', DATE), ('"2026-02-28"', DATE), ("true", NUMBER), ("1 2", NUMBER), ("-, 1", NUMBER),
    ("if true then 1 else 2", NUMBER), ("9" * 41, NUMBER), ('duration("P1D")', DATE), ("[1..[2..3]]", NUMBER),
    ('date and time("2026-02-28T10:00:00")', Typed("date and time")), ("1," * 3000 + "1", NUMBER), ("(" * 3000, NUMBER),
])  # fmt: skip
def test_anything_else_in_a_cell_is_refused(cell, kind):
    with pytest.raises(Wrong):
        sfeel.tests_of(cell, kind)


numbers = st.integers(-3, 3).map(str)
ranges = st.builds(lambda a, b, o, c: f"{o}{min(a, b)}..{max(a, b)}{c}", st.integers(-3, 3), st.integers(-3, 3),
                   st.sampled_from("[(]"), st.sampled_from("])["))  # fmt: skip
positive = st.lists(
    st.one_of(numbers, ranges, st.builds(lambda op, n: f"{op} {n}", st.sampled_from(["<", "<=", ">", ">="]), numbers)),
    min_size=1, max_size=3,
).map(", ".join)  # fmt: skip
cells = st.one_of(st.just("-"), positive, positive.map(lambda tests: f"not({tests})"))
PROBES = [Decimal(n) / 2 for n in range(-8, 9)]


def naive(cell: str, value: Decimal) -> bool:
    """The cell by its words, one test after the other."""
    if cell == "-":
        return True
    if cell.startswith("not("):
        return not naive(cell[4:-1], value)
    return any(_naive_test(test, value) for test in cell.split(", "))


def _naive_test(test: str, value: Decimal) -> bool:
    if ".." in test:
        low, high = test[1:-1].split("..")
        return (value >= Decimal(low) if test[0] == "[" else value > Decimal(low)) and (
            value <= Decimal(high) if test[-1] == "]" else value < Decimal(high))  # fmt: skip
    operator, _, number = test.rpartition(" ")
    wanted = Decimal(number)
    return {"": value == wanted, "<": value < wanted, "<=": value <= wanted, ">": value > wanted,
            ">=": value >= wanted}[operator]  # fmt: skip


@given(cells)
def test_a_region_is_its_cell_and_its_own_words(cell):
    region = sfeel.tests_of(cell, NUMBER)
    assert [regions.contains(region, value) for value in PROBES] == [naive(cell, value) for value in PROBES]
    if region:
        assert sfeel.tests_of(regions.words(region, NUMBER.literal, discrete=False), NUMBER) == region


@given(st.lists(st.tuples(cells, cells), min_size=1, max_size=5), st.sampled_from(["UNIQUE", "FIRST"]))
@settings(max_examples=a_third_of(80), deadline=None)
def test_overlaps_gaps_and_idle_rules_are_exact(rows, hit):
    found = analysis.findings_of(small(hit, rows))
    cases = {at: [row for row, cell in enumerate(rows, 1) if naive(cell[0], at[0]) and naive(cell[1], at[1])]
             for at in product(PROBES, PROBES)}  # fmt: skip
    assert set(found.overlaps) == {(a, b) for hits in cases.values() for a in hits for b in hits if a < b}
    firing = (
        {hits[0] for hits in cases.values() if hits} if hit == "FIRST" else {r for hits in cases.values() for r in hits}
    )
    assert set(found.idle) == set(range(1, len(rows) + 1)) - firing
    in_gaps = {at for at in cases if any(all(naive(cell, at["xy".index(name)]) for name, cell in gap.cells)
                                         for gap in found.gaps)}  # fmt: skip
    if len(found.gaps) < analysis.MOST_SHOWN:
        assert in_gaps == {at for at, hits in cases.items() if not hits}
    else:
        assert in_gaps <= {at for at, hits in cases.items() if not hits}


@pytest.mark.parametrize(("hit", "options", "results", "fired"), [
    ("FIRST", {}, [0], (1,)), ("RULE ORDER", {}, [0, 2, 1], (1, 2, 3)), ("COLLECT", {}, [0, 2, 1], (1, 2, 3)),
    ("PRIORITY", {"out": "2, 1, 0"}, [2], (2,)), ("OUTPUT ORDER", {"out": "1, 2, 0"}, [1, 2, 0], (3, 2, 1)),
    ("COLLECT", {"aggregation": "SUM"}, [3], (1, 2, 3)), ("COLLECT", {"aggregation": "MIN"}, [0], (1, 2, 3)),
    ("COLLECT", {"aggregation": "MAX"}, [2], (1, 2, 3)), ("COLLECT", {"aggregation": "COUNT"}, [3], (1, 2, 3)),
])  # fmt: skip
def test_hit_policies(hit, options, results, fired):
    table = small(hit, [("> 0",), ("> 1",), ("-",), ("< 0",)], ["0", "2", "1", "0"], **options)
    decided = deciding.decide(table, {"x": 5})
    assert ([result["out"] for result in decided.results], decided.fired) == (results, fired)


def test_any_gives_one_result_and_says_all_rows():
    decided = deciding.decide(small("ANY", [("> 0",), ("> 1",)], ["7", "7"]), {"x": 5})
    assert (decided.results, decided.fired) == (({"out": 7},), (1, 2))


def test_rules_that_overlap_are_refused_with_their_rows():
    with pytest.raises(Refused, match=r"rows 1\+3, 2\+3"):
        analysis.check(small("UNIQUE", [("< 5", "-"), (">= 5", "1"), ("-", "1")]))
    with pytest.raises(Refused, match=r"rows 1\+2"):
        analysis.check(small("ANY", [("< 5",), ("< 6",)]))
    with pytest.raises(Refused, match="row 2; its cells allow nothing"):
        analysis.check(small("FIRST", [("< 5",), ("(3..3)",)]))
    found = analysis.check(small("UNIQUE", [("< 5", "-"), ("> 5", "1")]))
    assert [str(gap) for gap in found.gaps] == ["x: 5", "x: > 5; y: not(1)"]


def test_a_decision_has_reasons_and_the_fewest_inputs_that_would_have_to_be_different():
    table = table_of_yaml(STALL)
    decided = deciding.decide(table, FACTS)
    assert decided.result == {"outcome": "granted", "fee_cents": 0}
    assert (decided.fired, decided.reasons) == ((1,), ("Small stalls without food need no inspection.",))
    refused = {**FACTS, "area_m2": 15, "age": 17}
    assert deciding.decide(table, refused).result is None
    ways = deciding.ways_to(table, refused, lambda outcome: outcome["outcome"] == "granted")
    assert [[(change.label, change.must) for change in way.changes] for way in ways] == [
        [("Area", "<= 6"), ("age", ">= 18")], [("Area", "(6..12]"), ("age", ">= 18")],
    ]  # fmt: skip
    missing = deciding.decide(table, {"area_m2": 5})
    assert (missing.result, missing.missing) == (None, ("kind", "age", "insured", "opens_on"))


@given(
    st.lists(st.tuples(cells, cells), min_size=1, max_size=4),
    st.tuples(st.sampled_from(PROBES), st.sampled_from(PROBES)),
)
@settings(max_examples=a_third_of(60), deadline=None)
def test_no_way_changes_more_inputs_than_it_has_to(rows, at):
    """Against all cases of a table that only grants."""
    table = small("COLLECT", rows)
    facts = {"x": at[0], "y": at[1]}
    ways = deciding.ways_to(table, facts, lambda outcome: True)
    matched = [
        case for case in product(PROBES, PROBES) if any(naive(a, case[0]) and naive(b, case[1]) for a, b in rows)
    ]
    if at in matched:
        return
    fewest = min((sum(a != b for a, b in zip(case, at, strict=True)) for case in matched), default=None)
    assert {len(way.changes) for way in ways} == ({fewest} if fewest else set())


def test_a_way_keeps_clear_of_rules_that_stand_before():
    table = small("FIRST", [("> 10", "-"), ("> 5", "1"), ("-", "-")], ["0", "1", "2"])
    (way,) = deciding.ways_to(table, {"x": 3, "y": 1}, lambda outcome: outcome["out"] == 1)
    assert [(change.input, change.must) for change in way.changes] == [("x", "(5..10]")]


def test_a_table_that_decides_at_once_may_only_grant():
    analysis.check_only_grants(table_of_yaml(STALL), "outcome", ["granted"])
    refusing = STALL.replace(
        """then: {outcome: '"granted"', fee_cents: 2500}""", """then: {outcome: '"refused"', fee_cents: 0}"""
    )
    with pytest.raises(Refused, match='row 2 says "refused"'):
        analysis.check_only_grants(table_of_yaml(refusing), "outcome", ["granted"])
    with pytest.raises(Refused, match="has the output result"):
        analysis.check_only_grants(table_of_yaml(STALL), "result", ["granted"])


def test_a_table_is_the_same_as_xml_and_as_yaml():
    table = table_of_yaml(STALL)
    assert table_of_xml(xml_of(table)) == table
    assert table_of_yaml(yaml_of(table)) == table
    summed = small("COLLECT", [("-",), ("< 5",)], aggregation="SUM")
    assert table_of_xml(xml_of(summed)).hit is Hit.COLLECT
    assert table_of_yaml(yaml_of(table_of_xml(xml_of(summed)))) == summed


@pytest.mark.parametrize(("change", "says"), [
    (("age: \">= 18\"", "age: \"grown up\""), "Row 1, column age: grown is a name"),
    (('insured: true', 'insured: 5'), "Row 1, column insured: 5 is no boolean"),
    (('"(6..12]"', '"(12..6]"'), "Row 2, column area_m2: the range begins after it ends"),
    (("fee_cents: 2500", "fee_cents: free"), "Row 2, column fee_cents: free is a name"),
    (("fee_cents: 2500", "fee_cents: ''"), "Row 2, column fee_cents: it is empty"),
    (("{name: age, type: number}", "{name: age, type: colour}"), "there is no colour"),
    (("{name: opens_on, type: date}", "{name: fee_cents, type: date}"), "there is no opens_on"),
    (("title: A stall at the market", "hit_policy: MOSTLY"), "there is no MOSTLY"),
    (("fee_cents: 2500", "fee: 2500"), "there is no fee"),
    (("\nrules:", "\nrules: []\nold:"), "there is no old"),
])  # fmt: skip
def test_a_table_that_is_wrong_says_where(change, says):
    assert change[0] in STALL
    with pytest.raises(Refused) as refused:
        table_of_yaml(STALL.replace(*change))
    assert says in refused.value.sentence


XML = xml_of(table_of_yaml(STALL)).decode()


@pytest.mark.parametrize(("data", "code"), [
    (b"", "cases.xml_unreadable"), (b"<a><b></a>", "cases.xml_unreadable"), (b"<definitions/>", "cases.table_no_dmn"),
    (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', "cases.xml_doctype"), (b" " * 3_000_000, "cases.xml_too_large"),
    (XML.replace("<decision id", "<inputData/><decision id").encode(), "cases.table_unsupported"),
    (XML.replace("<decisionTable", "<literalExpression/><decisionTable").encode(), "cases.table_unsupported"),
    (XML.replace("decision ", "decisions ").replace("</decision>", "</decisions>").encode(), "cases.table_unsupported"),
    (XML.replace('typeRef="number"', 'typeRef="list"').encode(), "cases.table_column"),
    (XML.replace("<text>age</text>", "<text>age * 2</text>").encode(), "cases.table_column"),
    (XML.replace('hitPolicy="UNIQUE"', 'hitPolicy="UNIQUE" aggregation="SUM"').encode(), "cases.table_policy"),
    (XML.replace("<text>true</text>", "<text>true</text></inputEntry><inputEntry><text>-</text>").encode(),
     "cases.table_row"),
    (b"<a>" + b"<b/>" * 100_001 + b"</a>", "cases.xml_too_large"),
    (b"<a>" * 100 + b"</a>" * 100, "cases.xml_too_large"),
])  # fmt: skip
def test_a_file_that_is_no_table_is_refused(data, code):
    with pytest.raises(Refused) as refused:
        table_of_xml(data)
    assert refused.value.code == code


@pytest.mark.parametrize("facts", [{"area_m2": "a lot"}, {"age": True}, {"insured": "yes"}, {"opens_on": "tomorrow"},
                                   {"kind": "drinks"}, {"area_m2": -1}, {"age": float("nan")},
                                   {"age": "9" * 99}])  # fmt: skip
def test_a_fact_of_the_wrong_type_is_refused_without_its_value(facts):
    with pytest.raises(Refused) as refused:
        deciding.decide(table_of_yaml(STALL), {**FACTS, **facts})
    assert refused.value.code == "cases.input_wrong"
    assert not any(str(value) in refused.value.sentence for value in facts.values() if isinstance(value, str))


def test_a_large_table_is_checked_whole():
    rows = [(f"[{n}..{n + 1})", f">= {n % 7}") for n in range(600)]
    found = analysis.check(small("UNIQUE", rows))
    assert found.is_complete
    assert len(found.gaps) == analysis.MOST_SHOWN
