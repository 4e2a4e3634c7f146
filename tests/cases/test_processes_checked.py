"""A process is refused before it is uploaded where anything in it could not be run."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.cases.domain.decisions.values import Wrong
from cityloom.cases.domain.processes.conditions import condition_of
from cityloom.cases.domain.processes.drawing import picture_of
from cityloom.cases.domain.processes.reading import process_of
from cityloom.kernel.refused import Refused
from tests.cases.bpmn import PERMIT, bpmn

LINE = "start > a\na > b\nb > end"
STARTS, ENDS = '<startEvent id="start"/>', '<endEvent id="end"/>'


def line(middle: str, **more: str) -> bytes:
    """A process of a start, two elements and an end."""
    return bpmn(f"{STARTS}{middle}{ENDS}", LINE, **more)


def refused(data: bytes) -> str:
    with pytest.raises(Refused) as found:
        process_of(data)
    return found.value.sentence


def test_what_is_supported_is_read_whole():
    process = process_of(PERMIT)
    assert len(process.nodes) == 14
    assert (process.nodes["review"].lane, process.nodes["visit"].lane) == ("officer", "")
    assert process.nodes["late"].timer.limit.amount == 5
    assert not process.nodes["late"].interrupts
    assert process.nodes["week"].timer.after == timedelta(days=7)
    assert process.nodes["papers"].message == "papers-came"
    assert process.flows["size_grant"].condition.facts() == {"area_m2", "kind"}
    picture = picture_of(process)
    assert {drawn.node.id for drawn in picture.nodes} == set(process.nodes)
    assert all(0 <= x <= picture.width and 0 <= y <= picture.height for way in picture.lines for x, y in way.points)


@pytest.mark.parametrize(("element", "says"), [
    ('<scriptTask id="a"><script>import os; os.system("rm")</script></scriptTask>',
     "scriptTask a (line 1) cannot be run"),
    ('<subProcess id="a"/>', "subProcess a"), ('<businessRuleTask id="a"/>', "businessRuleTask a"),
    ('<sendTask id="a"/>', "sendTask a"), ('<complexGateway id="a"/>', "complexGateway a"),
    ('<adHocSubProcess id="a"/>', "adHocSubProcess a"), ('<dataObject id="x"/><task id="a"/>', "dataObject x"),
    ('<userTask id="a"><extensionElements><x/></extensionElements></userTask>',
     "x (line 1) < extensionElements"),
    ('<userTask id="a"><multiInstanceLoopCharacteristics/></userTask>', "multiInstanceLoopCharacteristics"),
    ('<userTask id="a" xmlns:c="camunda" c:assignee="x"/>', "its attribute assignee is not understood"),
    ('<task id="a" isForCompensation="true"/>', "its attribute isForCompensation"),
    ('<serviceTask id="a"/>', "its implementation says what it does"), ('<callActivity id="a"/>', "names the process"),
    ('<serviceTask id="a" implementation="os.system"/>', "its implementation"),
    ('<intermediateThrowEvent id="a"/>', "intermediateThrowEvent a"),
    ('<intermediateCatchEvent id="a"/>', "another event than one timer or one message"),
    ('<intermediateCatchEvent id="a"><signalEventDefinition/></intermediateCatchEvent>', "signalEventDefinition"),
    ('<intermediateCatchEvent id="a"><timerEventDefinition><timeCycle>R/PT1H</timeCycle></timerEventDefinition>'
     "</intermediateCatchEvent>", "cycles are not run"),
    ('<intermediateCatchEvent id="a"><timerEventDefinition><timeDuration>soon</timeDuration></timerEventDefinition>'
     "</intermediateCatchEvent>", "its timer soon is not written as"),
    ('<receiveTask id="a"/>', "names no message"), ("<userTask/>", "it has no id"),
    ('<userTask id="a"/><userTask id="a"/>', "its id stands there twice"),
    ('<exclusiveGateway id="a"/><task id="c"/>', "nothing leaves it"),
])  # fmt: skip
def test_what_cannot_be_run_is_refused_by_its_name_and_id(element, says):
    assert says in refused(line(element + '<userTask id="b"/>'))


@pytest.mark.parametrize(("elements", "flows", "says"), [
    ('<task id="a"/><serviceTask id="b" implementation="step:x"/><exclusiveGateway id="g" default="g_end"/>',
     "start > a\na > b\nb > g\ng > a: x > 1\ng > end", "The process turns for ever in a > b > g > a"),
    ('<exclusiveGateway id="g"/><userTask id="a"/>', "start > g\ng > a: x > 1\ng > end\na > end",
     "has no default flow"),
    ('<exclusiveGateway id="g" default="g_end"/><userTask id="a"/>', "start > g\ng > a\ng > end\na > end",
     "each flow of a choice has a condition"),
    ('<parallelGateway id="g"/><userTask id="a"/>', "start > g\ng > a: x > 1\ng > end\na > end", "only an exclusive"),
    ('<userTask id="a"/><userTask id="b"/>', "start > a\na > end\na > b\nb > end", "several flows leave it"),
    ('<userTask id="a"/><userTask id="b"/>', "start > a\na > end", "userTask b (line 1): nothing leaves it"),
    ('<userTask id="a"/><userTask id="b"/>', "start > a\na > end\nb > end", "nothing leads to it from the start"),
    ('<userTask id="a"/>', "start > a\na > nowhere", "does not lead from one element to another"),
    ('<userTask id="a"/><startEvent id="s2"/>', "start > a\na > end\ns2 > end", "has one start event; this one has 2"),
    ('<exclusiveGateway id="g" default="g_end"/><userTask id="a"/>',
     "start > g\ng > a: __import__('os').system('x') > 1\ng > end\na > end", "its condition is not understood"),
    ('<eventBasedGateway id="g"/><userTask id="a"/>', "start > g\ng > a\na > end",
     "leads to timers and messages alone"),
    ('<userTask id="a"/><boundaryEvent id="b" attachedToRef="start"><timerEventDefinition><timeDuration>PT1H'
     "</timeDuration></timerEventDefinition></boundaryEvent>", "start > a\na > end\nb > end", "is attached to no user"),
])  # fmt: skip
def test_what_would_get_stuck_or_turn_for_ever_is_refused(elements, flows, says):
    assert says in refused(bpmn(f"{STARTS}{elements}{ENDS}", flows))


def test_a_circle_in_which_somebody_waits_is_a_process():
    process_of(bpmn(f'{STARTS}<userTask id="a"/><exclusiveGateway id="g" default="g_end"/>{ENDS}',
                    "start > a\na > g\ng > a: again\ng > end"))  # fmt: skip


def test_a_file_of_a_million_parts_or_with_entities_is_refused():
    assert "at most" in refused(line("<task id='a'/>" * 100_001))
    assert "document type" in refused(b'<!DOCTYPE a [<!ENTITY x "y">]>' + PERMIT)
    assert "cannot be read" in refused(PERMIT[:-40])
    assert "no BPMN 2.0 file" in refused(b"<definitions/>")
    many = "".join(f'<userTask id="u{n}"/>' for n in range(600))
    assert "more than 500 elements" in refused(line(many))


FACTS = {"area": 5, "kind": "art", "old": True, "on": "2026-05-01", "ratio": 2.5}


@pytest.mark.parametrize(("text", "holds"), [
    ("area = 5", True), ("area != 5", False), ("area < 5", False), ("area <= 5 and kind = \"art\"", True),
    ("area > 5 or old", True), ("not(old)", False), ("not(area > 5) and not(kind = \"food\")", True),
    ('kind in ("food", "art")', True), ("area in [1..5)", False), ("area in (< 3, >= 5)", True), ("area in not", None),
    ('on < date("2026-06-01")', True), ("(area > 5 or old) and ratio = 2.5", True), ("area", None), ("kind = 5", None),
    ("missing = 5", None),
])  # fmt: skip
def test_conditions_compare_facts_with_literals(text, holds):
    if holds is None:
        with pytest.raises((Refused, Wrong)):
            condition_of(text).holds(FACTS)
    else:
        assert condition_of(text).holds(FACTS) is holds


@pytest.mark.parametrize("text", ["", "area ==", "5 = area", "area = other", "area + 1 = 2", "area.real = 5", "f(area)",
                                  "area[0]", "lambda: 1", "area = 5;", "area = 5 and", "not area",
                                  "(" * 30 + "old" + ")" * 30,
                                  "old and " * 200 + "old"])  # fmt: skip
def test_anything_else_is_no_condition(text):
    with pytest.raises(Wrong):
        condition_of(text)


@given(st.text(alphabet="ao(<=>and ot)[1.\"'!,", max_size=30))
def test_no_text_does_more_than_be_refused(text):
    try:
        found = condition_of(text)
    except Wrong:
        return
    assert found.facts()
