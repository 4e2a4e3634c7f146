"""BPMN 2.0 files: what is understood is read, and everything else is refused by its name and id, never skipped."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from cityloom.cases.domain import xmltext
from cityloom.cases.domain.clocks.limits import limit_of
from cityloom.cases.domain.decisions.values import Wrong
from cityloom.cases.domain.processes import process as model
from cityloom.cases.domain.processes import soundness
from cityloom.cases.domain.processes.conditions import condition_of
from cityloom.cases.domain.processes.process import Box, Flow, Node, Point, Process, Timer
from cityloom.kernel.refused import Detail, Refused

BPMN = "http://www.omg.org/spec/BPMN/20100524/MODEL"
LARGEST_BYTES = 2 * 1024 * 1024
MOST_NODES = 500
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,59}")
_CALLED = re.compile(r"[A-Za-z_][\w.-]{0,59}(@[1-9][0-9]{0,5})?")
_DOES = re.compile(r"[a-z][a-z0-9-]{0,39}:[a-z][a-z0-9_-]{0,59}")
_ISO = re.compile(r"P(?:(\d{1,4})W)?(?:(\d{1,4})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?")
_NODES = {model.USER, model.MANUAL, model.SERVICE, model.TASK, model.RECEIVE, model.CALL, model.EXCLUSIVE,
          model.INCLUSIVE, model.PARALLEL, model.BY_EVENT, model.START, model.END, model.CATCH,
          model.BOUNDARY}  # fmt: skip
_ATTRIBUTES = {"id", "name", "default", "attachedToRef", "cancelActivity", "implementation", "calledElement",
               "messageRef", "gatewayDirection", "sourceRef", "targetRef"}  # fmt: skip
_USUAL = {"startQuantity": "1", "completionQuantity": "1", "isForCompensation": "false", "parallelMultiple": "false",
          "instantiate": "false", "isInterrupting": "true", "eventGatewayType": "Exclusive"}  # fmt: skip
_DRAWN_ONLY = {"documentation", "textAnnotation", "association", "group", "category"}
_IN_NODES = {"incoming", "outgoing", "documentation"}
_BESIDE = {"collaboration", "message", "category"}
_HINTS = {
    "scriptTask": Detail("scripts are not run; let a service task ask for a step of the case"),
    "subProcess": Detail("put it into a process of its own and call it"),
    "businessRuleTask": Detail("name the table in the case's type, and let a service task decide"),
}


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
    boxes, ways = _drawn(root)
    name = body.get("id", "")
    if not _NAME.fullmatch(name):
        raise _wrong(body, Detail("the id of a process begins with a letter and has letters, digits, _ . and -"))
    found = Process(name, body.get("name", "")[:200], nodes, flows, {node.lane: node.lane for node in nodes.values()
                    if node.lane}, boxes, ways)  # fmt: skip
    soundness.check(found)
    return found


def _only_process(root: Any) -> Any:
    bodies = []
    for child in xmltext.children(root):
        name, space = xmltext.name_of(child)
        if name == "process" and space == BPMN:
            bodies.append(child)
        elif name not in _BESIDE and name != "BPMNDiagram":
            raise _unsupported(child)
    if len(bodies) != 1:
        raise Refused("cases.process_count", "A file has one process; this one has {value}.", value=len(bodies))
    _check_collaboration(root)
    if bodies[0].get("isExecutable") == "false":
        raise _wrong(bodies[0], Detail("it is drawn and not to be run; set isExecutable to true"))
    return bodies[0]


def _check_collaboration(root: Any) -> None:
    for collaboration in _named(root, "collaboration"):
        for child in xmltext.children(collaboration):
            if xmltext.name_of(child)[0] not in _DRAWN_ONLY | {"participant", "messageFlow"}:
                raise _unsupported(child)
            _check_inside(child, {"documentation"})


def _nodes(body: Any, messages: dict[str, str], lanes: dict[str, str]) -> Iterator[Node]:
    seen: set[str] = set()
    for child in xmltext.children(body):
        name, space = xmltext.name_of(child)
        if name in _DRAWN_ONLY | {"laneSet", "sequenceFlow"} and space == BPMN:
            continue
        if name not in _NODES or space != BPMN:
            raise _unsupported(child)
        node = _node(child, name, messages, lanes)
        if node.id in seen or len(seen) >= MOST_NODES:
            raise _wrong(child, Detail("its id stands there twice, or there are more than {limit} elements",
                                       limit=MOST_NODES))  # fmt: skip
        seen.add(node.id)
        yield node


def _node(element: Any, kind: str, messages: dict[str, str], lanes: dict[str, str]) -> Node:
    identity = element.get("id", "")
    if not _NAME.fullmatch(identity):
        raise _wrong(element, Detail("it has no id, or one that is not of letters, digits, _ . and -"))
    _check_attributes(element)
    events = {"timerEventDefinition", "messageEventDefinition", "terminateEventDefinition"}
    allowed = events if kind in (model.START, model.END, model.CATCH, model.BOUNDARY) else set()
    _check_inside(element, _IN_NODES | allowed)
    timer, message, terminates = _event(element, kind, messages)
    return Node(
        identity, kind, element.get("name", "")[:200], element.sourceline, lanes.get(identity, ""),
        element.get("default", ""), element.get("attachedToRef", ""), element.get("cancelActivity", "true") != "false",
        timer, message, terminates, _does(element, kind), _calls(element, kind),
    )  # fmt: skip


def _check_inside(element: Any, allowed: set[str]) -> None:
    for child in xmltext.children(element):
        name, space = xmltext.name_of(child)
        if name not in allowed or space != BPMN:
            raise _unsupported(child, element)


def _check_attributes(element: Any) -> None:
    """Attributes say what an engine should do; none is skipped but those that say what is so anyway."""
    for name, value in element.attrib.items():
        if str(name) not in _ATTRIBUTES and _USUAL.get(str(name)) != value and not str(value).startswith("##"):
            plain = str(name).rpartition("}")[2][:60]
            raise _wrong(element, Detail("its attribute {value} is not understood here; take it away", plain))


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
        return _timer(found[0], element), "", False
    if kind in (model.CATCH, model.BOUNDARY) and kinds == ["messageEventDefinition"]:
        return None, _message(found[0], element, messages), False
    raise _wrong(element, Detail("it has another event than {value}", {
        model.START: "none", model.END: "none or a termination"}.get(kind, "one timer or one message")))  # fmt: skip


def _message(element: Any, within: Any, messages: dict[str, str]) -> str:
    _check_inside(element, _IN_NODES)
    name = messages.get(element.get("messageRef", ""), "")
    if not name or len(name) > 100:
        raise _wrong(within, Detail("it names no message of this file"))
    return name


def _timer(element: Any, within: Any) -> Timer:
    said = [(xmltext.name_of(child)[0], "".join(child.itertext()).strip()) for child in xmltext.children(element)]
    if len(said) != 1 or said[0][0] not in ("timeDuration", "timeDate"):
        raise _wrong(within, Detail("its timer has one duration or one date; cycles are not run"))
    form, text = said[0]
    try:
        return _date(text) if form == "timeDate" else _duration(text)
    except (ValueError, OverflowError) as error:
        raise _wrong(
            within, Detail("its timer {value} is not written as {limit}", text[:40], _AS_WRITTEN[form])
        ) from error


_AS_WRITTEN = {"timeDuration": "P3DT12H or 5 working days", "timeDate": "2026-05-01T10:00:00+08:00"}


def _date(text: str) -> Timer:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return Timer(at=found)


def _duration(text: str) -> Timer:
    found = _ISO.fullmatch(text)
    if found and any(found.groups()):
        weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
        return Timer(after=timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds))
    try:
        return Timer(limit=limit_of(text))
    except Refused as refusal:
        raise ValueError(text) from refusal


def _does(element: Any, kind: str) -> str:
    """What a service task calls, as `step:inspect`."""
    text = element.get("implementation", "") if kind == model.SERVICE else ""
    if kind == model.SERVICE and not _DOES.fullmatch(text):
        raise _wrong(element, Detail("its implementation says what it does, as in {limit}", limit="step:inspect"))
    return str(text)


def _calls(element: Any, kind: str) -> str:
    text = element.get("calledElement", "") if kind == model.CALL else ""
    if kind == model.CALL and not _CALLED.fullmatch(text):
        raise _wrong(
            element, Detail("it names the process that it calls, as in {limit}", limit="inspection or inspection@3")
        )
    return str(text)


def _lanes(body: Any) -> dict[str, str]:
    """The lane of each node, by its name."""
    found: dict[str, str] = {}
    for lanes in _named(body, "laneSet"):
        for lane in xmltext.children(lanes):
            if xmltext.name_of(lane)[0] != "lane":
                raise _unsupported(lane, lanes)
            _check_inside(lane, {"flowNodeRef", "documentation"})
            found.update(
                {(child.text or "").strip(): lane.get("name", "")[:60] for child in _named(lane, "flowNodeRef")}
            )
    return found


def _flows(body: Any) -> Iterator[Flow]:
    for element in _named(body, "sequenceFlow"):
        _check_attributes(element)
        _check_inside(element, {"conditionExpression", "documentation"})
        texts = ["".join(child.itertext()).strip() for child in _named(element, "conditionExpression")]
        try:
            condition = condition_of(texts[0]) if texts else None
        except Wrong as wrong:
            raise _wrong(element, Detail("its condition is not understood: {value}", wrong.words)) from wrong
        yield Flow(element.get("id", ""), element.get("sourceRef", ""), element.get("targetRef", ""),
                   element.get("name", "")[:200], condition, element.sourceline)  # fmt: skip


def _named(element: Any, name: str) -> list[Any]:
    return [child for child in xmltext.children(element) if xmltext.name_of(child) == (name, BPMN)]


def _drawn(root: Any) -> tuple[dict[str, Box], dict[str, tuple[Point, ...]]]:
    """Where elements are drawn, by the ids of what they show; what has no sound numbers is left out."""
    boxes: dict[str, Box] = {}
    ways: dict[str, tuple[Point, ...]] = {}
    for element in root.iter():
        name = xmltext.name_of(element)[0] if isinstance(element.tag, str) else ""
        if name == "BPMNShape":
            bounds = [child for child in element if xmltext.name_of(child)[0] == "Bounds"]
            numbers = [_number(bounds[0].get(key)) for key in ("x", "y", "width", "height")] if bounds else []
            if len(numbers) == 4 and None not in numbers:
                boxes[element.get("bpmnElement", "")] = tuple(numbers)  # type: ignore[assignment]
        elif name == "BPMNEdge":
            points = [(_number(child.get("x")), _number(child.get("y"))) for child in element
                      if xmltext.name_of(child)[0] == "waypoint"]  # fmt: skip
            if points and all(None not in point for point in points):
                ways[element.get("bpmnElement", "")] = tuple(points)  # type: ignore[arg-type]
    return boxes, ways


def _number(text: str | None) -> float | None:
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if abs(found) <= 100_000 else None


def _unsupported(element: Any, within: Any = None) -> Refused:
    name = xmltext.name_of(element)[0]
    shown = xmltext.shown(element) if within is None else f"{xmltext.shown(element)} < {xmltext.shown(within)}"
    hint = _HINTS.get(name, Detail("take it away, or draw it with what is supported"))
    return Refused("cases.process_unsupported", "{value} cannot be run here: {limit}.", value=shown, limit=hint)


def _wrong(element: Any, words: Detail) -> Refused:
    return Refused("cases.process_wrong", "{value}: {limit}.", value=xmltext.shown(element), limit=words)
