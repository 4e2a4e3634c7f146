"""Ways of a log played on models: gateways, tables of states, and what is allowed when."""

from __future__ import annotations

from pathlib import Path

import pytest

from cityloom.insight.domain.conformance import conformance
from cityloom.insight.domain.net import Player
from cityloom.insight.domain.variants import variants
from cityloom.insight.eventlogs.models import bpmn_net, table_net
from cityloom.kernel.refused import Refused
from tests.insight.drawn import drawn

BPMN = """<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p">
<startEvent id="s"/><task id="t1" name="receive"/><parallelGateway id="g1"/><task id="t2" name="check"/>
<task id="t3" name="advise"/><parallelGateway id="g2"/><exclusiveGateway id="x"/><task id="t4" name="adjust"/>
<task id="t5" name="decide"/><endEvent id="e"/>
<sequenceFlow id="a" sourceRef="s" targetRef="t1"/><sequenceFlow id="b" sourceRef="t1" targetRef="g1"/>
<sequenceFlow id="c" sourceRef="g1" targetRef="t2"/><sequenceFlow id="d" sourceRef="g1" targetRef="t3"/>
<sequenceFlow id="f" sourceRef="t2" targetRef="g2"/><sequenceFlow id="h" sourceRef="t3" targetRef="g2"/>
<sequenceFlow id="i" sourceRef="g2" targetRef="x"/><sequenceFlow id="j" sourceRef="x" targetRef="t4"/>
<sequenceFlow id="k" sourceRef="t4" targetRef="x"/><sequenceFlow id="l" sourceRef="x" targetRef="t5"/>
<sequenceFlow id="m" sourceRef="t5" targetRef="e"/></process></definitions>"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.bpmn"
    path.write_text(BPMN)
    return path


def test_what_is_parallel_may_come_in_any_order(model: Path) -> None:
    player = Player(bpmn_net(model))
    for way in (
        "receive check advise decide",
        "receive advise check decide",
        "receive check advise adjust adjust decide",
    ):
        assert player.play(way.split()).fits, way
    early = player.play(["receive", "check", "decide"])
    assert (early.not_allowed, early.is_over) == ((2,), False)
    twice = player.play(["receive", "check", "check", "advise", "decide"])
    assert (twice.not_allowed, twice.is_over) == ((2,), True)


def test_a_table_of_states_is_a_model() -> None:
    net = table_net(
        "new",
        [
            ("accept", ("new",), "open"),
            ("solve", ("open",), "done"),
            ("reopen", ("done",), "open"),
            ("given", ("new", "open"), ""),
        ],
        ["done"],
        "opened",
    )
    player = Player(net)
    assert player.play(["opened", "given", "accept", "given", "solve", "reopen", "solve"]).fits
    assert player.play(["opened", "solve"]).not_allowed == (1,)
    assert not player.play(["opened", "accept"]).is_over


def test_the_log_is_counted_by_case(model: Path) -> None:
    log = drawn("""
        a: receive 0, check 1, advise 2, decide 3
        b: receive 0, check 1, advise 2, decide 3
        c: receive 0, check 1, advise 2
        d: receive 0, check 1, phone 2, decide 3
    """)
    found = conformance(log, variants(log), bpmn_net(model))
    assert (found.played, found.fitting, found.unfinished) == (4, 2, 2)
    assert (found.steps, found.allowed) == (15, 13)
    assert (found.not_allowed, found.unknown) == ({"phone": 1, "decide": 1}, ("phone",))


@pytest.mark.parametrize(("change", "code"), [
    (("exclusiveGateway", "inclusiveGateway"), "insight.model_unsupported"),
    (("</process>", ""), "insight.model_unreadable"),
    (('<?xml version="1.0"?>', '<!DOCTYPE x [<!ENTITY a "b">]>'), "insight.model_doctype"),
    (("endEvent", "dataObject"), "insight.model_empty"),
])  # fmt: skip
def test_models_that_cannot_be_played_are_refused(model: Path, change: tuple[str, str], code: str) -> None:
    model.write_text(BPMN.replace(*change))
    with pytest.raises(Refused) as refused:
        bpmn_net(model)
    assert refused.value.code == code
