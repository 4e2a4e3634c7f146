"""A process as it is checked and run: nodes and flows, and where they are drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cityloom.cases.domain.clocks.calendars import Calendar
from cityloom.cases.domain.clocks.deadlines import due_at
from cityloom.cases.domain.clocks.limits import Limit
from cityloom.cases.domain.processes.conditions import Condition

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
Point = tuple[float, float]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Timer:
    """When it is time: an instant, a length of time, or a limit on the calendar of the case's type."""

    at: datetime | None = None
    after: timedelta | None = None
    limit: Limit | None = None

    def due(self, calendar: Calendar, since: datetime) -> datetime:
        """The instant at which it fires."""
        if self.limit is not None:
            return due_at(calendar, since, self.limit).at
        return self.at if self.at is not None else since + (self.after or timedelta())


@dataclass(frozen=True)
class Node:
    """One element. `lane` is the role whose task it is, `does` what a service task calls, `calls` a process."""

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


@dataclass(frozen=True)
class Flow:
    """A sequence flow from one node to another, with the condition under which it is taken."""

    id: str
    source: str
    target: str
    name: str = ""
    condition: Condition | None = None
    line: int = 0


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
