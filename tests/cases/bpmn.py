"""BPMN files for tests, from a few words."""

from __future__ import annotations

_HEAD = ('<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" id="d" targetNamespace="t" '
         'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">')  # fmt: skip


def bpmn(elements: str, flows: str, name: str = "permit", beside: str = "") -> bytes:
    """A file; `flows` are lines such as `start > review` or `choice > grant: area < 6`, elements are XML."""
    body = f'<process id="{name}" name="A process">{elements}{_flows(flows)}</process>'
    return f"{_HEAD}{beside}{body}</definitions>".encode()


def _flows(lines: str) -> str:
    return "".join(_flow(line.strip()) for line in lines.strip().splitlines())


def _flow(line: str) -> str:
    ends, _, condition = line.partition(": ")
    source, target = ends.split(" > ")
    inner = f"<conditionExpression>{condition.replace('<', '&lt;')}</conditionExpression>" if condition else ""
    return f'<sequenceFlow id="{source}_{target}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


PERMIT = bpmn(
    """<laneSet><lane id="l" name="officer"><flowNodeRef>review</flowNodeRef></lane></laneSet>
    <startEvent id="start"/><userTask id="review" name="Review"/>
    <boundaryEvent id="late" attachedToRef="review" cancelActivity="false">
      <timerEventDefinition><timeDuration>5 working days</timeDuration></timerEventDefinition></boundaryEvent>
    <serviceTask id="remind" implementation="step:remind"/>
    <exclusiveGateway id="size" default="size_visit"/>
    <serviceTask id="grant" implementation="step:grant"/>
    <userTask id="visit"/><parallelGateway id="both"/>
    <intermediateCatchEvent id="papers"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
    <intermediateCatchEvent id="week"><timerEventDefinition><timeDuration>P7D</timeDuration></timerEventDefinition>
    </intermediateCatchEvent><parallelGateway id="joined"/><task id="note"/>
    <endEvent id="done"/><endEvent id="reminded"/>""",
    """start > review
    review > size
    late > remind
    remind > reminded
    size > grant: area_m2 <= 6 and kind in ("art", "goods")
    size > visit
    visit > both
    both > papers
    both > week
    papers > joined
    week > joined
    joined > note
    note > grant
    grant > done""",
    beside='<message id="m" name="papers-came"/>',
)
