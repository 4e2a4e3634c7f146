"""How many different people may be opened in a day, and what happens when somebody wants more."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.keeper import protocol, record
from cityloom.keeper.budgets import Budgets, Scope
from cityloom.kernel import clock
from tests.keeper.conftest import AUDITOR, CLERK, OFFICER, OTHER_SUPERVISOR, STEWARD, SUPERVISOR, Office, batch

SIZE = record.ENVELOPE_BYTES
DAY = date(2026, 5, 4)


def alarms(office: Office) -> list[tuple[str, str]]:
    rows = office.ask(protocol.Watch(office.sign(AUDITOR), 0), protocol.Alarms).rows
    return [(row.kind, row.about) for row in rows]


def open_one(office: Office, grant: str, subjects: np.ndarray, envelopes: bytes, at: int, **who: object):
    sealed = envelopes[at * SIZE : (at + 1) * SIZE]
    return office.open(grant, subjects[at : at + 1], sealed, who=office.sign(CLERK, **who))


@pytest.fixture
def enrolment(office: Office):
    subjects, envelopes = office.seal(batch(40))
    office.enact()
    return [(office.assign(subjects[at : at + 10]), at) for at in range(0, 40, 10)], subjects, envelopes


def reached(office: Office, enrolment, **who: object) -> tuple[int, set[str]]:
    grants, subjects, envelopes = enrolment
    people, codes = 0, set()
    for grant, first in grants:
        for at in range(first, first + 10):
            reply = open_one(office, grant, subjects, envelopes, at, **who)
            people += isinstance(reply, protocol.Opened)
            codes |= {reply.code} if isinstance(reply, protocol.Denied) else set()
    return people, codes


def test_one_person_reaches_so_many_people_a_day_and_an_alarm_rings_once(office: Office, enrolment) -> None:
    assert reached(office, enrolment) == (20, {"gate.budget"})
    assert alarms(office) == [("budget", "opener")]
    grants, subjects, envelopes = enrolment
    assert open_one(office, grants[0][0], subjects, envelopes, 0).people, "the same person again costs nothing"
    office.clock.advance(24 * 3600)
    renewed = office.assign(subjects[30:40])
    assert open_one(office, renewed, subjects, envelopes, 30).people, "a new day"


def test_a_budget_outlives_a_restart(office: Office, enrolment) -> None:
    reached(office, enrolment)
    office.again()
    grants, subjects, envelopes = enrolment
    assert open_one(office, grants[3][0], subjects, envelopes, 39).code == "gate.budget"


def test_a_system_that_wants_too_many_is_stopped_until_the_officer_lets_it_go_on(office: Office, enrolment) -> None:
    people, codes = reached(office, enrolment, service="photo-service")
    assert (people, codes) == (15, {"gate.budget", "gate.breaker"})
    assert alarms(office) == [("budget", "service")]
    grants, subjects, envelopes = enrolment
    assert open_one(office, grants[0][0], subjects, envelopes, 0).people, "the city's own system goes on"
    office.again()
    assert open_one(office, grants[0][0], subjects, envelopes, 0, service="photo-service").code == "gate.breaker"
    reset = protocol.ResetBreaker(office.fresh(OFFICER), "school-enrolment", "photo-service")
    assert office.refused(protocol.ResetBreaker(office.fresh(STEWARD), "x", "y")) == "gate.not_allowed"
    office.ask(reset, protocol.Done)
    assert open_one(office, grants[0][0], subjects, envelopes, 0, service="photo-service").people


def test_a_system_that_the_purpose_does_not_name_opens_nobody(office: Office, enrolment) -> None:
    assert reached(office, enrolment, service="somebody-elses") == (0, {"gate.service"})


def test_what_two_people_agreed_on_is_not_stopped_by_the_budget_of_one(office: Office, enrolment) -> None:
    _, subjects, envelopes = enrolment
    bulk = office.assign(subjects)
    office.ask(protocol.Second(office.fresh(OTHER_SUPERVISOR), bulk), protocol.Granted)
    assert len(office.open(bulk, subjects, envelopes, who=office.fresh(CLERK)).people) == 40
    assert reached(office, enrolment)[0] == 20


def test_all_exercises_share_one_budget_also_after_a_restart(office: Office, enrolment) -> None:
    _, subjects, envelopes = enrolment

    def opened(row: int) -> protocol.Reply:
        name, at = f"exercise-{row}", clock.now()
        grant = office.grant(
            subjects[row : row + 1], who=office.sign(SUPERVISOR, exercise_id=name, at=at), purpose="school-enrolment",
            fields=["name"], holder=CLERK.account,
        )  # fmt: skip
        sealed = envelopes[row * SIZE : (row + 1) * SIZE]
        return office.open(grant, subjects[row : row + 1], sealed, who=office.sign(CLERK, exercise_id=name, at=at))

    assert all(opened(row).people for row in range(20))
    assert opened(20).code == "gate.budget"
    office.again()
    assert opened(21).code == "gate.budget"
    assert reached(office, enrolment)[0] == 20, "what is real is not used up by it"


def test_opening_a_honey_resident_rings_and_leaves_no_mark_in_the_leaf(office: Office, enrolment) -> None:
    grants, subjects, envelopes = enrolment
    office.ask(protocol.SetHoney(office.fresh(OFFICER), subjects[3:4].tobytes()), protocol.Done)
    assert open_one(office, grants[0][0], subjects, envelopes, 2).people
    assert alarms(office) == []
    assert open_one(office, grants[0][0], subjects, envelopes, 3).people
    assert alarms(office) == [("honey", "")]
    assert not any(b"honey" in leaf for leaf in office.leaves("opened"))


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sets(st.integers(0, 30), max_size=12)), max_size=20))
def test_no_scope_ever_reaches_more_different_people_than_its_limit(requests) -> None:
    budgets, through = Budgets(), {"a": set(), "b": set()}
    for key, people in requests:
        scopes = [Scope("whole", (), 20), Scope("one", (key,), 9)]
        if budgets.spend(DAY, scopes, [bytes([person]) for person in people]) is None:
            through[key] |= people
    assert all(len(people) <= 9 for people in through.values())
    assert len(through["a"] | through["b"]) <= 20
    for key in "ab":
        assert budgets.spent(DAY, "one", (key,)) == len(through[key])


