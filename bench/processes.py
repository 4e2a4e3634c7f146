"""Measure durable runs of a process with five steps, and kill the worker between any two instants.

Run: python -m bench.processes [--runs N] [--kills N] [--seed N]
A city of its own on SQLite, as `cityloom serve` has it (WAL, synchronous=FULL): each of the five steps is a service
whose effect is a row beside the state, in one transaction. The same in cases: five tasks of a person with an outcome
each, whose rights are looked up and which stand in the history of the case and in the outbox. Beside them,
SpiffWorkflow alone: the same process in memory, nothing kept. Then workers are killed (SIGKILL) at random instants
while runs go on, and every effect is counted.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

AT = datetime(2026, 11, 2, 1, 0, tzinfo=UTC)
STEPS = 5
GOAL = 50
_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"


def bpmn() -> bytes:
    """A start, five service tasks in a row, an end."""
    nodes = ["start", *(f"s{number}" for number in range(STEPS)), "end"]
    tasks = "".join(f'<serviceTask id="{node}" implementation="count:one"/>' for node in nodes[1:-1])
    flows = "".join(f'<sequenceFlow id="f{at}" sourceRef="{one}" targetRef="{two}"/>'
                    for at, (one, two) in enumerate(pairwise(nodes)))  # fmt: skip
    return (f'<definitions xmlns="{_BPMN}"><process id="five"><startEvent id="start"/>{tasks}<endEvent id="end"/>'
            f"{flows}</process></definitions>").encode()  # fmt: skip


def of_people() -> bytes:
    """The same five steps as tasks of people, with outcomes."""
    form = ('<extensionElements><t:task xmlns:t="urn:cityloom:process"><t:outcome value="good" title="Good"/>'
            '<t:outcome value="bad" title="Bad"/></t:task></extensionElements>')  # fmt: skip
    return (bpmn().replace(b'id="five"', b'id="people"').replace(b"serviceTask", b"userTask")
            .replace(b' implementation="count:one"/>', f">{form}</userTask>".encode()))  # fmt: skip


def begin_city(home: Path) -> None:
    """A city with the process, and a table for effects."""
    os.environ |= {"CITYLOOM_HOME": str(home), "DJANGO_SETTINGS_MODULE": "cityloom.project.settings",
                   "CITYLOOM_DATABASE_URL": ""}  # fmt: skip
    (home / "cities" / "one").mkdir(parents=True)
    (home / "current").symlink_to("cities/one")
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from cityloom.cases import actions
    from cityloom.kernel.actor import SYSTEM

    call_command("migrate", verbosity=0, interactive=False)
    actions.upload_process(data=bpmn(), by=SYSTEM, at=AT)
    actions.upload_process(data=of_people(), by=SYSTEM, at=AT)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_effect (run TEXT, node TEXT)")


def count_one(work: Any, by: Any, at: datetime) -> dict[str, Any]:
    """The service: an effect that can be counted."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO bench_effect VALUES (%s, %s)", [work.run_id, work.node])
    return {}


def start(first: int, count: int) -> None:
    """Start so many runs."""
    from cityloom.cases import actions
    from cityloom.kernel.actor import SYSTEM

    for number in range(first, first + count):
        actions.start_process(process="five", by=SYSTEM, at=AT, key=f"run {number}")


def work() -> int:
    """What the worker does on a round."""
    from cityloom.cases.processes import running

    return running.work_due({"count": count_one}, AT)


def timed(job: Callable[[], object], count: int) -> dict[str, float]:
    """Runs a second, by the clock and by the processor."""
    wall, processor = time.perf_counter(), time.process_time()
    job()
    return {"a_second": round(count / (time.perf_counter() - wall), 1),
            "a_processor_second": round(count / (time.process_time() - processor), 1)}  # fmt: skip


def whole(count: int) -> dict[str, float]:
    """Runs from start to end."""

    def job() -> None:
        start(0, count)
        work()

    return timed(job, count)


