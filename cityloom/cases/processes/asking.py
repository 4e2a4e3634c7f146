"""What a run waits for, as rows: a task for a role, one for each unit that is asked, a service, a timer, a message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from cityloom.cases import catalogue
from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.process import Node
from cityloom.cases.models import ProcessRun, ProcessWork
from cityloom.cases.processes import rows, telling
from cityloom.cases.processes.engine import Waiting
from cityloom.cases.working.clocks import calendar
from cityloom.kernel import ids
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused

PERSON, SERVICE, TIMER, MESSAGE = "person", "service", "timer", "message"
_LONGEST_FACT, _MOST_IN_LIST = 200, 50
_PLAIN = (str, int, float, bool, type(None))


def asked(row: ProcessRun, waiting: Waiting, at: datetime) -> list[ProcessWork]:
    """The rows of what a run waits for.

    Raises: Refused `cases.process_fact`.
    """
    node = waiting.node
    units = waiting.facts.get(node.loop) if node.loop else [""]
    if not isinstance(units, list) or not units:
        raise Refused("cases.process_fact", "The process cannot go on without {value}; give it with this step.",
                      value=node.loop)  # fmt: skip
    return [work_of(row, waiting, unit, at) for unit in dict.fromkeys(units)]


def work_of(row: ProcessRun, waiting: Waiting, unit: str, at: datetime) -> ProcessWork:
    """One row, of a unit that is asked or of nobody in particular."""
    node, timer = waiting.node, waiting.node.timer or waiting.node.form.due
    kind, what = _kind(node)
    due_at = timer.due(calendar(), at, waiting.facts) if timer else None
    ring_at = due_at if kind == PERSON else None
    if ring_at is not None and node.form.remind and ring_at > at:
        ring_at = at + (ring_at - at) * node.form.remind
    key = ids.named_id(row.id, row.revision, waiting.task, node.id, *([unit] if unit else []))
    return ProcessWork(id=key, run=row, task=waiting.task, node=node.id, kind=kind, what=what, opened_at=at,
                       due_at=due_at, ring_at=ring_at, unit=unit)  # fmt: skip


def _kind(node: Node) -> tuple[str, str]:
    """What kind of thing a node waits for, and of whom or what."""
    if node.kind in model.PERSONAL:
        return PERSON, node.lane
    if node.kind == model.SERVICE:
        return SERVICE, node.does
    return (TIMER, "") if node.timer else (MESSAGE, node.message)


def kept(facts: Mapping[str, Any], wanted: set[str]) -> dict[str, Any]:
    """Of what is said, the facts that the process asks for, and nothing else: no more is written down.

    Raises: Refused `cases.process_fact`.
    """
    found = {name: facts[name] for name in wanted if name in facts}
    for name, value in found.items():
        parts = value if isinstance(value, list) and len(value) <= _MOST_IN_LIST else [value]
        if not all(isinstance(one, _PLAIN) and len(str(one)) <= _LONGEST_FACT for one in parts):
            raise Refused("cases.process_fact", "{value} does not fit: {limit}.", value=name,
                          limit="text, number, true/false")  # fmt: skip
    return found


def counted(node: Node, answers: Iterable[str]) -> dict[str, int]:
    """How many of a loop's units answered what, as facts for conditions."""
    found = Counter(answers)
    return {node.counted(outcome.value): found[outcome.value] for outcome in node.form.outcomes}


def fell_silent(run: ProcessRun, waiting: Sequence[Waiting], timer: Node, at: datetime) -> dict[str, int]:
    """Let time be up for the units that a task asks: what silence means is for the case's type to say."""
    host = next((one for one in waiting if one.node.id == timer.attached_to and one.node.loop), None)
    if host is None:
        return {}
    silent = [key for key, is_over, _, _ in rows.answers(run, host.key) if not is_over]
    meaning = _meaning(run)
    meant = meaning if host.node.form.outcome(meaning) else ""
    rows.passed(run, host.key, "passed", meant, at)
    if silent and run.case_id is not None:
        units = list(ProcessWork.objects.filter(id__in=silent).order_by("unit").values_list("unit", flat=True))
        told = telling.Told(run, host.node, "task-silent", SYSTEM, at, f"silent {run.id} {host.task}", answer=meant,
                            more={"units": units})  # fmt: skip
        telling.tell(told)
    return counted(host.node, [answer for _, _, _, answer in rows.answers(run, host.key)])


def _meaning(run: ProcessRun) -> str:
    """What the type of the case says that silence means; "" where it says nothing."""
    case = run.case
    if case is None or not run.in_state:
        return ""
    return catalogue.casetype_of(case.casetype, case.version).states[run.in_state].process_silence
