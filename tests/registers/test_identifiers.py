"""Numbers, dates and coordinates as Chinese offices write them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.registers.domain import dates, gcj02
from cityloom.registers.domain.identifiers import (
    CREDIT_SIGNS,
    FAULTS,
    PROVINCES,
    credit_code_faults,
    credit_code_sign,
    division_above,
    division_faults,
    mobile_faults,
    resident_id_faults,
    resident_id_sign,
)

DAYS = st.dates(date(1850, 1, 1), date(2026, 1, 1))
ID_STARTS = st.builds(
    lambda area, rest, day, serial: f"{area}{rest:04d}{day:%Y%m%d}{serial:03d}",
    st.sampled_from(PROVINCES), st.integers(0, 9999), DAYS, st.integers(0, 999),
)  # fmt: skip
CREDIT_STARTS = st.text(CREDIT_SIGNS, min_size=17, max_size=17)


def said(faults: np.ndarray) -> list[str]:
    return [FAULTS[fault] for fault in faults]


@given(ID_STARTS)
def test_an_identity_number_with_its_check_sign_is_right(start: str) -> None:
    assert said(resident_id_faults([start + resident_id_sign(start)])) == [""]


@given(ID_STARTS, st.integers(0, 16), st.integers(1, 9))
def test_one_mistyped_digit_of_an_identity_number_is_found(start: str, place: int, more: int) -> None:
    code = start + resident_id_sign(start)
    other = str((int(code[place]) + more) % 10)
    assert said(resident_id_faults([code[:place] + other + code[place + 1 :]])) != [""]


@given(CREDIT_STARTS, st.integers(0, 16), st.integers(1, 30))
def test_one_mistyped_sign_of_a_credit_code_is_found(start: str, place: int, more: int) -> None:
    code = start + credit_code_sign(start)
    other = CREDIT_SIGNS[(CREDIT_SIGNS.index(code[place]) + more) % 31]
    wrong = code[:place] + other + code[place + 1 :]
    assert said(credit_code_faults([code, wrong])) == ["", "checksum"]


@given(st.lists(st.text(max_size=30), max_size=20))
def test_anything_at_all_is_judged_without_an_error(values: list[str]) -> None:
    for faults in (resident_id_faults, credit_code_faults, division_faults, mobile_faults):
        assert len(faults(values)) == len(values)


@pytest.mark.parametrize(("value", "fault"), [
    ("11010519491231002X", ""), ("110105194912310021", "checksum"), ("11010519490231002X", "no_such_date"),
    ("99010519491231002X", "no_such_area"), ("1101051949123100", "shape"), ("１１010519491231002X", "shape"),
])  # fmt: skip
def test_what_is_wrong_with_an_identity_number_is_said(value: str, fault: str) -> None:
    assert said(resident_id_faults([value])) == [fault]


@pytest.mark.parametrize(("value", "fault"), [
    ("440300", ""), ("440305007", ""), ("440305007001", ""), ("440005", "shape"), ("440305000001", "shape"),
    ("44030", "shape"), ("990000", "no_such_area"), ("4403O5", "shape"),
])  # fmt: skip
def test_an_area_code_has_its_levels_in_order(value: str, fault: str) -> None:
    assert said(division_faults([value])) == [fault]


def test_an_area_lies_in_the_one_above_it() -> None:
    assert division_above("440305007001") == "440305007000"
    assert division_above("440305") == "440300"
    assert division_above("440000") == ""


def test_mobile_numbers() -> None:
    values = ["13800138000", "12800138000", "1380013800", "138001380000", ""]
    assert said(mobile_faults(values)) == ["", "shape", "shape", "shape", "shape"]


@given(DAYS, st.sampled_from(sorted(dates.FORMS)))
def test_a_date_is_read_in_every_form(day: date, form: str) -> None:
    text = form.replace("YYYY", f"{day.year:04d}").replace("MM", f"{day.month:02d}").replace("DD", f"{day.day:02d}")
    assert dates.read(text, form) == (day.isoformat(), "")


@pytest.mark.parametrize(("text", "fault"), [
    ("0000-00-00", "no_such_date"), ("2021-02-30", "no_such_date"), ("2021/02/03", "not_a_date"),
    ("", "not_a_date"), ("２０２１-01-01", "not_a_date"), ("0001-01-01", "no_such_date"),
])  # fmt: skip
def test_a_date_that_is_none_says_why(text: str, fault: str) -> None:
    assert dates.read(text, "YYYY-MM-DD") == ("", fault)


def test_the_form_of_dates_is_recognised() -> None:
    assert dates.forms_of(["2021/13/01", "2021/02/03", "1999/12/31"] * 10, 0.6)[0] == "YYYY/MM/DD"
    assert dates.forms_of(["31/12/2020", "05/06/2020"])[0] == "DD/MM/YYYY"


@given(st.floats(75, 134), st.floats(20, 52))
def test_shifted_coordinates_are_shifted_back(lon: float, lat: float) -> None:
    shifted = gcj02.from_wgs84(np.array([lon]), np.array([lat]))
    back = gcj02.to_wgs84(*shifted)
    assert np.abs(np.array(back).ravel() - (lon, lat)).max() < 1e-6
