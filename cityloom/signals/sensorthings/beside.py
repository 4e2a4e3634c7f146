"""Observations in columns put beside the table for one question, so that SQL answers it as if all were rows.

A common table expression takes the place of the table's name; what it adds comes from a temporary table. So whatever
the language of `$filter` can say means the same for both.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

from cityloom.kernel.refused import Refused
from cityloom.signals.readings.earlier import Rows
from cityloom.signals.sensorthings import past
from cityloom.signals.sensorthings.terms import is_postgresql

FIRST = 2**62
"""Ids of the rows that are put beside; behind all ids of the table, in the order in which they are given."""
MOST = 1_000_000
_MAKE = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS sta_beside (id bigint, datastream_id bigint, phenomenon_us bigint,"
    " result double precision)"
)
_INDEX = "CREATE INDEX IF NOT EXISTS {}sta_beside_streams ON sta_beside (datastream_id, phenomenon_us)"
_FROM_COLUMNS = "INSERT INTO sta_beside SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::float8[])"


@contextmanager
def put(rows: Rows, known_us: int | None = None) -> Iterator[str]:
    """Put observations beside the table; yields the prefix for questions, about what was known at an instant or now.

    Raises: Refused `signals.sta_many`.
    """
    if len(rows.thing) > MOST:
        raise too_many(len(rows.thing))
    with connection.cursor() as cursor:
        cursor.execute(_MAKE)
        cursor.execute(_INDEX.format("" if is_postgresql() else "temp."))
        cursor.execute("DELETE FROM sta_beside")
        columns = [list(range(FIRST, FIRST + len(rows.thing))), rows.thing.tolist(), rows.at_us.tolist(),
                   rows.result.tolist()]  # fmt: skip
        if is_postgresql():
            cursor.execute(_FROM_COLUMNS, columns)
        else:
            cursor.executemany("INSERT INTO sta_beside VALUES (%s, %s, %s, %s)", list(zip(*columns, strict=True)))
    try:
        yield past.prefix(known_us, beside=True)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM sta_beside")


def too_many(count: int, most: int = MOST) -> Refused:
    """That too many would have to be looked at one by one."""
    return Refused("signals.sta_many", "{value} observations would have to be looked at one by one, more than {limit}"
                   "; narrow the question by Datastream, phenomenonTime or result.", value=count,
                   limit=most)  # fmt: skip
