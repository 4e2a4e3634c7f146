"""Which unit gets a case, and what is found wrong with rules before anybody is routed by them."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.cases.domain.routing import conflicts
from cityloom.cases.domain.routing.categories import shipped
from cityloom.cases.domain.routing.rules import CHANNELS, DAY, DAYS, EXAMPLE, Facts, Rules, routed, rules_of
from cityloom.kernel.refused import Refused

HEAD = "cityloom: 1\nrouting: try\ntitle: {en: Try}\nrules:\n"
MONDAY = datetime(2026, 11, 30, tzinfo=UTC)
AREAS = ("city/d01/s01", "city/d01/s02", "city/d02/s01")


def written(*rules: str) -> Rules:
    return rules_of(HEAD + "".join(f"- {rule}\n" for rule in rules))


def test_the_example_routes_as_it_reads() -> None:
    rules = rules_of(EXAMPLE.read_text(encoding="utf-8"))
    night = MONDAY.replace(hour=23)
    assert routed(rules, Facts("street-lamp", "", night, "web")).unit == "city/night-desk"
    assert routed(rules, Facts("street-lamp", "", MONDAY.replace(hour=12), "web")).unit == "city/works"
    assert routed(rules, Facts("lift-broken", "", night, "call", "电梯困人了")).unit == "city/fire"
    assert routed(rules, Facts("lift-broken", "", night, "call", "does not run")) is None


def test_priority_comes_before_order_and_a_branch_holds_what_is_below_it() -> None:
    rules = written("{rule: all, unit: city/a}", "{rule: north, priority: 5, unit: city/b, when: {area: [city/d01]}}")
    assert routed(rules, Facts("rats", "city/d01/s02", MONDAY, "web")).name == "north"
    assert routed(rules, Facts("rats", "city/d011", MONDAY, "web")).name == "all"


def test_a_rule_behind_others_that_take_all_of_it_never_fires() -> None:
    found = conflicts.check(written(
        "{rule: day, unit: city/a, when: {category: [rats], time: {from: '06:00', to: '22:00'}}}",
        "{rule: night, unit: city/b, when: {category: [rats], time: {from: '22:00', to: '06:00'}}}",
        "{rule: web, unit: city/c, when: {category: [rats], channel: [web]}}",
    ))  # fmt: skip
    assert found.idle == (conflicts.Idle("web", ("day", "night")),)
    assert {(one.first, one.second, one.by) for one in found.overlaps} == {
        ("day", "web", "order"), ("night", "web", "order")}  # fmt: skip


@pytest.mark.parametrize(("earlier", "is_idle"), [("[lamp]", True), ("[lamp post]", False), ("[light]", False)])
def test_a_word_takes_the_words_that_hold_it(earlier: str, is_idle: bool) -> None:
    found = conflicts.check(written(
        f"{{rule: first, unit: city/a, when: {{words: {earlier}}}}}",
        "{rule: second, unit: city/b, when: {words: [lamps]}}",
    ))  # fmt: skip
    assert bool(found.idle) is is_idle


def test_gaps_say_which_cases_nobody_gets() -> None:
    rest = ", ".join(key for key in shipped() if key != "rats")
    found = conflicts.check(written(
        f"{{rule: rest, unit: city/a, when: {{category: [{rest}]}}}}",
        "{rule: rats, unit: city/b, when: {category: [rats], area: [city/d01], time: {days: [mon, tue]}}}",
    ), AREAS)  # fmt: skip
    assert {one.categories for one in found.gaps} == {("rats",)}
    spans = {one.areas: one.spans for one in found.gaps}
    assert spans[("city/d02/s01", "")] == ((0, 7 * DAY),)
    assert any(one.spans == ((2 * DAY, 7 * DAY),) for one in found.gaps)


@pytest.mark.parametrize(("rule", "line"), [
    ("{rule: a, unit: city/a, when: {category: [nonsense]}}", 6),
    ("{rule: ok, unit: city/b}", 6),
    ("{rule: a, unit: city/a, when: {time: {from: '05:00', to: '05:00'}}}", 6),
    ("{rule: a, unit: city/a, when: {weather: [rain]}}", 6),
    ("{rule: a, unit: City A}", 6),
])  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_line(rule: str, line: int) -> None:
    with pytest.raises(Refused) as refused:
        written("{rule: ok, unit: city/a}", rule)
    assert refused.value.code == "cases.rules_unfit"
    assert refused.value.limit == line


_WHEN = st.fixed_dictionaries({}, optional={
    "category": st.lists(st.sampled_from(["rats", "waste", "streets", "pothole"]), min_size=1, unique=True),
    "area": st.lists(st.sampled_from(["city/d01", "city/d01/s02", "city/d02"]), min_size=1, unique=True),
    "channel": st.lists(st.sampled_from(CHANNELS[:3]), min_size=1, unique=True),
    "words": st.lists(st.sampled_from(["lamp", "lamp post", "dark", "灯"]), min_size=1, unique=True),
    "time": st.fixed_dictionaries({"days": st.lists(st.sampled_from(DAYS), min_size=1, unique=True)}, optional={
        "from": st.sampled_from(["05:00", "22:30"]), "to": st.sampled_from(["06:00", "21:00"])}),
})  # fmt: skip
_RULE = st.fixed_dictionaries({"when": _WHEN, "priority": st.integers(0, 2), "unit": st.sampled_from(["u/a", "u/b"])})


@settings(max_examples=12)
@given(st.lists(_RULE, min_size=1, max_size=6), st.data())
def test_what_is_found_is_what_routing_does(rules: list[dict], data: st.DataObject) -> None:
    """A case drawn at random never fires an idle rule, and has no rule only where a gap is said."""
    lines = [json.dumps({"rule": f"r{n}", **one}, ensure_ascii=False) for n, one in enumerate(rules)]
    text = HEAD + "".join(f"- {line}\n" for line in lines)
    found, ruled = conflicts.check(rules_of(text), AREAS), rules_of(text)
    idle = {one.rule for one in found.idle}
    for _ in range(8):
        at = MONDAY.replace(day=23 + data.draw(st.integers(0, 6)), hour=data.draw(st.integers(0, 23)), minute=30)
        words = " ".join(data.draw(st.lists(st.sampled_from(["lamp", "post", "dark", "灯"]), max_size=3)))
        category = data.draw(st.sampled_from(["rats", "litter", "pothole", "bin-overflowing"]))
        area, channel = data.draw(st.sampled_from([*AREAS, ""])), data.draw(st.sampled_from(CHANNELS))
        facts = Facts(category, area, at, channel, words)
        rule = routed(ruled, facts)
        assert rule is None or rule.name not in idle
        minute = at.weekday() * DAY + at.hour * 60 + at.minute
        is_gap = any(facts.category in gap.categories and facts.area in gap.areas and facts.channel in gap.channels
                     and any(begin <= minute < end for begin, end in gap.spans) for gap in found.gaps)  # fmt: skip
        assert rule is not None or is_gap
        assert not (is_gap and not words) or rule is None
