"""A process as it is checked and run: nodes and flows, and where they are drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.deadlines import due_at
from cityloom.cases.domain.clocks.limits import Limit
from cityloom.cases.domain.processes.conditions import Condition
from cityloom.kernel.refused import Refused
from cityloom.kernel.timezones import zone_of

USER, MANUAL, SERVICE, TASK, RECEIVE, CALL = (
    "userTask", "manualTask", "serviceTask", "task", "receiveTask", "callActivity",
)  # fmt: skip
EXCLUSIVE, INCLUSIVE, PARALLEL, BY_EVENT = (
    "exclusiveGateway", "inclusiveGateway", "parallelGateway", "eventBasedGateway",
)  # fmt: skip
START, END, CATCH, BOUNDARY = "startEvent", "endEvent", "intermediateCatchEvent", "boundaryEvent"
PERSONAL = (USER, MANUAL)
WAITS = (USER, MANUAL, RECEIVE, CATCH)
"""Where a process stops until somebody or something outside of it goes on."""
STOPS = (*WAITS, SERVICE, BOUNDARY)
"""What is one durable step."""
_NO_WORD = re.compile(r"\W")
Point = tuple[float, float]
Box = tuple[float, float, float, float]


Titles = Mapping[str, str]
"""Words by language: `en` and `zh-hans`."""


@dataclass(frozen=True)
class Timer:
    """When it is time: an instant, a length of time, a limit on the calendar, or the end of a day that a fact names."""

    at: datetime | None = None
    after: timedelta | None = None
    limit: Limit | None = None
    fact: str = ""

    def due(self, calendar: Calendar, since: datetime, facts: Mapping[str, Any]) -> datetime:
        """The instant at which it fires.

        Raises: Refused `cases.process_fact` where the fact is missing, or is no day.
        """
        if self.fact:
            return _end_of(self.fact, facts, zone_of(calendar.zone))
        if self.limit is not None:
            return due_at(calendar, since, self.limit).at
        return self.at if self.at is not None else since + (self.after or timedelta())


def _end_of(fact: str, facts: Mapping[str, Any], zone: tzinfo) -> datetime:
    try:
        day = date.fromisoformat(str(facts[fact])[:10])
    except (KeyError, ValueError) as error:
        raise Refused("cases.process_fact", "The process cannot go on without {value}; give it with this step.",
                      value=fact) from error  # fmt: skip
    return datetime.combine(day + timedelta(days=1), time(), zone)


@dataclass(frozen=True)
class Choice:
    """What may be chosen; one that `needs_note` is not taken without words."""

    value: str
    title: Titles
    needs_note: bool = False


@dataclass(frozen=True)
class Question:
    """A field of a task: `units` are units of the city, `due` is a day to come, a `text` is sealed and never a fact."""

    name: str
    kind: str
    title: Titles
    is_required: bool = False
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Form:
    """What is asked when a task is finished, when it is due, and at which share of that time it is called to mind."""

    outcomes: tuple[Choice, ...] = ()
    fields: tuple[Question, ...] = ()
    due: Timer | None = None
    remind: float | None = None

    def outcome(self, value: str) -> Choice | None:
        """An outcome by its value."""
        return next((one for one in self.outcomes if one.value == value), None)


NO_FORM = Form()


@dataclass(frozen=True)
class Node:
    """One element. `lane` is the role whose task it is, `does` what a service task calls, `calls` a process.

    A task with a `loop` is one for each unit that the fact of this name lists, all at the same time.
    """

    id: str
    kind: str
    name: str = ""
    line: int = 0
    lane: str = ""
    default: str = ""
    attached_to: str = ""
    interrupts: bool = True
    timer: Timer | None = None
    message: str = ""
    terminates: bool = False
    does: str = ""
    calls: str = ""
    loop: str = ""
    form: Form = NO_FORM
    chinese: str = ""

    @property
    def title(self) -> Titles:
        """What it is called."""
        return {"en": self.name or self.id, "zh-hans": self.chinese or self.name or self.id}

    @property
    def fact(self) -> str:
        """The fact that its outcome is; of a loop, what the facts that count outcomes begin with."""
        return _NO_WORD.sub("_", self.id)

    def counted(self, outcome: str) -> str:
        """The fact that says how many of a loop's units answered so."""
        return f"{self.fact}_{_NO_WORD.sub('_', outcome)}"


@dataclass(frozen=True)
class Flow:
    """A sequence flow from one node to another, with the condition under which it is taken."""

    id: str
    source: str
    target: str
    name: str = ""
    condition: Condition | None = None
    line: int = 0
    chinese: str = ""


@dataclass(frozen=True)
class Process:
    """A process that has been checked. `boxes` and `ways` say where its elements are drawn, if the file does."""

    name: str
    title: str
    nodes: Mapping[str, Node]
    flows: Mapping[str, Flow]
    lanes: Mapping[str, str] = field(default_factory=dict)
    boxes: Mapping[str, Box] = field(default_factory=dict)
    ways: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)
    chinese: str = ""
    shown_lanes: tuple[tuple[str, str], ...] = ()

    @property
    def titles(self) -> Titles:
        """What it is called."""
        return {"en": self.title or self.name, "zh-hans": self.chinese or self.title or self.name}

    @property
    def facts(self) -> set[str]:
        """Facts that loops and times ask for; conditions ask for others."""
        timers = [node.timer for node in self.nodes.values()] + [node.form.due for node in self.nodes.values()]
        return ({node.loop for node in self.nodes.values()} | {timer.fact for timer in timers if timer}) - {""}

    def outgoing(self, node: str) -> list[Flow]:
        """The flows that leave a node."""
        return [flow for flow in self.flows.values() if flow.source == node]

    def incoming(self, node: str) -> list[Flow]:
        """The flows that reach a node."""
        return [flow for flow in self.flows.values() if flow.target == node]

    @property
    def called(self) -> set[str]:
        """The processes that it calls, as `name` or `name@version`."""
        return {node.calls for node in self.nodes.values() if node.calls}
