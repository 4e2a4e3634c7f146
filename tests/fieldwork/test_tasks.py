"""From the people who need help to finished visits."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from cityloom.accounts import actions as accounts
from cityloom.bus import queries as bus
from cityloom.fieldwork import actions, queries
from cityloom.fieldwork.actions import PeopleToAssist
from cityloom.fieldwork.models import Task, Worker
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.fieldwork.fakes import FakeGate

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=12)
INCIDENT = "01INCIDENT"
SITES = [(114.000, 22.50), (114.002, 22.50), (114.004, 22.50)]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> FakeGate:
    fake = FakeGate()
    for name in ("grant_all", "revoke_these", "open_all"):
        monkeypatch.setattr(actions.gate, name, getattr(fake, name))
    monkeypatch.setattr(actions.gate_queries, "grants_for_zone", fake.grants_for_zone)
    monkeypatch.setattr(actions.registers, "addresses", lambda dwellings: {d: f"{d} Sea Road" for d in dwellings})
    return fake


@pytest.fixture
def workers() -> list[Actor]:
    accounts.create_units(communities=[("city/d01", "District 1", "一区", "district")], by=SYSTEM, at=NOW)
    made = accounts.create_demo_accounts(workers=["city/d01"] * 3, by=SYSTEM, at=NOW)
    assert actions.install_workers(workers=made, sites=SITES, by=SYSTEM, at=NOW) == 3
    by_account = {row.account_id: row.lon for row in Worker.objects.all()}
    social = [account.actor for account in made if "social-worker" in account.roles]
    return sorted(social, key=lambda actor: by_account[actor.account])


def people(*rows: tuple[int, int, float]) -> PeopleToAssist:
    """Subject, dwelling and longitude of each person."""
    subject, dwelling, lon = zip(*rows, strict=True)
    return PeopleToAssist(
        subject=np.array(subject), dwelling_id=np.array(dwelling), building_id=np.array(dwelling) // 10,
        lon=np.array(lon), lat=np.full(len(rows), 22.5),
    )  # fmt: skip


THREE_HOMES = people((1, 100, 114.000), (2, 100, 114.000), (3, 200, 114.002), (4, 300, 114.004))


def assign(who: PeopleToAssist = THREE_HOMES, **changed: object) -> list[str]:
    wanted = {
        "by": SYSTEM, "at": NOW, "incident_id": INCIDENT, "people": who, "until": UNTIL, "basis": "",
        "zone_digest": "z", "exercise_id": "",
    }  # fmt: skip
    return actions.assign(**(wanted | changed))  # type: ignore[arg-type]


def delivered_to(worker: Actor) -> str:
    return queries.my_tasks(worker)[0].id


def test_one_task_a_dwelling_to_the_worker_next_door(gate: FakeGate, workers: list[Actor]) -> None:
    assert len(assign()) == 3
    assert [[task.dwelling_id for task in queries.my_tasks(worker)] for worker in workers] == [[100], [200], [300]]
    assert queries.my_tasks(workers[0])[0].people == 2


def test_assigning_opens_nobody_and_grants_each_worker_only_the_own_people(
    gate: FakeGate, workers: list[Actor]
) -> None:
    assign()
    assert gate.opened == []
    assert {grant.holder: set(grant.subjects) for grant in gate.grants.values()} == {
        workers[0].account: {1, 2}, workers[1].account: {3}, workers[2].account: {4},
    }  # fmt: skip


def test_assigning_twice_is_assigning_once(gate: FakeGate, workers: list[Actor]) -> None:
    first = assign()
    grants = dict(gate.grants)
    assert assign() == first
    assert Task.objects.count() == 3
    assert gate.grants == grants


def test_a_grown_zone_adds_tasks_and_leaves_the_others_alone(gate: FakeGate, workers: list[Actor]) -> None:
    before = {task.id: task.worker_id for task in queries.tasks_of(INCIDENT)} if assign() else {}
    wider = people((1, 100, 114.0), (2, 100, 114.0), (3, 200, 114.002), (4, 300, 114.004), (5, 400, 114.0))
    assign(wider)
    after = {task.id: task.worker_id for task in queries.tasks_of(INCIDENT)}
    assert len(after) == 4
    assert before.items() <= after.items()


def test_with_nobody_on_duty_tasks_wait_until_somebody_is(gate: FakeGate, workers: list[Actor]) -> None:
    Worker.objects.update(on_duty=False)
    assign()
    assert queries.counts_by_state(INCIDENT)["waiting"] == 3
    assert queries.undelivered(INCIDENT) == []
    Worker.objects.update(on_duty=True)
    assign()
    assert queries.counts_by_state(INCIDENT)["assigned"] == 3


def test_delivery_opens_in_the_workers_name_and_keeps_nothing(gate: FakeGate, workers: list[Actor]) -> None:
    sheets = actions.deliver(at=NOW, task_ids=assign())
    assert sorted(gate.opened) == sorted(
        [(workers[0].account, 1), (workers[0].account, 2), (workers[1].account, 3), (workers[2].account, 4)]
    )
    assert sheets[0].address.endswith("Sea Road")
    stored = str(list(Task.objects.values())) + str([event.data for event in bus.events_of("")])
    for word in ("name of", "phone of", "need_note of", "Sea Road"):
        assert word not in stored
        assert word not in repr(sheets)


def test_delivering_twice_opens_once(gate: FakeGate, workers: list[Actor]) -> None:
    tasks = assign()
    actions.deliver(at=NOW, task_ids=tasks)
    assert actions.deliver(at=NOW, task_ids=tasks) == []
    assert len(gate.opened) == 4


def test_one_closed_envelope_holds_up_nobody_else(gate: FakeGate, workers: list[Actor]) -> None:
    tasks = assign()
    gate.down_for = {workers[1].account}
    with pytest.raises(Refused, match="keeper"):
        actions.deliver(at=NOW, task_ids=tasks)
    assert queries.counts_by_state(INCIDENT) | {"delivered": 2, "assigned": 1} == queries.counts_by_state(INCIDENT)
    gate.down_for = set()
    assert len(actions.deliver(at=NOW, task_ids=tasks)) == 1


def test_a_worker_reads_the_own_task_again(gate: FakeGate, workers: list[Actor]) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    sheet = actions.open_my_task(by=workers[0], at=NOW, task_id=delivered_to(workers[0]))
    assert [person["name"] for person in sheet.people] == ["name of 1", "name of 2"]
    assert sheet.address == "100 Sea Road"


def test_nobody_reads_or_ends_another_workers_task(gate: FakeGate, workers: list[Actor]) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    before = list(gate.opened)
    for act in (actions.open_my_task, actions.accept, actions.finish, actions.unable):
        with pytest.raises(Refused) as refused:
            act(by=workers[1], at=NOW, task_id=delivered_to(workers[0]))
        assert refused.value.code == "fieldwork.not_yours"
    assert gate.opened == before


def test_before_delivery_there_is_nothing_to_read(gate: FakeGate, workers: list[Actor]) -> None:
    assign()
    with pytest.raises(Refused) as refused:
        actions.open_my_task(by=workers[0], at=NOW, task_id=delivered_to(workers[0]))
    assert refused.value.code == "fieldwork.not_delivered"


@pytest.mark.parametrize("end", [actions.finish, actions.unable])
def test_after_its_end_a_task_cannot_be_read_and_its_grant_is_gone(gate: FakeGate, workers: list[Actor], end) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    task = delivered_to(workers[0])
    actions.accept(by=workers[0], at=NOW, task_id=task)
    end(by=workers[0], at=NOW, task_id=task)
    with pytest.raises(Refused) as refused:
        actions.open_my_task(by=workers[0], at=NOW, task_id=task)
    assert refused.value.code == "fieldwork.ended"
    assert [grant.holder for grant in gate.grants.values() if not grant.live] == [workers[0].account]
    assert queries.my_tasks(workers[0]) == []


def test_finishing_is_told_once_however_often_it_is_said(gate: FakeGate, workers: list[Actor]) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    task = delivered_to(workers[0])
    for _ in range(3):
        actions.finish(by=workers[0], at=NOW, task_id=task)
    assert [event.type for event in bus.events_of("")].count("cityloom.fieldwork.TaskFinished.v1") == 1
    with pytest.raises(Refused) as refused:
        actions.unable(by=workers[0], at=NOW, task_id=task)
    assert refused.value.code == "fieldwork.state"


def test_a_grant_lives_until_the_last_of_its_tasks_has_ended(gate: FakeGate, workers: list[Actor]) -> None:
    Worker.objects.exclude(account_id=workers[0].account).update(on_duty=False)
    actions.deliver(at=NOW, task_ids=assign())
    mine = [task.id for task in queries.my_tasks(workers[0])]
    (grant,) = gate.grants.values()
    for task in mine:
        assert grant.live
        actions.finish(by=workers[0], at=NOW, task_id=task)
    assert not grant.live


def test_what_several_workers_report_at_once_is_as_if_each_had_said_it(
    gate: FakeGate, workers: list[Actor]
) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    reports = [actions.Report(delivered_to(worker), worker) for worker in workers]
    for _ in range(2):
        actions.take_reports(at=NOW, state="done", reports=reports)
    assert queries.counts_by_state(INCIDENT)["done"] == 3
    assert not any(grant.live for grant in gate.grants.values())
    assert [event.type for event in bus.events_of("")].count("cityloom.fieldwork.TaskFinished.v1") == 3


def test_a_report_about_somebody_elses_task_changes_nothing(gate: FakeGate, workers: list[Actor]) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    reports = [
        actions.Report(delivered_to(workers[0]), workers[0]), actions.Report(delivered_to(workers[1]), workers[2])
    ]  # fmt: skip
    with pytest.raises(Refused, match="another worker"):
        actions.take_reports(at=NOW, state="done", reports=reports)
    assert queries.counts_by_state(INCIDENT)["done"] == 0
    assert all(grant.live for grant in gate.grants.values())


def test_when_the_incident_ends_every_open_task_ends_and_every_grant(gate: FakeGate, workers: list[Actor]) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    done = delivered_to(workers[0])
    actions.finish(by=workers[0], at=NOW, task_id=done)
    assert actions.cancel_all(by=SYSTEM, at=NOW, incident_id=INCIDENT) == 2
    assert actions.cancel_all(by=SYSTEM, at=NOW, incident_id=INCIDENT) == 0
    counts = queries.counts_by_state(INCIDENT)
    assert (counts["done"], counts["cancelled"]) == (1, 2)
    assert not any(grant.live for grant in gate.grants.values())


def keep_within(buildings: list[int], zone: str = "smaller") -> int:
    return actions.keep_within(
        by=SYSTEM, at=NOW, incident_id=INCIDENT, building_ids=buildings, until=UNTIL, basis="", zone_digest=zone
    )


def test_a_smaller_zone_ends_the_tasks_outside_and_narrows_the_grants(gate: FakeGate, workers: list[Actor]) -> None:
    Worker.objects.exclude(account_id=workers[0].account).update(on_duty=False)
    actions.deliver(at=NOW, task_ids=assign())
    assert keep_within([10, 20]) == 1
    assert {task.dwelling_id: task.state for task in queries.tasks_of(INCIDENT)} == {
        100: "delivered", 200: "delivered", 300: "cancelled",
    }  # fmt: skip
    newest = [grant for grant in gate.grants.values() if grant.zone_digest == "smaller"]
    assert [(grant.holder, set(grant.subjects)) for grant in newest] == [(workers[0].account, {1, 2, 3})]
    gate.revoke_all(by=SYSTEM, at=NOW, incident_id=INCIDENT, but_zone_digest="smaller")
    task = queries.my_tasks(workers[0])[0]
    assert actions.open_my_task(by=workers[0], at=NOW, task_id=task.id).people, "who stays is read under the new grant"


def test_a_smaller_zone_twice_is_once(gate: FakeGate, workers: list[Actor]) -> None:
    assign()
    assert keep_within([10]) == 2
    before = list(Task.objects.order_by("id").values()), len(gate.grants)
    assert keep_within([10]) == 0
    assert (list(Task.objects.order_by("id").values()), len(gate.grants)) == before


def test_a_zone_that_grows_again_gives_out_anew_what_was_taken_back(gate: FakeGate, workers: list[Actor]) -> None:
    actions.deliver(at=NOW, task_ids=assign())
    keep_within([10])
    gate.revoke_all(by=SYSTEM, at=NOW, incident_id=INCIDENT, but_zone_digest="smaller")
    actions.finish(by=workers[0], at=NOW, task_id=delivered_to(workers[0]))
    tasks = assign(zone_digest="grown")
    assert len(actions.deliver(at=NOW, task_ids=tasks)) == 2, "and what was done stays done"
    assert queries.counts_by_state(INCIDENT) | {"done": 1, "delivered": 2} == queries.counts_by_state(INCIDENT)
    assert all(task.finished_at is None for task in queries.tasks_of(INCIDENT) if task.state == "delivered")


def test_exercises_do_not_see_each_others_load(gate: FakeGate, workers: list[Actor]) -> None:
    assign(exercise_id="01EXERCISE")
    assert sum(queries.load_of("01EXERCISE").values()) == 3
    assert queries.load_of("") == {}
    assert actions.remove_exercise(by=SYSTEM, at=NOW, exercise_id="01EXERCISE") == 3
    assert queries.tasks_of(INCIDENT) == []


def test_the_real_citys_tasks_cannot_be_removed_like_an_exercise(gate: FakeGate, workers: list[Actor]) -> None:
    assign()
    with pytest.raises(Refused):
        actions.remove_exercise(by=SYSTEM, at=NOW, exercise_id="")
    assert Task.objects.count() == 3


def test_workers_are_installed_once(workers: list[Actor]) -> None:
    from cityloom.accounts.queries import demo_accounts

    actions.install_workers(workers=demo_accounts(), sites=SITES, by=SYSTEM, at=NOW)
    assert Worker.objects.count() == 3
    assert queries.languages_of(workers[0].account)[0] == "zh-Hans"
    assert queries.languages_of("nobody") == ()
