"""Ids that a client chooses for what it makes, where its key lets it."""

from __future__ import annotations

from typing import Any

from django.db import connection

from cityloom.kernel.refused import Refused
from cityloom.signals.domain.sensorthings.entities import Entity
from cityloom.signals.policies import Writer
from cityloom.signals.sensorthings.reading import exists
from cityloom.signals.sensorthings.rows import KEY
from cityloom.signals.sensorthings.terms import is_postgresql

LARGEST = 10**15
"""The database counts on behind the largest id, and clients read ids as floating point."""


def chosen(by: Writer, entity: Entity, payload: dict[str, Any]) -> int | None:
    """The id that a client has chosen; None where it has not, or may not and is given one as ever.

    Raises: Refused `signals.sta_id`, `signals.sta_id_taken`.
    """
    key = payload.get(KEY) if by.chooses_ids else None
    if key is None:
        return None
    if type(key) is not int or not 0 < key <= LARGEST:
        raise Refused("signals.sta_id", "An id is a whole number from 1 to {limit}; send one, or none.", limit=LARGEST)
    if exists(entity, key):
        raise Refused("signals.sta_id_taken", "There is a {value} already; choose another id, or change what is there.",
                      value=f"{entity.title} {key}")  # fmt: skip
    return key


def count_on(entity: Entity, key: int) -> None:
    """Let PostgreSQL go on counting behind an id that was chosen; SQLite does by itself."""
    if not is_postgresql():
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [entity.table])
        name = cursor.fetchone()[0]
        cursor.execute(f"SELECT setval(%s, %s) FROM {name} WHERE last_value < %s", [name, key, key])  # noqa: S608 - a name of the database's
