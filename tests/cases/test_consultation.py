"""Units are asked at the same time: each answers once, and sees the case while it is asked."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from cityloom.cases import actions, queries
from cityloom.cases.actions import Asked
from cityloom.cases.attaching import showing
from cityloom.cases.models import Case, CaseEvent, CaseFile, ProcessRun, ProcessWork
from cityloom.kernel import clock
from cityloom.kernel.actor import SYSTEM, Actor
from cityloom.kernel.refused import Refused
from tests.cases.bpmn import bpmn
from tests.cases.casetypes import SMALL
from tests.cases.conftest import NOW, OpenKeeper
from tests.cases.test_processes import Killed, _killer

pytestmark = pytest.mark.django_db
CONSULTED = SMALL.replace(
    "meaning: {en: Somebody looks., zh-hans: 查找中。}}",
    "meaning: {en: Somebody looks., zh-hans: 查找中。}, process: consultation, process_before: [end]}",
).replace("to: sought, who: [desk]", "to: sought, who: [desk], assigns: true")
UNITS = ("city/water", "city/gas", "city/traffic")
QUESTION = {"units": list(UNITS), "answer_by": "2026-11-09", "question": "May the road be opened?"}


@pytest.fixture
def people(officials: dict[str, Actor], keeper: OpenKeeper) -> dict[str, Actor]:
    return officials


def opened(people: dict[str, Actor], text: str = CONSULTED, key: str = "k") -> str:
    """A case that stands in the state in which units are asked; a version never changes, so each text is one."""
    version = f"version: {zlib.crc32(text.encode()) % 30_000 + 1}"
    actions.publish_type(text=text.replace("version: 1", version), by=SYSTEM, at=NOW)
    with clock.use(clock.DrillClock(NOW)):
        case_id = actions.open_case(Asked("lost-key", unit="city/social", key=key), by=people["clerk"], at=NOW)
    actions.take_step(case_id=case_id, step="seek", by=people["clerk"], at=NOW)
    return case_id


def task(node: str, unit: str = "", **more: Any) -> str:
    return ProcessWork.objects.get(node=node, unit=unit, done_at=None, **more).id


def asked(people: dict[str, Actor], **more: Any) -> None:
    actions.finish_task(task_id=task("ask"), by=people["clerk"], at=NOW, facts=QUESTION | more)


def answer(people: dict[str, Actor], who: str, outcome: str, note: str = "", at: datetime = NOW) -> None:
    actions.finish_task(task_id=task("opinion", f"city/{who}"), by=people[who], at=at, outcome=outcome, note=note)


def refused(code: str, act: Any, **said: Any) -> None:
    with pytest.raises(Refused) as found:
        act(**said)
    assert found.value.code == code


def test_units_answer_in_parallel_and_the_decision_waits_for_the_last(people: dict[str, Actor]) -> None:
    case_id = opened(people)
    clerk, end = people["clerk"], {"case_id": case_id, "step": "end", "reason": "Found.", "result": "found", "at": NOW}
    assert ProcessRun.objects.get().in_state == "sought"
    refused("cases.task_field", asked, people=people, units=[])
    refused("cases.no_unit", asked, people=people, units=["city/nobody"])
    refused("cases.task_field", asked, people=people, answer_by="2026-10-01")
    refused("cases.not_your_task", actions.finish_task, task_id=task("ask"), by=people["water"], at=NOW, facts=QUESTION)
    asked(people)
    assert {one.unit for one in ProcessWork.objects.filter(node="opinion")} == set(UNITS)
    refused("cases.process_first", actions.take_step, by=clerk, **end)
    refused("cases.task_outcome", answer, people=people, who="water", outcome="perhaps")
    refused("cases.task_note", answer, people=people, who="water", outcome="object")
    refused("cases.not_asked", actions.finish_task, task_id=task("opinion", "city/gas"), by=people["water"], at=NOW,
            outcome="agree")  # fmt: skip
    assert queries.case_for(people["water"], case_id).id == case_id
    answer(people, "water", "object", "A main lies there.")
    refused("cases.not_yours", queries.case_for, actor=people["water"], case_id=case_id)
    answer(people, "gas", "agree")
    assert ProcessRun.objects.get().standing == "running"
    actions.withdraw_task(task_id=task("opinion", "city/traffic"), by=clerk, at=NOW, reason="Not needed")
    assert ProcessRun.objects.get().standing == "ended"
    refused("cases.not_yours", queries.case_for, actor=people["traffic"], case_id=case_id)
    told = CaseEvent.objects.filter(kind__startswith="task-").order_by("revision").values_list("kind", "data__answer")
    done = [("task-done", None), ("task-done", "object"), ("task-done", "agree")]
    assert list(told) == [*done, ("task-withdrawn", None)]
    assert not CaseEvent.objects.filter(data__icontains="main lies").exists()
    refused("cases.other_person", actions.take_step, by=clerk, **end)
    assert "May the road" not in ProcessRun.objects.get().state


def test_when_the_time_is_up_silence_means_what_the_type_says(people: dict[str, Actor]) -> None:
    with pytest.raises(Refused, match="needs words"):
        actions.publish_type(text=CONSULTED.replace("[end]}", "[end], process_silence: object}"), by=SYSTEM, at=NOW)
    for meant, text in (("", CONSULTED), ("agree", CONSULTED.replace("[end]}", "[end], process_silence: agree}"))):
        case_id = opened(people, text, key=meant)
        asked(people)
        answer(people, "gas", "conditions", "By night only.")
        assert actions.work_processes(at=NOW + timedelta(days=6, hours=20)) == 2  # two are reminded, once
        assert actions.work_processes(at=NOW + timedelta(days=6, hours=21)) == 0
        assert actions.work_processes(at=NOW + timedelta(days=7, hours=16)) == 1
        run = ProcessRun.objects.get(case__id=case_id)
        outcomes = ProcessWork.objects.filter(run=run, node="opinion").values_list("unit", "outcome", "answer")
        assert set(outcomes) == {("city/gas", "done", "conditions"), ("city/water", "passed", meant),
                                 ("city/traffic", "passed", meant)}  # fmt: skip
        silent = CaseEvent.objects.get(case__id=case_id, kind="task-silent")
        assert (silent.data["units"], silent.data.get("answer", "")) == (["city/traffic", "city/water"], meant)
        assert run.standing == "ended"
    refused("cases.process_moved_on", actions.finish_task, by=people["water"], at=NOW, outcome="agree",
            task_id=ProcessWork.objects.filter(unit="city/water").first().id)  # fmt: skip


def test_one_more_is_asked_one_is_withdrawn_and_two_of_a_unit_do_not_both_answer(people: dict[str, Actor]) -> None:
    opened(people)
    asked(people, units=["city/water"])
    first = task("opinion", "city/water")
    for _ in range(2):
        actions.ask_also(task_id=first, unit="city/police", by=people["clerk"], at=NOW)
    actions.withdraw_task(task_id=first, by=people["clerk"], at=NOW)
    refused("cases.process_moved_on", actions.finish_task, task_id=first, by=people["water"], at=NOW, outcome="agree")
    actions.ask_also(task_id=task("opinion", "city/police"), unit="city/water", by=people["clerk"], at=NOW)
    police = task("opinion", "city/police")
    other = Actor("another", "city/police/post", frozenset({"department-police"}))
    actions.finish_task(task_id=police, by=other, at=NOW, outcome="agree")
    actions.finish_task(task_id=police, by=other, at=NOW, outcome="agree")
    refused("cases.process_moved_on", actions.finish_task, task_id=police, by=people["police"], at=NOW,
            outcome="object", note="No")  # fmt: skip
    refused("cases.no_role", actions.withdraw_task, task_id=task("opinion", "city/water"), by=people["gas"], at=NOW)
    answer(people, "water", "agree")
    assert ProcessRun.objects.get().standing == "ended"


def test_leaving_the_state_ends_its_process_and_with_it_what_was_asked(people: dict[str, Actor]) -> None:
    text = CONSULTED.replace(", process_before: [end]", "").replace(", other_than: [seek]", "")
    case_id = opened(people, text)
    asked(people)
    waiting = task("opinion", "city/gas")
    actions.take_step(case_id=case_id, step="end", reason="Found.", result="found", by=people["clerk"], at=NOW)
    assert ProcessRun.objects.get().standing == "ended"
    refused("cases.not_yours", queries.case_for, actor=people["gas"], case_id=case_id)
    refused("cases.process_moved_on", actions.finish_task, task_id=waiting, by=people["gas"], at=NOW, outcome="agree")


def test_the_end_of_a_process_leads_on_where_the_type_says_so(people: dict[str, Actor]) -> None:
    found = "results: [found, gone],\n     reason: required, other_than: [seek]"
    text = CONSULTED.replace("process_before: [end]", "process_then: end")
    refused("cases.type_unfit", actions.publish_type, text=text, by=SYSTEM, at=NOW)
    text = text.replace("who: [handler]", "who: [city]").replace(found, "results: [found]")
    case_id = opened(people, text)
    asked(people, units=["city/gas"])
    answer(people, "gas", "agree")
    row = Case.objects.get(id=case_id)
    assert (row.state, row.result) == ("over", "found")
    steps = CaseEvent.objects.filter(case=row).order_by("revision").values_list("kind", flat=True)
    assert list(steps) == ["opened", "stepped", "task-done", "task-done", "stepped"]


def test_a_process_that_cannot_begin_keeps_no_case_from_moving(people: dict[str, Actor]) -> None:
    choice = ('<startEvent id="start"/><exclusiveGateway id="g" default="g_a"/><userTask id="a"/><userTask id="b"/>'
              '<endEvent id="end"/>')  # fmt: skip
    actions.upload_process(data=bpmn(choice, "start > g\ng > a\ng > b: width > 2\na > end\nb > end", "wide"), by=SYSTEM,
                           at=NOW)  # fmt: skip
    refused("cases.no_process", actions.publish_type, text=CONSULTED.replace("process: consultation", "process: wild"),
            by=SYSTEM, at=NOW)  # fmt: skip
    case_id = opened(people, CONSULTED.replace("process: consultation", "process: wide"))
    run = ProcessRun.objects.get()
    assert (run.standing, run.why["code"]) == ("stuck", "cases.process_fact")
    refused("cases.process_fact", actions.try_run_again, run_id=run.id, by=SYSTEM, at=NOW)
    Case.objects.filter(id=case_id).update(answers={"width": 3})
    actions.try_run_again(run_id=run.id, by=SYSTEM, at=NOW)
    assert (ProcessRun.objects.get().standing, task("b")) == ("running", task("b"))


def test_killed_between_any_two_statements_every_answer_stands_once(people: dict[str, Actor]) -> None:
    opened(people)
    asked(people)
    kills = 0
    for who in ("water", "gas", "traffic"):
        key = task("opinion", f"city/{who}")
        for statement in range(1, 60, 3):
            try:
                with connection.execute_wrapper(_killer(statement)):
                    actions.finish_task(task_id=key, by=people[who], at=NOW, outcome="agree")
                break
            except Killed:
                kills += 1
    assert kills > 10
    assert ProcessRun.objects.get().standing == "ended"
    told = CaseEvent.objects.filter(kind="task-done", data__answer="agree").values_list("data__asked", flat=True)
    assert sorted(told) == sorted(UNITS)
    revisions = list(CaseEvent.objects.order_by("revision").values_list("revision", flat=True))
    assert revisions == list(range(1, len(revisions) + 1))


def test_units_that_are_asked_open_the_evidence_that_the_type_shows(
    people: dict[str, Actor], monkeypatch: pytest.MonkeyPatch
) -> None:
    class AskedError(Exception):
        """The gate is asked."""

    def reached(**said: Any) -> str:
        raise AskedError

    monkeypatch.setattr(showing.gate, "grant", reached)
    plan = "evidence:\n  - {evidence: plan, title: {en: Plan, zh-hans: 图纸}}\nkeep:"
    text = CONSULTED.replace("[end]}", "[end], process_shows: [plan]}").replace("keep:", plan)
    case_id = opened(people, text)
    row = Case.objects.get(id=case_id)
    for field in ("plan", "passport"):
        CaseFile.objects.create(id=field, case=row, kind="pdf", media_type="application/pdf", size_bytes=9, field=field,
                                digest=field, packet=1, added_at=NOW)  # fmt: skip
    asked(people, units=["city/gas"])
    with pytest.raises(AskedError):
        actions.open_file(case_id=case_id, file_id="plan", by=people["gas"], at=NOW)
    refused("cases.no_role", actions.open_file, case_id=case_id, file_id="passport", by=people["gas"], at=NOW)
    answer(people, "gas", "agree")
    refused("cases.not_yours", actions.open_file, case_id=case_id, file_id="plan", by=people["gas"], at=NOW)


def test_a_message_lets_a_process_offer_a_step_before_its_end(people: dict[str, Actor]) -> None:
    flow = ('<startEvent id="start"/><receiveTask id="papers" messageRef="m"/><serviceTask id="offer" '
            'implementation="offer:end"/><userTask id="look"/><endEvent id="over"/>')  # fmt: skip
    ways = "start > papers\npapers > offer\noffer > look\nlook > over"
    data = bpmn(flow, ways, "papers", '<message id="m" name="came"/>')
    actions.upload_process(data=data, by=SYSTEM, at=NOW)
    text = CONSULTED.replace("process: consultation", "process: papers").replace(", other_than: [seek]", "")
    case_id = opened(people, text)
    end = {"case_id": case_id, "step": "end", "reason": "Found.", "result": "found", "by": people["clerk"], "at": NOW}
    run = ProcessRun.objects.get().id
    refused("cases.process_first", actions.take_step, **end)
    refused("cases.no_role", actions.tell_process, run_id=run, message="came", by=people["gas"], at=NOW)
    assert actions.tell_process(run_id=run, message="other", by=people["clerk"], at=NOW) == 0
    assert actions.tell_process(run_id=run, message="came", by=people["clerk"], at=NOW) == 1
    assert actions.work_processes(at=NOW) == 1
    assert ProcessRun.objects.get().standing == "running"
    actions.take_step(**end)
    assert Case.objects.get(id=case_id).state == "over"
    assert ProcessRun.objects.get().standing == "ended"


def test_a_task_is_given_to_one_who_may_do_it_and_rings_once(people: dict[str, Actor]) -> None:
    opened(people)
    ask, boss = task("ask"), people["supervisor"]
    refused("cases.not_your_task", actions.give_task, task_id=ask, account=people["gas"].account, by=people["clerk"],
            at=NOW)  # fmt: skip
    actions.give_task(task_id=ask, account=people["clerk"].account, by=people["clerk"], at=NOW)
    assert [one.id for one in queries.tasks_for(people["clerk"])[0]] == [ask]
    assert queries.tasks_for(boss)[0] == []
    late = NOW + timedelta(days=5)  # three working days have gone by
    assert (actions.work_processes(at=late), actions.work_processes(at=late)) == (1, 0)
    assert CaseEvent.objects.filter(kind="task-overdue").count() == 1
    asked(people)
    assert {one.case_number for one in queries.tasks_for(people["gas"])[0]} != set()
    assert queries.tasks_for(people["clerk"])[0] == []
