"""Several people report one thing: it is one matter, whoever reports first, and a person can take that back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from cityloom.bus import actions as bus
from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.domain.duplicates.joining import JOINS
from cityloom.cases.events import CaseMoved
from cityloom.cases.matters import joining, sketching
from cityloom.cases.models import Case, CaseFollower, CasePair, CaseSketch
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
METRE = 1 / 111_195
DARK = "the street light no 4312 is out"


def reported(north_m: float, hours: float = 0, **more: Any) -> str:
    said = {"casetype": "request", "category": "street-light", "origin": "report", "lon": 114.05,
            "lat": 22.54 + north_m * METRE}  # fmt: skip
    return actions.open_case(Asked(**(said | more)), by=SYSTEM, at=NOW + timedelta(hours=hours))


def look(cases: Sequence[str], words: str = DARK) -> dict[str, str]:
    rows = list(Case.objects.filter(id__in=cases))
    return joining.join_new(rows, dict.fromkeys(cases, words), NOW + timedelta(days=1))


def row(case_id: str) -> Case:
    return Case.objects.get(id=case_id)


def test_one_lamp_told_by_four_is_one_matter_and_the_first_goes_on(keeper: OpenKeeper, officials: Officials) -> None:
    first, *more = [reported(north, hours) for hours, north in enumerate((0, 5, 12, 3))]
    assert look([first]) == {}
    assert look(more) == dict.fromkeys(more, first)
    assert [(row(case).state, row(case).matter, row(case).is_open) for case in more] == [("joined", first, False)] * 3
    assert row(first).is_open
    said = row(more[0]).events.get(step="join")
    assert said.data["metres"] == 5
    assert said.data["chance"] >= JOINS
    assert said.data["lead"] == row(first).number
    assert DARK.encode() not in b"".join(bytes(one.words) for one in CaseSketch.objects.all())


def test_reports_of_one_moment_are_no_rivals_of_each_other(keeper: OpenKeeper, officials: Officials) -> None:
    """Several processes have opened one each, before any of them looked."""
    cases = [reported(3 * number, number / 60) for number in range(4)]
    sketching.keep(list(Case.objects.filter(id__in=cases)), dict.fromkeys(cases, DARK))
    for case in reversed(cases):
        look([case])
    assert {row(case).matter for case in cases} == {cases[0]}
    assert [row(case).state for case in cases] == ["received", "joined", "joined", "joined"]


@pytest.mark.parametrize(("other", "words"), [
    ({"north_m": 45}, "street lamp 9914 broken"), ({"north_m": 3, "category": "noise"}, "they drill at night"),
    ({"north_m": 3, "confidentiality": "restricted"}, DARK), ({"north_m": 3, "exercise_id": "E" * 26}, DARK),
])  # fmt: skip
def test_what_is_not_surely_the_same_is_a_matter_of_its_own(
    keeper: OpenKeeper, officials: Officials, other: dict[str, Any], words: str
) -> None:
    look([reported(0)])
    assert look([reported(hours=1, **other)], words) == {}


def test_whoever_has_the_same_says_so_once_and_follows_what_goes_on(keeper: OpenKeeper, officials: Officials) -> None:
    first, second = reported(0, secret="one"), reported(5, 1, secret="two")
    look([first, second])
    for secret in ("three", "three", "two", "four"):
        actions.say_me_too(case_id=second, secret=secret, at=NOW + timedelta(days=1))
    assert CaseFollower.objects.count() == 4
    shown, = queries.near_matters(114.05, 22.54 + 20 * METRE, "street-light", NOW + timedelta(days=1))
    assert (shown.case_id, shown.metres, shown.reporters, shown.state) == (first, 20, 4, "received")
    assert queries.near_matters(114.05, 22.54, "noise", NOW + timedelta(days=1)) == []
    assert queries.near_matters(114.05, 22.55, "", NOW + timedelta(days=1)) == []
    clerk = officials["clerk"]
    actions.take_step(case_id=first, step="accept", by=clerk, at=NOW + timedelta(days=1))
    actions.take_step(case_id=first, step="finish", by=clerk, at=NOW + timedelta(days=2), reason="New bulb",
                      result="solved")  # fmt: skip
    actions.take_step_as_reporter(case_id=second, secret="two", step="confirm", at=NOW + timedelta(days=3))
    assert row(first).state == "closed"
    with pytest.raises(Refused, match="report it again"):
        actions.say_me_too(case_id=first, secret="five", at=NOW + timedelta(days=4))
    hidden = reported(0, confidentiality="restricted")
    with pytest.raises(Refused, match="no such case"):
        actions.say_me_too(case_id=hidden, secret="five", at=NOW + timedelta(days=4))


def lamps(count: int = 3) -> list[str]:
    """Reports of one lamp, joined."""
    cases = [reported(3 * number, number, secret=f"secret {number}") for number in range(count)]
    look(cases)
    assert {row(case).matter for case in cases} == {cases[0]}
    return cases


def leads(cases: Sequence[str]) -> list[int]:
    return [cases.index(row(case).matter) for case in cases]


def test_a_report_that_was_taken_out_stays_out_and_can_be_put_back(keeper: OpenKeeper, officials: Officials) -> None:
    cases, clerk, later = lamps(), officials["clerk"], NOW + timedelta(days=2)
    actions.part_from_matter(case_id=cases[1], by=clerk, at=later, reason="The lamp opposite", command="c1")
    actions.part_from_matter(case_id=cases[1], by=clerk, at=later, reason="The lamp opposite", command="c1")
    assert leads(cases) == [0, 1, 0]
    assert (row(cases[1]).state, row(cases[1]).is_open) == ("received", True)
    assert joining.join_new([row(cases[1])], {cases[1]: DARK}, later) == {}
    assert not CasePair.objects.filter(says="maybe").exists()
    actions.join_matters(case_id=cases[1], other=cases[2], by=clerk, at=later, reason="It was the same")
    assert leads(cases) == [0, 0, 0]
    assert not CasePair.objects.exists()


def test_where_the_first_is_taken_out_or_taken_back_the_next_goes_on(
    keeper: OpenKeeper, officials: Officials
) -> None:  # fmt: skip
    cases, clerk, later = lamps(4), officials["clerk"], NOW + timedelta(days=2)
    actions.part_from_matter(case_id=cases[0], by=clerk, at=later, reason="Another lamp")
    assert leads(cases) == [0, 1, 1, 1]
    assert row(cases[0]).events.get(kind="passed-on").data == {"lead": row(cases[1]).number}
    actions.let_lead(case_id=cases[3], by=clerk, at=later, reason="It says the number of the pole")
    assert leads(cases) == [0, 3, 3, 3]
    assert [row(case).state for case in cases] == ["received", "joined", "joined", "received"]
    actions.take_step(case_id=cases[3], step="decline", by=officials["supervisor"], at=later, reason="Withdrawn",
                      result="withdrawn")  # fmt: skip
    bus.drain(at=later)
    assert leads(cases) == [0, 1, 1, 3]
    assert [row(case).state for case in cases] == ["received", "received", "joined", "declined"]


def test_what_becomes_of_the_case_that_goes_on_is_said_in_each_of_the_others(
    keeper: OpenKeeper, officials: Officials
) -> None:
    cases, clerk, later = lamps(), officials["clerk"], NOW + timedelta(days=2)
    actions.take_step(case_id=cases[0], step="accept", by=clerk, at=later)
    actions.take_step(case_id=cases[0], step="finish", by=clerk, at=later, reason="New bulb", result="solved")
    actions.take_step_as_reporter(case_id=cases[0], secret="secret 0", step="confirm", at=later)
    bus.drain(at=later)
    said = [(one.data["state"], one.data.get("result")) for one in row(cases[2]).events.filter(kind="followed")]
    assert said == [("in-progress", None), ("done", "solved"), ("closed", None)]
    moved = CaseMoved(cases[0], "request", "street-light", "confirm", "done", "closed", "", "city", True, later)
    assert [actions.follow_lead(moved, event_id="E" * 26, at=later) for _ in range(2)] == [2, 2]
    assert row(cases[2]).events.filter(kind="followed").count() == 4
    assert [(row(case).state, row(case).result) for case in cases[1:]] == [("joined", "solved")] * 2
    assert not CaseSketch.objects.filter(is_live=True).exists()
    again = reported(2, 80)
    assert look([again]) == {}
    actions.take_step_as_reporter(case_id=cases[1], secret="secret 1", step="reopen", reason="Dark again", at=later)
    bus.drain(at=later)
    assert (row(cases[2]).result, CaseSketch.objects.filter(is_live=True).count()) == ("joined", 4)
