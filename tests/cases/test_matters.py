"""Several people report one thing: it is one matter, whoever reports first, and a person can take that back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.matters import joining
from cityloom.cases.models import Case, CaseFollower, CaseSketch
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
    assert said.data["chance"] >= joining.JOINS
    assert said.data["lead"] == row(first).number
    assert DARK.encode() not in b"".join(bytes(one.words) for one in CaseSketch.objects.all())


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
