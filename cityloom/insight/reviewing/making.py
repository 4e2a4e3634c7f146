"""A review is made of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cityloom.insight.domain import limits
from cityloom.insight.domain.eventlog import DAY, EventLog, Instants
from cityloom.insight.domain.review import Asked, review
from cityloom.insight.eventlogs import models, reading
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
    model_name: str = ""


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
    asked = asked_for(read.log, wanted)
    source = {"name": path.name, "form": read.form, "digest": read.digest, "columns": read.columns.named,
              "guessed": list(read.columns.guessed), "zone": read.columns.zone, "style": read.columns.style,
              "object_type": read.object_type}  # fmt: skip
    return Made(read.log, review(read.log, read.findings, asked, done) | {"source": source})


def asked_for(log: EventLog, wanted: Wanted) -> Asked:
    """The choices of a review, as its log has them.

    Raises: Refused `insight.no_date`, `insight.no_such_step`, and what `models.bpmn_net` refuses.
    """
    net = models.bpmn_net(wanted.model) if wanted.model else None
    due, ended, words = _limit(log, wanted)
    named = wanted.model_name or (wanted.model.name if wanted.model else "")
    return Asked(known_steps(log, wanted.outside), due=due, ended=ended, limit_words=words, net=net, net_words=named)


def known_steps(log: EventLog, names: tuple[str, ...]) -> tuple[str, ...]:
    """The steps that somebody named.

    Raises: Refused `insight.no_such_step`.
    """
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
