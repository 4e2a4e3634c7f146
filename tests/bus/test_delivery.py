"""The bus, on both its roads: nothing is lost or announced that did not happen, and an operator sees what failed."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from cityloom.bus import actions, queries
from cityloom.bus.domain.backoff import MAX_ATTEMPTS, next_try
from cityloom.bus.domain.wiring import routes_of
from cityloom.kernel.actor import SYSTEM
from cityloom.kernel.refused import Refused
from tests.bus.roads import Deliver

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class BellRang:
    tower: str


class Listener:
    """A handler that notes what it hears, and fails as often as it is told to."""

    __module__ = "cityloom.tests.handlers"

    def __init__(self, name: str, failures: int = 0) -> None:
        self.__name__ = name
        self.failures = failures
        self.heard: list[str] = []

    def __call__(self, event: BellRang, *, envelope: object) -> None:
        if self.failures:
            self.failures -= 1
            raise Refused("bell.deaf", "The listener is away; ring again.")
        self.heard.append(event.tower)


@pytest.fixture
def wire(monkeypatch: pytest.MonkeyPatch):
    def _wire(*listeners: Listener) -> None:
        monkeypatch.setattr(actions, "routes", lambda: routes_of({BellRang: listeners}))

    return _wire


def test_events_arrive_in_order_and_once_at_each_handler(wire, road: Deliver) -> None:
    first, second = Listener("first"), Listener("second")
    wire(first, second)
    for tower in ("north", "south"):
        actions.publish(BellRang(tower), at=NOON)
    road(NOON)
    road(NOON)
    assert first.heard == second.heard == ["north", "south"]


def test_an_event_of_a_transaction_that_failed_was_never_published(wire, road: Deliver) -> None:
    listener = Listener("first")
    wire(listener)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.publish(BellRang("north"), at=NOON)
        raise ZeroDivisionError
    road(NOON)
    assert listener.heard == []


def test_publishing_the_same_event_id_twice_is_one_event(wire, road: Deliver) -> None:
    listener = Listener("first")
    wire(listener)
    for _ in range(2):
        actions.publish(BellRang("north"), at=NOON, event_id="01" * 13)
    road(NOON)
    assert listener.heard == ["north"]


def test_a_handler_that_fails_is_tried_again_later_and_holds_up_nobody(wire, road: Deliver) -> None:
    shaky, steady = Listener("shaky", failures=2), Listener("steady")
    wire(shaky, steady)
    actions.publish(BellRang("north"), at=NOON)
    road(NOON)
    assert (shaky.heard, steady.heard) == ([], ["north"])
    road(NOON)
    assert shaky.failures == 1, "not before its time"
    for seconds in (1, 4):
        road(NOON + timedelta(seconds=seconds))
    assert (shaky.heard, steady.heard) == (["north"], ["north"])
    assert queries.pending("") == 0


def test_a_handler_that_keeps_failing_becomes_a_dead_letter_that_an_operator_replays(wire, road: Deliver) -> None:
    broken = Listener("broken", failures=MAX_ATTEMPTS)
    wire(broken)
    event_id = actions.publish(BellRang("north"), at=NOON)
    for minute in range(MAX_ATTEMPTS + 1):
        road(NOON + timedelta(minutes=2 * minute))
    (letter,) = queries.dead_letters()
    assert (letter.event_id, letter.attempts) == (event_id, MAX_ATTEMPTS)
    assert letter.why == "bell.deaf: The listener is away; ring again."
    later = NOON + timedelta(hours=1)
    actions.replay(event_id=event_id, handler=letter.handler, by=SYSTEM, at=later)
    road(later)
    assert broken.heard == ["north"]
    assert queries.dead_letters() == []
    with pytest.raises(Refused, match="not among the dead letters"):
        actions.replay(event_id=event_id, handler=letter.handler, by=SYSTEM, at=later)


def test_an_exercise_that_a_process_holds_is_left_to_it(wire, road: Deliver) -> None:
    listener = Listener("first")
    wire(listener)
    actions.hold(exercise_id="drill")
    actions.publish(BellRang("north"), at=NOON, exercise_id="drill")
    road(NOON)
    assert listener.heard == []
    actions.drain(at=NOON, exercise_id="drill")
    assert listener.heard == ["north"]


def test_erasing_an_exercise_leaves_the_rest(wire) -> None:
    wire(Listener("first"))
    actions.publish(BellRang("north"), at=NOON, exercise_id="drill")
    actions.publish(BellRang("south"), at=NOON)
    assert actions.forget(exercise_id="drill") == 1
    assert [event.data for event in queries.events_of("")] == [{"tower": "south"}]
    with pytest.raises(Refused, match="Only the events of an exercise"):
        actions.forget(exercise_id="")


def test_waiting_times_double_and_end() -> None:
    waits = [(next_try(n, NOON) - NOON).total_seconds() for n in range(1, MAX_ATTEMPTS)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert next_try(MAX_ATTEMPTS, NOON) is None


def test_what_a_dead_process_had_claimed_is_freed_by_its_successor(wire) -> None:
    listener = Listener("first")
    wire(listener)
    event_id = actions.publish(BellRang("north"), at=NOON)
    actions.drain(at=NOON)
    actions.HandlerRun.objects.update(state="waiting", claimed_until=datetime(2999, 1, 1, tzinfo=UTC))
    actions.OutboxEvent.objects.filter(id=event_id).update(settled=False)
    actions.drain(at=NOON)
    assert listener.heard == ["north"]
    actions.reclaim()
    actions.drain(at=NOON)
    assert listener.heard == ["north", "north"]
