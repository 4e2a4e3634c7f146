"""Processes run durably: each step once, on the version they began with, whatever fails in between."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from cityloom.cases import actions
from cityloom.cases.actions import Asked
from cityloom.cases.models import Case, CaseLink, ProcessRun, ProcessWork
from cityloom.cases.processes import running
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.bpmn import PERMIT, bpmn
from tests.cases.conftest import NOW, OpenKeeper

pytestmark = pytest.mark.django_db
OFFICER = Actor("officer-1", "city/social", frozenset({"officer"}))
STARTS, ENDS = '<startEvent id="start"/>', '<endEvent id="end"/>'
CHAIN = bpmn(
    STARTS + "".join(f'<serviceTask id="s{n}" implementation="link:part-{n}"/>' for n in range(2)) + ENDS,
    "start > s0\ns0 > s1\ns1 > end", name="chain",
)  # fmt: skip


def upload(data: bytes) -> tuple[str, int]:
    return actions.upload_process(data=data, by=SYSTEM, at=NOW)


def start(process: str, **more: Any) -> str:
    return actions.start_process(process=process, by=SYSTEM, at=NOW, **more)


def waits(run: str) -> dict[str, str]:
    """What a run waits for: nodes with the ids of the work."""
    return dict(ProcessWork.objects.filter(run_id=run, done_at=None).values_list("node", "id"))


def maintenance() -> str:
    asked = Asked("maintenance", "sensor-fault", {"thing": "sensor", "fault_kind": "silent"}, 114.05, 22.54, key="k")
    return actions.open_case(asked, by=SYSTEM, at=NOW)


def finish(run: str, node: str, at: datetime = NOW, **facts: Any) -> None:
    actions.finish_task(task_id=waits(run)[node], by=OFFICER, at=at, facts=facts)


def linked(work: ProcessWork, by: Actor, at: datetime) -> dict[str, Any]:
    """A service with an effect in the database that can be counted."""
    CaseLink.objects.create(case=Case.objects.get(), kind="service", other=f"{work.run_id} {work.node}", at=at)
    return {}


def test_a_permit_goes_along_its_ways_with_people_services_timers_and_messages() -> None:
    upload(PERMIT)
    run = start("permit")
    assert set(waits(run)) == {"review", "late"}
    week = NOW + timedelta(days=7, hours=10)
    asked: list[str] = []
    services = {"step": lambda work, by, at: asked.append(work.what) or {}}
    assert running.work_due(services, NOW + timedelta(days=4)) == 0
    assert running.work_due(services, week) == 2  # five working days have gone by, and the reminder is sent
    assert asked == ["step:remind"]
    finish(run, "review", week, area_m2=9, kind="art", surname="Wang")
    finish(run, "visit", week)
    assert set(waits(run)) == {"papers", "week"}
    assert actions.deliver_message(message="other", runs=[run], by=SYSTEM, at=week) == 0
    assert actions.deliver_message(message="papers-came", runs=[run], by=SYSTEM, at=week) == 1
    assert running.work_due(services, week + timedelta(days=6)) == 0
    assert running.work_due(services, week + timedelta(days=7)) == 2
    row = ProcessRun.objects.get(id=run)
    assert (row.standing, asked[1:], waits(run)) == ("ended", ["step:grant"], {})
    assert "Wang" not in row.state


def test_a_step_that_lacks_a_fact_is_refused_and_has_not_happened() -> None:
    upload(PERMIT)
    run = start("permit")
    for facts in ({}, {"area_m2": "large", "kind": "art"}, {"area_m2": [9]}):
        with pytest.raises(Refused) as refused:
            finish(run, "review", **facts)
        assert refused.value.code == "cases.process_fact"
    assert set(waits(run)) == {"review", "late"}
    finish(run, "review", area_m2=6, kind="art")
    assert set(waits(run)) == {"grant"}


def test_a_task_is_for_its_lane_and_is_done_once() -> None:
    upload(PERMIT)
    run = start("permit")
    task = waits(run)["review"]
    stranger = Actor("someone", "city/water", frozenset({"handler"}))
    with pytest.raises(Refused, match="role officer"):
        actions.finish_task(task_id=task, by=stranger, at=NOW, facts={"area_m2": 9, "kind": "art"})
    for _ in range(2):
        actions.finish_task(task_id=task, by=OFFICER, at=NOW, facts={"area_m2": 9, "kind": "art"})
    assert set(waits(run)) == {"visit"}
    late = ProcessWork.objects.get(run_id=run, node="late")
    assert late.outcome == "passed"
    with pytest.raises(Refused, match="does not wait for this"):
        running.finish(late.id, {}, SYSTEM, NOW)


def test_a_process_asks_for_a_step_and_the_table_of_states_decides(keeper: OpenKeeper) -> None:
    upload(bpmn(f'{STARTS}<serviceTask id="a" implementation="step:recover"/>{ENDS}', "start > a\na > end", "mended"))
    with clock.use(clock.DrillClock(NOW)):
        case_id = maintenance()
        first, second = start("mended", case_id=case_id), start("mended", case_id=case_id)
        assert first != second
        assert actions.work_processes(at=NOW + timedelta(hours=1)) == 1
    assert Case.objects.get().state == "recovered"
    assert sorted(ProcessRun.objects.values_list("standing", flat=True)) == ["ended", "running"]
    held = ProcessWork.objects.get(done_at=None)
    assert held.refusal.startswith("cases.")
    assert actions.work_processes(at=NOW + timedelta(hours=2)) == 0
    actions.try_task_again(task_id=held.id, by=SYSTEM, at=NOW)
    assert actions.work_processes(at=NOW + timedelta(hours=2)) == 0
    assert Case.objects.get().revision == 2


def test_a_run_of_an_exercise_goes_on_by_the_time_of_the_exercise_alone(keeper: OpenKeeper) -> None:
    upload(bpmn(f'{STARTS}<serviceTask id="a" implementation="step:recover"/>{ENDS}', "start > a\na > end", "mended"))
    with clock.use(clock.DrillClock(NOW)):
        case_id = maintenance()
        start("mended", case_id=case_id)
        Case.objects.update(exercise_id="E" * 26)
        assert actions.work_processes(at=NOW + timedelta(days=9)) == 0
        assert actions.work_processes(at=NOW + timedelta(days=9), exercise_id="F" * 26) == 0
        assert Case.objects.get().state != "recovered"
        assert actions.work_processes(at=NOW, exercise_id="E" * 26) == 1
    assert Case.objects.get().state == "recovered"


def test_a_run_stays_on_its_version_and_so_does_what_it_calls() -> None:
    inner = f'{STARTS}<userTask id="%s"/>{ENDS}'
    outer = bpmn(f'{STARTS}<callActivity id="c" calledElement="inner"/>{ENDS}', "start > c\nc > end", "outer")
    with pytest.raises(Refused, match="no process inner"):
        upload(outer)
    assert upload(bpmn(inner % "old", "start > old\nold > end", "inner")) == ("inner", 1)
    assert upload(outer) == ("outer", 1)
    before = start("outer")
    assert upload(bpmn(inner % "new", "start > new\nnew > end", "inner")) == ("inner", 2)
    assert upload(bpmn(inner % "new", "start > new\nnew > end", "inner")) == ("inner", 2)
    assert set(waits(before)) == set(waits(start("outer"))) == {"old"}
    assert (set(waits(start("inner"))), set(waits(start("inner@1")))) == ({"new"}, {"old"})
    finish(before, "old")
    assert ProcessRun.objects.get(id=before).standing == "ended"
    with pytest.raises(Refused):
        start("inner@3")


def test_the_first_event_goes_on_and_the_others_are_passed() -> None:
    upload(bpmn(
        f'{STARTS}<eventBasedGateway id="g"/><intermediateCatchEvent id="t"><timerEventDefinition><timeDuration>PT1H'
        '</timeDuration></timerEventDefinition></intermediateCatchEvent><intermediateCatchEvent id="m">'
        '<messageEventDefinition messageRef="m1"/></intermediateCatchEvent>' + ENDS,
        "start > g\ng > t\ng > m\nt > end\nm > end", "either", '<message id="m1" name="came"/>',
    ))  # fmt: skip
    by_time, by_message = start("either"), start("either", key="once")
    assert start("either", key="once") == by_message
    assert actions.deliver_message(message="came", runs=[by_message], by=SYSTEM, at=NOW) == 1
    assert actions.work_processes(at=NOW + timedelta(hours=1)) == 1
    outcomes = ProcessWork.objects.order_by("node").values_list("run_id", "node", "outcome")
    assert set(outcomes) == {(by_time, "t", "done"), (by_time, "m", "passed"), (by_message, "m", "done"),
                             (by_message, "t", "passed")}  # fmt: skip


class Killed(BaseException):
    """The process is killed in the middle of a statement."""


def _killer(after: int) -> Any:
    """Lets so many statements through."""
    left: Iterator[int] = iter(range(after))

    def wrap(execute: Any, sql: str, *said: Any) -> Any:
        ends = sql.startswith(("ROLLBACK", "RELEASE"))  # what is left of a killed process: its database ends it
        if not ends and next(left, None) is None:
            raise Killed
        return execute(sql, *said)

    return wrap


def test_killed_between_any_two_statements_it_goes_on_and_does_nothing_twice(keeper: OpenKeeper) -> None:
    upload(CHAIN)
    with clock.use(clock.DrillClock(NOW)):
        maintenance()
    runs, kills = set(), 0
    for statement in range(1, 60, 2):
        try:
            with connection.execute_wrapper(_killer(statement)):
                runs.add(start("chain", key=f"run {statement}"))
                running.work_due({"link": linked}, NOW)
            break
        except Killed:
            kills += 1
        runs.add(start("chain", key=f"run {statement}"))
        running.work_due({"link": linked}, NOW)
    assert kills > 10
    assert set(ProcessRun.objects.values_list("standing", flat=True)) == {"ended"}
    effects = [link.other.split() for link in CaseLink.objects.filter(kind="service")]
    assert sorted(effects) == sorted([run, f"s{n}"] for run in runs for n in range(2))


def test_a_service_that_breaks_holds_its_run_alone(keeper: OpenKeeper) -> None:
    upload(CHAIN)
    with clock.use(clock.DrillClock(NOW)):
        maintenance()
    broken, well = start("chain"), start("chain")

    def service(work: ProcessWork, by: Actor, at: datetime) -> dict[str, Any]:
        linked(work, by, at)
        if work.run_id == broken:
            raise ValueError("a defect")
        return {}

    running.work_due({"link": service}, NOW)
    assert ProcessRun.objects.get(id=well).standing == "ended"
    assert ProcessWork.objects.get(run_id=broken, done_at=None).refusal == "defect"
    assert not CaseLink.objects.filter(other__startswith=broken).exists()
    unknown = bpmn(f'{STARTS}<serviceTask id="a" implementation="os:system"/>{ENDS}', "start > a\na > end", "unknown")
    upload(unknown)
    run = start("unknown")
    actions.work_processes(at=NOW)
    assert ProcessWork.objects.get(run_id=run).refusal == "cases.no_service"
