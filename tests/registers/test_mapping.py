"""What a steward writes about a file, and what is said where it is wrong."""

from __future__ import annotations

import pytest
from django.utils import translation
from hypothesis import example, given
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import mapping, profile
from cityloom.registers.domain.tables import Wanted
from cityloom.ui.words import sentence_of

GOOD = """\
cityloom: 1
source: market-supervision
register: organisations
file: {format: csv, encoding: gb18030}
columns:
  统一社会信用代码: {field: code}
  企业名称: {field: name}
  状态: {field: status, codes: {存续: active, 注销: dissolved}}
  注册资本: {field: capital_fen, unit: 10k CNY}
ignore: [备注]
"""


def refusal(text: str) -> str:
    with pytest.raises(Refused) as refused:
        mapping.read(text)
    assert refused.value.code.startswith("registers.mapping_")
    return refused.value.sentence


def test_a_good_mapping_is_read() -> None:
    read = mapping.read(GOOD)
    assert read.register.name == "organisations"
    assert [column.field.name for column in read.columns] == ["code", "name", "status", "capital_fen"]
    assert not read.is_personal


@pytest.mark.parametrize(("old", "new", "line", "meant"), [
    ("field: name", "field: nmae", 7, "did you mean name?"),
    ("ignore:", "ignored:", 10, "did you mean ignore?"),
    ("register: organisations", "register: organisation", 3, "did you mean organisations?"),
    ("unit: 10k CNY", "unit: 10k CYN", 9, "did you mean 10k CNY?"),
    (", unit: 10k CNY", "", 9, "say the unit"),
    ("存续: active", "存续: actve", 8, "did you mean active?"),
    ("企业名称: {field: name}", "企业名称: {field: address}", 5, "no column becomes name"),
    ("企业名称: {field: name}", "企业名称: {field: code}", 5, "two columns become code"),
    ("ignore: [备注]", "ignore: [备注]\nas_of: 2026-02-30", 11, "no day"),
    ("ignore: [备注]", "ignore: [备注]\nsource: b", 11, "twice"),
    ("ignore: [备注]", "ignore: &a [备注]", 10, "anchors"),
    ("ignore: [备注]", "ignore: !!python/name:os.system x", 10, "tags"),
    ("ignore: [备注]", "ignore: [备注", 11, "is not closed"),
    ("ignore: [备注]", "ignore: 备注", 10, "a list is wanted"),
    ("企业名称: {field: name}", "企业名称: name: x", 7, "put a text that has one into quotes"),
])  # fmt: skip
def test_what_is_wrong_is_said_with_its_line_and_what_was_meant(old: str, new: str, line: int, meant: str) -> None:
    sentence = refusal(GOOD.replace(old, new))
    assert f"ine {line} " in sentence or f"line {line}:" in sentence, sentence
    assert meant in sentence


def test_a_column_that_the_file_does_not_have_is_named_with_its_line() -> None:
    with pytest.raises(Refused) as refused:
        mapping.check_columns(mapping.read(GOOD), ["统一社会信用代码", "企业名", "状态", "注册资本"])
    assert refused.value.code == "registers.column_missing"
    assert "Line 7" in refused.value.sentence
    assert "did you mean 企业名?" in refused.value.sentence


def test_a_column_that_the_mapping_does_not_know_is_named() -> None:
    with pytest.raises(Refused) as refused:
        mapping.check_columns(mapping.read(GOOD), ["统一社会信用代码", "企业名称", "状态", "注册资本", "电话"])
    assert refused.value.code == "registers.column_new"
    assert "电话" in refused.value.sentence


@given(st.text(max_size=200) | st.recursive(st.none() | st.text(max_size=5), st.lists, max_leaves=8).map(str))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        mapping.read(text)
    except Refused as refused:
        assert refused.code.startswith("registers.mapping_")


def test_a_book_is_no_mapping() -> None:
    assert "bytes" in refusal("a: 1\n" * 200_000)


HEADER = ["社会信用代码", "名称", "成立日期", "经度", "纬度", "注册资本（万元）", "登记状态"]
ROW = ["91350100M000100Y43", "甲", "2020.1.2", "22.5", "114.1", "1,000", "存续"]


def test_a_profile_finds_fields_forms_units_and_swapped_coordinates() -> None:
    proposal = profile.propose(HEADER, [ROW] * 30)
    assert proposal.register.name == "organisations"
    assert {name: field.name for name, field in proposal.fields.items()} == {
        "社会信用代码": "code", "名称": "name", "成立日期": "registered_on", "经度": "lat", "纬度": "lon",
        "注册资本（万元）": "capital_fen", "登记状态": "status",
    }  # fmt: skip
    assert any("swapped" in remark for remark in proposal.remarks)
    read = mapping.read(profile.mapping_text(proposal, "somebody", "a.csv", Wanted("csv", "utf-8", ",")))
    columns = {column.field.name: column for column in read.columns}
    assert columns["registered_on"].form == "YYYY.MM.DD"
    assert columns["capital_fen"].unit == "10k CNY"
    assert columns["status"].codes == {"存续": "active"}


def test_a_short_file_is_mapped_by_its_own_words() -> None:
    rows = [[*ROW[:6], word] for word in ("存续", "注销", "吊销", "存续", "Lapsed")]
    proposal = profile.propose(HEADER, rows)
    read = mapping.read(profile.mapping_text(proposal, "somebody", "a.csv", Wanted("csv", "utf-8", ",")))
    (status,) = [column for column in read.columns if column.field.name == "status"]
    assert status.codes == {"存续": "active", "注销": "dissolved", "吊销": "revoked", "Lapsed": "unknown"}


def test_coordinates_in_china_are_suspected_of_being_shifted() -> None:
    row = [*ROW[:3], "114.1", "22.5", *ROW[5:]]
    assert any("GCJ-02" in remark for remark in profile.propose(HEADER, [row] * 30).remarks)


@example(["用地性质", "宗地代码"])
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12)
                .map(str.strip).filter(bool), min_size=1, max_size=6, unique=True))  # fmt: skip
def test_what_a_profile_writes_can_be_read_as_yaml(header: list[str]) -> None:
    proposal = profile.propose(header, [["1"] * len(header)] * 3)
    text = profile.mapping_text(proposal, "somebody", "a.csv", Wanted("csv", "utf-8", ";"))
    try:
        read = mapping.read(text)
    except Refused as refused:
        assert "no column becomes" in refused.sentence or "it is empty" in refused.sentence, text
    else:
        mapping.check_columns(read, header)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("field: name", "field: nmae", "columns.企业名称.field：organisations 没有字段 nmae（是否指 name？）。"),
    ("ignore: [备注]", "ignore: 备注", "ignore：此处应为列表"),
    ("ignore: [备注]", "ignore: [备注", "括号或引号没有闭合"),
])  # fmt: skip
def test_a_chinese_reader_is_told_all_of_it_in_chinese(old: str, new: str, words: str) -> None:
    with pytest.raises(Refused) as refused, translation.override("zh-hans"):
        mapping.read(GOOD.replace(old, new))
    with translation.override("zh-hans"):
        assert words in sentence_of(refused.value)
