"""Facts that cases publish; what people wrote, and who they are, is in none of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CaseTypePublished:
    """A version of a case type may be opened from now on."""

    casetype: str
    version: int
    digest: str
    published_at: datetime


@dataclass(frozen=True)
class CaseOpened:
    """A matter was opened; `origin` is web, open311, call, official, sensor, detection or report."""

    case_id: str
    casetype: str
    version: int
    category: str
    state: str
    unit: str
    origin: str
    opened_at: datetime


@dataclass(frozen=True)
class CaseMoved:
    """A case came into another state; `result` is "" unless the step gave one."""

    case_id: str
    casetype: str
    category: str
    step: str
    before: str
    after: str
    result: str
    unit: str
    is_over: bool
    moved_at: datetime


@dataclass(frozen=True)
class CaseGiven:
    """A case was given to somebody of a unit, offered to another unit (`how` is `offered`), taken over or `routed`."""

    case_id: str
    casetype: str
    unit: str
    how: str
    given_at: datetime


@dataclass(frozen=True)
class CaseCategorised:
    """A case got another category: `how` is `classifier` or `person`; `unit` has it from then on."""

    case_id: str
    casetype: str
    before: str
    category: str
    how: str
    unit: str
    categorised_at: datetime


@dataclass(frozen=True)
class CaseNoted:
    """Something was written down in a case, or linked with it; `what` is `note` or the kind of the other thing."""

    case_id: str
    casetype: str
    what: str
    noted_at: datetime


@dataclass(frozen=True)
class CaseTaskChanged:
    """A task in a case was done, given, asked, withdrawn, reminded, is overdue, or nobody answered (`how`)."""

    case_id: str
    casetype: str
    task: str
    how: str
    answer: str
    unit: str
    changed_at: datetime


@dataclass(frozen=True)
class CaseClockRang:
    """A limit of a case is near or over: `what` is `reminded`, `overdue` or `deemed`."""

    case_id: str
    casetype: str
    clock: str
    what: str
    unit: str
    due_at: datetime
    rang_at: datetime


@dataclass(frozen=True)
class CaseClockChanged:
    """A limit was paused, goes on or was extended; without an end while it is paused."""

    case_id: str
    casetype: str
    clock: str
    how: str
    due_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True)
class DecisionTablePublished:
    """A version of a decision table may grant at once from now on."""

    decision_table: str
    version: int
    casetype: str
    category: str
    digest: str
    published_at: datetime


@dataclass(frozen=True)
class DecisionTableWithdrawn:
    """A version of a decision table decides nothing any more."""

    decision_table: str
    version: int
    casetype: str
    category: str
    withdrawn_at: datetime


@dataclass(frozen=True)
class ApplicationDecided:
    """An application was decided; `how` is table or person. Without a result a table has left it to a person."""

    case_id: str
    casetype: str
    category: str
    how: str
    result: str
    decision_table: str
    table_version: int
    unit: str
    decided_at: datetime
