"""A review is made: of a file, or of the city's own cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from cityloom.cases.queries import CaseType
from cityloom.insight.domain import limits
from cityloom.insight.domain.cleaning import cleaned
from cityloom.insight.domain.eventlog import DAY, EventLog, Instants
from cityloom.insight.domain.net import Net
from cityloom.insight.domain.review import Asked, review
from cityloom.insight.eventlogs import history, models, reading
from cityloom.insight.eventlogs.columns import Columns
from cityloom.kernel.refused import Refused

_DUE = (
    "deadline",
    "due",
    "due_at",
    "due_date",
    "duedate",
    "deadline_at",
    "enddate_planned",
    "planned_end",
    "办结期限",
    "期限",
)
_ENDED = ("enddate", "end_date", "ended_at", "closed_at", "decided_at", "办结时间", "结束时间")
_NO_INSTANT = "The log has no date of cases called {value}; it has: {limit}."
_NO_STEP = "The log has no step {value}; it has: {limit}."
Step = Callable[[str], object]


@dataclass(frozen=True)
class Wanted:
    """What a review is asked for; what is empty is guessed or left out.

    `outside` are steps after which others must act, `due` and `ended` attributes of the log with dates of cases,
    `limit_days` a limit in days from the first step instead, `model` a BPMN file.
    """

    columns: Columns = field(default_factory=Columns)
    object_type: str = ""
    outside: tuple[str, ...] = ()
    due: str = ""
    ended: str = ""
    limit_days: float = 0.0
    model: Path | None = None


@dataclass(frozen=True)
class Made:
    """A review, and the log that it is of."""

    log: EventLog
    review: dict[str, Any]


def of_file(path: Path, wanted: Wanted, done: Step = lambda _: None) -> Made:
    """Review a file.

    Raises: Refused, as `reading.read_log`, `insight.no_date`, `insight.no_such_step`.
    """
    read = reading.read_log(path, wanted.columns, wanted.object_type)
    done("read")
    net = models.bpmn_net(wanted.model) if wanted.model else None
    due, ended, words = _limit(read.log, wanted)
    asked = Asked(_steps(read.log, wanted.outside), due=due, ended=ended, limit_words=words, net=net,
                  net_words=wanted.model.name if wanted.model else "")  # fmt: skip
    source = {"name": path.name, "form": read.form, "digest": read.digest, "columns": read.columns.named,
              "guessed": list(read.columns.guessed), "zone": read.columns.zone, "style": read.columns.style,
              "object_type": read.object_type}  # fmt: skip
    return Made(read.log, review(read.log, read.findings, asked, done) | {"source": source})


def of_history(root: Path, casetype: CaseType, since: date | None, until: date | None, wanted: Wanted,
               done: Step = lambda _: None) -> Made:  # fmt: skip
    """Review the city's own cases of a type, against the table of states of that type.

    Raises: Refused, as `history.read`.
    """
    found = history.read(root, casetype.name, since, until)
    log, findings = cleaned(found.raw)
    done("read")
    due, words = found.due, ("overdue",)
    if wanted.limit_days:
        due, words = limits.due_after(log, round(wanted.limit_days * DAY)), (f"{wanted.limit_days:g}", "")
    waits = tuple(step.name for step in casetype.steps
                  if casetype.states[step.to].pauses and step.name in log.activities)  # fmt: skip
    asked = Asked(_steps(log, wanted.outside) or waits, due=due, limit_words=words, net=type_net(casetype),
                  net_words=casetype.name)  # fmt: skip
    source = {"name": casetype.name, "form": "history", "digest": "", "columns": {}, "guessed": [], "zone": "UTC",
              "since": since.isoformat() if since else "", "until": until.isoformat() if until else "",
              "titles": {step.name: dict(step.title) for step in casetype.steps}}  # fmt: skip
    return Made(log, review(log, findings, asked, done) | {"source": source})


def type_net(casetype: CaseType) -> Net:
    """The table of states as a net; being offered or given to somebody changes no state, and is allowed everywhere."""
    ends = [name for name, state in casetype.states.items() if state.ends]
    steps = [(one.name, one.sources, one.to) for one in casetype.steps]
    stay = [(how, tuple(casetype.states), "") for how in history.GIVEN]
    return models.table_net(casetype.first.name, [*steps, *stay], ends, history.OPENED)


def _steps(log: EventLog, names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if name not in log.activities:
            raise Refused("insight.no_such_step", _NO_STEP, value=name[:80], limit=", ".join(log.activities)[:400])
    return names


def _limit(log: EventLog, wanted: Wanted) -> tuple[Instants | None, Instants | None, tuple[str, ...]]:
    """The limits that are asked for, or those that the log has; with words for where they are from."""
    if wanted.limit_days:
        ended = _date_of(log, wanted.ended, ())
        words = (f"{wanted.limit_days:g}", ended)
        return limits.due_after(log, round(wanted.limit_days * DAY)), _ends(log, ended), words
    due = _date_of(log, wanted.due, _DUE)
    if not due:
        return None, None, ()
    ended = _date_of(log, wanted.ended, _ENDED)
    return limits.due_of(log, due), _ends(log, ended), (due, ended)


def _ends(log: EventLog, name: str) -> Instants:
    return limits.ends_of(log, name)


def _date_of(log: EventLog, asked: str, usual: tuple[str, ...]) -> str:
    known = {name for name, one in log.attributes.items() if one.kind == "instant"}
    if asked and asked not in known:
        raise Refused("insight.no_date", _NO_INSTANT, value=asked[:80], limit=", ".join(sorted(known)) or "-")
    return asked or next((one for one in usual if one in known), "")
