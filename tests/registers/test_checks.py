"""Rows of any register, whatever stands in them: each is good or has a reason, and what is good can be stored."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.registers.domain import mapping
from cityloom.registers.domain.checks import Checks, digests
from cityloom.registers.domain.kinds import REGISTERS, UNITS, Register
from cityloom.registers.domain.mapping import FileMapping
from cityloom.registers.domain.rules import RULES
from cityloom.registers.models import RECORDS
from tests.examples import a_third_of

TODAY = date(2026, 11, 1)
LIKELY = st.sampled_from((
    "", "-", "0", "1", "-1", "12.5", "1,000", "1e400", "nan", "inf", "１２", "440305", "2021-02-30", "2021-02-03",
    "0000-00-00", "active", "company", "residential", "114.1", "22.5", "91350100M000100Y43", "11010519491231002X",
    "LINESTRING (114.1 22.5, 114.2 22.6)", "POLYGON ((0 0, 1e-3 0, 1e-3 1e-3, 0 0))", "POINT (nan 1)",
    "LINESTRING EMPTY",
    "SRID=4326;POLYGON ((0 0, 1e-3 1e-3, 1e-3 0, 0 1e-3, 0 0))", "MULTILINESTRING ((0 0, 0 1e9))", "4403050118000001",
    "\x00", "\ud800", "\ufffd", "a\nb", "x" * 400, "9" * 30, "91 350100m000100y43",
))  # fmt: skip
VALUES = LIKELY | st.text(max_size=12)


def whole_mapping(register: Register, more: str = "") -> FileMapping:
    """Every field from a column of its own name."""
    lines = ["cityloom: 1", "source: everybody", f"register: {register.name}", "columns:"]
    for field in register.fields:
        unit = f", unit: {next(iter(UNITS[field.unit]))}" if field.unit else ""
        lines.append(f"  {field.name}: {{field: {field.name}{unit}}}")
    return mapping.read("\n".join([*lines, more]))


@pytest.mark.parametrize("name", sorted(REGISTERS))
@settings(max_examples=a_third_of(40))
@given(st.data())
def test_any_row_is_good_or_has_a_reason_and_what_is_good_can_be_stored(name: str, data: st.DataObject) -> None:
    register = REGISTERS[name]
    width = len(register.fields)
    rows = data.draw(st.lists(st.lists(VALUES, min_size=width - 1, max_size=width), min_size=1, max_size=6))
    checked = Checks(whole_mapping(register, "coordinates: gcj02"), register.names, TODAY).check(
        range(2, 2 + len(rows)), rows, {}
    )  # fmt: skip
    assert {rule for faults in checked.faults.values() for _name, rule in faults} <= RULES.keys()
    assert sorted([*checked.good, *checked.faults]) == list(range(len(rows)))
    assert len(digests(checked.values, checked.count, b"key")) == len(rows)
    for place in checked.good:
        for field in register.fields:
            value = checked.values[field.name][place]
            if not field.personal and field.name != register.key:
                column = RECORDS[name]._meta.get_field(field.name)
                if value is not None or not column.null:
                    column.clean(column.to_python(value), None)
            assert "\0" not in str(value)
        assert checked.values[register.key][place]


def test_a_unit_and_a_code_list_are_applied_and_coordinates_shifted_back() -> None:
    read = mapping.read("""\
cityloom: 1
source: housing
register: buildings
coordinates: gcj02
columns:
  id: {field: code}
  use: {field: use, codes: {住宅: residential}}
  height: {field: height_m, unit: cm}
  area: {field: area_m2, unit: mu}
  x: {field: lon}
  y: {field: lat}
""")
    row = ["b-1", "住宅", "1,250", "3", "114.1051", "22.5372"]
    checked = Checks(read, ["id", "use", "height", "area", "x", "y"], TODAY).check([2], [row], {})
    assert checked.faults == {}
    values = {name: each[0] for name, each in checked.values.items()}
    assert values["use"] == "residential"
    assert values["height_m"] == pytest.approx(12.5)
    assert values["area_m2"] == pytest.approx(2000)
    assert (values["lon"], values["lat"]) == pytest.approx((114.1, 22.54), abs=0.001)
    assert values["lon"] != pytest.approx(114.1051, abs=1e-4)


def test_rows_that_say_the_same_have_the_same_digest_and_another_key_another() -> None:
    values = {"a": ["1", "1", "2"], "b": [None, None, None]}
    one, two, three = digests(values, 3, b"key")
    assert one == two != three
    assert digests(values, 3, b"other")[0] != one
