"""How many rows of observations there are, without looking at them: the database's triggers have counted them."""

from __future__ import annotations

from django.db import connection

from cityloom.signals.sensorthings.terms import is_postgresql

_PUBLIC = "datastream_id NOT IN (SELECT id FROM signals_datastream WHERE NOT is_public)"
_COUNTS = "signals_observationcount"
_PARTS = (
    "(SELECT datastream_id, count FROM signals_observationcount UNION ALL"
    " SELECT datastream_id, count FROM signals_observationcountpart) AS parts"
)
_AT_ONCE = 50_000
_TOGETHER = (
    "WITH taken AS (DELETE FROM signals_observationcountpart WHERE id IN (SELECT id FROM signals_observationcountpart"
    " ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED) RETURNING datastream_id, count), sums AS (SELECT datastream_id,"
    " sum(count) AS count FROM taken GROUP BY datastream_id ORDER BY datastream_id)"
    " INSERT INTO signals_observationcount (datastream_id, count) SELECT datastream_id, count FROM sums"
    " ON CONFLICT (datastream_id) DO UPDATE SET count = signals_observationcount.count + excluded.count"
)


def counted(stream: int | None = None, *, private_too: bool) -> int:
    """The rows of one datastream, or of all that may be seen; those of exercises are not among them."""
    terms = [] if private_too else [_PUBLIC]
    terms += [] if stream is None else ["datastream_id = %s"]
    source = _PARTS if is_postgresql() else _COUNTS
    sql = f"SELECT COALESCE(SUM(count), 0) FROM {source} WHERE {' AND '.join(terms) or '1 = 1'}"  # noqa: S608 - constants
    with connection.cursor() as cursor:
        cursor.execute(sql, [] if stream is None else [stream])
        return int(cursor.fetchone()[0])


def put_together() -> None:
    """Add up what single statements have counted on PostgreSQL, so that there is little to sum when somebody asks."""
    if is_postgresql():
        with connection.cursor() as cursor:
            cursor.execute(_TOGETHER, [_AT_ONCE])
