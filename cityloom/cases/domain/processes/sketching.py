"""A BPMN file as a picture alone, where it cannot be run: what is drawn is read, and nothing is promised of it."""

from __future__ import annotations

from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.processes.drawn import drawn
from cityloom.cases.domain.processes.process import Flow, Node, Process
from cityloom.cases.domain.processes.reading import BPMN, LARGEST_BYTES
from cityloom.kernel.refused import Refused

MOST = 1_000
_ENDINGS = ("Task", "Event", "Gateway", "task", "subProcess", "callActivity", "transaction", "adHocSubProcess")


def sketch_of(data: bytes) -> Process | None:
    """The elements and flows of a file; None where it is no BPMN, or too large to be drawn."""
    try:
        root = xmltext.root_of(data, LARGEST_BYTES)
    except Refused:
        return None
    nodes, flows, title = {}, {}, ""
    for element in root.iter():
        name, space = xmltext.name_of(element) if isinstance(element.tag, str) else ("", "")
        identity = element.get("id", "")
        if space != BPMN or not identity:
            continue
        title = title or (element.get("name", "")[:200] if name == "process" else "")
        if name == "sequenceFlow":
            flows[identity] = _flow(element, identity)
        elif name.endswith(_ENDINGS):
            nodes[identity] = _node(element, identity, name)
    known = {key: flow for key, flow in flows.items() if flow.source in nodes and flow.target in nodes}
    if not nodes or len(nodes) > MOST or len(known) > 2 * MOST:
        return None
    return Process("sketch", title, nodes, known, {}, *drawn(root))


def _node(element: Any, identity: str, kind: str) -> Node:
    return Node(identity, kind, element.get("name", "")[:200], element.sourceline,
                attached_to=element.get("attachedToRef", ""))  # fmt: skip


def _flow(element: Any, identity: str) -> Flow:
    return Flow(identity, element.get("sourceRef", ""), element.get("targetRef", ""), element.get("name", "")[:200])
