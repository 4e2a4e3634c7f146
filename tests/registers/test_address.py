"""Addresses are taken to pieces, written in one way, and compared; no text breaks that."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import address_truth
from cityloom.registers.domain.address import address_parts, parsed
from cityloom.registers.domain.address_standard import same_as_far_as, standard, standardised, value_of
from tests import realdata

CHINESE = {
    "广东省深圳市南山区粤海街道科苑路15号创业大厦A座12楼1203室": {
        "province": "广东省", "city": "深圳市", "district": "南山区", "town": "粤海街道", "road": "科苑路",
        "road_number": "15号", "compound": "创业大厦", "building": "A座", "floor": "12楼", "room": "1203室",
    },
    "杭州余杭区文一西路969号": {"city": "杭州", "district": "余杭区", "road": "文一西路", "road_number": "969号"},
    "翠湖花园12-3-1001": {"compound": "翠湖花园", "building": "12", "unit": "3", "room": "1001"},
    "沿山村5组6号": {"community": "沿山村", "road": "5组", "road_number": "6号"},
    "柳营路669弄14号1102室": {
        "road": "柳营路", "side_road": "669弄", "side_road_number": "14号", "room": "1102室",
    },
    "滨河大道与福强路交叉口东侧": {"road": "滨河大道", "side_road": "福强路"},
    "人民医院对面": {"compound": "人民医院", "relation": "对面"},
    "绿城兰园三栋二单元502": {"compound": "绿城兰园", "building": "三栋", "unit": "二单元", "room": "502"},
    "新疆维吾尔自治区昌吉市延安南路": {"province": "新疆维吾尔自治区", "district": "昌吉市", "road": "延安南路"},
}  # fmt: skip
WESTERN = {
    "123 N Main St Apt 4B, Baltimore, MD 21201": {
        "road_number": "123", "road": "N Main St", "room": "Apt 4B", "city": "Baltimore", "province": "MD",
        "postcode": "21201",
    },
    "Rua de Santa Catarina, nº 12, 3º Esq, 4000-447 Porto": {
        "road": "Rua de Santa Catarina", "road_number": "12", "floor": "3º", "room": "Esq", "postcode": "4000-447",
        "city": "Porto",
    },
    "12 bis, Avenue Princesse Grace, 98000 Monaco": {
        "road_number": "12 bis", "road": "Avenue Princesse Grace", "postcode": "98000", "city": "Monaco",
    },
    "Mannerheimintie 12 A 5, 00100 Helsinki": {
        "road": "Mannerheimintie", "road_number": "12", "unit": "A", "room": "5", "postcode": "00100",
        "city": "Helsinki",
    },
    "15 42nd Street": {"road_number": "15", "road": "42nd Street"},
    "Rua de 31 de Janeiro 100-104": {"road": "Rua de 31 de Janeiro", "road_number": "100-104"},
    "Av. da Boavista 1203, 6º andar, sala 12": {
        "road": "Av. da Boavista", "road_number": "1203", "floor": "6º andar", "room": "sala 12",
    },
}  # fmt: skip


@pytest.mark.parametrize("text", [*CHINESE, *WESTERN])
def test_an_address_is_taken_to_pieces(text: str) -> None:
    found, wanted = address_parts(text), {**CHINESE, **WESTERN}[text]
    assert {kind: found.get(kind) for kind in wanted} == wanted


def test_the_smallest_division_is_told_by_its_code() -> None:
    assert parsed("广东省深圳市南山区科苑路").division == "440305"
    assert parsed("浙江杭州西湖区").division == "330106"
    assert parsed("南山区科苑路").division == ""  # there are several
    assert parsed("南山区科苑路", home="4403").division == "440305"


SAME = [
    ("深圳市南山区科苑路１５號三栋502室", "广东省深圳市南山区科苑路15号3栋502", "room"),
    ("St Paul Street 12", "12 Saint Paul St", "number"),
    ("R. das Flores, 12", "Rua das Flores nº 12", "number"),
    ("Av. de France 7", "7, Avenue de France", "number"),
    ("南山区科苑路15号二单元", "南山区科苑路15号", "number"),
    ("南山区科苑路15号", "南山区科苑路17号", "street"),
    ("文三路90号", "文3路90號", "number"),
    ("杭州市西湖区文三路90号", "宁波市海曙区文三路90号", "different"),
    ("12 rue Grimaldi", "3 avenue Albert II", "different"),
    ("", "12 rue Grimaldi", "unknown"),
]


@pytest.mark.parametrize(("one", "other", "level"), SAME)
def test_two_writings_are_the_same_as_far_as_they_say(one: str, other: str, level: str) -> None:
    assert same_as_far_as(standard(one), standard(other)) == level
    assert same_as_far_as(standard(other), standard(one)) == level


@pytest.mark.parametrize(("numeral", "value"), [("十", 10), ("二十三", 23), ("二三", 23), ("一百零五", 105), ("三", 3)])
def test_chinese_numerals_have_a_value(numeral: str, value: int) -> None:
    assert value_of(numeral) == value


HARD = st.one_of(
    st.text(max_size=80),
    st.text(alphabet=(
        "省市区县镇街道路巷弄号栋幢单元楼层室一二三十百0123456789-—_ ABab南北东西中国浙江杭州村组社区花园大厦之附、，"
        "\u200f\x00"
    ), max_size=40),
    st.text(alphabet="Rua Aptnº123,-/ ºstSt.FloorEsqDto\u200f\t\n4000-447", max_size=40),
)  # fmt: skip


@given(HARD)
def test_any_text_is_covered_by_its_parts_and_written_in_one_way(text: str) -> None:
    said = parsed(text)
    assert "".join(text[part.start : part.end] for part in said.parts) == text
    assert all(part.end > part.start for part in said.parts)
    once = standardised(text)
    assert standardised(once) == once
    assert same_as_far_as(standard(text), standard(text)) != "different"


@pytest.mark.parametrize(
    "text", ["", "路" * 500_000, "1" * 1_000_000, "\x00\x01\x02", "\u200f科苑路15号\u200e", "号", "-", "…"]
)
def test_bad_input_is_read_as_far_as_it_goes(text: str) -> None:
    said = parsed(text)
    assert sum(part.end - part.start for part in said.parts) == len(text)
    assert len(standardised(text)) <= 400


def test_marks_of_direction_hide_no_road() -> None:
    assert address_parts("\u200f科苑路15号\u200e")["road"] == "科苑路"


def test_a_labelled_file_is_measured_and_a_bad_line_named() -> None:
    lines = ["科 B-road\n", "苑 I-road\n", "路 I-road\n", "15 B-roadno\n", "号 I-roadno\n", "\n"]
    score = address_truth.measured(lines).as_figures()
    assert (score["addresses"], score["whole"], score["precision"], score["signs"]) == (1, 1.0, 1.0, 6)
    with pytest.raises(Refused, match="Line 2"):
        address_truth.measured(["科 B-road\n", "nonsense\n"])


@pytest.mark.realdata
def test_addresses_labelled_by_hand_are_found() -> None:
    with realdata.path("linkage/cn_address/dev.txt").open(encoding="utf-8") as lines:
        score = address_truth.measured(lines).as_figures()
    assert score["addresses"] == 2_985
    assert score["signs_right"] > 0.86
    assert score["parts"]["road"]["recall"] > 0.88
    assert score["parts"]["district"]["recall"] > 0.91
