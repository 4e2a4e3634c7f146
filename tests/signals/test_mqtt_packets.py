"""What a broker sends is read whole and in order, however the network cuts it; nothing odd stops the bridge."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.signals.contrib.mqtt.inbox import Inbox
from cityloom.signals.contrib.mqtt.packets import Came, Other, acknowledgements, taken_apart

LARGEST = 1_000_000
messages = st.builds(
    lambda topic, payload, qos, mid, dup: Came(topic, payload, mid if qos else 0, qos, dup and qos > 0),
    st.text(st.characters(codec="utf-8", exclude_characters="\0+#"), min_size=1, max_size=20),
    st.binary(max_size=300), st.integers(0, 1), st.integers(1, 65_535), st.booleans(),
)  # fmt: skip
others = st.builds(Other, st.sampled_from([0x20, 0x34, 0x40, 0x62, 0x90, 0xD0, 0xE0]), st.binary(max_size=200))


def size(many: int) -> bytes:
    out = b""
    while True:
        many, low = divmod(many, 128)
        out += bytes([low | (128 if many else 0)])
        if not many:
            return out


def written(packet: Came | Other, properties: bytes = b"") -> bytes:
    """A packet as section 3.3 of MQTT 5.0 writes it."""
    if isinstance(packet, Other):
        return bytes([packet.command]) + size(len(packet.body)) + packet.body
    topic = packet.topic.encode()
    number = packet.mid.to_bytes(2, "big") if packet.qos else b""
    body = len(topic).to_bytes(2, "big") + topic + number + size(len(properties)) + properties + packet.payload
    return bytes([0x30 | packet.dup << 3 | packet.qos << 1]) + size(len(body)) + body


@given(st.lists(st.tuples(messages | others, st.binary(max_size=100)), max_size=8), st.lists(st.integers(0, 400)))
def test_packets_are_the_same_however_their_bytes_are_cut(
    sent: list[tuple[Came | Other, bytes]], cuts: list[int]
) -> None:
    data = b"".join(written(packet, said) for packet, said in sent)
    found: list[Came | Other] = []
    rest, begin = b"", 0
    for cut in [*cuts, len(data)]:
        packets, at = taken_apart(rest + data[begin : begin + cut], LARGEST)
        rest, begin = (rest + data[begin : begin + cut])[at:], begin + cut
        found += packets
    assert (found, rest) == ([packet for packet, _ in sent], b"")


@pytest.mark.parametrize("data", [b"\x30\xff\xff\xff\xff\x01", b"\x32\x81\x80\x40" + b"x" * 10])
def test_what_is_larger_than_the_broker_was_told_is_not_waited_for(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"packet|size"):
        taken_apart(data, LARGEST)


@pytest.mark.parametrize("body", [
    b"", b"\x00", b"\x00\x09abc", b"\x00\x01a", b"\x00\x01a\x00\x00\x00x", b"\x00\x01a\x00\x01\x90\x01x",
    b"\x00\x01a\x00\x01\x05x", b"\x00\x00\x00\x01\x00x",
])  # fmt: skip
def test_an_odd_message_is_left_to_the_library(body: bytes) -> None:
    assert taken_apart(b"\x32" + size(len(body)) + body, LARGEST)[0] == [Other(0x32, body)]


def test_each_acknowledgement_has_the_brokers_number() -> None:
    assert acknowledgements([1, 65_535]) == b"\x40\x02\x00\x01\x40\x02\xff\xff"


def test_who_sends_more_than_is_kept_waits_for_room() -> None:
    inbox, one = Inbox(most=3, most_bytes=10), Came("t", b"12345", 1, 1, False)
    inbox.put([one, one])
    sender = threading.Thread(target=inbox.put, args=([one],))
    sender.start()
    assert inbox.take(5, 1.0, 0.0) == [one, one]
    sender.join()
    assert inbox.take(5, 1.0, 0.0) == [one]
    inbox.put([one] * 3)
    inbox.close()
    inbox.put([one])
    assert len(inbox.take(5, 1.0, 0.0)) == 3
