"""Which source is believed: small drawn tables of what sources say, and who wins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.kernel.refused import Refused
from cityloom.registers.domain import survivorship
from cityloom.registers.domain.facts import Fact, Origin
from cityloom.registers.domain.kinds import BUILDINGS, ORGANISATIONS
from cityloom.registers.domain.sameness import IGNORED, is_near, metres_between, plain
from cityloom.registers.domain.survivorship import CORRECTIONS, Rules, believed

AT = datetime(2026, 11, 2, tzinfo=UTC)
RULES = """\
cityloom: 1
registers:
  organisations:
    sources: [market, tax]
    cross_checks: [survey]
    fields:
      address: {sources: [post], ignore: [case, width, spaces, numerals, signs]}
      phone: {compare: false}
      lon: {within_m: 50}
      capital_fen: {tolerance: 100}
"""


def fact(source: str, load: int, on: str = "2026-01-01", **values: Any) -> Fact:
    current, gone = values.pop("current", True), values.pop("gone", False)
    origin = Origin(source, f"{source}.csv", load, AT)
    return Fact("K", values, date.fromisoformat(on), gone, current, False, 2, origin, load << 32 | 2)


def judged(*facts: Fact, rules: str = RULES, settled: Mapping[str, str] | None = None) -> Mapping[str, Any]:
    ordered = sorted(facts, key=lambda one: -one.record)
    return believed(ORGANISATIONS, "K", survivorship.read(rules) if rules else Rules(), ordered, settled).fields


def test_the_first_authority_that_says_something_is_believed_and_the_others_stay_beside_it() -> None:
    name = judged(fact("tax", 2, name="Tax says"), fact("market", 1, name="Market says"),
                  fact("survey", 3, name="ＭＡＲＫＥＴ  says"))["name"]  # fmt: skip
    assert (name.value, name.source, name.why, name.agree) == ("Market says", "market", "authoritative", ("survey",))
    assert [(one.source, one.value) for one in name.others] == [("tax", "Tax says")]


DRAWN = (
    # what is said, who is believed, why
    ("a field has its own authority", (fact("market", 1, address="A"), fact("post", 2, address="B")), "post",
     "authoritative"),
    ("without an authority the newest word", (fact("b", 1, "2026-02-01", address="A"), fact("c", 2, address="B")), "b",
     "newest"),
    ("of equal days the fullest record", (fact("b", 2, address="A"), fact("c", 1, address="B", name="N")), "c",
     "most-complete"),
    ("one alone", (fact("b", 1, address="A"),), "b", "only"),
    ("a cross-check is never believed", (fact("survey", 5, "2026-09-01", address="A"), fact("b", 1, address="B")), "b",
     "only"),
    ("only cross-checks say something", (fact("survey", 5, address="A"),), "", "nobody"),
    ("what a source no longer has says nothing", (fact("post", 2, gone=True), fact("b", 1, address="A")), "b", "only"),
    ("what it said before says nothing", (fact("post", 3), fact("post", 1, address="A", current=False),
                                          fact("b", 2, address="B")), "b", "only"),
)  # fmt: skip


@pytest.mark.parametrize(("facts", "source", "why"), [row[1:] for row in DRAWN], ids=[row[0] for row in DRAWN])
def test_who_is_believed(facts: tuple[Fact, ...], source: str, why: str) -> None:
    address = judged(*facts)["address"]
    assert (address.source, address.why) == (source, why)
    assert (address.value is None) == (source == "")


def test_a_correction_stands_while_the_authority_repeats_its_mistake_and_falls_when_it_says_something_else() -> None:
    granted = fact(CORRECTIONS, 5, name="Right")
    wrong = fact("market", 1, name="Wrong", current=False)
    assert judged(granted, fact("market", 1, name="Wrong"))["name"].why == "corrected"
    repeated = judged(granted, wrong, fact("market", 7, name="Wrong", industry="new"))
    assert (repeated["name"].value, repeated["name"].why) == ("Right", "corrected")
    assert repeated["name"].others[0].value == "Wrong"
    mended = judged(granted, wrong, fact("market", 7, name="Third"))["name"]
    assert (mended.value, mended.source) == ("Third", "market")


def test_a_second_correction_of_another_field_does_not_renew_the_first() -> None:
    facts = (
        fact("market", 1, name="Wrong", current=False), fact(CORRECTIONS, 5, name="Right", current=False),
        fact("market", 7, name="Third"), fact(CORRECTIONS, 9, name="Right", address="Here"),
    )  # fmt: skip
    fields = judged(*facts)
    assert fields["name"].value == "Third"
    assert fields["address"].value == "Here"


def test_a_stewards_decision_goes_before_the_rules_as_long_as_that_source_says_something() -> None:
    facts = (fact("market", 1, name="M"), fact("tax", 2, name="T"))
    assert judged(*facts, settled={"name": "tax"})["name"].why == "settled"
    assert judged(facts[0], settled={"name": "tax"})["name"].source == "market"


def test_a_place_is_believed_as_a_whole_and_compared_in_metres() -> None:
    near, far = (fact("tax", 2, lon=113.9004, lat=22.5), fact("c", 3, lon=113.901, lat=22.5))
    fields = judged(fact("market", 1, lon=113.9, lat=22.5), near, far)
    assert (fields["lon"].value, fields["lat"].value) == (113.9, 22.5)
    assert fields["lon"].agree == ("tax",)
    assert [(one.source, one.value) for one in fields["lat"].others] == [("c", 22.5)]
    assert 95 < metres_between(113.9, 22.5, 113.901, 22.5) < 110


def test_an_entry_is_gone_when_its_first_authority_has_it_no_more() -> None:
    rules = survivorship.read(RULES)
    gone, here = fact("market", 3, gone=True), fact("tax", 2, name="T")
    assert believed(ORGANISATIONS, "K", rules, [gone, here]).is_gone
    assert not believed(ORGANISATIONS, "K", Rules(), [gone, here]).is_gone
    assert believed(ORGANISATIONS, "K", Rules(), [gone]).is_gone


@pytest.mark.parametrize(("one", "other"), [
    ("深南大道三十二号", "深南大道32号"), ("Ｎｏ.5　Road", "no.5 road"), ("八栋二零一室", "8栋201室"),
    ("一百零三号", "103号"), ("二十号楼", "20 号楼"),
])  # fmt: skip
def test_one_address_in_two_spellings_is_one(one: str, other: str) -> None:
    assert plain(one, frozenset(IGNORED)) == plain(other, frozenset(IGNORED))


@given(st.text(max_size=40))
def test_what_makes_no_difference_is_taken_away_once(text: str) -> None:
    once = plain(text, frozenset({"width", "spaces", "numerals"}))
    assert plain(once, frozenset({"spaces", "numerals"})) == once


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(0, 10), st.floats(0, 0.2))
def test_nearness_is_the_same_from_both_sides(one: float, other: float, tolerance: float, share: float) -> None:
    assert is_near(one, other, tolerance, share) == is_near(other, one, tolerance, share)
    assert is_near(one, one, tolerance, share)


def test_measures_may_differ_by_a_hundredth_and_money_by_nothing() -> None:
    def height(rules: Rules, other: float) -> tuple[str, ...]:
        facts = [fact("tax", 2, height_m=other), fact("market", 1, height_m=100.0)]
        return believed(BUILDINGS, "K", rules, facts).fields["height_m"].agree

    assert len(height(Rules(), 100.9)) == 1
    assert height(Rules(), 102.0) == ()
    strict = "cityloom: 1\nregisters:\n  buildings:\n    fields:\n      height_m: {share: 0, tolerance: 0.5}\n"
    assert height(survivorship.read(strict), 100.9) == ()
    money = judged(fact("market", 1, capital_fen=10_000), fact("tax", 2, capital_fen=10_101), rules="")["capital_fen"]
    assert len(money.others) == 1


@pytest.mark.parametrize(("old", "new", "line", "words"), [
    ("organisations:", "organizations:", 3, "organisations"), ("address:", "adress:", 7, "address"),
    ("within_m: 50", "within_km: 50", 9, "within_m"), ("capital_fen:", "lat:", 10, "lon"),
    ("capital_fen: {tolerance: 100}", "name: {tolerance: 100}", 10, "text"),
    ("capital_fen: {tolerance: 100}", "code: {compare: false}", 10, "code"),
    ("[market, tax]", "[Market Office]", 4, "Market"), ("[market, tax]", "&a [market]", 4, "anchors"),
    ("cityloom: 1", "cityloom: 2", 1, "1"), ("    sources:", "    sources: [a]\n    sources:", 5, "twice"),
])  # fmt: skip
def test_what_is_wrong_with_rules_is_said_with_its_line(old: str, new: str, line: int, words: str) -> None:
    with pytest.raises(Refused) as refused:
        survivorship.read(RULES.replace(old, new))
    assert refused.value.limit == line, refused.value.sentence
    assert words in refused.value.sentence
