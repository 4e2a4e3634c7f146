"""Models to which a log is compared: a BPMN file, or a table of states, as a net."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from cityloom.insight.domain.net import Net, Transition
from cityloom.kernel.refused import Refused

LARGEST = 4_000_000
_TASKS = frozenset(
    {
        "task",
        "userTask",
        "serviceTask",
        "manualTask",
        "sendTask",
        "receiveTask",
        "scriptTask",
        "businessRuleTask",
        "callActivity",
        "intermediateCatchEvent",
        "intermediateThrowEvent",
    }
)
_XOR, _AND = frozenset({"exclusiveGateway", "eventBasedGateway"}), "parallelGateway"
_KNOWN = _TASKS | _XOR | {_AND, "startEvent", "endEvent"}
_UNSUPPORTED = frozenset({"inclusiveGateway", "complexGateway", "subProcess", "transaction", "adHocSubProcess",
                          "boundaryEvent"})  # fmt: skip
_LARGE = "A model has at most {limit} bytes; this one is larger."
_BROKEN = "The model cannot be read as BPMN 2.0; it goes wrong at line {value}."
_DOCTYPE = "The model has a document type, which is not read; take its DOCTYPE away."
_NOT_PLAYED = "The model has a {value}, which a log is not compared with; draw it with exclusive and parallel gateways."
_EMPTY = "The model has no process with a start, an end and steps."


@dataclass
class _Node:
    kind: str
    name: str
    into: list[str] = field(default_factory=list)
    out: list[str] = field(default_factory=list)


def bpmn_net(path: Path) -> Net:
    """The net of a BPMN file: a place for each flow, a transition for each way through a node.

    Raises: Refused `insight.model_too_large`, `insight.model_unreadable`, `insight.model_doctype`,
    `insight.model_unsupported`, `insight.model_empty`.
    """
    if path.stat().st_size > LARGEST:
        raise Refused("insight.model_too_large", _LARGE, limit=f"{LARGEST:,}")
    nodes = _nodes(path.read_bytes())
    transitions = [one for key, node in nodes.items() for one in _ways(key, node)]
    first = [flow for node in nodes.values() if node.kind == "startEvent" for flow in node.out[:1]]
    last = {key for key, node in nodes.items() if node.kind == "endEvent"}
    if not first or not last or not any(one.step for one in transitions):
        raise Refused("insight.model_empty", _EMPTY)
    return Net(tuple(sorted(first)), frozenset(last), transitions)


def _nodes(data: bytes) -> dict[str, _Node]:
    nodes: dict[str, _Node] = {}
    flows: list[tuple[str, str, str]] = []
    try:
        root = etree.parse(io.BytesIO(data), etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    except etree.XMLSyntaxError as error:
        raise Refused("insight.model_unreadable", _BROKEN, value=(error.position or (1, 0))[0]) from error
    if root.docinfo.doctype:
        raise Refused("insight.model_doctype", _DOCTYPE)
    for element in root.iter(etree.Element):
        kind, key = etree.QName(element).localname, element.get("id", "")
        if kind in _UNSUPPORTED:
            raise Refused("insight.model_unsupported", _NOT_PLAYED, value=kind)
        if kind == "sequenceFlow":
            flows.append((key, element.get("sourceRef", ""), element.get("targetRef", "")))
        elif kind in _KNOWN:
            nodes[key] = _Node(kind, " ".join(element.get("name", "").split()) or key)
    for key, source, target in flows:
        if source in nodes and target in nodes:
            nodes[source].out.append(key)
            nodes[target].into.append(key)
    return nodes


def _ways(key: str, node: _Node) -> Iterable[Transition]:
    """A step or event takes a token from any way in and puts one on each way out; a parallel gateway waits for all."""
    if node.kind == _AND:
        return [Transition("", tuple(node.into), tuple(node.out))]
    if node.kind in _XOR:
        return [Transition("", (one,), (other,)) for one in node.into for other in node.out]
    if node.kind == "endEvent":
        return [Transition("", (one,), (key,)) for one in node.into]
    return [Transition(node.name, (one,), tuple(node.out)) for one in node.into]


def table_net(first: str, steps: Iterable[tuple[str, tuple[str, ...], str]], ends: Iterable[str], opening: str) -> Net:
    """The net of a table of states: a place for each state; `steps` are name, states before, state after.

    `opening` is the step with which every case begins; a step without a state after it leaves the case where it is.
    """
    moves = [Transition(name, (before,), (after or before,)) for name, sources, after in steps for before in sources]
    return Net(("",), frozenset(ends), [Transition(opening, ("",), (first,)), *moves])
