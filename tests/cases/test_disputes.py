"""Disputes: seen by those they name, parties sealed, nobody too near mediates, settled only when it is kept."""

from __future__ import annotations

import inspect
from datetime import date, timedelta

import pytest

from cityloom.cases import actions, queries
from cityloom.cases.domain.disputes import sides
from cityloom.cases.mediating import deeds, naming
from cityloom.cases.models import AgreementItem, Case, CaseEvent, CaseMember, DisputeParty, MediationSession
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.conftest import NOW
from tests.cases.disputing import LI, WANG, PacketKeeper, dispute, fake_keeper, in_mediation, somebody

pytestmark = pytest.mark.django_db
Officials = dict[str, Actor]
LATER = NOW + timedelta(days=3)


def refused(code: str) -> pytest.RaisesContext[Refused]:  # type: ignore[type-arg]
    return pytest.raises(Refused, check=lambda refusal: refusal.code == code)


def row(case_id: str) -> Case:
    return Case.objects.get(id=case_id)


@pytest.fixture
def keeper(monkeypatch: pytest.MonkeyPatch) -> PacketKeeper:
    return fake_keeper(monkeypatch)


@pytest.fixture
def mediator(officials: Officials) -> Actor:
    return somebody("mediator")


def test_only_those_whom_it_names_see_a_dispute(officials: Officials, mediator: Actor, keeper: PacketKeeper) -> None:
    clerk, supervisor = officials["clerk"], officials["supervisor"]
    case_id = dispute(clerk, answers={"matter": "Drums at night"})
    assert queries.case_for(clerk, case_id).confidentiality == "secret"
    for other in (supervisor, mediator, officials["duty"]):
        with refused("cases.not_yours"):
            queries.case_for(other, case_id)
    with refused("cases.no_role"):
        actions.give(case_id=case_id, handler=supervisor.account, by=supervisor, at=NOW)
    with refused("cases.kept_secret"):
        actions.give(case_id=case_id, handler=mediator.account, by=clerk, at=NOW)
    with refused("cases.kept_secret"):
        actions.offer(case_id=case_id, unit="city", reason="It is theirs", by=clerk, at=NOW)
    actions.name_member(case_id=case_id, role="mediator", account=mediator.account, by=supervisor, at=NOW)
    assert queries.case_for(mediator, case_id).id == case_id
    actions.end_member(case_id=case_id, role="mediator", account=mediator.account, by=clerk, at=LATER)
    with refused("cases.not_yours"):
        queries.case_for(mediator, case_id)


def test_what_is_told_of_a_dispute_is_not_what_it_is_about(officials: Officials, keeper: PacketKeeper) -> None:
    from cityloom.bus.models import OutboxEvent

    dispute(officials["clerk"])
    told = str(list(OutboxEvent.objects.values()))
    assert "dispute" in told and "noise" not in told and "city/social" not in told


def test_parties_are_sealed_and_open_for_members_alone_with_a_leaf_each(
    officials: Officials, mediator: Actor, keeper: PacketKeeper
) -> None:
    clerk, supervisor = officials["clerk"], officials["supervisor"]
    case_id = dispute(clerk)
    one = actions.add_party(case_id=case_id, side="one", capacity="party", name="Li Lei", contact="139 0000 0000",
                            number=LI, by=clerk, at=NOW, command="p1")  # fmt: skip
    assert one == actions.add_party(case_id=case_id, side="one", capacity="party", name="Li Lei", by=clerk, at=NOW,
                                    command="p1")  # fmt: skip
    actions.add_party(case_id=case_id, side="other", capacity="party", name="Wang Fang", by=clerk, at=NOW)
    stored = str(list(DisputeParty.objects.values())) + str(list(CaseEvent.objects.values()))
    assert "Li Lei" not in stored and LI not in stored and "139" not in stored
    for other in (supervisor, mediator, officials["steward"]):
        with refused("cases.no_role"):
            actions.open_parties(case_id=case_id, by=other, at=NOW)
    assert keeper.leaves == []
    found = actions.open_parties(case_id=case_id, by=clerk, at=NOW)
    assert (found[one].name, found[one].contact) == ("Li Lei", "139 0000 0000")
    assert keeper.leaves == [(clerk.account, 1000), (clerk.account, 1001)]
    actions.name_member(case_id=case_id, role="mediator", account=mediator.account, by=supervisor, at=NOW)
    assert actions.open_parties(case_id=case_id, by=mediator, at=NOW)[one].contact == ""
    actions.declare(case_id=case_id, interest=False, number=WANG, by=mediator, at=NOW)
    assert actions.open_parties(case_id=case_id, by=mediator, at=NOW)[one].contact == "139 0000 0000"
    for what in ("invited", "heard"):
        actions.mark_party(case_id=case_id, party=one, what=what, by=clerk, at=LATER)
    kept = DisputeParty.objects.get(id=one)
    assert kept.invited_at and kept.heard_at
    Case.objects.filter(id=case_id).update(keep_until=NOW.date())
    assert actions.erase_old(by=SYSTEM, at=LATER) == 1
    assert keeper.packets == {} and not DisputeParty.objects.exists()


