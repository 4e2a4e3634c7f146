"""The search of the portal: people's own words, in two languages, with slips."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cityloom.web.domain.finding import Entry, Finder, distance, plain

FINDER = Finder([
    Entry("looked", [(3.0, "See who looked at my data"), (3.0, "查看谁查阅过我的数据"), (2.5, "privacy"),
                     (2.5, "谁看过"), (2.5, "个人信息查阅")]),
    Entry("report", [(3.0, "Report a problem"), (3.0, "反映问题"), (2.5, "pothole"), (2.5, "路面塌陷"),
                     (2.5, "water leak"), (2.5, "煤气味")]),
    Entry("passport", [(3.0, "Passport and identity card"), (3.0, "护照与身份证"), (1.0, "Renew in ten days")]),
])  # fmt: skip
letters = st.text("abcdefgh", min_size=0, max_size=9)


def first(query: str) -> str:
    return next(iter(FINDER.find(query)), "")


def test_people_find_things_by_their_own_words() -> None:
    for query, key in {
        "who has looked at my data?": "looked", "PRIVACY": "looked", "pot hole": "report", "I want to report": "report",
        "passport": "passport", "renew": "passport", "leak": "report",
    }.items():  # fmt: skip
        assert first(query) == key, query


def test_slips_of_the_keyboard_do_not_matter() -> None:
    for query, key in {
        "pasport": "passport", "pothloe": "report", "privcay": "looked", "Ｐassport": "passport",
        "pássport": "passport", "passp": "passport", "idenitty": "passport",
    }.items():  # fmt: skip
        assert first(query) == key, query


def test_chinese_is_found_by_parts_of_it() -> None:
    for query, key in {
        "谁看过我的数据": "looked", "我想反映一个问题": "report", "路面塌了": "report", "塌陷": "report",
        "煤气": "report", "怎么办护照": "passport", "身份证": "passport", "查询个人信息": "looked",
    }.items():  # fmt: skip
        assert first(query) == key, query


def test_what_there_is_not_is_not_found() -> None:
    for query in ("", "   ", "!!!", "zzzzqqq", "宇宙飞船", "\x00", "\u202e"):
        assert FINDER.find(query) == [], query


@given(st.text(max_size=300))
def test_no_text_breaks_it(query: str) -> None:
    assert set(FINDER.find(query)) <= {"looked", "report", "passport"}


@given(letters, letters)
def test_a_distance_is_the_same_both_ways(one: str, other: str) -> None:
    found = distance(one, other, 9)
    assert found == distance(other, one, 9)
    assert (found == 0) == (one == other)
    assert distance(one, other, 1) == min(found, 2)


@given(st.text())
def test_plain_is_stable(text: str) -> None:
    assert plain(plain(text)) == plain(text)
