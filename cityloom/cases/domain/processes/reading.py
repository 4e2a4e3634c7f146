"""BPMN 2.0 files: what is understood is read, and everything else is refused by its name and id, never skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.decisions.values import Wrong
from cityloom.cases.domain.processes import forms, soundness
from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes.conditions import condition_of
from cityloom.cases.domain.processes.drawn import drawn
from cityloom.cases.domain.processes.faults import unsupported, wrong
from cityloom.cases.domain.processes.process import Flow, Node, Process, Timer
from cityloom.cases.domain.processes.timing import FACT, timer_in
from cityloom.kernel.refused import Detail, Refused

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
_FOLDER = Path(__file__).parent
LARGEST_BYTES = 2 * 1024 * 1024
MOST_NODES = 500
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,59}")
_CALLED = re.compile(r"[A-Za-z_][\w.-]{0,59}(@[1-9][0-9]{0,5})?")
_DOES = re.compile(r"[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9_-]{0,59}")
_NODES = {model.USER, model.MANUAL, model.SERVICE, model.TASK, model.RECEIVE, model.CALL, model.EXCLUSIVE,
          model.INCLUSIVE, model.PARALLEL, model.BY_EVENT, model.START, model.END, model.CATCH,
          model.BOUNDARY}  # fmt: skip
_ATTRIBUTES = {"id", "name", "default", "attachedToRef", "cancelActivity", "implementation", "calledElement",
               "messageRef", "gatewayDirection", "sourceRef", "targetRef"}  # fmt: skip
_USUAL = {"startQuantity": "1", "completionQuantity": "1", "isForCompensation": "false", "parallelMultiple": "false",
          "instantiate": "false", "isInterrupting": "true", "eventGatewayType": "Exclusive"}  # fmt: skip
_DRAWN_ONLY = {"documentation", "textAnnotation", "association", "group", "category"}
_IN_NODES = {"incoming", "outgoing", "documentation", "extensionElements"}
_LOOP = "multiInstanceLoopCharacteristics"
_LOOP_SAYS = (("isSequential", "false"), ("behavior", "All"))
_BESIDE = {"collaboration", "message", "category"}


def shipped() -> dict[str, Path]:
    """The processes that come with the program, by name."""
    return {path.stem.removeprefix("process_"): path for path in sorted(_FOLDER.glob("process_*.bpmn"))}


def process_of(data: bytes) -> Process:
    """The process of a BPMN file, if all of it can be run.

    Raises: Refused `cases.xml_*`, `cases.process_*`, with the name, id and line of what is wrong.
    """
    root = xmltext.root_of(data, LARGEST_BYTES)
    if xmltext.name_of(root) != ("definitions", BPMN):
        raise Refused("cases.process_no_bpmn", "This is no BPMN 2.0 file: it begins with {value}, not with definitions "
                      "of {limit}.", value=xmltext.name_of(root)[0], limit=BPMN)  # fmt: skip
    body = _only_process(root)
    messages = {found.get("id"): found.get("name", "") for found in _named(root, "message")}
    nodes = {node.id: node for node in _nodes(body, messages, _lanes(body))}
    flows = {flow.id: flow for flow in _flows(body)}
    boxes, ways = drawn(root)
    name = body.get("id", "")
    if not _NAME.fullmatch(name):
        raise wrong(body, Detail("the id of a process begins with a letter and has letters, digits, _ . and -"))
    found = Process(name, body.get("name", "")[:200], nodes, flows, {node.lane: node.lane for node in nodes.values()
                    if node.lane}, boxes, ways, forms.words_in(body)[0], tuple(shown_lanes(body)))  # fmt: skip
    soundness.check(found)
    return found


def _only_process(root: Any) -> Any:
    bodies = []
    for child in xmltext.children(root):
        name, space = xmltext.name_of(child)
        if name == "process" and space == BPMN:
            bodies.append(child)
        elif name not in _BESIDE and name != "BPMNDiagram":
            raise unsupported(child)
    if len(bodies) != 1:
        raise Refused("cases.process_count", "A file has one process; this one has {value}.", value=len(bodies))
    _check_collaboration(root)
    if bodies[0].get("isExecutable") == "false":
        raise wrong(bodies[0], Detail("it is drawn and not to be run; set isExecutable to true"))
    return bodies[0]


def _check_collaboration(root: Any) -> None:
    for collaboration in _named(root, "collaboration"):
        for child in xmltext.children(collaboration):
            if xmltext.name_of(child)[0] not in _DRAWN_ONLY | {"participant", "messageFlow"}:
                raise unsupported(child)
            _check_inside(child, {"documentation"})


def _nodes(body: Any, messages: dict[str, str], lanes: dict[str, str]) -> Iterator[Node]:
    seen: set[str] = set()
    for child in xmltext.children(body):
        name, space = xmltext.name_of(child)
        if name in _DRAWN_ONLY | {"laneSet", "sequenceFlow", "extensionElements"} and space == BPMN:
            continue
        if name not in _NODES or space != BPMN:
            raise unsupported(child)
        node = _node(child, name, messages, lanes)
        if node.id in seen or len(seen) >= MOST_NODES:
            raise wrong(child, Detail("its id stands there twice, or there are more than {limit} elements",
                                       limit=MOST_NODES))  # fmt: skip
        seen.add(node.id)
        yield node


def _node(element: Any, kind: str, messages: dict[str, str], lanes: dict[str, str]) -> Node:
    identity = element.get("id", "")
    if not _NAME.fullmatch(identity):
        raise wrong(element, Detail("it has no id, or one that is not of letters, digits, _ . and -"))
    _check_attributes(element)
    events = {"timerEventDefinition", "messageEventDefinition", "terminateEventDefinition"}
    allowed = events if kind in (model.START, model.END, model.CATCH, model.BOUNDARY) else set()
    allowed = {_LOOP} if kind == model.USER else allowed
    _check_inside(element, _IN_NODES | allowed)
    timer, message, terminates = _event(element, kind, messages)
    chinese, task = forms.words_in(element, frozenset({"task"} if kind in model.PERSONAL else ()))
    form = model.NO_FORM if task is None else forms.form_of(task, element)
    return Node(
        identity, kind, element.get("name", "")[:200], element.sourceline, lanes.get(identity, ""),
        element.get("default", ""), element.get("attachedToRef", ""), element.get("cancelActivity", "true") != "false",
        timer, message, terminates, _does(element, kind), _calls(element, kind), _loop(element), form, chinese,
    )  # fmt: skip


def _check_inside(element: Any, allowed: set[str]) -> None:
    for child in xmltext.children(element):
        name, space = xmltext.name_of(child)
        if name not in allowed or space != BPMN:
            raise unsupported(child, element)


def _check_attributes(element: Any) -> None:
    """Attributes say what an engine should do; none is skipped but those that say what is so anyway."""
    for name, value in element.attrib.items():
        if str(name) not in _ATTRIBUTES and _USUAL.get(str(name)) != value and not str(value).startswith("##"):
            plain = str(name).rpartition("}")[2][:60]
            raise wrong(element, Detail("its attribute {value} is not understood here; take it away", plain))


def _event(element: Any, kind: str, messages: dict[str, str]) -> tuple[Timer | None, str, bool]:
    found = [child for child in xmltext.children(element) if xmltext.name_of(child)[0].endswith("EventDefinition")]
    kinds = [xmltext.name_of(child)[0] for child in found]
    if kind == model.RECEIVE:
        return None, _message(element, element, messages), False
    if kind == model.END and kinds in ([], ["terminateEventDefinition"]):
        return None, "", bool(kinds)
    if kind not in (model.CATCH, model.BOUNDARY) and not kinds:
        return None, "", False
    if kind in (model.CATCH, model.BOUNDARY) and kinds == ["timerEventDefinition"]:
        return timer_in(found[0], element), "", False
    if kind in (model.CATCH, model.BOUNDARY) and kinds == ["messageEventDefinition"]:
        return None, _message(found[0], element, messages), False
    raise wrong(element, Detail("it has another event than {value}", {
        model.START: "none", model.END: "none or a termination"}.get(kind, "one timer or one message")))  # fmt: skip


def _message(element: Any, within: Any, messages: dict[str, str]) -> str:
    _check_inside(element, _IN_NODES)
    name = messages.get(element.get("messageRef", ""), "")
    if not name or len(name) > 100:
        raise wrong(within, Detail("it names no message of this file"))
    return name


def _loop(element: Any) -> str:
    """The fact that lists the units whose task it is, each."""
    for loop in _named(element, _LOOP):
        said = [(xmltext.name_of(child), "".join(child.itertext()).strip()) for child in xmltext.children(loop)]
        known = [name for name, value in loop.attrib.items() if (name, value) not in _LOOP_SAYS and name != "id"]
        if len(said) != 1 or said[0][0] != ("loopDataInputRef", BPMN) or not FACT.fullmatch(said[0][1]) or known:
            raise wrong(element, Detail("its {value} is parallel, and names a list of units in a {limit} alone",
                                        _LOOP, "loopDataInputRef"))  # fmt: skip
        return said[0][1]
    return ""


def _does(element: Any, kind: str) -> str:
    """What a service task calls, as `step:inspect`."""
    text = element.get("implementation", "") if kind == model.SERVICE else ""
    if kind == model.SERVICE and not _DOES.fullmatch(text):
        raise wrong(element, Detail("its implementation says what it does, as in {limit}", limit="step:inspect"))
    return str(text)


def _calls(element: Any, kind: str) -> str:
    text = element.get("calledElement", "") if kind == model.CALL else ""
    if kind == model.CALL and not _CALLED.fullmatch(text):
        raise wrong(
            element, Detail("it names the process that it calls, as in {limit}", limit="inspection or inspection@3")
        )
    return str(text)


def _lanes(body: Any) -> dict[str, str]:
    """The lane of each node, by its name."""
    found: dict[str, str] = {}
    for lanes in _named(body, "laneSet"):
        for lane in xmltext.children(lanes):
            if xmltext.name_of(lane)[0] != "lane":
                raise unsupported(lane, lanes)
            _check_inside(lane, {"flowNodeRef", "documentation"})
            found.update(
                {(child.text or "").strip(): lane.get("name", "")[:60] for child in _named(lane, "flowNodeRef")}
            )
    return found


def shown_lanes(body: Any) -> Iterator[tuple[str, str]]:
    """The ids and names of lanes, for whoever draws them."""
    for lanes in _named(body, "laneSet"):
        yield from ((lane.get("id", ""), lane.get("name", "")[:60]) for lane in _named(lanes, "lane"))


def _flows(body: Any) -> Iterator[Flow]:
    for element in _named(body, "sequenceFlow"):
        _check_attributes(element)
        _check_inside(element, {"conditionExpression", "documentation", "extensionElements"})
        texts = ["".join(child.itertext()).strip() for child in _named(element, "conditionExpression")]
        try:
            condition = condition_of(texts[0]) if texts else None
        except Wrong as fault:
            raise wrong(element, Detail("its condition is not understood: {value}", fault.words)) from fault
        yield Flow(element.get("id", ""), element.get("sourceRef", ""), element.get("targetRef", ""),
                   element.get("name", "")[:200], condition, element.sourceline,
                   forms.words_in(element)[0])  # fmt: skip


def _named(element: Any, name: str) -> list[Any]:
    return [child for child in xmltext.children(element) if xmltext.name_of(child) == (name, BPMN)]
