"""Rows that SQL vouches for: whatever stands in a file, columns and single rows come to the same."""

from __future__ import annotations

import json
import random
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.registers import plugins
from cityloom.registers.domain import mapping
from cityloom.registers.domain.checks import Checks, Verdict, digests
from cityloom.registers.domain.kinds import REGISTERS, Field, Register
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.tables import ColumnTable, Wanted
from cityloom.registers.loading import survey as survey_room
from cityloom.registers.loading.reading import _one_by_one, checked
from tests.registers.test_checks import TODAY, whole_mapping

KEY = b"key"
ODD = (
    "", " ", "-", "0", "-0", "00012", "+7", "1,000", "1e3", "nan", "12.5", "0.0001", "1234567890123", "9" * 17,
    "2021-02-30", "2021-2-3", "2021-02-03 10:20:30", "2027-01-01", "1599-12-31", "0000-00-00", "active", " active",
    "住宅", "91350100M000100Y43", "91350100M000100Y44", "91 350100m000100y43", "11010519491231002X",
    "110105194912310021", "110105194902300020", "990105194912310029", "440305", "440305001", "440300001", "440005",
    "440305000001", "13812345678", "a  b", "a b", " a", "\u3000深圳", "深圳市 南山区", "é\ufffd", "tab\tbed", "\u200b",
    "x" * 65, "x" * 301, "ÀB-1", "abc-1", "9e18", "-9223372036854775808", "11010519491231002x", "91350100m000100y44",
)  # fmt: skip
RIGHT = {
    "text": ("深圳市南山区海天路1号", "A"), "choice": (), "date": ("2021-02-03", "1999-12-31 00:00:00"),
    "number": ("12.5", "3"), "whole": ("3", "7"), "money": ("1200", "0.5", "12.345"), "lon": ("114.1051", "-0.5"),
    "lat": ("22.5",), "credit_code": ("91350100M000100Y43", "91350100m000100y43"), "key": ("b-1", "K9"),
    "resident_id": ("11010519491231002X",), "division": ("440305", "440305001"), "mobile": ("13812345678",),
    "person_id": ("11010519491231002X", "110105491231002"), "person_name": ("王小明", "Ann Lee", "阿·买"), "needs": (),
    "phone": ("13812345678", "0755-2512 3456"),
}  # fmt: skip
QUICK = ("addresses", "buildings", "dwellings", "organisations", "people")
"""Registers whose every field has a proof."""
AS_IN_NUMBER = {"birth_date": ("1949-12-31",), "sex": ("female", "male", "other", "")}
DEMANDS = """\
file: {empty: ["-", "无"]}
rules:
  - {field: division, required: true}
  - {field: address, one_of: ["A", "深圳市南山区海天路1号"], level: note}
"""
PEOPLES_DEMANDS = """\
file: {empty: ["-", "无"]}
rules:
  - {field: national_id, required: true, level: note}
  - {field: since, at_most_days_old: 3000}
"""


def parquet(path: Path, header: tuple[str, ...], rows: list[list[str]]) -> ColumnTable:
    columns = dict.fromkeys(header, "VARCHAR")
    text = path.with_suffix(".json")
    text.write_text("\n".join(json.dumps(dict(zip(header, row, strict=True))) for row in rows), "utf-8")
    with duckdb.connect() as link:
        link.execute(f"COPY (SELECT * FROM read_json('{text}', columns={columns})) TO '{path}' (FORMAT parquet)")
    table = plugins.open_table(path, Wanted(format="parquet"))
    assert isinstance(table, ColumnTable)
    return table


def right(field: Field) -> tuple[str, ...]:
    return AS_IN_NUMBER.get(field.name) or RIGHT[field.kind] or field.choices[:2]


@pytest.mark.parametrize(("name", "more"), [
    *((name, "") for name in QUICK), *((name, DEMANDS) for name in QUICK if name != "people"),
    ("buildings", "coordinates: gcj02"), ("people", PEOPLES_DEMANDS),
])  # fmt: skip
def test_columns_and_single_rows_come_to_the_same(name: str, more: str, tmp_path: Path) -> None:
    register = REGISTERS[name]
    best = [right(field)[0] for field in register.fields]
    rows = [[*best[:place], odd, *best[place + 1 :]] for place, field in enumerate(register.fields)
            for odd in (*right(field), *ODD)]  # fmt: skip
    chance = random.Random(name + more)
    rows += [[chance.choice(right(field) + ODD) for field in register.fields] for _ in range(60)]
    both_are_the_same(register, whole_mapping(register, more), rows, tmp_path)


@pytest.mark.parametrize("name", QUICK)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=4)
@given(data=st.data())
def test_so_they_do_whatever_stands_in_a_file(name: str, data: st.DataObject, tmp_path: Path) -> None:
    register = REGISTERS[name]
    texts = st.sampled_from(ODD) | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    row = st.tuples(*(st.sampled_from(right(field)) | texts for field in register.fields)).map(list)
    both_are_the_same(register, whole_mapping(register), data.draw(st.lists(row, min_size=1, max_size=60)), tmp_path)


