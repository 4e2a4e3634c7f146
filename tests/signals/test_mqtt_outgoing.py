"""What is told leaves in its order, within what the broker takes at once, and again after a line that was down."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from cityloom.signals.contrib.mqtt.outgoing import Outgoing
from cityloom.signals.contrib.mqtt.packets import Came, taken_apart


class Broker:
    """Takes so many at once, and has each message once by its number until it said so."""

    def __init__(self, most: int) -> None:
        self.most, self.positions, self.unsaid = most, [], []
        self.outgoing = Outgoing(self.read)

    def read(self, data: bytes) -> None:
        packets, rest = taken_apart(data, 1_000)
        assert rest == len(data)
        for one in packets:
            assert isinstance(one, Came)
            if one.mid in self.unsaid:
                assert one.dup
            else:
                self.positions.append(int(one.payload))
                self.unsaid.append(one.mid)
        assert len(self.unsaid) <= self.most

    def say(self, many: int) -> list[int]:
        said, self.unsaid = self.unsaid[:many], self.unsaid[many:]
        return self.outgoing.has(said)


@given(st.integers(1, 5), st.lists(st.sampled_from(["put", "say", "cut", "line"]), max_size=40))
def test_each_message_reaches_a_broker_that_keeps_the_session_once_and_in_order(most: int, steps: list[str]) -> None:
    broker, put, settled = Broker(most), 0, []
    for step in [*steps, "cut", "line", *["say"] * 100]:
        if step == "put":
            broker.outgoing.put((at, "t", str(at).encode()) for at in range(put, put + 3))
            put += 3
        elif step == "say":
            settled += broker.say(2)
        elif step == "cut":
            broker.outgoing.end()
        else:
            broker.outgoing.begin(most, knows_us=True)
    assert broker.positions == settled == list(range(put))
    assert not len(broker.outgoing)


def test_a_broker_that_forgot_the_session_gets_what_was_on_its_way_as_new() -> None:
    broker = Broker(2)
    broker.outgoing.begin(2, knows_us=True)
    broker.outgoing.put((at, "t", str(at).encode()) for at in range(3))
    broker.outgoing.end()
    broker.unsaid, broker.positions = [], []
    broker.outgoing.begin(2, knows_us=False)
    assert broker.positions == [0, 1]
    assert broker.say(2) == [0, 1]
    assert broker.positions == [0, 1, 2]
