"""Records are linked: names in two scripts, swapped days, mistyped numbers; joins that can be taken back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import linkage, linkage_config, linkage_sound
from cityloom.registers.domain.linkage import Links, Model
from cityloom.registers.linkage import blocking, cleaning, engine
from tests.examples import a_third_of

CONFIG = linkage_config.shipped("people")
USUAL = Model.default(CONFIG)
NOBODY = np.empty(0, np.int64)
LEFT = {
    "name": ["张伟", "王小明", "Li Na", "Smith, John", "欧阳修", "陈静", "Berger, Lena"],
    "birth_date": ["1980-01-02", "1975-11-30", "1990-05-06", "1966-07-08", "1955-03-04", "1988-12-01", "1971-02-03"],
    "phone": ["13800138000", "", "13911112222", "", "", "13712345678", ""],
    "national_id": ["", "", "", "", "", "", "440303197102031234"],
}
RIGHT = {
    "surname": ["ZHANG", "王", "Na", "Smyth", "Ouyang", "Jing", "Kowalski"],
    "given_name": ["Wei", "晓明", "Li", "Jon", "Xiu", "Chen", "Lena"],
    "birth_date": ["19800102", "1975/11/30", "06.05.1990", "1966-08-07", "1955年3月4日", "1988-12-01", "1971-02-03"],
    "phone": ["+86 138 0013 8000", "", "", "", "", "", ""],
    "national_id": ["", "", "", "", "", "", "440303197102031324"],
}


def pairs_of(links: Links, least: float = 0.5) -> set[frozenset[linkage.Member]]:
    kept = links.taken(links.probability >= least)
    return {frozenset((kept.member("left", row), kept.member("right", row))) for row in range(len(kept))}


def test_one_person_is_found_in_two_tables_that_write_everything_differently():
    links = engine.link({"left": LEFT, "right": RIGHT}, CONFIG, model=USUAL)
    assert pairs_of(links) == {frozenset((("left", row), ("right", row))) for row in range(7)}


def test_what_held_is_told_without_any_value():
    links = engine.score(USUAL, CONFIG, LEFT, RIGHT, ([1, 3, 5, 6], [1, 3, 5, 6]))
    told = [{name: words for name, words, _bits in links.explanation(row, CONFIG)} for row in range(4)]
    assert told[0]["given_name"] == "sounds the same"
    assert told[1]["birth_date"] == "day and month swapped"
    assert told[2]["surname"] == told[2]["given_name"] == "names swapped"
    assert told[3]["national_id"] == "mistyped" and told[3]["surname"] == "differs"
    assert told[0]["phone"] == "missing"


def test_the_parts_add_up_to_the_weight():
    links = engine.link({"left": LEFT, "right": RIGHT}, CONFIG, model=USUAL)
    assert np.allclose(sum(links.contributions.values()), links.weight)
    assert np.allclose(linkage.probabilities(links.weight), links.probability)


def test_pairs_from_outside_come_back_in_the_order_asked():
    links = engine.score(USUAL, CONFIG, LEFT, RIGHT, ([4, 0, 4], [4, 6, 4]))
    assert links.left_row.tolist() == [4, 0, 4] and links.right_row.tolist() == [4, 6, 4]
    assert links.weight[0] == links.weight[2] > 0 > links.weight[1]


def test_swapping_the_files_gives_the_same_pairs_with_the_same_weights():
    there = engine.link({"left": LEFT, "right": RIGHT}, CONFIG, model=USUAL)
    back = engine.link({"right": RIGHT, "left": LEFT}, CONFIG, model=USUAL)
    assert pairs_of(there) == pairs_of(back)
    assert np.allclose(sorted(there.weight), sorted(back.weight))


def test_duplicates_inside_of_one_table_are_found():
    both = {name: [*values, values[0]] for name, values in LEFT.items()}
    assert pairs_of(engine.link({"only": both}, CONFIG, model=USUAL)) == {frozenset((("only", 0), ("only", 7)))}


def test_a_record_has_one_partner_in_a_table_that_is_free_of_duplicates():
    twice = {name: [*values, values[0]] for name, values in LEFT.items()}
    links = engine.link({"twice": twice, "right": RIGHT}, CONFIG, model=USUAL,
                        free_of_duplicates=frozenset({"twice", "right"}))  # fmt: skip
    assert len([pair for pair in pairs_of(links) if ("right", 0) in pair]) == 1


@settings(deadline=None, max_examples=30)
@given(st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5), st.integers(-9, 9)), max_size=25))
def test_partners_are_those_whom_the_heaviest_links_in_turn_would_take(drawn: set[tuple[int, int, int]]):
    left, right, weight = (np.array(side, np.int64) for side in zip(*drawn, strict=True)) if drawn else 3 * (NOBODY,)
    table = np.zeros(len(left), np.int64)
    bits = weight.astype(float)
    links = Links(("one", "other"), table, left, table + 1, right, bits, bits, {}, {}, {})
    taken: set[tuple[str, int]] = set()
    greedy = set()
    for row in np.argsort(-weight, kind="stable").tolist():
        seats = {("left", int(left[row])), ("right", int(right[row]))}
        if not seats & taken:
            taken |= seats
            greedy.add((int(left[row]), int(right[row])))
    kept = linkage.one_partner(links, frozenset({"one", "other"}))
    assert set(zip(kept.left_row.tolist(), kept.right_row.tolist(), strict=True)) == greedy


@pytest.mark.parametrize("within", [frozenset(), frozenset({1})], ids=["between alone", "in the second, too"])
def test_records_that_share_a_block_are_compared_unless_too_many_do(within: frozenset[int]):
    chance = np.random.default_rng(3)
    word = [str(one) if one else "" for one in chance.integers(0, 25, 150).tolist()]
    tables = {"first": {"locality": word[:70]}, "second": {"locality": word[70:]}}
    config = replace(CONFIG, blocks=(("locality",),), most_in_block=4, all_pairs_up_to=0)
    size = {(table, one): words["locality"].count(one) for table, words in enumerate(tables.values()) for one in word}
    expected = {(a, b) for b in range(150) for a in range(b) if word[a] == word[b] != ""
                and max(size[0, word[a]], size[1, word[a]]) <= 4 and (a < 70 <= b or (a >= 70 and within))}  # fmt: skip
    with engine._database() as con:
        parts = cleaning.register(con, tables, config)
        skipped = blocking.pair_up(con, config, parts, within=within, between=True)
        found = set(con.execute("SELECT join_key_l, join_key_r FROM pair").fetchall())
    assert found == expected and expected
    large = {one for one in word if one and max(size[0, one], size[1, one]) > 4}
    assert skipped == {"locality": len(large)} and large


def test_what_is_learnt_holds_no_value_of_anybody():
    left, right = crowd()
    model = engine.train({"left": left, "right": right}, CONFIG)
    text = model.to_json()
    values = {value for table in (left, right) for column in table.values() for value in column if len(value) > 2}
    assert not [value for value in values if value in text]
    assert Model.from_json(text, CONFIG) == model
    assert model.chances != USUAL.chances and 0 < model.prior < 1
    links = engine.link({"left": left, "right": right}, CONFIG, model=model)
    assert {(*links.member("left", row), *links.member("right", row)) for row in range(len(links))} == {
        ("left", row, "right", row) for row in range(0, 60, 2)
    }


def crowd() -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Sixty people in two tables; every second one is in both."""
    family, first = "王李张刘陈杨黄赵吴周徐孙", "伟芳娜敏静丽强磊军洋"
    names = [family[row % 12] + first[row * 7 % 10] + first[row * 3 % 10] for row in range(60)]
    days = [f"19{40 + row % 50}-{1 + row % 12:02d}-{1 + row % 28:02d}" for row in range(60)]
    phones = [f"138{row * 1234567 % 100000000:08d}" for row in range(60)]
    left = {"name": names, "birth_date": days, "phone": phones}
    other = {"name": names[::-1], "birth_date": [f"1999-01-{1 + row % 28:02d}" for row in range(60)],
             "phone": [f"139{row * 7654321 % 100000000:08d}" for row in range(60)]}  # fmt: skip
    right = {name: [(left, other)[row % 2][name][row] for row in range(60)] for name in left}
    return left, right