@pytest.mark.parametrize(("wrong", "code"), [
    ({"side": "third"}, "cases.party_side"), ({"side": "both"}, "cases.party_side"),
    ({"capacity": "suspect"}, "cases.party_capacity"), ({"name": " \x00\n"}, "cases.party_name"),
    ({"name": "x" * 121}, "cases.party_long"), ({"contact": "x" * 301}, "cases.party_long"),
])  # fmt: skip
def test_what_is_no_party_is_refused_without_its_name(wrong: dict[str, str], code: str) -> None:
    given = {"side": "one", "capacity": "party", "name": "Li Lei", "contact": "", "number": "", "unit": ""} | wrong
    with refused(code) as caught:
        sides.said(**given)
    assert "Li Lei" not in str(caught.value) and "x" * 9 not in str(caught.value)


def test_whoever_stands_too_near_cannot_be_named_and_nobody_learns_why(
    officials: Officials, mediator: Actor, keeper: PacketKeeper
) -> None:
    clerk, supervisor = officials["clerk"], officials["supervisor"]
    source = actions.open_case(actions.Asked("request", "noise"), by=clerk, at=NOW)
    handled = somebody("handled")
    actions.give(case_id=source, handler=handled.account, by=clerk, at=NOW)
    case_id = dispute(clerk, links=[("case", source)])
    of_party = somebody("of-party", "city/water", "case-handler")
    actions.add_party(case_id=case_id, side="other", capacity="party", name="The water company", unit="city/water",
                      by=clerk, at=NOW)  # fmt: skip
    sentences = set()

    def name(account: Actor, by: Actor = supervisor) -> None:
        actions.name_member(case_id=case_id, role="mediator", account=account.account, by=by, at=NOW)

    for near in (handled, of_party):
        with refused("cases.too_near") as caught:
            name(near)
        sentences.add(str(caught.value))
    name(mediator)
    actions.add_party(case_id=case_id, side="one", capacity="party", name="Me", number=LI[:6] + " " + LI[6:], by=clerk,
                      at=NOW)  # fmt: skip
    assert actions.declare(case_id=case_id, interest=False, number=LI, by=mediator, at=NOW) is False
    assert keeper.leaves == []  # a yes or no, and nothing was opened
    with refused("cases.too_near") as caught:
        name(mediator)
    assert sentences == {str(caught.value)} and len(sentences) == 1
    assert not CaseMember.objects.filter(role="mediator", until=None).exists()
    with refused("cases.named_oneself"):
        name(supervisor, supervisor)
    with refused("cases.cannot_mediate"):
        name(officials["auditor"])
    with refused("cases.may_not_name"):
        name(somebody("another"), officials["steward"])


def test_nobody_can_ask_in_which_disputes_somebody_is(
    officials: Officials, mediator: Actor, keeper: PacketKeeper
) -> None:
    """The keeper answers about one case alone, and no question of the city takes a person."""
    clerk = officials["clerk"]
    with_li, without = dispute(clerk), dispute(clerk)
    actions.add_party(case_id=with_li, side="one", capacity="party", name="Li", number=LI, by=clerk, at=NOW)
    assert naming._is_party(row(with_li), LI, NOW) and not naming._is_party(row(without), LI, NOW)
    assert all(case.encode() in word for word in keeper.words for case in (with_li,))
    person = {"contact", "phone", "subject", "person", "national_id", "party"}
    asks = [name for name, one in inspect.getmembers(queries, inspect.isfunction)
            if person & set(inspect.signature(one).parameters)]  # fmt: skip
    assert asks == []
    assert {field.name for field in DisputeParty._meta.get_fields() if getattr(field, "db_index", False)} <= {"case"}
    from cityloom.cases.listing.page import Wanted

    assert not person & set(Wanted.__dataclass_fields__)
    takes = {name for name, one in inspect.getmembers(deeds, inspect.isfunction)
             if one.__module__ == deeds.__name__ and not name.startswith("_")
             and "case_id" not in inspect.signature(one).parameters}  # fmt: skip
    assert takes == set()  # each deed is about one case


