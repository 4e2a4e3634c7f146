"""A review is made of the city's own cases, against the table of states of their type."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from cityloom.cases.queries import CaseType
from cityloom.insight.domain import limits
from cityloom.insight.domain.cleaning import cleaned
from cityloom.insight.domain.eventlog import DAY
from cityloom.insight.domain.net import Net
from cityloom.insight.domain.review import Asked, review
from cityloom.insight.eventlogs import history, models
from cityloom.insight.reviewing.making import Made, Step, Wanted, known_steps
from cityloom.kernel.refused import Refused

_NOT_SHOWN = "Cases of type {value} are secret, and no history of them is reviewed; choose another type."


def of_history(root: Path, casetype: CaseType, since: date | None, until: date | None, wanted: Wanted,
               done: Step = lambda _: None) -> Made:  # fmt: skip
    """Review the city's own cases of a type, against the table of states of that type.

    Raises: Refused `insight.secret_type`, and as `history.read`.
    """
    if casetype.access.confidentiality == "secret":
        raise Refused("insight.secret_type", _NOT_SHOWN, value=casetype.name)
    found = history.read(root, casetype.name, since, until)
    log, findings = cleaned(found.raw)
    done("read")
    due, words = found.due, ("overdue",)
    if wanted.limit_days:
        due, words = limits.due_after(log, round(wanted.limit_days * DAY)), (f"{wanted.limit_days:g}", "")
    waits = tuple(step.name for step in casetype.steps
                  if casetype.states[step.to].pauses and step.name in log.activities)  # fmt: skip
    asked = Asked(known_steps(log, wanted.outside) or waits, due=due, limit_words=words, net=type_net(casetype),
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
