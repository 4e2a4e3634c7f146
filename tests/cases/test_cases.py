"""A case from its opening to its end: once each, in order, with a reason, and the second of two is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cityloom.cases import actions
from cityloom.cases.actions import Asked
from cityloom.cases.models import Case, CaseClock, CaseEvent
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.casetypes import SMALL
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
LAMP = {"casetype": "request", "category": "street-light", "lon": 114.05, "lat": 22.54, "origin": "call"}


def opened(by: Actor, **more: Any) -> str:
    return actions.open_case(Asked(**(LAMP | more)), by=by, at=NOW)


def step(case_id: str, name: str, by: Actor, hours: float = 0, **more: Any) -> int:
    return actions.take_step(case_id=case_id, step=name, by=by, at=NOW + timedelta(hours=hours), **more)


def row(case_id: str) -> Case:
    return Case.objects.get(id=case_id)


def history(case_id: str) -> list[tuple[str, str, str]]:
    return list(CaseEvent.objects.filter(case__id=case_id).order_by("revision").values_list("kind", "step", "after"))


def test_a_lamp_is_reported_mended_confirmed_and_each_step_is_kept(keeper: OpenKeeper, officials: Officials) -> None:
    clerk = officials["clerk"]
    case = opened(clerk, answers={"words": "The lamp is dark", "lamp_number": "17"}, secret="abc")
    assert row(case).answers == {}
    assert [matter for matter, _ in keeper.sealed] == [case]
    step(case, "accept", clerk, 1)
    step(case, "finish", clerk, 30, reason="The bulb was changed", result="solved")
    actions.take_step_as_reporter(case_id=case, secret="abc", step="confirm", at=NOW + timedelta(hours=40))
    kept = row(case)
    assert (kept.state, kept.is_open, kept.result, kept.handler) == ("closed", False, "solved", clerk.account)
    assert history(case) == [("opened", "", "received"), ("stepped", "accept", "in-progress"),
                             ("stepped", "finish", "done"), ("stepped", "confirm", "closed")]  # fmt: skip
    assert "bulb" not in str(list(CaseEvent.objects.values()))
    assert kept.keep_until and kept.keep_until.year == 2031


def test_the_same_command_is_one_step_and_the_same_report_one_case(keeper: OpenKeeper, officials: Officials) -> None:
    clerk = officials["clerk"]
    case = opened(clerk, key="call-1")
    assert opened(clerk, key="call-1") == case
    assert [step(case, "accept", clerk, command="c1") for _ in range(2)] == [2, 2]
    assert len(history(case)) == 2


def test_of_two_who_decide_at_once_the_second_is_told(keeper: OpenKeeper, officials: Officials) -> None:
    case = opened(officials["clerk"])
    step(case, "accept", officials["clerk"], seen=1)
    with pytest.raises(Refused, match="you saw revision 1, it is revision 2 now"):
        step(case, "decline", officials["supervisor"], seen=1, reason="Not ours", result="not-the-citys")
    assert row(case).state == "in-progress"


def test_what_the_database_says_meanwhile_counts_too(keeper: OpenKeeper, officials: Officials,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Both have read the same revision before either writes."""
    case, seal = opened(officials["clerk"]), keeper.seal_texts

    def slowly(**said: Any) -> list[bytes]:
        monkeypatch.setattr("cityloom.cases.working.recording.gate.seal_texts", seal)
        step(case, "accept", officials["clerk"])
        return seal(**said)

    monkeypatch.setattr("cityloom.cases.working.recording.gate.seal_texts", slowly)
    with pytest.raises(Refused) as refused:
        actions.note(case_id=case, text="I was slower", by=officials["supervisor"], at=NOW)
    assert refused.value.code == "cases.changed"
    assert [kind for kind, *_ in history(case)] == ["opened", "stepped"]


def test_nobody_else_and_nothing_without_a_reason(keeper: OpenKeeper, officials: Officials) -> None:
    case = opened(officials["clerk"])
    refusals = {
        "cases.may_not_open": lambda: opened(officials["dpo"]),
        "cases.no_category": lambda: opened(officials["clerk"], category="lampe"),
        "cases.answer": lambda: opened(officials["clerk"], answers={"danger": "surely"}),
        "cases.no_question": lambda: opened(officials["clerk"], answers={"names": "x"}),
        "cases.answer_long": lambda: opened(officials["clerk"], answers={"words": "x" * 4_001}),
        "cases.role": lambda: step(case, "accept", officials["gas"]),
        "cases.reason": lambda: step(case, "decline", officials["supervisor"], result="cannot-be-done"),
        "cases.result": lambda: step(case, "decline", officials["supervisor"], reason="No money"),
        "cases.no_role": lambda: actions.note(case_id=case, text="Hello", by=officials["water"], at=NOW),
        "cases.no_follower": lambda: actions.take_step_as_reporter(case_id=case, secret="x", step="confirm", at=NOW),
        "cases.unknown": lambda: step("nothing", "accept", officials["clerk"]),
    }
    for code, deed in refusals.items():
        with pytest.raises(Refused) as refused:
            deed()
        assert refused.value.code == code