def test_a_session_is_planned_held_missed_or_postponed(
    officials: Officials, mediator: Actor, keeper: PacketKeeper
) -> None:
    clerk, case_id = officials["clerk"], dispute(officials["clerk"])
    soon = NOW + timedelta(days=2)

    def plan(**more: object) -> int:
        given = {"on": soon, "mediator": mediator.account, "place": "Room 3"} | more
        return actions.plan_session(case_id=case_id, by=clerk, at=NOW, **given)  # type: ignore[arg-type]

    with refused("cases.not_mediator"):
        plan()
    actions.name_member(case_id=case_id, role="mediator", account=mediator.account, by=clerk, at=NOW)
    with refused("cases.not_declared"):
        plan()
    actions.declare(case_id=case_id, interest=False, by=mediator, at=NOW)
    with refused("cases.state"):
        plan()
    assert not MediationSession.objects.exists()  # nothing of it is kept
    actions.take_step(case_id=case_id, step="admit", by=clerk, at=NOW)
    with refused("cases.session_past"):
        plan(on=NOW - timedelta(hours=1))
    plan()
    with refused("cases.session_planned"):
        plan()
    actions.end_session(case_id=case_id, number=1, outcome="failed", absent="other", by=clerk, at=soon)
    assert row(case_id).state == "admitted"
    plan(on=soon + timedelta(days=1))
    actions.end_session(case_id=case_id, number=2, outcome="postponed", by=clerk, at=soon)
    plan(on=soon + timedelta(days=4))
    with refused("cases.role"):
        actions.end_session(case_id=case_id, number=3, outcome="held", by=clerk, at=soon)
    actions.end_session(case_id=case_id, number=3, outcome="held", minutes="They spoke", by=mediator, at=soon)
    assert row(case_id).state == "in-mediation"
    kept = list(MediationSession.objects.order_by("number").values_list("state", "absent"))
    assert kept == [("failed", "other"), ("postponed", ""), ("held", "")]
    assert "Room 3" not in str(list(MediationSession.objects.values())) and "They spoke" in keeper.texts


def test_an_agreement_is_not_settled_before_it_is_kept(
    officials: Officials, mediator: Actor, keeper: PacketKeeper
) -> None:
    clerk = officials["clerk"]
    case_id = in_mediation(clerk, officials["supervisor"], mediator)
    at, day = NOW + timedelta(days=2), date(2026, 11, 20)

    def step(name: str, by: Actor = mediator, **more: str) -> None:
        actions.take_step(case_id=case_id, step=name, by=by, at=at, **more)

    def check(number: int, outcome: str, when: int = 0, **more: str) -> None:
        actions.check_item(case_id=case_id, number=number, outcome=outcome, by=mediator, at=at + timedelta(days=when),
                           **more)  # fmt: skip

    with refused("cases.no_agreement"):
        step("agree")
    with refused("cases.item_day"):
        actions.write_item(case_id=case_id, side="one", words="No drums", until_on=date(2026, 1, 1), by=mediator, at=at)
    for side, words in (("one", "No drums after ten"), ("other", "Withdraw the complaint")):
        actions.write_item(case_id=case_id, side=side, words=words, until_on=day, by=mediator, at=at)
    step("agree")
    step("sign", clerk)
    with refused("cases.no_fulfilment"):
        step("fulfil")
    assert actions.ring_due(at=at) == 0
    assert [actions.ring_due(at=at.replace(day=18)), actions.ring_due(at=at.replace(day=19))] == [2, 0]
    assert [actions.ring_due(at=at.replace(day=22)), actions.ring_due(at=at.replace(day=23))] == [2, 0]
    check(1, "partly", 20, reason="Only on weekdays")
    assert row(case_id).clocks.get(clock="follow-up").standing == "paused"
    check(1, "fulfilled", 21)
    assert row(case_id).state == "fulfilment"
    check(2, "not", 22, reason="It was filed again")
    assert row(case_id).state == "in-mediation"
    check(2, "dropped", 22, reason="Something else was found")
    actions.write_item(case_id=case_id, side="other", words="Let them be", until_on=date(2026, 12, 20), by=mediator,
                       at=at + timedelta(days=22))  # fmt: skip
    at += timedelta(days=23)
    step("agree")
    step("sign")
    check(3, "fulfilled", 1)
    kept = row(case_id)
    assert (kept.state, kept.result, kept.is_open) == ("settled", "fulfilled", False)
    assert "drums" not in str(list(AgreementItem.objects.values()))
    with refused("cases.not_now"):
        check(1, "not", 2, reason="Late")


def test_a_follow_up_that_passes_settles_what_nobody_said_is_broken(
    officials: Officials, mediator: Actor, keeper: PacketKeeper
) -> None:
    case_id = in_mediation(officials["clerk"], officials["supervisor"], mediator)
    at = NOW + timedelta(days=2)
    actions.write_item(case_id=case_id, side="one", words="No drums", until_on=date(2026, 11, 20), by=mediator, at=at)
    for name in ("agree", "sign"):
        actions.take_step(case_id=case_id, step=name, by=mediator, at=at)
    actions.ring_due(at=at + timedelta(days=80))
    assert row(case_id).state == "fulfilment"
    actions.ring_due(at=at + timedelta(days=92))
    assert (row(case_id).state, row(case_id).result) == ("settled", "followed-up")
