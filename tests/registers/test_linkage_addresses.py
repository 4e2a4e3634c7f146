"""Records are linked by the parts of their addresses where a configuration asks for it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cityloom.kernel.refused import Refused
from cityloom.registers import actions
from cityloom.registers.display import HELD, held_words
from cityloom.registers.domain import linkage_addresses, linkage_config, linkage_example
from cityloom.registers.domain.linkage import Model
from cityloom.registers.linkage import address_parts, engine

GUIDE = Path(__file__).parents[2] / "docs/reference/linkage.md"
TEXT = next(block for block in re.findall(r"```yaml\n(.*?)```", GUIDE.read_text("utf-8"), re.S) if "parsed:" in block)
CONFIG = linkage_config.read(TEXT)
USUAL = Model.default(CONFIG)


REACHED = [
    ("深圳市南山区科苑路１５號", "广东省深圳市南山区科苑路15号", "same address"),
    ("南山区科苑路15号三栋502", "南山区科苑路１５號3幢502室", "same address"),
    ("科苑路15号3栋502室", "深圳市南山区科苑路15号3幢502", "same road, number, unit"),
    ("科苑路15号", "深圳市南山区科苑路15号3幢502", "same road, number"),
    ("科苑路15号3栋502室", "科苑路15号3栋503室", "same road, number"),
    ("南山区科苑路15号", "南山区科苑路17号", "same road"),
    ("南山区科苑路15号", "南山区深南大道15号", "same district"),
    ("南山区科苑路15号", "福田区科苑路15号", "differs"),
    ("12 Main St.", "12 Main Street", "same address"),
    ("12 Main St, Apt 4", "12 Main Street", "same road, number"),
    ("12 Main Street", "14 Main Street", "same road"),
    ("12 Main Street", "12 Oak Street", "differs"),
]
UNTOLD = [("南山区科苑路15号", "南山区"), ("南山区科苑路15号", "科苑路"), ("12 Main Street", ""),
          ("12 Main Street", "Main Street")]  # fmt: skip


def compared(pairs: list[tuple[str, str]]) -> list[tuple[str, float]]:
    """For pairs of addresses how far they are the same, and the bits that it adds."""
    left, right = ({"name": ["Blue Tea"] * len(pairs), "address": list(side)} for side in zip(*pairs, strict=True))
    links = engine.score(USUAL, CONFIG, left, right, (range(len(pairs)), range(len(pairs))))
    told = [links.explanation(row, CONFIG) for row in range(len(pairs))]
    return [(held, bits) for parts in told for name, held, bits in parts if name == "address"]


def test_two_ways_of_writing_are_the_same_as_far_as_both_tell():
    there = [(left, right) for left, right, _held in REACHED]
    back = [(right, left) for left, right in there]
    held = [held for held, _bits in compared(there + back)]
    assert held == 2 * [held for _left, _right, held in REACHED]


def test_what_an_address_does_not_tell_speaks_neither_for_nor_against():
    back = [(right, left) for left, right in UNTOLD]
    assert set(compared(UNTOLD + back)) == {("missing", 0.0)}


LEFT = {"name": ["蓝湖茶叶有限公司", "Harbour Books Ltd", "青山五金店"],
        "address": ["深圳市南山区科苑路１５號三栋502", "12 Main St, Apt 4", "南山区科苑路15号"]}  # fmt: skip
RIGHT = {"name": ["深圳市蓝湖茶业公司", "Harbor Book Shop", "青山五金店"],
         "address": ["南山区科苑路15号3幢502室", "12 Main Street, apartment 4", "南山区深南大道17号"]}  # fmt: skip


def test_keys_of_parts_find_pairs_that_keys_of_texts_miss():
    by_parts = TEXT.replace(TEXT[TEXT.index("blocks:") : TEXT.index("blocks_at_most")], "blocks: [[KEY]]\n")
    true = [(0, 0, 1, 0), (0, 1, 1, 1)]
    tables = {"l": LEFT, "r": RIGHT}
    shares = {key: engine.share_blocked(tables, linkage_config.read(by_parts.replace("KEY", key)), true)
              for key in ("address.road, address.number", "address", "address.words, address.numbers")}  # fmt: skip
    assert shares == {"address.road, address.number": 1.0, "address": 0.0, "address.words, address.numbers": 0.0}


def test_files_are_linked_by_address_and_a_neighbour_in_the_road_is_not(tmp_path: Path):
    config = tmp_path / "by-address.yaml"
    config.write_text(TEXT, "utf-8")
    left = [("蓝湖茶叶有限公司", "深圳市南山区科苑路１５號三栋502"), ("Harbour Books Ltd", "12 Main St, Apt 4")]
    right = [("蓝湖茶叶公司", "南山区科苑路15号3幢502室"), ("Harbour Books", "12 Main Street, apartment 4"),
             ("红山茶馆", "南山区科苑路17号"), ("Corner Bakery", "14 Main Street")]  # fmt: skip
    others = linkage_example.organisations(60, 60, 0, seed=5)
    for name, rows, more in (("left", left, others.left), ("right", right, others.right)):
        lines = [("name", "address"), *rows, *zip(more["name"], more["address"], strict=True)]
        (tmp_path / f"{name}.csv").write_text("\n".join(f'"{one}","{other}"' for one, other in lines), "utf-8")
    said: list[tuple[int, int]] = []
    outcome = actions.link_files([tmp_path / "left.csv", tmp_path / "right.csv"], config=config,
                                 progress=lambda _what, done, whole: said.append((done, whole)))  # fmt: skip
    found = outcome.links.taken(outcome.links.probability >= CONFIG.certain)
    assert set(zip(found.left_row.tolist(), found.right_row.tolist(), strict=True)) == {(0, 0), (1, 1)}
    assert said[-1] == (126, 126)


def test_each_different_address_is_taken_apart_once_in_a_linkage(monkeypatch: pytest.MonkeyPatch):
    read: list[str] = []

    def noted(text: str, home: str) -> linkage_addresses.Parts:
        read.append(text)
        return linkage_addresses.parts_of(text, home)

    monkeypatch.setattr(address_parts, "parts_of", noted)
    addresses = address_parts.Addresses()
    twice = {name: values * 3 for name, values in LEFT.items()}
    engine.link({"twice": twice}, CONFIG, model=USUAL, addresses=addresses)
    engine.share_blocked({"twice": twice}, CONFIG, [(0, 0, 0, 3)], addresses)
    assert sorted(read) == sorted(LEFT["address"])


def test_without_asking_no_address_is_taken_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(address_parts, "parts_of", None)
    links = engine.link({"left": LEFT, "right": RIGHT}, linkage_config.shipped("organisations"))
    assert len(links)


def test_more_different_addresses_than_allowed_are_refused():
    few = linkage_config.read(TEXT.replace("{columns: [address]}", "{columns: [address], at_most: 2}"))
    with pytest.raises(Refused, match="3 different addresses are more than the 2"):
        engine.link({"left": LEFT}, few)


@pytest.mark.parametrize(("instead", "of", "words"), [
    ("{columns: [name]}", "{columns: [address]}", "only such are taken apart"),
    ("{columns: [address], home: Shenzhen}", "{columns: [address]}", "parsed.home"),
    ("{columns: [address], at_most: 0}", "{columns: [address]}", "parsed.at_most"),
    ("address.place, address.street", "address.place, address.building", "address has no part street"),
    ("{reaches: address.building,", "{reaches: address.unit,", "how far is whole, unit, number"),
    ("", "parsed: {columns: [address]}", "address has no part"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_place(instead: str, of: str, words: str):
    with pytest.raises(Refused, match=words):
        linkage_config.read(TEXT.replace(of, instead))


def test_every_level_has_words_that_a_steward_reads():
    assert set(linkage_addresses.REACHED.values()) <= set(HELD)
    assert held_words("same road, number, unit") == "same road, number, unit"
