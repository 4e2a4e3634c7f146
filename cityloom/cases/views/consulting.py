"""What the page of a case shows of its processes: open tasks, and how the units that are asked stand."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from cityloom.accounts import queries as accounts
from cityloom.cases import queries
from cityloom.cases.display import said, word
from cityloom.cases.domain.casetypes.casetype import Titles
from cityloom.cases.queries import EventFacts, TaskFacts
from cityloom.kernel import clock
from cityloom.kernel.actor import Actor

HAPPENED = {
    "task-done": gettext_noop("Task done"), "task-given": gettext_noop("Task given to somebody"),
    "task-asked": gettext_noop("One more unit is asked"), "task-withdrawn": gettext_noop("A unit is asked no more"),
    "task-reminded": gettext_noop("Reminder of a task"), "task-overdue": gettext_noop("A task is overdue"),
    "task-silent": gettext_noop("No answer in time"),
}  # fmt: skip
TASK_OUTCOMES = {
    "done": gettext_noop("done"), "passed": gettext_noop("passed over"), "withdrawn": gettext_noop("asked no more"),
}  # fmt: skip
_LOOKS = {"agree": "good", "object": "bad"}


def tasks_shown(case_id: str, by: Actor, words: dict[str, str], history: list[EventFacts]) -> dict[str, Any]:
    """The tasks of a case, those of units apart, with what was said."""
    found, runs = queries.tasks_of(case_id), queries.runs_of(case_id=case_id)
    if not found:
        return {"runs": runs}
    mine = {one.id for one in queries.tasks_for(by)[0]}
    names = accounts.unit_names_of({one.unit for one in found} - {""})
    said_by = {_key(one): words.get(one.id, "") for one in history if one.data.get("run")}
    rows = [_shown(one, one.id in mine, names, said_by) for one in found]
    asked = [one for one in rows if one["one"].unit]
    open_asked = next((one["one"].id for one in asked if not one["one"].done_at), "")
    return {
        "tasks": [one for one in rows if not one["one"].unit and not one["one"].done_at],
        "asked": asked, "open_asked": open_asked, "runs": runs,
        "askable": [each for each in accounts.units() if "/" in each[0]] if open_asked else [],
    }  # fmt: skip


def told(one: EventFacts) -> dict[str, Any]:
    """How an entry of the history about a task is shown; nothing for any other."""
    if "task" not in one.data:
        return {}
    units = [one.data["asked"]] if one.data.get("asked") else one.data.get("units", [])
    names = accounts.unit_names_of(set(units)) if units else {}
    shown = {"label": f"{word(HAPPENED, one.kind)}: {said(one.data.get('title'))}",
             "result": said(one.data.get("answer_title"))}  # fmt: skip
    return shown | ({"who": ", ".join(names.get(unit, unit) for unit in units)} if units else {})


def _key(one: EventFacts) -> tuple[str, str, str]:
    return str(one.data["run"]), str(one.data["task"]), str(one.data.get("asked", ""))


def _shown(one: TaskFacts, is_mine: bool, names: dict[str, str], said_by: dict[Any, str]) -> dict[str, Any]:
    outcome, look = shown_outcome(one)
    return {
        "one": one, "title": said(one.node.title), "is_mine": is_mine, "unit": names.get(one.unit, one.unit),
        "outcome": outcome, "look": look, "is_late": not one.done_at and one.due_at and one.due_at <= clock.now(),
        "text": said_by.get((one.run_id, one.node.id, one.unit), "") if one.outcome == "done" else "",
    }  # fmt: skip


def outcome_of(one: TaskFacts) -> Titles | None:
    """The outcome that was chosen, or that silence means."""
    chosen = one.node.form.outcome(one.answer)
    return chosen.title if chosen else None


def shown_outcome(one: TaskFacts) -> tuple[str, str]:
    """What came of a task, in words, and how it looks."""
    chosen = said(outcome_of(one))
    if one.outcome == "done":
        return chosen or _("done"), _LOOKS.get(one.answer, "wait" if chosen else "good")
    if one.outcome == "withdrawn":
        return _("asked no more"), ""
    if one.outcome == "passed" and one.unit:
        return (_("no answer in time; counts as: {outcome}").format(outcome=chosen) if chosen
                else _("no answer in time")), "wait"  # fmt: skip
    return (_("passed over"), "") if one.outcome else (_("asked") if one.unit else _("open"), "wait")
