"""A question to the city's database ends when its time is over, so that none holds a process for minutes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

from cityloom.signals.readings import deadline
from cityloom.signals.sensorthings.terms import is_postgresql

LONGEST_S = 20.0
LONGEST_BATCH_S = 60.0
_STEPS_BETWEEN_LOOKS = 100_000
"""Of SQLite's machine: some milliseconds."""
_ENDED = ("interrupted", "statement timeout")


@contextmanager
def longest(seconds: float) -> Iterator[None]:
    """Answer a question within so long.

    Raises: Refused `signals.sta_slow`.
    """
    with deadline.within(seconds):
        deadline.check()
        end = _on_postgresql if is_postgresql() else _on_sqlite
        try:
            with end():
                yield
        except OperationalError as fault:
            if any(word in str(fault) for word in _ENDED):
                raise deadline.over() from fault
            raise


@contextmanager
def _on_sqlite() -> Iterator[None]:
    """Ends one statement; those that clear up after it may go on."""
    ended: list[bool] = []

    def is_over() -> bool:
        if ended or deadline.left_s() > 0:
            return False
        ended.append(True)
        return True

    connection.ensure_connection()
    connection.connection.set_progress_handler(is_over, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        if connection.connection is not None:
            connection.connection.set_progress_handler(None, 0)


@contextmanager
def _on_postgresql() -> Iterator[None]:
    """Each statement has what is left at the beginning; between them the budget looks at the time."""
    local = "LOCAL " if connection.in_atomic_block else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SET {local}statement_timeout = {max(round(deadline.left_s() * 1e3), 1)}")
    try:
        yield
    finally:
        if connection.is_usable():
            with connection.cursor() as cursor:
                cursor.execute(f"SET {local}statement_timeout TO DEFAULT")
