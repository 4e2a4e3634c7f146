"""SpiffWorkflow behind a small face: start, look what waits, finish it or let its event come, and write the state down.

The engine gets processes that were written anew (`domain.processes.canonical`), no scripts, and conditions by name.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from SpiffWorkflow.bpmn import BpmnWorkflow
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.script_engine import PythonScriptEngine
from SpiffWorkflow.bpmn.serializer.config import DEFAULT_CONFIG
from SpiffWorkflow.bpmn.serializer.default.workflow import BpmnWorkflowConverter, WorkflowConverter
from SpiffWorkflow.bpmn.serializer.workflow import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.specs.event_definitions.message import MessageEventDefinition
from SpiffWorkflow.bpmn.specs.event_definitions.multiple import MultipleEventDefinition
from SpiffWorkflow.bpmn.util.event import BpmnEvent
from SpiffWorkflow.task import Task
from SpiffWorkflow.util.task import TaskState

from cityloom.cases.domain.processes import canonical
from cityloom.cases.domain.processes.conditions import Condition, Facts
from cityloom.cases.domain.processes.process import Node, Process
from cityloom.kernel.refused import Refused

MOST_TASKS = 5_000
logging.getLogger("spiff").setLevel(logging.WARNING)  # it tells of each task, and would write more than it does


@dataclass(frozen=True)
class Waiting:
    """What a running process waits for: a node, and the engine's task behind it."""

    task: str
    node: Node
    facts: Facts = field(default_factory=dict, compare=False)

    @property
    def key(self) -> tuple[str, str]:
        """What it is known by."""
        return self.task, self.node.id


class _Conditions(PythonScriptEngine):  # type: ignore[misc]
    """Decides conditions by the city's own reading of them; runs nothing."""

    def __init__(self, conditions: Mapping[str, Condition]) -> None:
        self._conditions = conditions

    def evaluate(self, task: Task, expression: str, external_context: Any = None) -> bool:
        return self._conditions[expression].holds(task.data)

    def execute(self, task: Task, script: str, external_context: Any = None) -> bool:
        raise RuntimeError("A process that was checked has no script.")

    def call_service(self, task: Task, **said: Any) -> Any:
        raise RuntimeError("A service task is finished by the worker.")


class Engine:
    """A version of a process, with all that it calls, ready to run."""

    def __init__(self, key: str, processes: Mapping[str, tuple[Process, Mapping[str, int]]]) -> None:
        self._processes = {each: process for each, (process, _) in processes.items()}
        parser = BpmnParser()
        conditions: dict[str, Condition] = {}
        for each, (process, calls) in processes.items():
            parser.add_bpmn_xml(canonical.xml_of(process, each, calls))
            conditions |= canonical.conditions_of(process, each)
        self.facts = {fact for condition in conditions.values() for fact in condition.facts()}
        self.facts |= {fact for process, _ in processes.values() for fact in process.facts}
        self.nodes = [node for process, _ in processes.values() for node in process.nodes.values()]
        self._spec, self._called = parser.get_spec(key), parser.get_subprocess_specs(key)
        self._script = _Conditions(conditions)
        self._serializer = BpmnWorkflowSerializer(BpmnWorkflowSerializer.configure(
            {**DEFAULT_CONFIG, BpmnWorkflow: _lean(self._spec, self._called)}))  # fmt: skip

    def start(self, facts: Facts) -> Running:
        """A new run of it, as far as nothing has to wait."""
        workflow = BpmnWorkflow(self._spec, self._called, script_engine=self._script)
        workflow.task_tree.data.update(facts)
        return self._running(workflow)

    def load(self, state: str) -> Running:
        """A run as it was written down."""
        workflow = self._serializer.from_dict(json.loads(state))
        workflow.script_engine = self._script
        return Running(workflow, self._processes, self._serializer)

    def _running(self, workflow: BpmnWorkflow) -> Running:
        running = Running(workflow, self._processes, self._serializer)
        running.go_on()
        return running


class Running:
    """One run; it changes in memory until its state is written down."""

    def __init__(self, workflow: BpmnWorkflow, processes: Mapping[str, Process], serializer: Any) -> None:
        self._workflow = workflow
        self._processes = processes
        self._serializer = serializer
        self._known: list[Waiting] | None = None

    @property
    def is_ended(self) -> bool:
        """Whether it has come to its end."""
        return bool(self._workflow.completed)

    def waiting(self) -> list[Waiting]:
        """All that it waits for."""
        if self._known is None:
            self._known = [Waiting(str(task.id), node, task.data) for task, node in self._waiting()]
        return self._known

    def _waiting(self) -> Iterator[tuple[Task, Node]]:
        for task in self._workflow.get_tasks(state=TaskState.READY | TaskState.WAITING):
            nodes = self._processes[task.workflow.spec.name].nodes
            spec = task.task_spec
            event = getattr(spec, "event_definition", None)
            if isinstance(event, MultipleEventDefinition):
                yield from ((task, nodes[each.name]) for each in event.event_definitions)
            elif spec.manual if task.has_state(TaskState.READY) else isinstance(event, MessageEventDefinition):
                yield task, nodes[spec.name]

    def finish(self, task_id: str, node_id: str, facts: Facts) -> None:
        """Finish a task, or let the event of a node come, and go on as far as nothing has to wait.

        Raises: Refused `cases.process_fact` where a condition lacks a fact, `cases.process_moved_on`.
        """
        task = self._workflow.get_task_from_id(UUID(task_id))
        if task is None or (task_id, node_id) not in {each.key for each in self.waiting()}:
            raise Refused("cases.process_moved_on", "The process does not wait for this any more; look at it anew.")
        definition = getattr(task.task_spec, "event_definition", None)
        if isinstance(definition, MultipleEventDefinition):
            definition = next(each for each in definition.event_definitions if each.name == node_id)
        task.data.update(facts)
        if definition is None:
            task.run()
        else:
            task.task_spec.catch(task, BpmnEvent(definition, {}))
            task.task_spec._update(task)
        self.go_on()

    def go_on(self) -> None:
        """Pass gateways and notes until everything waits.

        Raises: Refused `cases.process_fact`, `cases.process_too_long`.
        """
        self._known = None
        self._workflow.do_engine_steps()
        count = len(self._workflow.tasks)
        if count > MOST_TASKS:
            raise Refused("cases.process_too_long", "This run of the process has {value} steps, and may have {limit}; "
                          "end it and start another.", value=count, limit=MOST_TASKS)  # fmt: skip

    def state(self) -> str:
        """The run as it is written down."""
        return json.dumps(self._serializer.to_dict(self._workflow), separators=(",", ":"))


def _lean(spec: Any, called: Any) -> type:
    """Writes a run without the process that it runs: that is kept once, and a run stays on its version."""

    class Lean(BpmnWorkflowConverter):  # type: ignore[misc]
        def to_dict(self, workflow: BpmnWorkflow) -> dict[str, Any]:
            found = WorkflowConverter.to_dict(self, workflow)
            found["subprocesses"] = self.mapping_to_dict(workflow.subprocesses)
            return dict(found)

        def from_dict(self, dct: dict[str, Any]) -> BpmnWorkflow:
            workflow = self.target_class(spec, called, deserializing=True)
            workflow.tasks = self.mapping_from_dict(dct["tasks"], UUID, workflow=workflow)
            workflow.task_tree = workflow.tasks.get(UUID(dct["root"]))
            self.set_default_attributes(workflow, dct)
            self.subprocesses_from_dict(dct["subprocesses"], workflow)
            return workflow

    return Lean
