"""Read a table or a query of a department's PostgreSQL, in one read-only snapshot; its library is imported when needed.

Where a connection leads stands outside of every mapping: in `$CITYLOOM_SOURCE_<NAME>`, or in the file
`secrets/source-<name>` of the city's home, which nobody but its owner may read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from cityloom.kernel.refused import Refused
from cityloom.registers.domain.tables import Connected, ConnectedTable


class PostgresTable:
    """PostgreSQL, by the name of a connection."""

    name = "postgresql"

    @contextmanager
    def open(self, wanted: Connected) -> Iterator[ConnectedTable]:
        from cityloom.registers.contrib.postgres_table.table import opened  # the library takes a while to import

        with opened(wanted, address_of(wanted.connection)) as table:
            yield table


def address_of(name: str) -> str:
    """Where a connection leads.

    Raises: Refused `registers.no_connection`, `registers.connection_open`.
    """
    variable = "CITYLOOM_SOURCE_" + name.upper().replace("-", "_")
    if os.environ.get(variable):
        return os.environ[variable]
    path = Path(settings.CITYLOOM["HOME"]) / "secrets" / f"source-{name}"
    if not path.is_file():
        raise Refused("registers.no_connection", "There is no connection {value}; write its address (postgresql://...) "
                      "into {limit} of the city's home, for its owner alone (mode 0600).", value=name,
                      limit=f"secrets/source-{name}")  # fmt: skip
    if path.stat().st_mode & 0o077:
        raise Refused("registers.connection_open", "Others can read {limit}, which may hold a password; give it the "
                      "mode 0600, and change the password.", limit=f"secrets/source-{name}")  # fmt: skip
    return path.read_text("utf-8").strip()
