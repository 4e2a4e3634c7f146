"""A process written anew for the engine: nothing of the file reaches it that was not read and understood.

What waits becomes one of two things that the engine knows: a task that somebody finishes, or a message that comes.
Timers are messages that the city's own clock sends; conditions are named by their flow and decided here.
"""

from __future__ import annotations

from collections.abc import Mapping

from lxml import etree

from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.conditions import Condition
from cityloom.cases.domain.processes.process import Flow, Node, Process

_BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_ENGINE_KINDS = {model.USER: "userTask", model.MANUAL: "userTask", model.SERVICE: "userTask",
                 model.RECEIVE: model.CATCH, model.TASK: "intermediateThrowEvent"}  # fmt: skip
"""A note in a drawing is for the engine an event that is thrown to nobody."""


def key_of(name: str, number: int) -> str:
    """What the engine calls a version of a process."""
    return f"{name}..{number}"


def condition_key(key: str, flow: str) -> str:
    """What stands for a condition in the engine."""
    return f"{key}|{flow}"


def conditions_of(process: Process, key: str) -> dict[str, Condition]:
    """The conditions of a process, by what stands for them."""
    return {condition_key(key, flow.id): flow.condition for flow in process.flows.values() if flow.condition}


def xml_of(process: Process, key: str, calls: Mapping[str, int]) -> etree._Element:
    """The process for the engine; `calls` says the version of each process that is called, by how it is named."""
    root = etree.Element(f"{{{_BPMN}}}definitions", nsmap={None: _BPMN})
    for node in process.nodes.values():
        if _is_event(node):
            _under(root, "message", id=f"message.{node.id}", name=node.id)
    body = _under(root, "process", id=key, isExecutable="true")
    for node in process.nodes.values():
        _add_node(body, node, calls)
    for flow in process.flows.values():
        _add_flow(body, flow, key)
    return root


def _is_event(node: Node) -> bool:
    return node.kind in (model.RECEIVE, model.CATCH, model.BOUNDARY)


def _add_node(body: etree._Element, node: Node, calls: Mapping[str, int]) -> None:
    kind = _ENGINE_KINDS.get(node.kind, node.kind)
    said = {"id": node.id}
    if node.default:
        said["default"] = node.default
    if node.kind == model.BOUNDARY:
        said |= {"attachedToRef": node.attached_to, "cancelActivity": "true" if node.interrupts else "false"}
    if node.kind == model.CALL:
        said["calledElement"] = key_of(node.calls.partition("@")[0], calls[node.calls])
    found = _under(body, kind, **said)
    if _is_event(node):
        _under(found, "messageEventDefinition", messageRef=f"message.{node.id}")
    if node.terminates:
        _under(found, "terminateEventDefinition")


def _add_flow(body: etree._Element, flow: Flow, key: str) -> None:
    found = _under(body, "sequenceFlow", id=flow.id, sourceRef=flow.source, targetRef=flow.target)
    if flow.condition is not None:
        _under(found, "conditionExpression").text = condition_key(key, flow.id)


def _under(element: etree._Element, tag: str, **said: str) -> etree._Element:
    return etree.SubElement(element, f"{{{_BPMN}}}{tag}", said)
