"""Processes as others may know them: versions, runs and where each stands, and why one is stuck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db.models import Count, Q

from cityloom.cases.domain import numbers
from cityloom.cases.domain.processes import reading, why
from cityloom.cases.domain.processes.process import Node, Process
from cityloom.cases.models import ProcessRun, ProcessVersion, ProcessWork
from cityloom.kernel.refused import Refused

MOST_RUNS = 50


@dataclass(frozen=True)
class ProcessFacts:
    """A version of a process; `number` 0 is one that comes with the program and has not run here yet."""

    id: str
    name: str
    number: int
    uploaded_at: datetime | None
    process: Process
    running: int = 0
    ended: int = 0
    stuck: int = 0


@dataclass(frozen=True)
class WorkFacts:
    """What a run waits for, or did."""

    id: str
    node: Node | None
    node_id: str
    kind: str
    what: str
    unit: str
    opened_at: datetime
    due_at: datetime | None
    done_at: datetime | None
    outcome: str
    answer: str
    why: Refused | None


@dataclass(frozen=True)
class RunFacts:
    """A run, where it stands, and why it is stuck where it is."""

    id: str
    name: str
    number: int
    version_id: str
    standing: str
    case_id: str
    case_number: str
    started_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    why: Refused | None
    work: tuple[WorkFacts, ...]

    @property
    def waits(self) -> list[WorkFacts]:
        """What it waits for."""
        return [one for one in self.work if one.done_at is None]

    @property
    def held(self) -> list[Refused]:
        """Why it cannot go on."""
        return [one for one in (self.why, *(each.why for each in self.waits)) if one is not None]


def processes() -> list[ProcessFacts]:
    """The newest version of each process, by name, and those of the program that have not run yet."""
    newest: dict[str, ProcessVersion] = {}
    for row in ProcessVersion.objects.order_by("name", "number").defer("document"):
        newest[row.name] = row
    counts = _counts()
    found = [_facts(row, counts) for row in newest.values()]
    found += [ProcessFacts("", name, 0, None, _shipped(name)) for name in reading.shipped() if name not in newest]
    return sorted(found, key=lambda one: one.name)


def process_named(name: str, number: int = 0) -> ProcessFacts:
    """A version of a process, the newest where none is named.

    Raises: Refused `cases.no_process`.
    """
    rows = ProcessVersion.objects.filter(name=name, **({"number": number} if number else {}))
    row = rows.order_by("-number").first()
    if row is not None:
        return _facts(row, _counts(row.id))
    if name in reading.shipped() and not number:
        return ProcessFacts("", name, 0, None, _shipped(name))
    raise Refused("cases.no_process", "There is no process {value}; upload it first.", value=name[:80])


def versions_of_process(name: str) -> list[tuple[int, datetime]]:
    """The versions of a process, the newest first, with when each was uploaded."""
    return list(ProcessVersion.objects.filter(name=name).order_by("-number").values_list("number", "uploaded_at"))


def runs_of(name: str = "", number: int = 0, *, only: str = "", case_id: str = "") -> list[RunFacts]:
    """Runs, the latest first: of a process, of a case; `only` those that are running, ended or stuck."""
    rows = ProcessRun.objects.select_related("process", "case").defer("state", "process__document")
    wanted = {"process__name": name, "process__number": number, "case__id": case_id}
    rows = rows.filter(**{key: value for key, value in wanted.items() if value})
    if only == "stuck":
        rows = rows.filter(_STUCK).distinct()
    elif only:
        rows = rows.filter(standing=only)
    return _runs(list(rows.order_by("-started_at", "id")[:MOST_RUNS]))


def run_of(run_id: str) -> RunFacts:
    """A run.

    Raises: Refused `cases.no_run`.
    """
    rows = list(ProcessRun.objects.filter(id=run_id).select_related("process", "case").defer("state"))
    if not rows:
        raise Refused("cases.no_run", "There is no such run of a process; its case may have been erased.")
    return _runs(rows)[0]


@lru_cache(maxsize=128)
def process_of_version(version_id: str) -> Process:
    """A version, read once: versions do not change."""
    return reading.process_of(ProcessVersion.objects.values_list("document", flat=True).get(id=version_id).encode())


@lru_cache(maxsize=128)
def nodes_of(version_id: str) -> dict[str, Node]:
    """The elements of a version and of all that it calls, by id; its own come first."""
    found = dict(process_of_version(version_id).nodes)
    calls = ProcessVersion.objects.values_list("calls", flat=True).get(id=version_id)
    for called, number in calls.items():
        row = ProcessVersion.objects.only("id").get(name=called.partition("@")[0], number=number)
        found = nodes_of(row.id) | found
    return found


_STUCK = Q(standing="stuck") | ~Q(why={}) | (Q(work__done_at=None) & ~Q(work__refusal=""))


def _counts(version_id: str = "") -> dict[str, dict[str, int]]:
    rows = ProcessRun.objects.filter(process_id=version_id) if version_id else ProcessRun.objects.all()
    found: dict[str, dict[str, int]] = {}
    for key, standing, count in rows.values_list("process_id", "standing").annotate(count=Count("id")):
        found.setdefault(key, {})[standing] = count
    for key, count in rows.filter(_STUCK).values_list("process_id").annotate(count=Count("id", distinct=True)):
        found.setdefault(key, {})["stuck"] = count
    return found


def _facts(row: ProcessVersion, counts: dict[str, dict[str, int]]) -> ProcessFacts:
    known = counts.get(row.id, {})
    return ProcessFacts(row.id, row.name, row.number, row.uploaded_at, process_of_version(row.id),
                        known.get("running", 0), known.get("ended", 0), known.get("stuck", 0))  # fmt: skip


@lru_cache(maxsize=16)
def _shipped(name: str) -> Process:
    return reading.process_of(reading.shipped()[name].read_bytes())


def _runs(rows: Sequence[ProcessRun]) -> list[RunFacts]:
    work: dict[str, list[ProcessWork]] = {}
    for one in ProcessWork.objects.filter(run__in=rows).order_by("opened_at", "id"):
        work.setdefault(one.run_id, []).append(one)
    return [_run(row, work.get(row.id, [])) for row in rows]


def _run(row: ProcessRun, work: Sequence[ProcessWork]) -> RunFacts:
    nodes, case = nodes_of(row.process_id), row.case
    return RunFacts(
        row.id, row.process.name, row.process.number, row.process_id, row.standing, case.id if case else "",
        numbers.spoken(case.number) if case else "", row.started_at, row.changed_at, row.ended_at, why.said(row.why),
        tuple(_work(one, nodes) for one in work),
    )  # fmt: skip


def _work(one: ProcessWork, nodes: dict[str, Any]) -> WorkFacts:
    return WorkFacts(one.id, nodes.get(one.node), one.node, one.kind, one.what, one.unit, one.opened_at, one.due_at,
                     one.done_at, one.outcome, one.answer, why.said(one.why))  # fmt: skip
