"""Who is believed of many people at once: the same as of one after the other."""

from __future__ import annotations

from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cityloom.registers.domain import sealed_words, survivorship
from cityloom.registers.domain.facts import Fact, Origin
from cityloom.registers.domain.sealed_words import NOBODY, Words
from cityloom.registers.domain.survivorship import PEOPLE, SEALED_FIELDS, FieldRule, Rules

NAMES = {1: "police", 2: "school", 3: "clinic", 4: "bank"}
RULES = st.dictionaries(
    st.sampled_from(SEALED_FIELDS),
    st.builds(FieldRule, sources=st.lists(st.sampled_from(list(NAMES.values())), max_size=2, unique=True).map(tuple),
              cross_checks=st.frozensets(st.sampled_from(list(NAMES.values())), max_size=2)),
)  # fmt: skip
WORD = st.tuples(st.sampled_from(list(NAMES)), st.integers(0, 3),
                 st.lists(st.integers(0, 3), min_size=7, max_size=7))  # fmt: skip
PEOPLE_SAID = st.lists(st.lists(WORD, min_size=1, max_size=4, unique_by=lambda word: word[0]), min_size=1, max_size=4)


def drawn(people: list[list[tuple[int, int, list[int]]]]) -> Words:
    rows: list[Any] = [(person + 10, *word) for person, words in enumerate(people) for word in sorted(words)]
    record = np.random.default_rng(len(rows)).permutation(len(rows)) + 1  # not in the order of the sources
    says = np.array([row[3] for row in rows], np.int64)
    return Words(
        np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), record,
        np.array([row[2] for row in rows]),
        dict(zip((*SEALED_FIELDS, "sound"), says.T, strict=True)),
    )  # fmt: skip


def facts_of(words: Words, subject: int) -> list[Fact]:
    facts = []
    for at in np.flatnonzero(words.subject == subject).tolist():
        values = {name: int(words.says[name][at]) for name in SEALED_FIELDS if words.says[name][at]}
        record = int(words.record[at])
        facts.append(Fact(str(subject), values, date.fromordinal(int(words.since[at]) + 1), is_gone=False,
                          is_current=True, is_sealed=True, row=1, record=record,
                          origin=Origin(NAMES[int(words.source[at])], "", record, None)))  # fmt: skip
    return sorted(facts, key=lambda fact: -fact.record)


def is_same(name: str, one: dict[str, int], other: dict[str, int]) -> bool:
    """Of names one written in signs, which has an odd number, and one in letters may sound the same."""
    sounds = name == "name" and one[name] % 2 != other[name] % 2 and one["sound"] == other["sound"] != 0
    return one[name] == other[name] or sounds


@given(PEOPLE_SAID, RULES)
def test_the_believed_word_of_many_is_that_of_each(people: list[Any], fields: dict[str, FieldRule]) -> None:
    words, rules = drawn(people), Rules({(PEOPLE, name): rule for name, rule in fields.items()})
    found = sealed_words.chosen(words, rules, NAMES)
    for person, start in enumerate(words.starts.tolist()):
        wanted = survivorship.chosen(rules, facts_of(words, int(words.subject[start])), {})
        told = {name: int(words.record[place[person]]) for name, place in found.items() if place[person] != NOBODY}
        assert told == wanted


@given(PEOPLE_SAID)
def test_each_pair_of_a_person_is_compared_once_and_by_the_same_measure(people: list[Any]) -> None:
    words = drawn(people)
    pairs = [(int(one), int(other)) for ones, others in words.pairs()
             for one, other in zip(ones, others, strict=True)]  # fmt: skip
    wanted = {pair for pair in combinations(range(len(words)), 2) if words.subject[pair[0]] == words.subject[pair[1]]}
    assert len(pairs) == len(wanted)
    assert set(pairs) == wanted
    says = [{name: int(told[at]) for name, told in words.says.items()} for at in range(len(words))]
    for one, other in pairs:
        for name in SEALED_FIELDS:
            same = sealed_words.are_same(words, name, np.array([one]), np.array([other]))
            assert same.tolist() == [is_same(name, says[one], says[other])]


def test_only_those_of_whom_several_speak_are_left() -> None:
    word = (1, 0, [1] * 7)
    words = drawn([[word], [word, (2, 0, [1] * 7)], [word]]).several()
    assert words.subject.tolist() == [11, 11]
