"""A bridge's rules: which topics are readings, and what messages on them say."""

from __future__ import annotations

import pytest

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.bridge import Message, Topic, read, readings

T0 = 1_777_636_800_000_000
BRIDGE = """
broker: mqtt://localhost:1883
topics:
  - {topic: "water/{zone}/{datastream}", payload: number, datastream: "{zone}-{datastream}"}
  - {topic: "lora/+/up", payload: json, datastream: device.name, result: data.value, time: at}
  - {topic: "bulk/#", payload: lines}
"""


def said(topic: str, payload: bytes) -> tuple[list[tuple[str, float, int]], dict[str, int]]:
    found, faults = readings([Message(topic, payload, T0)], read(BRIDGE).topics)
    rows = zip(found.datastream.to_pylist(), found.result.tolist(), (found.at_us - T0).tolist(), strict=True)
    return list(rows), dict(faults)


def test_a_number_is_a_reading_of_the_stream_that_the_topic_names() -> None:
    assert said("water/north/p1", b" 3.5 ") == ([("north-p1", 3.5, 0)], {})


def test_json_says_its_stream_its_value_and_its_time() -> None:
    body = b'{"device":{"name":"g-7"},"data":{"value":8},"at":"2026-05-01T12:00:01Z"}'
    assert said("lora/x/up", body) == ([("g-7", 8.0, 1_000_000)], {})
    assert said("lora/x/up", b'{"device":{"name":7},"data":{"value":8}}') == ([("7", 8.0, 0)], {})


def test_lines_are_several_readings() -> None:
    lines = b'{"datastream":"a","result":1,"phenomenonTime":"2026-05-01T12:00:00Z"}\n' * 2 + b"oops\n"
    assert said("bulk/a/b", lines) == ([("a", 1.0, 0), ("a", 1.0, 0)], {"not_readable": 1})


@pytest.mark.parametrize(("topic", "payload", "code"), [
    ("water/north/p1", b"wet", "not_a_number"), ("water/north/p1", b"nan", "not_a_number"),
    ("water/north/p1", b"", "not_a_number"), ("water/north", b"1", "no_topic"), ("lora/x/up", b"{", "not_readable"),
    ("lora/x/up", b"[" * 10_000, "not_readable"), ("lora/x/up", b'{"device":{"name":"g"}}', "not_a_number"),
    ("lora/x/up", b'{"data":{"value":1}}', "unknown_sensor"),
    ("lora/x/up", b'{"device":{"name":"g"},"data":{"value":1},"at":"noon"}', "no_instant"),
    ("lora/x/up", b'{"device":{"name":"g"},"data":{"value":1},"at":"2026-05-01T12:00:00"}', "no_time_zone"),
    ("lora/x/up", b'{"device":{"name":"g"},"data":{"value":1},"at":5}', "no_instant"),
    ("bulk/x", b"1" * 1_000_001, "too_long"),
])  # fmt: skip
def test_a_message_that_says_nothing_is_counted_by_reason(topic: str, payload: bytes, code: str) -> None:
    assert said(topic, payload) == ([], {code: 1})


def test_what_the_broker_is_asked_for_has_wildcards_where_names_are() -> None:
    assert Topic("water/{zone}/{datastream}", "number").filter == "water/+/+"


@pytest.mark.parametrize(("text", "where"), [
    ("broker: http://x\ntopics: [{topic: a, payload: lines}]", "broker"), ("topics: []", "broker"),
    ("broker: mqtt://x\ntopics: [{topic: 'a/b#', payload: lines}]", "a/b#"),
    ("broker: mqtt://x\ntopics: [{topic: '#/a', payload: lines}]", "#/a"),
    ("broker: mqtt://x\ntopics: [{topic: 'a{x}', payload: lines}]", "a{x}"),
    ("broker: mqtt://x\ntopics: [{topic: '{x}/{x}', payload: lines}]", "twice"),
    ("broker: mqtt://x\ntopics: [{topic: 'a/+', payload: number}]", "{datastream}"),
    ("broker: mqtt://x\ntopics: [{topic: 'a/+', payload: number, datastream: pump}]", "does not name"),
    ("broker: mqtt://name:word@x\ntopics: [{topic: a, payload: lines}]", "broker"), ("a: [", "line"),
    ("a: &b 1\nc: *b", "anchors"),
])  # fmt: skip
def test_a_bridge_that_cannot_work_is_refused_with_the_place(text: str, where: str) -> None:
    with pytest.raises(Refused) as refused:
        read(text)
    assert refused.value.code == "signals.bridge"
    assert where in str(refused.value)