def both_are_the_same(register: Register, wanted: FileMapping, rows: list[list[str]], folder: Path) -> None:
    table = parquet(folder / "file.parquet", register.names, rows)
    verdict = Verdict({2: "repeated_key"}, {f.name: frozenset({"B-1"}) for f in register.fields if f.refers_to})
    checks = Checks(wanted, table.header, TODAY, verdict)
    ((slow_rows, slow),) = _one_by_one(table, checks, 0)
    ((fast_rows, fast),) = checked(table, checks, key=KEY)
    assert (fast_rows.numbers, fast.count, fast.notes) == (slow_rows.numbers, slow.count, slow.notes)
    assert fast.faults == slow.faults
    assert all(fast_rows.texts[place] == slow_rows.texts[place] for place in slow.faults)
    for name, values in slow.values.items():
        assert [fast.values[name][place] for place in slow.good] == [values[place] for place in slow.good]
    said = fast.said or digests(fast.values, fast.count, KEY)
    wanted_said = digests(slow.values, slow.count, KEY)
    assert [said[place] for place in slow.good] == [wanted_said[place] for place in slow.good]
    doubtful = np.array([fast_rows.numbers[place] for place in fast.doubtful or ()], np.int64)
    ((_rows, again),) = checked(table, checks, key=KEY, doubtful=doubtful)
    assert (again.faults, again.notes, again.values, again.said) == (fast.faults, fast.notes, fast.values, fast.said)
    singly = [checks.check([number], [row], {}) for number, row in zip(slow_rows.numbers, rows, strict=True)]
    assert {place: one.faults[0] for place, one in enumerate(singly) if one.faults} == slow.faults
    behind = [number for some, _found in checked(table, checks, after=3, at_once=len(rows) // 3 + 1)
              for number in some.numbers]
    assert behind == [number for number in slow_rows.numbers if number > 3]
    ((_rows, some),) = checked(table, checks, only=checks.across)
    assert (some.faults, some.notes) == (slow.faults, slow.notes)
    assert some.values.keys() <= checks.across
    assert all(some.filled[name] == len(values) - values.count("") - values.count(None)
               for name, values in slow.values.items() if name in some.filled)  # fmt: skip


@pytest.mark.parametrize("rules", ["", "rules: [{field: building, must_refer: true}]"])
def test_rows_that_a_verdict_touches_are_counted_as_if_all_were_read_again(
    rules: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = REGISTERS["dwellings"]
    best = [right(field)[0] for field in register.fields]
    places = {name: register.names.index(name) for name in ("code", "building", "floor", "address")}
    rows = [list(best) for _ in range(400)]
    for number, row in enumerate(rows):
        row[places["code"]] = f"d-{number}"
    for number, name, text in ((3, "code", "d-4"), (4, "address", "B"), (9, "code", "d-8"), (20, "building", "lost"),
                               (21, "building", "lost"), (21, "floor", "x"), (30, "floor", "x")):  # fmt: skip
        rows[number][places[name]] = text
    table = parquet(tmp_path / "file.parquet", register.names, rows)
    found = []
    for few in (0.2, 0.0):
        monkeypatch.setattr(survey_room, "_FEW", few)
        wanted = whole_mapping(register, rules)
        found.append(survey_room.survey(table, wanted, TODAY, lambda _name, keys: {"lost"} & set(keys)))
    quick, slow = found
    assert quick.findings["code", "repeated_key"] == 2
    assert (quick.bad, quick.findings, quick.notes) == (slow.bad, slow.findings, slow.notes)
    assert quick.shown == sorted(slow.shown)


@pytest.mark.parametrize("name", QUICK)
def test_a_row_as_offices_write_it_needs_no_second_look(name: str, tmp_path: Path) -> None:
    register = REGISTERS[name]
    rows = [[right(field)[0] for field in register.fields], ["无"] * len(register.fields)]
    checks = Checks(whole_mapping(register, "file: {empty: [无]}"), register.names, TODAY)
    table = parquet(tmp_path / "file.parquet", register.names, rows)
    proof = checks.proof
    assert proof is not None
    with duckdb.connect() as link:
        columns = ", ".join(f'"{field}" AS t{place}' for place, field in enumerate(table.header))
        shared = "".join(f", {value} AS {named}" for named, value in proof.shared.items())
        rows = f"SELECT {columns} FROM '{tmp_path / 'file.parquet'}'"
        link.execute(f"CREATE VIEW f AS SELECT *{shared} FROM ({rows})")
        assert link.execute(f"SELECT {proof.certain} FROM f").fetchall() == [(True,), (False,)]


def test_a_file_that_asks_for_what_sql_does_not_know_is_checked_row_by_row() -> None:
    codes = ", ".join(f"c{number}: residential" for number in range(300))
    text = f"""\
cityloom: 1
source: housing
register: buildings
columns:
  id: {{field: code}}
  use: {{field: use, codes: {{{codes}}}}}
"""
    assert Checks(mapping.read(text), ("id", "use"), TODAY).proof is None
