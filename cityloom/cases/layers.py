"""What the overview shows of cases."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.urls import reverse

from cityloom.cases import catalogue, queries
from cityloom.cases.display import said
from cityloom.cases.domain import numbers
from cityloom.kernel.actor import Actor
from cityloom.ui.domain.declared import MOST_WORK, WorkItem

_SOON = timedelta(days=1)


def mine(actor: Actor, at: datetime) -> list[WorkItem]:
    """Open cases that are given to somebody, or name them, what is due first at the top."""
    rows = queries.cases_for(actor, queries.Wanted(whose="mine", most=MOST_WORK)).rows
    return [_item(row, at) for row in rows]


def tasks(actor: Actor, at: datetime) -> list[WorkItem]:
    """Open tasks in cases that somebody may do, what is due first at the top."""
    found, _ = queries.tasks_for(actor, MOST_WORK)
    return [
        WorkItem(
            f"{said(one.node.title)} {one.case_number}".strip(), reverse("case-task", args=[one.id]),
            urgency="now" if one.due_at and one.due_at < at + _SOON else "today", since=one.opened_at,
            due_at=one.due_at, is_exercise=bool(one.exercise_id),
        )
        for one in found
    ]  # fmt: skip


def _item(row: queries.CaseRow, at: datetime) -> WorkItem:
    casetype = catalogue.casetype_of(row.casetype, row.version)
    what = casetype.categories[row.category].title if row.category in casetype.categories else casetype.title
    soon = row.due_at is not None and row.due_at < at + _SOON
    return WorkItem(
        f"{said(what)} {numbers.spoken(row.number)}", reverse("case", args=[row.id]),
        urgency="now" if soon else "today", since=row.opened_at, due_at=row.due_at,
        note=said(casetype.states[row.state].title), is_exercise=bool(row.exercise_id),
    )  # fmt: skip
