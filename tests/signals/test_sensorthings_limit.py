"""A question that takes too long ends, is said to be too long, and spoils nothing for the next one."""

from __future__ import annotations

import pytest
from django.db import connection, transaction

from cityloom.kernel.refused import Refused
from cityloom.lake.engines import bare
from cityloom.signals.readings import deadline
from cityloom.signals.sensorthings import limit
from tests.signals.sensing import Api, stream, thing
from tests.signals.test_sensorthings import api

__all__ = ["api"]
pytestmark = pytest.mark.django_db
ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT 1 - n FROM c) SELECT COUNT(*) FROM c"


def test_an_endless_question_to_the_database_ends_and_the_next_one_is_answered() -> None:
    for _ in range(2):
        with pytest.raises(Refused, match="longer than"), limit.longest(0.05), transaction.atomic(), \
                connection.cursor() as cursor:  # fmt: skip
            cursor.execute(ENDLESS)
        with limit.longest(60.0), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchone() == (1,)


def test_an_endless_question_to_the_engine_of_columns_ends() -> None:
    engine = bare()
    with pytest.raises(Refused, match="longer than"), deadline.within(0.05), deadline.ending(engine):
        engine.execute(ENDLESS)
    with deadline.within(60.0), deadline.ending(engine):
        assert engine.execute("SELECT 1").fetchone() == (1,)


def test_who_asks_too_much_is_told_so_alone_and_in_a_batch(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    api.make("Things", thing(stream(results=(1,))))
    monkeypatch.setattr(limit, "LONGEST_S", 0.0)
    assert api.get("Observations", 503)["reason"] == "signals.sta_slow"
    requests = [{"id": "1", "method": "get", "url": "Observations"}, {"id": "2", "method": "get", "url": "Things"},
                {"id": "3", "method": "post", "url": "Things", "body": {"name": "b", "description": "b"}}]  # fmt: skip
    answers = api.post("$batch", {"requests": requests}, 200)["responses"]
    assert [one["status"] for one in answers] == [503, 503, 201]


def test_what_is_around_a_question_bounds_it() -> None:
    with deadline.within(5.0), deadline.within(100.0):
        assert deadline.left_s() <= 5.0
    assert deadline.left_s() == float("inf")
