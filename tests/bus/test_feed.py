"""The feed: in the order of the positions, and no event left out because its transaction ended after a later one's."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from cityloom.bus import actions, queries
from cityloom.bus.domain import gaps
from cityloom.bus.domain.gaps import Gaps, Horizon, unbroken
from tests.bus.test_delivery import BellRang

NOON = datetime(2026, 6, 3, 12, tzinfo=UTC)


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6)), min_size=1, max_size=12), st.randoms())
def test_whatever_order_transactions_end_in_each_event_is_told_once_and_in_order(
    transactions: list[tuple[bool, int]], chance
) -> None:
    """Each transaction takes a position when it begins; some are rolled back; they end in any order."""
    held, visible, told, seconds = Gaps(), set(), [], 0.0
    running = {number + 1: how for number, how in enumerate(transactions)}
    kept = [number for number, (is_kept, _) in running.items() if is_kept]
    last = 0
    while True:
        horizon = Horizon(min(running, default=len(transactions) + 1), len(transactions) + 1)
        places = sorted(place for place in visible if place > last)
        count = held.told(last, places, horizon, seconds)
        told += places[:count]
        last = told[-1] if told else 0
        seconds += 0.15
        if running:
            number = chance.choice(sorted(running))
            if running.pop(number)[0]:
                visible.add(number)
        elif len(told) == len(kept):
            break
        assert seconds < 100
    assert told == kept


def test_a_transaction_that_runs_on_does_not_hold_up_the_rest_for_ever() -> None:
    held, horizon = Gaps(), Horizon(1, 3)
    assert held.told(0, [2], horizon, 0.0) == 0
    assert held.told(0, [2], horizon, gaps.MOST_WAIT_S - 0.1) == 0
    assert held.told(0, [2], horizon, gaps.MOST_WAIT_S) == 1


@pytest.mark.parametrize(("newest_first", "seen"), [([], 0), ([4], 4), ([9, 8, 7], 9), ([9, 8, 5, 4, 2], 2)])
def test_a_page_has_seen_what_lies_before_the_first_hole(newest_first: list[int], seen: int) -> None:
    assert unbroken(newest_first) == seen


def hear(feed: queries.Feed, count: int) -> list[str]:
    """The ids of the next events, as soon as they may be told."""
    heard: list[str] = []
    while len(heard) < count:
        heard += [event.id for _, event in feed.read()]
        time.sleep(0.01)
    return heard


@pytest.mark.django_db(transaction=True)
def test_the_feed_tells_what_happens_from_now_on() -> None:
    feed = queries.Feed()
    wanted = [actions.publish(BellRang(tower), at=NOON) for tower in ("north", "south")]
    heard = hear(feed, 2)
    assert heard == wanted
    assert feed.read() == []
    assert queries.seen_position() == queries.last_position() == feed.position


@pytest.mark.django_db(transaction=True)
def test_on_postgresql_an_event_that_is_committed_late_is_told_before_the_later_one() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("run by tests/verification/test_postgresql.py, on that database")
    import psycopg

    feed = queries.Feed()
    feed.read()
    statement = (
        "INSERT INTO bus_outboxevent (id, type, source, time, data, exercise_id, caused_by, settled)"
        " VALUES (%s, 'cityloom.tests.BellRang.v1', '/tests', now(), '{}', '', '', false)"
    )
    settings = connection.get_connection_params()
    late, early = (psycopg.connect(**{k: v for k, v in settings.items() if k in _LINK}) for _ in range(2))
    with late, early:
        late.execute(statement, [f"{os.getpid()}-late"])
        early.execute(statement, [f"{os.getpid()}-early"])
        early.commit()
        assert feed.read() == []
        late.commit()
        heard = hear(feed, 2)
    assert [name.rpartition("-")[2] for name in heard] == ["late", "early"]


_LINK = {"dbname", "user", "password", "host", "port", "options"}