def test_the_first_receiver_leads_until_the_other_unit_accepts(keeper: OpenKeeper, officials: Officials) -> None:
    clerk, water = officials["clerk"], officials["water"]
    case = opened(clerk, category="water-leak")
    actions.offer(case_id=case, unit="city/water", by=clerk, at=NOW, reason="A main of theirs")
    assert (row(case).unit, row(case).offered_unit) == ("city/social", "city/water")
    step(case, "accept", clerk)  # the one that has it goes on
    actions.accept_offer(case_id=case, by=water, at=NOW)
    kept = row(case)
    assert (kept.unit, kept.offered_unit, kept.handler) == ("city/water", "", water.account)
    assert kept.branch_2 == "city/water"
    with pytest.raises(Refused, match="is not offered to your unit"):
        actions.accept_offer(case_id=case, by=clerk, at=NOW)


def test_clocks_stand_still_while_the_reporter_is_asked_and_may_be_extended(
    keeper: OpenKeeper, officials: Officials
) -> None:
    clerk = officials["clerk"]
    case = opened(clerk)
    limit = CaseClock.objects.get(case__id=case, clock="resolution").due_at
    assert row(case).due_at == CaseClock.objects.get(case__id=case, clock="reaction").due_at
    step(case, "accept", clerk, 1)
    assert row(case).due_at == limit
    step(case, "ask-reporter", clerk, 2, reason="Which lamp?")
    assert row(case).due_at is None
    step(case, "answer", clerk, 50)  # two working days later
    later = row(case).due_at
    assert limit and later and later - limit >= timedelta(days=2)
    actions.extend(case_id=case, clock="resolution", by=clerk, at=NOW + timedelta(hours=51), reason="No bulbs left")
    assert (row(case).due_at or NOW) - later >= timedelta(days=5)
    with pytest.raises(Refused, match="used up"):
        actions.extend(case_id=case, clock="resolution", by=clerk, at=NOW + timedelta(hours=52), reason="Again")


def test_time_that_is_up_reminds_escalates_and_rings_once_each(keeper: OpenKeeper, officials: Officials) -> None:
    case = opened(officials["clerk"], unit="city/water")
    step(case, "accept", officials["water"])
    for days in (1, 5, 6, 9, 30):
        actions.ring_due(at=NOW + timedelta(days=days))
        actions.ring_due(at=NOW + timedelta(days=days))
    assert [kind for kind, *_ in history(case)] == ["opened", "stepped", "reminded", "overdue"]
    assert row(case).offered_unit == "city/social"
    assert CaseClock.objects.filter(case__id=case, was_late=True).count() == 1


def test_an_exercise_has_its_own_time_and_the_days_of_the_city_ring_nothing_in_it(
    keeper: OpenKeeper, officials: Officials
) -> None:
    clerk, drill = officials["clerk"], "01EXERCISE0000000000000000"
    case, real = opened(clerk, exercise_id=drill, key="1"), opened(clerk, key="2")
    for one in (case, real):
        step(one, "accept", clerk)
    before = history(case)
    assert actions.ring_due(at=NOW + timedelta(days=60)) >= 1
    assert (history(case), row(case).offered_unit) == (before, "")
    assert len(history(real)) > 2
    assert actions.ring_due(at=NOW + timedelta(hours=1), exercise_id=drill) == 0
    assert actions.ring_due(at=NOW + timedelta(days=5), exercise_id=drill) == 1
    assert history(case)[-1][0] == "reminded"


def test_silence_closes_what_is_done_and_an_answer_prevents_it(keeper: OpenKeeper, officials: Officials) -> None:
    silent, heard = opened(officials["clerk"], key="1"), opened(officials["clerk"], key="2", secret="s")
    for case in (silent, heard):
        step(case, "accept", officials["clerk"])
        step(case, "finish", officials["clerk"], 2, reason="Done", result="solved")
    actions.take_step_as_reporter(case_id=heard, secret="s", step="reopen", reason="Still dark",
                                  at=NOW + timedelta(hours=3))  # fmt: skip
    actions.ring_due(at=NOW + timedelta(days=14))
    assert row(silent).state == "done"
    actions.ring_due(at=NOW + timedelta(days=16))
    assert (row(silent).state, row(silent).result) == ("closed", "solved")
    assert history(silent)[-2:] == [("deemed", "", ""), ("stepped", "settle", "closed")]
    assert row(heard).state == "in-progress"


def test_a_published_version_never_changes_and_a_case_stays_on_its_own(
    keeper: OpenKeeper, officials: Officials
) -> None:
    boss, clerk = officials["supervisor"], officials["clerk"]
    assert actions.publish_type(text=SMALL, by=boss, at=NOW) == ("lost-key", 1)
    actions.publish_type(text=SMALL, by=boss, at=NOW)
    other = SMALL.replace("Seek it", "Look for it")
    with pytest.raises(Refused, match="give yours the next number"):
        actions.publish_type(text=other, by=boss, at=NOW)
    with pytest.raises(Refused, match="published by supervisors"):
        actions.publish_type(text=SMALL, by=clerk, at=NOW)
    old = actions.open_case(Asked("lost-key"), by=clerk, at=NOW)
    actions.publish_type(text=other.replace("version: 1", "version: 2"), by=boss, at=NOW)
    new = actions.open_case(Asked("lost-key"), by=clerk, at=NOW)
    assert [row(one).version for one in (old, new)] == [1, 2]


def test_what_may_not_be_kept_any_longer_goes_with_its_history(keeper: OpenKeeper, officials: Officials) -> None:
    case = opened(officials["clerk"])
    step(case, "decline", officials["supervisor"], reason="Not ours", result="not-the-citys")
    assert actions.erase_old(by=SYSTEM, at=NOW + timedelta(days=4 * 365)) == 0
    assert actions.erase_old(by=SYSTEM, at=NOW + timedelta(days=6 * 365)) == 1
    assert not CaseEvent.objects.exists()