def in_cases(count: int) -> dict[str, float]:
    """Runs in cases, each of its tasks done by a person and told in the history; the cases are opened before."""
    from cityloom.cases import actions
    from cityloom.cases.models import CaseEvent, ProcessWork
    from cityloom.kernel.actor import SYSTEM, Actor

    def case(number: int) -> str:
        asked = actions.Asked("maintenance", "sensor-fault", {"thing": "sensor", "fault_kind": "silent"}, unit="city",
                              key=f"case {number}")  # fmt: skip
        return actions.open_case(asked, by=SYSTEM, at=AT)

    cases = [case(number) for number in range(count)]
    person = Actor("person", "city", frozenset({"case-handler"}))

    def job() -> None:
        for number, case_id in enumerate(cases):
            run = actions.start_process(process="people", case_id=case_id, by=SYSTEM, at=AT, key=f"in {number}")
            for _ in range(STEPS):
                task = ProcessWork.objects.values_list("id", flat=True).get(run_id=run, done_at=None)
                actions.finish_task(task_id=task, by=person, at=AT, outcome="good")

    found = timed(job, count)
    told = CaseEvent.objects.filter(kind="task-done").count()
    if told != count * STEPS:
        raise RuntimeError(f"{told} tasks stand in histories, not {count * STEPS}")
    return found


def alone(count: int) -> dict[str, float]:
    """SpiffWorkflow alone, in memory: nothing is kept, and a task is finished by the same loop."""
    from lxml import etree
    from SpiffWorkflow.bpmn import BpmnWorkflow
    from SpiffWorkflow.bpmn.parser import BpmnParser
    from SpiffWorkflow.util.task import TaskState

    parser = BpmnParser()
    parser.add_bpmn_xml(etree.fromstring(bpmn().replace(b"serviceTask", b"userTask")))
    spec = parser.get_spec("five")

    def job() -> None:
        for _ in range(count):
            workflow = BpmnWorkflow(spec)
            workflow.do_engine_steps()
            while waiting := workflow.get_tasks(state=TaskState.READY, manual=True):
                waiting[0].run()
                workflow.do_engine_steps()

    return timed(job, count)


def killed(kills: int, first: int, rng: random.Random) -> dict[str, int]:
    """Workers killed at random instants, over runs that keep coming; then all runs are worked to their end."""
    from django.db import connection, connections

    from cityloom.cases.models import ProcessRun

    begun = died = 0
    while died < kills:
        start(first + begun, 5)
        begun += 5
        connections.close_all()
        child = os.fork()
        if not child:
            while True:
                work()
        time.sleep(rng.uniform(0.005, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        died += 1
    work()
    keys = f"SELECT run, node, count(*) FROM bench_effect GROUP BY run, node HAVING count(*) <> {1}"
    with connection.cursor() as cursor:
        cursor.execute(keys)
        twice = len(cursor.fetchall())
        cursor.execute("SELECT count(*) FROM bench_effect")
        effects = cursor.fetchone()[0]
    runs = ProcessRun.objects.filter(process__name="five").count()
    ended = ProcessRun.objects.filter(process__name="five", standing="ended").count()
    return {"kills": died, "runs": runs, "ended": ended, "effects": effects, "wanted": runs * STEPS, "twice": twice}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="cityloom-processes-") as home:
        begin_city(Path(home))
        found = {"spiffworkflow alone, in memory": alone(asked.runs), "durable": whole(asked.runs),
                 "durable, tasks of people in cases with their history": in_cases(asked.runs), "goal": GOAL,
                 "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}  # fmt: skip
        print(json.dumps(found), flush=True)
        after = killed(asked.kills, asked.runs, random.Random(asked.seed))
        print(json.dumps(after))
    return 0 if after["ended"] == after["runs"] and after["effects"] == after["wanted"] and not after["twice"] else 1


if __name__ == "__main__":
    sys.exit(main())
