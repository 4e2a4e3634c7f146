"""What changed between two revisions, marked so that nobody compares by eye."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from cityloom.emergency import actions, queries
from cityloom.emergency.domain.changes import Side, between, compared
from cityloom.kernel.actor import SYSTEM
from tests.emergency.conftest import BOTH, Scene

TEXTS = st.text(st.sampled_from("ab cd 12,.撤离请\n"), max_size=60) | st.text(max_size=40)


def side(facts: queries.ProposalFacts) -> Side:
    return Side(facts.revision, facts.purpose, facts.document, facts.plan)


@given(TEXTS, TEXTS)
def test_the_pieces_give_both_texts_again(before: str, after: str) -> None:
    pieces = compared(before, after)
    assert "".join(piece.text for piece in pieces if piece.mark != "added") == before
    assert "".join(piece.text for piece in pieces if piece.mark != "removed") == after
    assert all(piece.text for piece in pieces)
    assert all(left.mark != right.mark for left, right in itertools.pairwise(pieces))


def test_chinese_is_compared_character_by_character_and_numbers_whole() -> None:
    marked = [(piece.text, piece.mark) for piece in compared("周边38栋建筑，请撤离", "周边112栋楼房，请撤离")]
    assert ("38", "removed") in marked
    assert ("112", "added") in marked
    assert marked[-1] == ("，请撤离", "same")


def test_changed_words_next_to_each_other_are_one_run() -> None:
    marked = [(piece.text, piece.mark) for piece in compared("leave now on foot", "stay inside and wait on foot")]
    assert marked == [("leave now", "removed"), ("stay inside and wait", "added"), (" on foot", "same")]


def test_a_wider_zone_shows_in_counts_words_and_buildings(scene: Scene) -> None:
    first = scene.propose()
    scene.approve(first)
    wider = queries.proposal(
        actions.update(incident_id=scene.incident_id, by=BOTH, at=scene.later(), buffer_m=150.0)
    )
    found = between(side(first), side(wider))
    assert (found.before, found.after) == (1, 2)
    assert found.buildings_added > 0 == found.buildings_removed
    assert {figure.key for figure in found.figures} >= {"buildings", "households"}
    assert {changed.language for changed in found.words} == {"en", "zh-Hans"}
    assert found.purpose is None


def test_the_same_zone_again_has_changed_in_nothing(scene: Scene) -> None:
    first = scene.propose()
    actions.send_back(proposal_id=first.id, reason="Look again.", by=BOTH, at=scene.later())
    again = queries.proposal(actions.propose(incident_id=scene.incident_id, by=SYSTEM, at=scene.later()))
    assert between(side(first), side(again)).is_empty


def test_an_end_is_another_document_and_is_not_compared_word_by_word(scene: Scene) -> None:
    first = scene.propose()
    end = Side(2, "all-clear", dict(first.document) | {"urgency": "Past"}, {"counts": {"buildings": 1}})
    found = between(side(first), end)
    assert found.purpose == ("evacuation", "all-clear")
    assert found.words == found.figures == ()
    assert found.handling == (("urgency", "Immediate", "Past"),)
