"""Things are found by what they are called, from any word on, in any script."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.registers.domain import names


@pytest.mark.parametrize(("name", "asked"), [
    ("Lan River 澜江", "lan river"), ("Lan River 澜江", "RIVER"), ("Lan River 澜江", "澜江"), ("梅林学校", "学校"),
    ("Rua de São João", "sao joao"), ("Straße des 17. Juni", "strasse des 17"), ("Ｆｕｌｌ Ｗｉｄｔｈ", "full width"),
    ("St. Mary's Church", "mary s"), ("Østerbro Skole", "skole"), ("İstanbul Caddesi", "caddesi"),
])  # fmt: skip
def test_a_name_is_found_from_any_of_its_words_on(name: str, asked: str) -> None:
    assert any(start.startswith(names.folded(asked)) for start in names.starts(name))


@given(st.text("AZbz09 .'-座楼\u4e00\u9fef\u9fff々ー", max_size=12))
def test_a_name_in_full_width_is_the_same_name(text: str) -> None:
    wide = "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in text)
    assert names.folded(wide) == names.folded(text)


@pytest.mark.parametrize(("text", "address"), [
    ("Beiqiao Street 17", ("Beiqiao Street", "17")), ("17 Beiqiao Street", ("Beiqiao Street", "17")),
    ("北桥街17号", ("北桥街", "17")), ("Rua Nova, 12-14a", ("Rua Nova", "12-14a")), ("Main Street", None),
    ("12", None), ("", None), ("Straße des 17. Juni 3", ("Straße des 17. Juni", "3")),
])  # fmt: skip
def test_a_street_with_its_number_is_told_apart(text: str, address: tuple[str, str] | None) -> None:
    assert names.address(text) == address


@pytest.mark.parametrize(("name", "english", "chinese"), [
    ("Lan River 澜江", "Lan River", "澜江"), ("Meilin School 2 梅林学校2", "Meilin School 2", "梅林学校2"),
    ("Escola", "Escola", "Escola"), ("梅林学校", "梅林学校", "梅林学校"), ("3 号楼", "3 号楼", "3 号楼"), ("", "", ""),
])  # fmt: skip
def test_a_name_in_two_scripts_is_one_for_each_language(name: str, english: str, chinese: str) -> None:
    assert names.by_language(name) == (english, chinese)


@given(st.text(max_size=200))
def test_any_text_can_be_folded_and_folding_twice_changes_nothing(text: str) -> None:
    once = names.folded(text)
    assert names.folded(once) == once
    assert all(len(start) <= names.LONGEST for start in names.starts(text))
    names.address(text)