def test_a_model_of_another_configuration_is_refused():
    other = replace(CONFIG, digest="another")
    with pytest.raises(Refused, match="another configuration"):
        Model.from_json(USUAL.to_json(), other)
    with pytest.raises(Refused, match="holds no model"):
        Model.from_json("{}", CONFIG)


@pytest.mark.parametrize(("old", "new", "place"), [
    ("kind: people", "", ""),
    ("[national_id]\n", "[nationality]\n", "blocks: there is no column nationality"),
    ("birth_date.year]", "birth_date.era]", "birth_date has no part era"),
    ("review: 0.5", "review: 0.99", "review lies above certain"),
    ("at_most: 1, m", "m", "edits needs a limit"),
    ("m: 0.90", "m: 90", "comparisons.surname.0.m"),
    ("    - {m: 0.02, u: 0.987}\n", "", "its last level"),
])  # fmt: skip
def test_a_configuration_that_does_not_fit_is_refused_with_the_place(old: str, new: str, place: str):
    text = linkage_config.shipped_text("people")
    if not place:
        assert linkage_config.read(text) == CONFIG
        return
    assert old in text
    with pytest.raises(Refused) as refused:
        linkage_config.read(text.replace(old, new))
    assert place in refused.value.sentence


def test_chinese_signs_and_latin_letters_meet_in_their_sound():
    for han, latin in (("张", "zhang"), ("单", "shan"), ("欧阳", "ouyang")):
        assert linkage_sound.letters(han, surname=True) == latin
    assert linkage_sound.sound("zhang") == linkage_sound.sound("zang")
    assert linkage_sound.sound("smith") == linkage_sound.sound("smyth") != linkage_sound.sound("turner")


