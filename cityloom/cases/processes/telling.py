"""What happens to a task stands in the history of its case, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cityloom.cases import events
from cityloom.cases.domain.processes.process import Node
from cityloom.cases.models import Case, ProcessRun
from cityloom.cases.processes import rows
from cityloom.cases.working import recording
from cityloom.cases.working.recording import Deed
from cityloom.kernel.actor import Actor

_AGAIN = ("task-given", "task-asked")
"""What somebody may send a second time; everything else happens to a task once."""


@dataclass(frozen=True)
class Told:
    """What happened to a task of a run, who did it, and in which role; the same `command` twice is told once."""

    run: ProcessRun
    node: Node
    kind: str
    by: Actor
    at: datetime
    command: str
    role: str = ""
    unit: str = ""
    answer: str = ""
    words: bytes | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def tell(told: Told) -> None:
    """Write it into the history; the revision is counted on there, so that tasks of several never refuse each other.

    The caller holds the case's lock (PostgreSQL) or the database's (SQLite).
    """
    if told.kind in _AGAIN and recording.is_done(Case.objects.only("id").get(number=told.run.case_id), told.command):
        return
    row = rows.changed(told.run.case_id, told.at)
    data = {"run": told.run.id, "task": told.node.id, "title": dict(told.node.title), "answer": told.answer,
            "answer_title": _title(told), "asked": told.unit, **told.more}  # fmt: skip
    deed = Deed(told.kind, told.by, told.at, told.command, told.role, data={k: v for k, v in data.items() if v})
    recording.write(row, deed, "", told.words)
    fact = events.CaseTaskChanged(row.id, row.casetype, told.node.id, told.kind.removeprefix("task-"), told.answer,
                                  told.unit or row.unit, told.at)  # fmt: skip
    recording.publish(row, deed, [fact])


def _title(told: Told) -> dict[str, str]:
    chosen = told.node.form.outcome(told.answer)
    return dict(chosen.title) if chosen else {}
