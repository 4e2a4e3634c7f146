"""Both roads that events take to their handlers: where they happen, and over a broker between machines."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from django.db.models import Q

from cityloom.bus import actions
from cityloom.bus.contrib.nats.line import NatsLine
from cityloom.bus.jobs import Carrier
from cityloom.bus.models import OutboxEvent
from cityloom.bus.plugins import Address
from cityloom.kernel import clock, ids
from tests.required import missing

URL = os.environ.get("CITYLOOM_TEST_NATS", "nats://127.0.0.1:4222")
LONG_S = 30.0
Deliver = Callable[[datetime], None]


def reachable() -> None:
    """Skip where there is no NATS server, or fail where there has to be one."""
    address = urlsplit(URL)
    try:
        socket.create_connection((address.hostname or "", address.port or 4222), 2).close()
    except OSError as error:
        missing("nats", f"no server answers at {URL} ({type(error).__name__})")


@pytest.fixture(scope="session")
def line() -> Iterator[NatsLine]:
    """One line for all; each test that wants a stream of its own asks for `fresh`."""
    reachable()
    made = NatsLine(Address(URL, f"test-{ids.new_ulid()}"))
    until(lambda: made.is_up)
    yield made
    made.erase()
    made.close()


@pytest.fixture
def carrier(line: NatsLine) -> Iterator[Carrier]:
    made = Carrier(line)
    yield made
    line.serve(())
    line._do(line._js.purge_stream(line.stream))
    line.come(0)


@pytest.fixture(params=["in process", "nats"])
def road(request: pytest.FixtureRequest) -> Deliver:
    """What delivers all that is due at an instant."""
    if request.param == "in process":
        return _drained
    return over(request.getfixturevalue("carrier"))


def over(carrier: Carrier) -> Deliver:
    def deliver(at: datetime) -> None:
        carrier.send()
        until(lambda: not on_their_way() or (carrier.take(at, 0.05) and not on_their_way()))
        carrier.deliver(at)

    return deliver


def on_their_way() -> bool:
    """Whether an event of the city is with the broker, or about to be, and no handler has said anything of it."""
    mine = OutboxEvent.objects.filter(settled=False, exercise_id="")
    return mine.filter(Q(runs=None) | Q(runs__state="waiting", runs__next_try_at=None)).exists()


def until(condition: Callable[[], object]) -> None:
    deadline = clock.stopwatch() + LONG_S
    while not condition():
        assert clock.stopwatch() < deadline
        threading.Event().wait(0.01)


def _drained(at: datetime) -> None:
    actions.drain(at=at)
