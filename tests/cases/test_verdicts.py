"""Whether it is solved is said by those who reported it: once each, counted without a name, never by silence."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.domain.verdicts import Follows
from cityloom.cases.models import Case, CaseEvent, CaseFollower, CaseVerdict
from cityloom.kernel.actor import Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]


def done(by: Actor, follower: str = "first", hours: float = 0) -> str:
    """A lamp that somebody says is mended."""
    asked = Asked("request", "street-light", key=follower, secret=follower, origin="web")
    case_id = actions.open_case(asked, by=by, at=NOW)
    finish(case_id, by, hours)
    return case_id


def finish(case_id: str, by: Actor, hours: float = 0) -> None:
    if row(case_id).state == "received":
        actions.take_step(case_id=case_id, step="accept", by=by, at=NOW)
    actions.take_step(case_id=case_id, step="finish", by=by, at=NOW + timedelta(hours=hours), reason="The bulb is new",
                      result="solved")  # fmt: skip


def say(secret: str, solved: str, hours: float = 1, **more: Any) -> Follows:
    return actions.answer_whether_solved(secret=secret, solved=solved, at=NOW + timedelta(hours=hours), **more)


def row(case_id: str) -> Case:
    return Case.objects.get(id=case_id)


def kept() -> list[tuple[str, int | None]]:
    return list(CaseVerdict.objects.order_by("id").values_list("solved", "satisfaction"))


def test_whoever_reported_it_first_decides_and_the_others_are_heard(keeper: OpenKeeper, officials: Officials) -> None:
    case_id = done(officials["clerk"])
    for secret in ("second", "third"):
        actions.follow(case_id=case_id, secret=secret, at=NOW)
    assert say("second", "no", reason="Mine is still dark") is Follows.TELL
    assert say("third", "yes", satisfaction=4) is Follows.COUNT
    assert row(case_id).state == "done"
    assert say("first", "partly", satisfaction=3) is Follows.CLOSE
    assert row(case_id).state == "closed"
    assert kept() == [("no", None), ("yes", 4), ("partly", 3)]
    told = CaseEvent.objects.filter(case__id=case_id, kind="noted")
    assert [event.data for event in told] == [{"verdict": "tell"}]
    assert (case_id, "Mine is still dark") in keeper.sealed
    # nothing says which answer is whose
    assert {field.name for field in CaseVerdict._meta.get_fields()} == {"id", "case", "revision", "solved",
                                                                       "satisfaction", "at"}  # fmt: skip


def test_a_no_reopens_it_once_and_the_second_time_the_handler_is_told(
    keeper: OpenKeeper, officials: Officials
) -> None:
    clerk = officials["clerk"]
    case_id = done(clerk)
    with pytest.raises(Refused, match="Say why"):
        say("first", "no")
    assert say("first", "no", reason="Still dark") is Follows.GO_ON
    assert row(case_id).state == "in-progress"
    with pytest.raises(Refused, match="you are asked when somebody does"):
        say("first", "yes")
    finish(case_id, clerk, 5)
    assert say("first", "no", 6, reason="Dark again") is Follows.TELL
    assert row(case_id).state == "done"
    assert [solved for solved, _ in kept()] == ["no", "no"]
    assert len(set(CaseVerdict.objects.values_list("revision", flat=True))) == 2


def test_a_step_that_a_program_takes_for_the_reporter_is_an_answer_too_and_counts_once(
    keeper: OpenKeeper, officials: Officials
) -> None:
    case_id = done(officials["clerk"])
    for step, hours in (("reopen", 1), ("confirm", 3)):
        actions.take_step_as_reporter(case_id=case_id, secret="first", step=step, reason="Dark",
                                      at=NOW + timedelta(hours=hours))  # fmt: skip
        if step == "reopen":
            finish(case_id, officials["clerk"], 2)
    assert kept() == [("no", None), ("yes", None)]
    with pytest.raises(Refused, match="answered this already"):
        say("first", "yes", 4)


def test_silence_closes_it_and_is_no_answer(keeper: OpenKeeper, officials: Officials) -> None:
    case_id = done(officials["clerk"])
    end = queries.end_of(row(case_id))
    assert end and end.until and end.until - NOW >= timedelta(days=14)
    actions.ring_due(at=end.until + timedelta(minutes=1))
    assert (row(case_id).state, kept()) == ("closed", [])
    with pytest.raises(Refused, match="ask for another look"):
        say("first", "no", 24 * 30, reason="Still dark")


def test_what_cannot_be_an_answer_is_refused_and_nothing_is_kept(keeper: OpenKeeper, officials: Officials) -> None:
    done(officials["clerk"])
    refusals = {
        "cases.no_report": lambda: say("somebody else", "yes"),
        "cases.verdict": lambda: say("first", "certainly"),
        "cases.satisfaction": lambda: say("first", "yes", satisfaction=6),
        "cases.text_long": lambda: say("first", "no", reason="x" * 4_001),
    }
    for code, deed in refusals.items():
        with pytest.raises(Refused) as refused:
            deed()
        assert refused.value.code == code
    assert not kept() and not CaseFollower.objects.exclude(answered=0).exists()
    say("first", "yes")
    with pytest.raises(Refused, match="answered this already"):
        say("first", "no", reason="No")
    assert kept() == [("yes", None)]