def drawn(edges: list[tuple[int, int, int]]) -> Links:
    """Links between tables a and b (places 0 and 1) and inside b; weights in bits."""
    columns = np.array(edges, np.int64).reshape(-1, 3)
    left, right, weight = columns[:, 0], columns[:, 1], columns[:, 2].astype(float)
    tables = lambda rows: (rows >= 6).astype(np.int64)  # noqa: E731
    return Links(("a", "b"), tables(left), left, tables(right), right, weight, linkage.probabilities(weight),
                 {"start": weight}, {}, {})  # fmt: skip


EDGES = st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.integers(-5, 30)).filter(lambda e: e[0] < e[1]),
                 max_size=30, unique_by=lambda edge: edge[:2])  # fmt: skip


@given(EDGES)
@settings(max_examples=a_third_of(60), deadline=None)
def test_no_two_records_of_a_table_free_of_duplicates_are_ever_joined(edges: list[tuple[int, int, int]]):
    for cluster in linkage.clusters(drawn(edges), at_least=0.5, free_of_duplicates=frozenset({"a"})):
        assert len([table for table, _row in cluster.members if table == "a"]) <= 1
        assert len(set(cluster.members)) == len(cluster.members) >= 2


@given(EDGES)
@settings(max_examples=a_third_of(60), deadline=None)
def test_a_join_falls_apart_when_the_links_that_made_it_are_taken_out(edges: list[tuple[int, int, int]]):
    links = drawn(edges)
    joined = linkage.clusters(links, at_least=0.5)
    members = [member for cluster in joined for member in cluster.members]
    assert len(members) == len(set(members))
    if joined:
        without = links.taken(np.setdiff1d(np.arange(len(links)), joined[0].edges))
        again = linkage.clusters(without, at_least=0.5)
        assert {c.members for c in again} == {c.members for c in joined[1:]}
